package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var keyField = regexp.MustCompile(`(?m)^Subject: (key\d+)\r?$`)

// TestKill: SIGKILL at random moments under load, 20 rounds or for -soak. Whatever was answered 250 is there afterwards:
// in the Maildir, or, for the messages that go elsewhere, in the foreign host's hands or the queue.
func TestKill(t *testing.T) {
	const users, loaders = 10, 8
	far := newCatcher(t)
	s := start(t, users, "relayhost", bracketed(far.addr), "minimal_backoff_time", "1s", "maximal_backoff_time", "2s", "queue_run_delay", "1s")
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var number atomic.Int64
	var mu sync.Mutex
	local, remote := map[string]bool{}, map[string]bool{}
	began := time.Now()
	rounds := 0
	for ; rounds < 20 || time.Since(began) < *soak; rounds++ {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range loaders {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					load(s.smtp, &number, users, func(key string, elsewhere bool) {
						mu.Lock()
						defer mu.Unlock()
						if elsewhere {
							remote[key] = true
						} else {
							local[key] = true
						}
					})
				}
			})
		}
		time.Sleep(time.Duration(100+rnd.IntN(500)) * time.Millisecond) // the random moment
		s.kill()
		close(stop)
		wg.Wait()
		s.startAgain()
	}
	t.Logf("%d rounds in %v, %d local and %d remote messages answered 250", rounds, time.Since(began).Round(time.Second), len(local), len(remote))
	require.Greater(t, len(local), 200)
	require.Greater(t, len(remote), 50)

	found, copies := map[string]bool{}, 0
	for u := range users {
		for name, b := range s.maildir(fmt.Sprintf("u%d", u)) {
			m := keyField.FindSubmatch(b)
			require.NotNil(t, m, "%s is damaged: %.200q", name, b)
			require.Contains(t, string(b), "\r\nend of "+string(m[1])+"\r\n", "%s is cut short", name)
			if found[string(m[1])] {
				copies++
			}
			found[string(m[1])] = true
		}
	}
	for key := range local {
		require.True(t, found[key], "%s was answered 250 and is not in the Maildir", key)
	}
	eventually(t, 60*time.Second, func() error {
		for key := range remote {
			if !far.has(key) {
				return fmt.Errorf("%s was answered 250 and has not been sent on", key)
			}
		}
		return nil
	})
	t.Logf("none lost; %d local and %d remote extra copies", copies, far.extra())

	// What IMAP shows is what the Maildir holds.
	for u := range users {
		d := dialIMAP(t, s)
		require.Contains(t, d.imap(fmt.Sprintf("LOGIN u%d@example.test secret%d", u, u)), "t OK")
		require.Contains(t, d.imap("SELECT INBOX"), fmt.Sprintf("* %d EXISTS", len(s.maildir(fmt.Sprintf("u%d", u)))))
	}
}

// load sends messages over one connection until something breaks, and tells of each that was answered 250.
func load(addr string, number *atomic.Int64, users int, acked func(key string, elsewhere bool)) {
	nc, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(30 * time.Second))
	c := textproto.NewConn(nc)
	if _, _, err := c.ReadResponse(220); err != nil {
		return
	}
	ask := func(want int, format string, args ...any) bool {
		if c.PrintfLine(format, args...) != nil {
			return false
		}
		_, _, err := c.ReadResponse(want)
		return err == nil
	}
	if !ask(250, "EHLO client.example.org") {
		return
	}
	for {
		n := number.Add(1)
		key, to, far := fmt.Sprintf("key%08d", n), fmt.Sprintf("u%d@example.test", n%int64(users)), n%5 == 0
		if far {
			to = "far@elsewhere.test"
		}
		if !ask(250, "MAIL FROM:<s@example.org>") || !ask(250, "RCPT TO:<%s>", to) || !ask(354, "DATA") {
			return
		}
		w := c.DotWriter()
		fmt.Fprintf(w, "Subject: %s\r\n\r\n", key)
		for range n % 50 {
			fmt.Fprintf(w, "%0100d\r\n", n)
		}
		fmt.Fprintf(w, "\r\nend of %s\r\n", key)
		if w.Close() != nil {
			return
		}
		if _, _, err := c.ReadResponse(250); err != nil {
			return
		}
		acked(key, far)
	}
}

// catcher is the foreign mail host of the kill test: it remembers the keys of what it took.
type catcher struct {
	addr string
	mu   sync.Mutex
	got  map[string]int
}

func newCatcher(t *testing.T) *catcher {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	c := &catcher{addr: l.Addr().String(), got: map[string]int{}}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(textproto.NewConn(nc))
		}
	}()
	return c
}

// serve speaks just enough SMTP: what is said is in the message, not in the envelope.
func (c *catcher) serve(conn *textproto.Conn) {
	defer conn.Close()
	conn.PrintfLine("220 far ESMTP")
	for {
		line, err := conn.ReadLine()
		if err != nil {
			return
		}
		switch line[:min(4, len(line))] {
		case "DATA":
			conn.PrintfLine("354 go on")
			b, err := conn.ReadDotBytes()
			if err != nil {
				return
			}
			if m := keyField.FindSubmatch(b); m != nil {
				c.mu.Lock()
				c.got[string(m[1])]++
				c.mu.Unlock()
			}
			conn.PrintfLine("250 2.0.0 Ok")
		case "QUIT":
			conn.PrintfLine("221 2.0.0 Bye")
			return
		default:
			conn.PrintfLine("250 2.0.0 Ok")
		}
	}
}

func (c *catcher) has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[key] > 0
}

func (c *catcher) extra() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.got {
		n += k - 1
	}
	return n
}
