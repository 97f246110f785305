package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a server in this process.
type running struct {
	t    *testing.T
	dir  string
	s    *server.Server
	stop context.CancelFunc
	done chan error
	more []string // parameters that a reload finds beside those of the start
}

// base is what every test's server has: every kind of listener, on ports of the system's choice.
func base(dir string) []string {
	return []string{
		"data_directory=" + dir, "myhostname=mail.example.test", "mydomain=example.test", "virtual_mailbox_domains=example.test",
		"maillog_file=" + dir + "/mail.log", "auth_failure_delay=0", "mail_auth_check=no",
		"smtp_listen=127.0.0.1:0", "submission_listen=127.0.0.1:0", "submissions_listen=127.0.0.1:0", "lmtp_listen=unix:" + dir + "/lmtp",
		"imap_listen=127.0.0.1:0", "imaps_listen=127.0.0.1:0", "pop3_listen=127.0.0.1:0", "pop3s_listen=127.0.0.1:0", "pop2_listen=127.0.0.1:0",
		"http_listen=127.0.0.1:0", "https_listen=127.0.0.1:0",
	}
}

func users(t *testing.T, dir, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(dir+"/users", []byte(text), 0o600))
}

func load(t *testing.T, params ...string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Options{Overrides: params})
	require.NoError(t, err)
	return c
}

func start(t *testing.T, params ...string) *running {
	t.Helper()
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\nbob@example.test:{PLAIN}geheim\n")
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), params...)...)
	return r
}

func (r *running) run(params ...string) {
	r.t.Helper()
	var err error
	r.s, err = server.Open(load(r.t, params...), server.Options{Config: func() (*config.Config, error) {
		return config.Load(config.Options{Overrides: append(slices.Clip(params), r.more...)})
	}})
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done = cancel, make(chan error, 1)
	go func() { r.done <- r.s.Serve(ctx, nil) }()
	r.t.Cleanup(func() { r.end() })
}

// end stops the server and wants that to go well.
func (r *running) end() {
	r.t.Helper()
	if r.stop == nil {
		return
	}
	began := time.Now()
	r.stop()
	require.NoError(r.t, <-r.done)
	require.Less(r.t, time.Since(began), 4*time.Second)
	r.stop = nil
}

func (r *running) log() string {
	b, err := os.ReadFile(r.dir + "/mail.log")
	require.NoError(r.t, err)
	return string(b)
}

// logged waits for a line of the log.
func (r *running) logged(pattern string) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	require.Eventually(r.t, func() bool { return re.MatchString(r.log()) }, time.Minute, 5*time.Millisecond, "%s", pattern)
}

// typist is somebody who types at a port.
type typist struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func (r *running) dial(param string) *typist {
	r.t.Helper()
	a := r.s.Addrs(param)[0]
	c, err := net.Dial(a.Network(), a.String())
	require.NoError(r.t, err)
	if strings.HasSuffix(param, "s_listen") {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	require.NoError(r.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return newTypist(r.t, c)
}

func newTypist(t *testing.T, c net.Conn) *typist {
	t.Cleanup(func() { c.Close() })
	return &typist{t, c, bufio.NewReader(c)}
}

func (y *typist) startTLS() {
	c := tls.Client(y.c, &tls.Config{InsecureSkipVerify: true})
	require.NoError(y.t, c.Handshake())
	y.c, y.r = c, bufio.NewReader(c)
}

func (y *typist) line() string {
	y.t.Helper()
	l, err := y.r.ReadString('\n')
	require.NoError(y.t, err)
	return strings.TrimRight(l, "\r\n")
}

// until reads lines up to one that begins with what.
func (y *typist) until(what ...string) string {
	y.t.Helper()
	var all []string
	for {
		l, err := y.r.ReadString('\n')
		require.NoError(y.t, err, "waits for %q after %q", what, all)
		l = strings.TrimRight(l, "\r\n")
		all = append(all, l)
		for _, w := range what {
			if strings.HasPrefix(l, w) {
				return strings.Join(all, "\n")
			}
		}
	}
}

func (y *typist) say(text string, until ...string) string {
	y.t.Helper()
	_, err := io.WriteString(y.c, text+"\r\n")
	require.NoError(y.t, err)
	return y.until(until...)
}

// mail sends a message over an SMTP connection that has been greeted.
func (y *typist) mail(to string) string {
	y.t.Helper()
	return y.mailFrom("s@far.test", to)
}

func (y *typist) mailFrom(from, to string) string {
	y.t.Helper()
	y.say("MAIL FROM:<"+from+">", "250 ")
	y.say("RCPT TO:<"+to+">", "250 ")
	y.say("DATA", "354 ")
	return y.say("Subject: Xin chào\r\n\r\nhello\r\n.", "250 ", "4", "5")
}

func plain(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}
