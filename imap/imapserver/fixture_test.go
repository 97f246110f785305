package imapserver_test

import (
	"bufio"
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/idle"
)

func TestMain(m *testing.M) {
	if !idle.Serve(serveAlone) {
		goleak.VerifyTestMain(m)
	}
}

// How long to wait for what happens in another goroutine, and between looks.
const (
	waitLong  = time.Minute
	waitShort = 5 * time.Millisecond
)

// testTime is when everything happens.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 7*3600))

// fixture is a server on loopback with a store of its own.
type fixture struct {
	*testing.T
	srv   *imapserver.Server
	store *imaptest.Store
	addr  string
}

// newFixture starts a server for alice and bob, whose passwords are "secret". change may be nil.
func newFixture(t *testing.T, change func(*imapserver.Server)) *fixture {
	t.Helper()
	f := &fixture{T: t, store: imaptest.NewStore()}
	f.store.Now = func() time.Time { return testTime }
	f.srv = &imapserver.Server{Store: f.store, Authenticator: imaptest.Users{"alice": "secret", "bob": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine, Now: f.store.Now}
	if change != nil {
		change(f.srv)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.srv.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, f.srv.Shutdown(ctx))
		require.ErrorIs(t, <-served, imapserver.ErrServerClosed)
	})
	return f
}

// box opens one of alice's mailboxes behind the server's back, making it if need be.
func (f *fixture) box(name string) mail.Mailbox {
	f.Helper()
	var store mail.Store = f.store
	if f.srv != nil {
		store = f.srv.Store
	}
	a, err := store.Account(context.Background(), "alice")
	require.NoError(f, err)
	defer a.Close()
	b, err := a.Open(context.Background(), name)
	if err != nil {
		_, err = a.Create(context.Background(), name, nil)
		require.NoError(f, err)
		b, err = a.Open(context.Background(), name)
		require.NoError(f, err)
	}
	return b
}

// add puts messages into one of alice's mailboxes; "\n" in them becomes CRLF.
func (f *fixture) add(box string, messages ...string) {
	f.Helper()
	a, err := f.box(box).Append(context.Background())
	require.NoError(f, err)
	for _, m := range messages {
		m = strings.ReplaceAll(strings.ReplaceAll(m, "\r\n", "\n"), "\n", "\r\n")
		require.NoError(f, a.Add(context.Background(), strings.NewReader(m), nil))
	}
	_, err = a.Commit(context.Background())
	require.NoError(f, err)
}

// peer is a client that speaks in lines.
type peer struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (f *fixture) dial() *peer {
	f.Helper()
	c, err := net.Dial("tcp", f.addr)
	require.NoError(f, err)
	p := newPeer(f.T, c)
	f.Cleanup(func() { _ = c.Close() })
	return p
}

func newPeer(t *testing.T, c net.Conn) *peer { return &peer{t, c, bufio.NewReader(c)} }

// login dials, logs alice in and selects mailbox unless it is "".
func (f *fixture) login(mailbox string) *peer {
	f.Helper()
	p := f.dial()
	p.line()
	p.do("login LOGIN alice secret")
	if mailbox != "" {
		p.do("select SELECT " + mailbox)
	}
	return p
}

func (p *peer) send(s string) {
	p.Helper()
	_ = p.SetWriteDeadline(time.Now().Add(time.Minute))
	_, err := p.Write([]byte(s))
	require.NoError(p, err)
}

// line reads a line, with the literals in it shown as they came.
func (p *peer) line() string {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Minute))
	s, err := p.r.ReadString('\n')
	require.NoError(p, err, "read so far: %q", s)
	require.True(p, strings.HasSuffix(s, "\r\n"), "%q", s)
	return strings.TrimSuffix(s, "\r\n")
}

// do sends a command, requires OK, and returns the untagged lines.
func (p *peer) do(command string) []string {
	p.Helper()
	lines, status := p.try(command)
	require.Contains(p, status, " OK", "%s", command)
	return lines
}

// try sends a command and returns the untagged lines and the tagged one.
func (p *peer) try(command string) (lines []string, status string) {
	p.Helper()
	tag, _, _ := strings.Cut(command, " ")
	p.send(command + "\r\n")
	for {
		l := p.line()
		if strings.HasPrefix(l, tag+" ") {
			return lines, l
		}
		lines = append(lines, l)
	}
}

// closed requires that the server ends the connection.
func (p *peer) closed() {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(30 * time.Second)) // less than a session that has not logged in may last
	_, err := p.r.ReadByte()
	require.Error(p, err)
	ne, ok := err.(net.Error)
	require.False(p, ok && ne.Timeout(), "connection still open")
}

// dialogue plays a script: lines that begin with "C: " are sent, those with "S: " must come, where "…" stands for
// anything. Other lines are comments.
func (p *peer) dialogue(script string) {
	p.Helper()
	for _, l := range strings.Split(script, "\n") {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "C: "):
			p.send(l[3:] + "\r\n")
		case l == "C:":
			p.send("\r\n")
		case strings.HasPrefix(l, "S: "), l == "S:":
			got := p.line()
			want := strings.TrimPrefix(strings.TrimPrefix(l, "S:"), " ")
			require.Truef(p, like(want, got), "want %s\ngot  %s", want, got)
		}
	}
}

func like(pattern, s string) bool {
	parts := strings.Split(pattern, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$").MatchString(s)
}

const simple = `Date: Mon, 7 Feb 1994 21:52:25 -0800
From: Fred Foobar <foobar@Blurdybloop.example>
Subject: afternoon meeting
To: mooch@owatagu.siam.edu.example
Message-Id: <B27397-0100000@Blurdybloop.example>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

Hello Joe, do you think we can meet at 3:30 tomorrow?
`
