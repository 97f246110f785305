package imapclient_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func alice() *mail.Credentials {
	return &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}
}

// fixture is a server and a client of it.
type fixture struct {
	*testing.T
	srv *imaptest.Server
	*imapclient.Client
	events events
	trace  trace
}

// events collects what a client is told.
type events struct {
	mu   sync.Mutex
	list []imapclient.Event
	news chan struct{}
}

func (e *events) add(ev imapclient.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
	select {
	case e.news <- struct{}{}:
	default:
	}
}

func (e *events) take() []imapclient.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.list
	e.list = nil
	return out
}

// trace collects the lines of a conversation.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (t *trace) add(sent bool, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, map[bool]string{true: "C: ", false: "S: "}[sent]+line)
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// newFixture starts a server and a client that is logged in. The functions may be nil.
func newFixture(t *testing.T, server func(*imaptest.Server), client func(*imapclient.Options)) *fixture {
	t.Helper()
	f := &fixture{T: t, srv: imaptest.NewServer(t)}
	f.events.news = make(chan struct{}, 1)
	if server != nil {
		server(f.srv)
	}
	o := imapclient.Options{Dial: f.srv.Dial, Auth: alice(), Events: f.events.add, Trace: f.trace.add}
	if client != nil {
		client(&o)
	}
	var err error
	f.Client, err = imapclient.Dial(t.Context(), "imaptest.example:143", &o)
	require.NoError(t, err, f.trace.String())
	t.Cleanup(func() { _ = f.Client.Close() })
	return f
}

// selected makes a fixture with n messages in INBOX, which is selected.
func selected(t *testing.T, n int, client func(*imapclient.Options)) *fixture {
	t.Helper()
	f := newFixture(t, nil, client)
	for i := range n {
		f.srv.Add("INBOX", message(i))
	}
	_, err := f.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	return f
}

func message(i int) string {
	return fmt.Sprintf("Date: Mon, 7 Feb 1994 21:52:25 -0800\nFrom: Fred <fred%d@example.test>\nSubject: message %d\nTo: alice@example.test\nMessage-ID: <%d@example.test>\n\nText of message %d.\n", i, i, i, i)
}

// scripted makes a client of a written exchange, whose greeting, login and the rest are in it.
func scripted(t *testing.T, script string, change func(*imapclient.Options)) (*imapclient.Client, *events, error) {
	t.Helper()
	s := imaptest.NewScript(t, script)
	ev := &events{news: make(chan struct{}, 1)}
	o := imapclient.Options{Dial: s.Dial, Auth: alice(), Events: ev.add}
	if change != nil {
		change(&o)
	}
	c, err := imapclient.Dial(t.Context(), "test.example:143", &o)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, ev, err
}

// uids collects the UIDs that a loop yields.
func uids(t *testing.T, ctx context.Context, c *imapclient.Client, set imapclient.Set) (out []mail.UID) {
	t.Helper()
	for m, err := range c.Fetch(ctx, set, nil) {
		require.NoError(t, err)
		out = append(out, m.UID)
	}
	return out
}
