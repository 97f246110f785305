package imapserver_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

// mirror is what a client believes of its mailbox, from nothing but what the server says.
type mirror struct {
	uids  []uint32 // 0: not known yet
	flags map[uint32]string
}

var (
	existsRE  = regexp.MustCompile(`^\* (\d+) EXISTS$`)
	expungeRE = regexp.MustCompile(`^\* (\d+) EXPUNGE$`)
	fetchRE   = regexp.MustCompile(`^\* (\d+) FETCH \((?:FLAGS \(([^)]*)\) )?UID (\d+)(?: FLAGS \(([^)]*)\))?`)
)

// apply takes one untagged response and complains about what can't be.
func (m *mirror) apply(line string) error {
	num := func(s string) int { n, _ := strconv.Atoi(s); return n }
	if x := existsRE.FindStringSubmatch(line); x != nil {
		n := num(x[1])
		if n < len(m.uids) {
			return fmt.Errorf("%s with %d messages", line, len(m.uids))
		}
		m.uids = append(m.uids, make([]uint32, n-len(m.uids))...)
	} else if x := expungeRE.FindStringSubmatch(line); x != nil {
		n := num(x[1])
		if n < 1 || n > len(m.uids) {
			return fmt.Errorf("%s with %d messages", line, len(m.uids))
		}
		delete(m.flags, m.uids[n-1])
		m.uids = append(m.uids[:n-1], m.uids[n:]...)
	} else if x := fetchRE.FindStringSubmatch(line); x != nil {
		n, uid := num(x[1]), uint32(num(x[3]))
		if n < 1 || n > len(m.uids) {
			return fmt.Errorf("%s with %d messages", line, len(m.uids))
		}
		if known := m.uids[n-1]; known != 0 && known != uid {
			return fmt.Errorf("%s but %d has UID %d", line, n, known)
		}
		if n > 1 && m.uids[n-2] != 0 && m.uids[n-2] >= uid {
			return fmt.Errorf("%s behind UID %d", line, m.uids[n-2])
		}
		m.uids[n-1] = uid
		m.flags[uid] = strings.Join(strings.Fields(strings.ReplaceAll(x[2]+x[4], `\Recent`, "")), " ")
	}
	return nil
}

var soak = flag.Duration("soak", 0, "how long TestStress goes on, with 50 sessions")

// Many sessions change one mailbox at random. Each checks that what it is told makes sense, that sequence numbers never
// slip during FETCH, STORE and SEARCH, and at the end that all agree with the store.
func TestStress(t *testing.T) {
	t.Run("memory", func(t *testing.T) { stress(newFixture(t, nil)) })
	t.Run("maildir", func(t *testing.T) {
		stress(newFixture(t, func(s *imapserver.Server) {
			s.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true}
		}))
	})
}

func stress(f *fixture) {
	t := f.T
	f.box("Other")
	for range 20 {
		f.add("INBOX", simple)
	}
	sessions, more := 8, func(round int) bool { return round < 80 }
	if *soak > 0 {
		end := time.Now().Add(*soak)
		sessions, more = 50, func(int) bool { return time.Now().Before(end) }
	}
	var wg sync.WaitGroup
	peers := make([]*peer, sessions)
	mirrors := make([]*mirror, sessions)
	errs := make(chan error, sessions)
	for i := range sessions {
		peers[i] = f.login("")
		mirrors[i] = &mirror{flags: map[uint32]string{}}
		wg.Go(func() { errs <- wander(peers[i], mirrors[i], rand.New(rand.NewPCG(7, uint64(i))), more) })
	}
	wg.Wait()
	for range sessions {
		require.NoError(t, <-errs)
	}
	want := map[uint32]string{}
	for m, err := range f.box("INBOX").Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(t, err)
		want[uint32(m.UID)] = strings.Join(m.Flags.Names(), " ")
	}
	for i, p := range peers {
		for _, command := range []string{"z NOOP", "z FETCH 1:* (FLAGS UID)"} {
			lines, _ := p.try(command) // the mailbox may be empty
			for _, l := range lines {
				require.NoError(t, mirrors[i].apply(l))
			}
			// What the client was told bit by bit is what there is, before it asks for all of it.
			for uid, flags := range mirrors[i].flags {
				require.Equal(t, want[uid], flags, "session %d, UID %d, after %s", i, uid, command)
			}
		}
		require.Equal(t, want, mirrors[i].flags, "session %d", i)
		require.Len(t, mirrors[i].uids, len(want))
	}
}

// wander does commands at random.
func wander(p *peer, m *mirror, rnd *rand.Rand, more func(round int) bool) error {
	run := func(command string) error {
		keep := strings.HasPrefix(command, "FETCH") || strings.HasPrefix(command, "STORE") || strings.HasPrefix(command, "SEARCH")
		tag := "t" + itoa(rnd.IntN(1000))
		if _, err := p.Write([]byte(tag + " " + command + "\r\n")); err != nil {
			return err
		}
		for {
			line, err := p.r.ReadString('\n')
			if err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
			line = strings.TrimSuffix(line, "\r\n")
			switch {
			case strings.HasPrefix(line, tag+" BAD"), strings.Contains(line, "SERVERBUG"):
				return fmt.Errorf("%s: %s", command, line)
			case strings.HasPrefix(line, tag+" "):
				return nil
			case keep && expungeRE.MatchString(line):
				return fmt.Errorf("%s was answered %s", command, line)
			}
			if err := m.apply(line); err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
		}
	}
	if err := run("SELECT INBOX"); err != nil {
		return err
	}
	for round := 0; more(round); round++ {
		n := len(m.uids)
		set := "1:*"
		if n > 0 {
			set = itoa(1 + rnd.IntN(n))
		}
		command := ""
		switch k := rnd.IntN(10); {
		case k == 0:
			command = fmt.Sprintf("APPEND INBOX {%d+}\r\nSubject: %d\r\n\r\nx", 16, rnd.IntN(10))
			command = fixLiteral(command)
		case k == 1 || n == 0:
			command = "NOOP"
		case k == 2:
			command = "FETCH 1:* (UID FLAGS)"
		case k == 3:
			command = "STORE " + set + " " + []string{"+", "-", ""}[rnd.IntN(3)] + `FLAGS (\Flagged work)`
		case k == 4:
			command = "STORE " + set + ` +FLAGS (\Deleted)`
		case k == 5:
			command = "EXPUNGE"
		case k == 6:
			command = "SEARCH UNDELETED"
		case k == 7:
			command = "UID FETCH 1:* (FLAGS)"
		case k == 8:
			command = "COPY " + set + " INBOX"
		default:
			command = []string{"MOVE " + set + " Other", "UID SEARCH ALL", "CHECK", "STORE " + set + ` -FLAGS (\Deleted)`}[rnd.IntN(4)]
		}
		if err := run(command); err != nil {
			return err
		}
	}
	return nil
}
