package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Clients by the hundred that say nothing, speak early, or write letter by letter: the server goes on serving others, with postscreen in front and
// without.
func TestCrowdAtTheDoor(t *testing.T) {
	r := withMaster(t, `postscreen_greet_wait = 60s
postscreen_greet_action = drop
postscreen_access_list = cidr:{{127.0.0.9 permit}}
postscreen_client_connection_count_limit = 0
mynetworks = 127.0.0.9
`, `127.0.0.1:0 inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
127.0.0.2:0 inet n - n - 900 smtpd -o smtpd_client_connection_count_limit=100
`)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	come := func(service, ip string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		c, err := d.Dial("tcp", r.s.Addrs(service)[0].String())
		require.NoError(t, err)
		open = append(open, c)
		return c
	}
	slow := make(chan struct{})
	defer close(slow)
	for n := range 300 {
		for _, service := range []string{"127.0.0.1:0/inet", "127.0.0.2:0/inet"} {
			come(service, fmt.Sprintf("127.3.0.%d", n%6+1)) // says nothing
		}
		if n%3 == 0 {
			early := come("127.0.0.1:0/inet", fmt.Sprintf("127.4.0.%d", n%250+1))
			_, err := io.WriteString(early, "EHLO spam.test\r\nMAIL FROM:<a@spam.test>\r\n")
			require.NoError(t, err)
		}
		if n%10 == 0 {
			c := come("127.0.0.2:0/inet", fmt.Sprintf("127.5.0.%d", n%250+1))
			go func() {
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				for range 1 << 20 {
					select {
					case <-slow:
						return
					case <-tick.C:
						if _, err := io.WriteString(c, "N"); err != nil {
							return
						}
					}
				}
			}()
		}
	}
	for _, service := range []string{"127.0.0.1:0/inet", "127.0.0.2:0/inet"} {
		c := come(service, "127.0.0.9")
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		m := typing(t, c)
		m.until("220 ")
		m.say("EHLO good.test", "250 ")
		require.Contains(t, m.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")
		m.say("QUIT", "221 ")
	}
	// Those who spoke early are gone, and one address had no more than its share.
	r.logged(`postfix/postscreen\[\d+\]: PREGREET \d+ after [\d.]+ from \[127\.4\.0\.\d+\]:\d+: EHLO spam\.test`)
	for range 101 {
		come("127.0.0.2:0/inet", "127.3.0.7")
	}
	r.logged(`warning: Connection concurrency limit exceeded: 101 from \S*\[127\.3\.0\.7\] for service 127\.0\.0\.2:0\n`)
}

// typing makes a typist of a connection.
func typing(t *testing.T, c net.Conn) *typist { return &typist{t, c, bufio.NewReader(c)} }
