package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// typist is an IMAP client of the crash test. It doesn't mind that the server dies; ok is false from then on.
type typist struct {
	c  net.Conn
	r  *bufio.Reader
	in string // the selected mailbox
	ok bool
}

func newTypist(addr, user, password string) *typist {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return &typist{}
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	y := &typist{c: c, r: bufio.NewReader(c), ok: true}
	y.line()
	y.do("LOGIN " + user + " " + password)
	return y
}

func (y *typist) line() string {
	s, err := y.r.ReadString('\n')
	if err != nil {
		y.ok = false
	}
	return strings.TrimRight(s, "\r\n")
}

// do sends a command, with a literal perhaps, and returns the lines up to the tagged one; "" when the server is gone.
func (y *typist) do(cmd string, literal ...string) string {
	if !y.ok {
		return ""
	}
	if len(literal) > 0 {
		cmd += fmt.Sprintf(" {%d+}\r\n%s", len(literal[0]), literal[0])
	}
	if _, err := y.c.Write([]byte("t " + cmd + "\r\n")); err != nil {
		y.ok = false
		return ""
	}
	var all strings.Builder
	for y.ok {
		l := y.line()
		all.WriteString(l + "\n")
		if y.ok && strings.HasPrefix(l, "t ") {
			return all.String()
		}
	}
	return ""
}

func (y *typist) open(box string) {
	if y.in != box && y.do("SELECT "+box) != "" {
		y.in = box
	}
}

// piece is one message of the crash test as the client that made it knows it: only what was acknowledged counts.
type piece struct {
	key              string
	box              string // where it is
	uid              int
	flagged          bool
	gone             bool     // expunged
	moving, dropping bool     // asked for and not answered
	copies, copying  int      // in Copies: acknowledged, asked for
	twins            []string // what a MOVE that was not answered left beside it
	copyUIDs         []int
}

var (
	appendUID = regexp.MustCompile(`APPENDUID \d+ (\d+)`)
	copyUID   = regexp.MustCompile(`COPYUID \d+ \d+ (\d+)`)
	fetched   = regexp.MustCompile(`(?s)\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) BODY\[HEADER\.FIELDS \(SUBJECT\)\] \{\d+\}\nSubject: (\S+)\n`)
)

// work changes the mailboxes until the server is gone.
func work(y *typist, name string, rnd *rand.Rand, letters *[]*piece) {
	for n := len(*letters); y.ok; {
		var l *piece
		if n > 0 && rnd.IntN(4) > 0 {
			l = (*letters)[rnd.IntN(n)]
		}
		switch {
		case l == nil:
			l = &piece{key: fmt.Sprintf("%s-%d", name, n), box: "INBOX"}
			out := y.do("APPEND INBOX", "Subject: "+l.key+"\r\n\r\n"+strings.Repeat("x", rnd.IntN(5000)))
			if m := appendUID.FindStringSubmatch(out); m != nil {
				l.uid, _ = strconv.Atoi(m[1])
				*letters = append(*letters, l)
				n++
			}
		case l.gone:
		case rnd.IntN(3) == 0:
			y.open(l.box)
			if strings.Contains(y.do(fmt.Sprintf(`UID STORE %d +FLAGS.SILENT (\Flagged $Kept)`, l.uid)), "t OK") {
				l.flagged = true
			}
		case l.box == "INBOX" && rnd.IntN(2) == 0:
			y.open("INBOX")
			l.copying++
			if m := copyUID.FindStringSubmatch(y.do(fmt.Sprintf("UID COPY %d Copies", l.uid))); m != nil {
				l.copies++
				uid, _ := strconv.Atoi(m[1])
				l.copyUIDs = append(l.copyUIDs, uid)
			}
		case l.box == "INBOX":
			y.open("INBOX")
			l.moving = true
			if m := copyUID.FindStringSubmatch(y.do(fmt.Sprintf("UID MOVE %d Moved", l.uid))); m != nil {
				l.uid, _ = strconv.Atoi(m[1])
				l.box, l.moving = "Moved", false
			}
		default:
			y.open("Moved")
			if !strings.Contains(y.do(fmt.Sprintf(`UID STORE %d +FLAGS.SILENT (\Deleted)`, l.uid)), "t OK") {
				continue
			}
			l.dropping = true
			if strings.Contains(y.do(fmt.Sprintf("UID EXPUNGE %d", l.uid)), "t OK") {
				l.gone = true
			}
		}
	}
}

// seen is a message as IMAP shows it.
type seen struct {
	key, flags string
}

// look returns what is in a mailbox, by UID, and the UIDVALIDITY.
func look(t *testing.T, y *typist, box string) (map[int]seen, string) {
	out := y.do("SELECT " + box)
	v := regexp.MustCompile(`UIDVALIDITY (\d+)`).FindStringSubmatch(out)
	require.NotNil(t, v, "%s: %s", box, out)
	all := map[int]seen{}
	for _, m := range fetched.FindAllStringSubmatch(y.do("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), -1) {
		uid, _ := strconv.Atoi(m[1])
		all[uid] = seen{m[3], m[2]}
	}
	return all, v[1]
}

// TestHostileCrashIMAP: SIGKILL while mailboxes change. What was answered OK is so afterwards, a UID never means another
// message (RFC 9051 section 2.3.1.1), and no MOVE loses one (RFC 6851 section 3.3: "in at least one of the source or target
// mailboxes"); one that was answered leaves one.
func TestHostileCrashIMAP(t *testing.T) {
	s := start(t, 1)
	y := newTypist(s.imap, "u0", "secret0")
	require.Contains(t, y.do("CREATE Copies")+y.do("CREATE Moved"), "t OK")
	const workers = 4
	letters := make([][]*piece, workers)
	owner, validity := map[string]string{}, map[string]string{} // "box uid" -> key; box -> UIDVALIDITY
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for round := range 8 {
		var wg sync.WaitGroup
		for w := range workers {
			mine := rand.New(rand.NewPCG(rnd.Uint64(), 2))
			wg.Go(func() {
				work(newTypist(s.imap, "u0", "secret0"), fmt.Sprintf("w%d-%d", w, round), mine, &letters[w])
			})
		}
		time.Sleep(time.Duration(150+rnd.IntN(400)) * time.Millisecond) // the random moment
		s.kill()
		wg.Wait()
		s.startAgain()
		y = newTypist(s.imap, "u0", "secret0")
		boxes := map[string]map[int]seen{}
		where := map[string][]string{}
		for _, box := range []string{"INBOX", "Moved", "Copies"} {
			var v string
			boxes[box], v = look(t, y, box)
			if validity[box] == "" {
				validity[box] = v
			}
			require.Equal(t, validity[box], v, "UIDVALIDITY of %s", box)
			for uid, m := range boxes[box] {
				place := fmt.Sprintf("%s %d", box, uid)
				if owner[place] == "" {
					owner[place] = m.key
				}
				require.Equal(t, owner[place], m.key, "the UID %s has come to mean another message", place)
				where[m.key] = append(where[m.key], place)
			}
		}
		for _, mine := range letters {
			for _, l := range mine {
				settle(t, l, boxes, where[l.key])
				for _, uid := range append(l.copyUIDs, l.uid) {
					place := fmt.Sprintf("Copies %d", uid)
					if uid == l.uid {
						place = fmt.Sprintf("%s %d", l.box, uid)
					}
					if owner[place] == "" {
						owner[place] = l.key
					}
					require.Equal(t, owner[place], l.key, "the UID %s was given twice", place)
				}
			}
		}
	}
	n, gone, moved := 0, 0, 0
	for _, mine := range letters {
		for _, l := range mine {
			n++
			if l.gone {
				gone++
			}
			if l.box == "Moved" {
				moved++
			}
		}
	}
	t.Logf("%d messages, %d moved, %d of them expunged", n, moved, gone)
	require.Greater(t, moved, 3)
}

// settle compares a piece with what is there, and takes what is there for true where no answer came.
func settle(t *testing.T, l *piece, boxes map[string]map[int]seen, where []string) {
	t.Helper()
	if l.gone {
		require.NotContains(t, boxes["Moved"], l.uid, "%s was expunged and is back", l.key)
		return
	}
	copies := 0
	var main []string
	for _, p := range where {
		if strings.HasPrefix(p, "Copies ") {
			copies++
		} else if !slices.Contains(l.twins, p) {
			main = append(main, p)
		}
	}
	require.GreaterOrEqual(t, copies, l.copies, "%s: a copy is lost", l.key)
	require.LessOrEqual(t, copies, l.copying, "%s: more copies than were asked for", l.key)
	l.copies, l.copying = copies, copies
	for _, uid := range l.copyUIDs {
		require.Equal(t, l.key, boxes["Copies"][uid].key)
	}
	if l.dropping && len(main) == 0 {
		l.gone = true
		return
	}
	if l.moving && len(main) == 2 { // "SHOULD NOT", and the safe way to fail; the client moves it again
		sort.Strings(main)
		l.twins = append(l.twins, main[1])
		main = main[:1]
	}
	require.Len(t, main, 1, "%s (%+v)", l.key, *l)
	box, uid, _ := strings.Cut(main[0], " ")
	n, _ := strconv.Atoi(uid)
	if l.moving && box == "Moved" {
		l.box, l.uid, l.moving = box, n, false
	}
	require.Equal(t, fmt.Sprintf("%s %d", l.box, l.uid), main[0], "%s is in another place", l.key)
	if l.flagged {
		require.Contains(t, boxes[box][n].flags, `\Flagged`, l.key)
		require.Contains(t, boxes[box][n].flags, `$Kept`, l.key)
	}
}

// TestHostileCrashDemo: SIGKILL at any moment of the first start, then start again: the demo comes up whole, with passwords
// that it shows and that work.
func TestHostileCrashDemo(t *testing.T) {
	if c, err := net.Listen("tcp", "127.0.0.1:2525"); err != nil {
		t.Skip("the demo's port 2525 is taken on this machine")
	} else {
		c.Close()
	}
	for round := range 6 {
		dir := t.TempDir()
		cmd := exec.Command(binary)
		cmd.Dir = dir
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(round*8) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()

		out := &lines{}
		cmd = exec.Command(binary)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
		require.NoError(t, cmd.Start())
		eventually(t, time.Minute, func() error { return match(`Ctrl-C stops it`, out.String()) })
		m := regexp.MustCompile(`(?m)^  (alice@example\.test) +(\S+)$`).FindStringSubmatch(out.String())
		require.NotNil(t, m, "%s", out)
		var y *typist
		eventually(t, time.Minute, func() error {
			if y = newTypist("127.0.0.1:1143", "alice", m[2]); !y.ok {
				return fmt.Errorf("no IMAP yet")
			}
			return nil
		})
		require.Contains(t, y.do("SELECT INBOX"), "t OK", "the password that is shown works")
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait())
	}
}

// lines is what a program prints, readable while it runs.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
