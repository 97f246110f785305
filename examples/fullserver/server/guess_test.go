package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// guesser tries passwords at all services, from addresses of this machine.
type guesser struct{ addr map[string]string }

var services = []string{"imap_listen", "submission_listen", "pop3_listen", "webmail_listen"}

// errLater is the answer "come back later": the guess wasn't looked at.
var errLater = errors.New("later")

// errWrong is the answer "wrong".
var errWrong = errors.New("wrong")

var formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// try logs in: nil, errWrong, errLater, or what went wrong else.
func (g *guesser) try(service, ip, user, password string, patience time.Duration) error {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: patience}
	if service == "webmail_listen" {
		return g.web(d, user, password, patience)
	}
	c, err := d.Dial("tcp", g.addr[service])
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	script := map[string][]string{
		"imap_listen":       {"a LOGIN " + user + " " + password},
		"submission_listen": {"EHLO c.test", "AUTH PLAIN " + plain(user, password)},
		"pop3_listen":       {"USER " + user, "PASS " + password},
	}[service]
	answer := ""
	for _, l := range append([]string{""}, script...) {
		if l != "" {
			if _, err := fmt.Fprintf(c, "%s\r\n", l); err != nil {
				return err
			}
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			if answer = line; !strings.HasPrefix(line, "250-") && (!strings.HasPrefix(line, "* ") || l == "") {
				break
			}
		}
	}
	switch {
	case strings.HasPrefix(answer, "a OK"), strings.HasPrefix(answer, "235 "), strings.HasPrefix(answer, "+OK"):
		return nil
	case strings.HasPrefix(answer, "a NO [AUTHENTICATIONFAILED]"), strings.HasPrefix(answer, "535 5.7.8"), strings.HasPrefix(answer, "-ERR [AUTH]"):
		return errWrong
	case strings.HasPrefix(answer, "a NO [UNAVAILABLE] Too many failed logins"), strings.HasPrefix(answer, "454 4.7.0 Too many"), strings.HasPrefix(answer, "-ERR [SYS/TEMP] too many"):
		return errLater
	}
	return fmt.Errorf("%s answered %q", service, answer)
}

// web goes through the form, as a browser.
func (g *guesser) web(d *net.Dialer, user, password string, patience time.Duration) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	t := &http.Transport{DialContext: d.DialContext}
	defer t.CloseIdleConnections()
	c := &http.Client{Jar: jar, Transport: t, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	read := func(resp *http.Response, err error) (int, string, error) {
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	base := "http://" + g.addr["webmail_listen"] + "/login"
	_, page, err := read(c.Get(base))
	if err != nil {
		return err
	}
	token := formToken.FindStringSubmatch(page)
	if token == nil {
		return fmt.Errorf("no form in %.100q", page)
	}
	status, _, err := read(c.PostForm(base, url.Values{"token": {token[1]}, "user": {user}, "password": {password}}))
	switch {
	case err != nil:
		return err
	case status == http.StatusSeeOther:
		return nil
	case status == http.StatusUnauthorized:
		return errWrong
	case status == http.StatusTooManyRequests:
		return errLater
	}
	return fmt.Errorf("web mail answered %d", status)
}

// Guesses at one account, at many, and from few addresses, over SMTP, IMAP, POP3 and the web together: few are looked at, and all the while the user herself, where she
// has logged in before, and others who come from wherever get in. GUESSES=10000 makes it as many.
func TestGuessing(t *testing.T) {
	total := 600
	if n, err := strconv.Atoi(os.Getenv("GUESSES")); err == nil {
		total = n
	}
	r := start(t, "webmail_listen=127.0.0.1:0", "disable_plaintext_auth=no")
	hash := func(p string) string {
		h, err := passwdfile.Hash("SHA512-CRYPT", p)
		require.NoError(t, err)
		return h
	}
	users(t, r.dir, "alice:"+hash("secret")+"\nbob:"+hash("geheim")+"\n")
	g := &guesser{addr: map[string]string{}}
	for _, s := range services {
		g.addr[s] = r.s.Addrs(s)[0].String()
	}
	for _, s := range services {
		if err := g.try(s, "127.0.0.9", "alice", "secret", 20*time.Second); err != nil {
			var op *net.OpError
			if errors.As(err, &op) && op.Op == "dial" {
				t.Skipf("this system has no other loopback addresses: %v", err)
			}
			require.NoError(t, err, s)
		}
	}
	for name, scene := range map[string]struct {
		guess func(n int) (ip, user string)
		most  int // how many may be looked at
	}{
		"one account":     {func(n int) (string, string) { return fmt.Sprintf("127.1.%d.%d", n>>8, n&255), "alice" }, 25},
		"nobody's":        {func(n int) (string, string) { return fmt.Sprintf("127.2.%d.%d", n>>8, n&255), "nobody" }, 25},
		"twenty accounts": {func(n int) (string, string) { return fmt.Sprintf("127.4.%d.%d", n>>8, n&255), fmt.Sprint("user", n%20) }, 20 * 25},
		"few addresses": {func(n int) (string, string) {
			return fmt.Sprintf("127.3.0.%d", n%8), fmt.Sprint("user", n)
		}, 8 * 25},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			count := map[error]int{}
			began := time.Now()
			work := make(chan int)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					for n := range work {
						ip, user := scene.guess(n)
						err := g.try(services[n%len(services)], ip, user, fmt.Sprint("guess", n), 2*time.Second)
						if err == nil || !errors.Is(err, errWrong) && !errors.Is(err, errLater) && !errors.Is(err, os.ErrDeadlineExceeded) && !os.IsTimeout(err) {
							t.Errorf("guess %d: %v", n, err)
						}
						if err != errWrong && err != errLater {
							err = os.ErrDeadlineExceeded // left waiting, and gone
						}
						mu.Lock()
						count[err]++
						mu.Unlock()
					}
				})
			}
			var worst time.Duration
			for n := range total {
				if n%(total/6+1) == 0 {
					for who, ip := range map[string]string{"alice": "127.0.0.9", "bob": fmt.Sprintf("127.9.%d.%d", n>>8, n&255)} {
						at := time.Now()
						require.NoError(t, g.try(services[n%len(services)], ip, who, map[string]string{"alice": "secret", "bob": "geheim"}[who], 20*time.Second), who)
						worst = max(worst, time.Since(at))
					}
				}
				work <- n
			}
			close(work)
			all.Wait()
			took := time.Since(began)
			t.Logf("%d guesses in %v: %d looked at, %d told to come later, %d were left waiting; the others' logins took %v at most", total, took.Round(time.Millisecond), count[errWrong], count[errLater], count[os.ErrDeadlineExceeded], worst.Round(time.Millisecond))
			require.LessOrEqual(t, count[errWrong], scene.most+int(took/time.Second)*scene.most/25)
		})
	}
}
