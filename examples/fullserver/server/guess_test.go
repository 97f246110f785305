package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dialFrom dials from another address of this machine.
func (r *running) dialFrom(param, ip string) *typist {
	r.t.Helper()
	a := r.s.Addrs(param)[0]
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	c, err := d.Dial("tcp", a.String())
	if err != nil {
		r.t.Skipf("this system has no other loopback addresses: %v", err)
	}
	c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	require.NoError(r.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	r.t.Cleanup(func() { c.Close() })
	return &typist{r.t, c, bufio.NewReader(c)}
}

// Who guesses a password from many addresses, at all services, gets few guesses looked at. The user herself, where she has logged in before,
// and other users notice nothing.
func TestGuessing(t *testing.T) {
	r := start(t)
	login := func(ip, user, password string) string {
		i := r.dialFrom("imaps_listen", ip)
		i.until("* OK")
		return i.say("a LOGIN "+user+" "+password, "a ")
	}
	require.Contains(t, login("127.0.0.9", "alice", "secret"), "a OK")

	const guesses = 60
	var mu sync.Mutex
	var looked, later, waiting int
	var all sync.WaitGroup
	for n := range guesses {
		service := []string{"imaps_listen", "submissions_listen", "pop3s_listen"}[n%3]
		c := r.dialFrom(service, fmt.Sprintf("127.1.%d.1", n))
		all.Go(func() {
			_ = c.c.SetDeadline(time.Now().Add(3 * time.Second))
			guess := fmt.Sprint("guess", n)
			lines := map[string][]string{
				"imaps_listen":       {"a LOGIN alice " + guess},
				"submissions_listen": {"EHLO c.test", "AUTH PLAIN " + plain("alice", guess)},
				"pop3s_listen":       {"USER alice", "PASS " + guess},
			}[service]
			answer := ""
			for _, l := range append([]string{""}, lines...) {
				if l != "" {
					fmt.Fprintf(c.c, "%s\r\n", l)
				}
				for {
					line, err := c.r.ReadString('\n')
					if answer = line; err != nil || !strings.HasPrefix(line, "* ") && !strings.HasPrefix(line, "250-") || strings.HasPrefix(line, "* OK [CAP") {
						break
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case strings.HasPrefix(answer, "a NO [AUTHENTICATIONFAILED]"), strings.HasPrefix(answer, "535 5.7.8"), strings.HasPrefix(answer, "-ERR [AUTH]"):
				looked++
			case strings.HasPrefix(answer, "a NO [UNAVAILABLE] Too many failed logins"), strings.HasPrefix(answer, "454 4.7.0 Too many"), strings.HasPrefix(answer, "-ERR [SYS/TEMP] too many"):
				later++
			case answer == "":
				waiting++
			default:
				t.Errorf("%s answered %q", service, answer)
			}
		})
	}
	all.Wait()
	t.Logf("%d looked at, %d told to come later, %d were left waiting", looked, later, waiting)
	require.LessOrEqual(t, looked, 25)
	require.Equal(t, guesses, looked+later+waiting)

	before := time.Now()
	require.Contains(t, login("127.0.0.9", "alice", "secret"), "a OK")
	require.Contains(t, login("127.0.0.10", "bob@example.test", "geheim"), "a OK")
	require.Less(t, time.Since(before), 10*time.Second)
}
