package intake_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// site is a server with everything behind it but the disk of the mailboxes and other servers.
type site struct {
	t     *testing.T
	store *imaptest.Store
	queue *queue.Queue
	fail  func(operation string) error // of the store
	mu    sync.Mutex
	far   []mail.Envelope // what has gone elsewhere
	texts []string        // and the messages
	back  *intake.Backend
	log   []string
	addr  string
	srv   *smtp.Server
}

type names []string

func (n names) Account(name string) (string, bool) {
	for _, a := range n {
		if strings.EqualFold(a, name) {
			return a, true
		}
	}
	return "", false
}
func (n names) First() string { return n[0] }

// newSite starts a server; extra is more of main.cf.
func newSite(t *testing.T, kind intake.Kind, extra string) *site {
	c, err := config.Read("main.cf", strings.NewReader("myhostname = mail.here.test\nvirtual_mailbox_domains = here.test\nsmtpd_sender_restrictions =\n"+extra), "")
	require.NoError(t, err)
	p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: names{"alice@here.test", "bob@here.test", "carol@here.test"}})
	require.NoError(t, err)
	s := &site{t: t, store: imaptest.NewStore()}
	s.store.Fail = func(op string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.fail != nil {
			return s.fail(op)
		}
		return nil
	}
	where := &local.Deliverer{Store: s.store, Resolve: p.Resolve}
	far := mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, r io.Reader) error {
		text, err := io.ReadAll(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.far, s.texts = append(s.far, *env), append(s.texts, string(text))
		return err
	})
	s.queue = &queue.Queue{
		Dir: t.TempDir(), Hostname: "mail.here.test",
		Route: func(_ context.Context, _, to string) (queue.Route, error) {
			target, err := p.Resolve(to)
			return queue.Route{Transport: string(target.Class), Nexthop: target.Nexthop + target.Account}, err
		},
		Transports: map[string]*queue.Transport{
			"smtp":    {Deliverer: func(string) mail.Deliverer { return far }},
			"virtual": {Deliverer: func(string) mail.Deliverer { return where }, Final: true},
		},
		Backoff: queue.Backoff{Minimal: 50 * time.Millisecond, Maximal: 100 * time.Millisecond},
		Trace: func(e queue.Event) {
			s.note("queue " + e.Line())
		},
	}
	require.NoError(t, s.queue.Start())
	s.back = &intake.Backend{Kind: kind, Policy: p, Local: where, Queue: s.queue, Log: s, Spooler: &spool.Spooler{Dir: t.TempDir()},
		Hostname: "mail.here.test", Hops: int(c.Settings.HopcountLimit), Note: func(id, text string) { s.note("note " + id + ": " + text) }}
	s.srv = &smtp.Server{
		Hostname: "mail.here.test", LMTP: kind == intake.LMTP, AllowNoHello: true, AllowPlaintext: func(*smtp.Conn) bool { return true },
		Authenticator: imaptest.Users{"alice@here.test": "secret"}, RequireAuth: kind == intake.Submission,
		Backend: s.back,
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = l.Addr().String()
	go s.srv.Serve(l)
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		require.NoError(t, s.srv.Shutdown(stop))
		require.NoError(t, s.queue.Shutdown(stop))
	})
	return s
}

func (s *site) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

func (s *site) Received(_ *smtp.Conn, m *intake.Message) {
	s.note(fmt.Sprintf("received %s from=%s id=%s n=%d queued=%v", m.ID, m.From, m.MessageID, m.Recipients, m.Queued))
}
func (s *site) Delivered(_ *smtp.Conn, _ *intake.Message, e *queue.Event) {
	s.note("delivered " + e.Line())
}
func (s *site) Done(_ *smtp.Conn, m *intake.Message) { s.note("done " + m.ID) }

// failFrom makes the store's operation fail from its n-th time on, counted from 1, until it has done so times times.
func (s *site) failFrom(operation string, n, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	s.fail = func(op string) error {
		if op != operation {
			return nil
		}
		if count++; count >= n && count < n+times {
			return errors.New("disk on fire")
		}
		return nil
	}
}

// logged waits until the log has a line with the text in it.
func (s *site) logged(text string) string {
	s.t.Helper()
	var found string
	require.Eventually(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, l := range s.log {
			if strings.Contains(l, text) {
				found = l
				return true
			}
		}
		return false
	}, 10*time.Second, 5*time.Millisecond, "%s", text)
	return found
}

func (s *site) inbox(account string) []string { return s.mailbox(account, "INBOX") }

// mailbox returns the messages of a mailbox, nil where there is none.
func (s *site) mailbox(account, name string) (out []string) {
	s.t.Helper()
	s.mu.Lock()
	s.fail = nil
	s.mu.Unlock()
	a, err := s.store.Account(ctx, account)
	require.NoError(s.t, err)
	b, err := a.Open(ctx, name)
	if errors.Is(err, mail.ErrNoMailbox) {
		return nil
	}
	require.NoError(s.t, err)
	for m, err := range b.Messages(ctx, mail.AllUIDs(), 0) {
		require.NoError(s.t, err)
		body, err := b.OpenBody(ctx, m.UID)
		require.NoError(s.t, err)
		text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
		require.NoError(s.t, err)
		out = append(out, string(text))
	}
	return out
}

// client is somebody who types.
type client struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func (s *site) dial() *client {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	k := &client{s.t, c, bufio.NewReader(c)}
	require.Regexp(s.t, `^220 `, k.reply())
	return k
}

func (k *client) reply() string {
	k.t.Helper()
	var lines []string
	for {
		l, err := k.r.ReadString('\n')
		require.NoError(k.t, err)
		lines = append(lines, strings.TrimRight(l, "\r\n"))
		if len(l) < 4 || l[3] != '-' {
			return strings.Join(lines, "|")
		}
	}
}

// say sends a command and wants a reply that begins so.
func (k *client) say(command, want string) string {
	k.t.Helper()
	_, err := io.WriteString(k.c, command+"\r\n")
	require.NoError(k.t, err)
	got := k.reply()
	require.True(k.t, strings.HasPrefix(got, want), "%s -> %s, not %s", command, got, want)
	return got
}

// send sends a message and returns the reply.
func (k *client) send(text, want string, to ...string) string {
	k.t.Helper()
	k.say("MAIL FROM:<s@far.test>", "250")
	for _, a := range to {
		k.say("RCPT TO:<"+a+">", "250")
	}
	k.say("DATA", "354")
	return k.say(text+".", want)
}
