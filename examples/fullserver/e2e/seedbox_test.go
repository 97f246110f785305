//go:build linux

package e2e

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

var seedbox = flag.Duration("seedbox", 0, "how long TestSeedbox sends; 0: it is left out")

// TestSeedbox: the textbook machine, 256 MB and 5 % of one core. 400 users log in over TLS and wait in IDLE; two messages a second come by SMTP, each to one of
// them, is pushed to him and read. It holds when 99 of 100 are read within a second of the sender's first packet, and the memory sufficed.
func TestSeedbox(t *testing.T) {
	if *seedbox == 0 {
		t.Skip("takes minutes: make seedbox")
	}
	const users, perSecond = 400, 2
	b := newBox(t, 256<<20, 5)
	imaps := freePorts(t, 1)[0]
	var passwords strings.Builder // as "fullserver user add" stores them
	for u := range users {
		hash, err := passwdfile.Hash("", fmt.Sprintf("secret%d", u))
		require.NoError(t, err)
		fmt.Fprintf(&passwords, "u%d@example.test:%s\n", u, hash)
	}
	file := t.TempDir() + "/users"
	require.NoError(t, os.WriteFile(file, []byte(passwords.String()), 0o600))
	began := time.Now()
	s := startIn(t, b.wrap(), users, "imaps_listen", imaps, "smtpd_client_connection_rate_limit", "0", "passwd_file", file)
	t.Logf("load of the machine: %s", loadAverage())
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))

	var wg sync.WaitGroup
	list := make([]*idler, users)
	began = time.Now()
	next := make(chan int)
	var failed atomic.Int64
	for range 20 { // as programs do that come back after the server was away
		wg.Go(func() {
			for u := range next {
				y, err := newIdler(imaps, u)
				if err != nil {
					t.Errorf("u%d: %v", u, err)
					failed.Add(1)
					continue
				}
				list[u] = y
			}
		})
	}
	for u := range users {
		next <- u
	}
	close(next)
	wg.Wait()
	require.Zero(t, failed.Load())
	t.Logf("%d users logged in over TLS and idle: %v", users, time.Since(began).Round(time.Millisecond))

	read := make(chan time.Duration, 1000)
	for _, y := range list {
		defer y.c.Close()
		go func() {
			for {
				d, err := y.next()
				if err != nil {
					return
				}
				read <- d
			}
		}()
	}
	sent := 0
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for end := time.Now().Add(*seedbox); time.Now().Before(end); sent++ {
		<-tick.C
		wg.Go(func() {
			if err := stamped(s.smtp, rand.IntN(users)); err != nil {
				t.Errorf("sending: %v", err)
			}
		})
	}
	wg.Wait()
	var times []time.Duration
	for len(times) < sent {
		select {
		case d := <-read:
			times = append(times, d)
		case <-time.After(time.Minute):
			require.Fail(t, "lost", "%d of %d were never read", sent-len(times), sent)
		}
	}
	slices.Sort(times)
	at := func(percent int) time.Duration {
		return times[min(len(times)*percent/100, len(times)-1)].Round(100 * time.Microsecond)
	}
	t.Logf("%d messages, from the sender's first packet to the reader's last: median %v, 90 %% %v, 99 %% %v, longest %v", sent, at(50), at(90), at(99), at(100))
	t.Logf("memory: %.1f MiB at most, limit hit %d times; load of the machine: %s", float64(b.peak())/(1<<20), b.full(), loadAverage())
	require.Less(t, at(99), time.Second)
	require.Zero(t, b.full())
}

func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// idler is a user's program.
type idler struct {
	c            net.Conn
	r            *bufio.Reader
	exists, read int
	idling       bool
}

func newIdler(addr string, u int) (*idler, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Minute}, Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return idlerOn(c, u)
}

// idlerOn logs in on a connection and waits in IDLE.
func idlerOn(c net.Conn, u int) (*idler, error) {
	y := &idler{c: c, r: bufio.NewReader(c)}
	_ = c.SetDeadline(time.Now().Add(10 * time.Minute))
	if _, err := y.r.ReadString('\n'); err != nil {
		return nil, err
	}
	if _, err := y.do(fmt.Sprintf("LOGIN u%d@example.test secret%d", u, u)); err != nil {
		return nil, err
	}
	if _, err := y.do("SELECT INBOX"); err != nil {
		return nil, err
	}
	return y, y.idle()
}

// do sends a command and returns what comes before its OK.
func (y *idler) do(cmd string) (string, error) {
	if _, err := y.c.Write([]byte("t " + cmd + "\r\n")); err != nil {
		return "", err
	}
	return y.until("t ")
}

func (y *idler) until(begin string) (string, error) {
	var all strings.Builder
	for {
		line, err := y.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(line, begin) {
			if begin == "t " && !strings.HasPrefix(line, "t OK") {
				return "", fmt.Errorf("%s", line)
			}
			return all.String(), nil
		}
		y.note(line)
		all.WriteString(line)
	}
}

func (y *idler) idle() error {
	if _, err := y.c.Write([]byte("t IDLE\r\n")); err != nil {
		return err
	}
	y.idling = true
	_, err := y.until("+")
	return err
}

var (
	existsLine = regexp.MustCompile(`^\* (\d+) EXISTS`)
	sentField  = regexp.MustCompile(`X-Sent: (\d+)`)
)

// told waits until there is a message that wasn't read.
func (y *idler) told() error {
	_ = y.c.SetDeadline(time.Now().Add(24 * time.Hour))
	for y.read == y.exists {
		if !y.idling {
			if err := y.idle(); err != nil {
				return err
			}
			continue // it may have been told of meanwhile
		}
		line, err := y.r.ReadString('\n')
		if err != nil {
			return err
		}
		y.note(line)
	}
	return nil
}

// next waits for the next message to be pushed, reads it, and returns how old it is.
func (y *idler) next() (time.Duration, error) {
	if err := y.told(); err != nil {
		return 0, err
	}
	if y.idling {
		y.idling = false
		if _, err := y.c.Write([]byte("DONE\r\n")); err != nil {
			return 0, err
		}
		if _, err := y.until("t "); err != nil {
			return 0, err
		}
	}
	y.read++
	text, err := y.do(fmt.Sprintf("FETCH %d BODY[]", y.read))
	if err != nil {
		return 0, err
	}
	now := time.Now()
	stamp := sentField.FindStringSubmatch(text)
	if stamp == nil {
		return 0, fmt.Errorf("no stamp in %q", text)
	}
	nano, err := strconv.ParseInt(stamp[1], 10, 64)
	return now.Sub(time.Unix(0, nano)), err
}

// note remembers how many messages there are.
func (y *idler) note(line string) {
	if m := existsLine.FindStringSubmatch(line); m != nil {
		y.exists, _ = strconv.Atoi(m[1])
	}
}

// stamped sends a message of 4 KiB with the time in it, on a connection of its own.
func stamped(addr string, u int) error {
	now := time.Now()
	s, err := newFeeder(addr)
	if err != nil {
		return err
	}
	defer s.nc.Close()
	if err := s.send(u, now); err != nil {
		return err
	}
	return s.say("QUIT", 221)
}

// feeder is a connection to an SMTP server.
type feeder struct {
	nc net.Conn
	c  *textproto.Conn
}

func newFeeder(addr string) (*feeder, error) {
	nc, err := net.DialTimeout("tcp", addr, time.Minute)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(2 * time.Minute))
	s := &feeder{nc, textproto.NewConn(nc)}
	if _, _, err = s.c.ReadResponse(220); err == nil {
		err = s.say("EHLO client.example.org", 250)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

func (s *feeder) say(text string, want int) error {
	if err := s.c.PrintfLine("%s", text); err != nil {
		return err
	}
	_, _, err := s.c.ReadResponse(want)
	return err
}

// send sends a message of 4 KiB with a time in it.
func (s *feeder) send(u int, stamp time.Time) error {
	for _, x := range []struct {
		say  string
		want int
	}{{"MAIL FROM:<s@example.org>", 250}, {fmt.Sprintf("RCPT TO:<u%d@example.test>", u), 250}, {"DATA", 354},
		{fmt.Sprintf("Subject: seedbox\r\nX-Sent: %d\r\n\r\n%s.", stamp.UnixNano(), strings.Repeat(strings.Repeat("x", 62)+"\r\n", 64)), 250}} {
		if err := s.say(x.say, x.want); err != nil {
			return err
		}
	}
	return nil
}
