package collect_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3/pop3test"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("COLLECT_KILLED"); dir != "" {
		killed(dir)
	}
	goleak.VerifyTestMain(m)
}

// home is where mail is fetched to: mailboxes, and a collector for them.
type home struct {
	*testing.T
	o     collect.Options
	c     *collect.Collector
	store *maildir.Store
	stop  func()

	mu  sync.Mutex
	at  time.Time
	log bytes.Buffer
}

func (h *home) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *home) later(d time.Duration) {
	h.mu.Lock()
	h.at = h.at.Add(d)
	h.mu.Unlock()
	h.c.Nudge()
}

// Write implements io.Writer, for the log.
func (h *home) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *home) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func newStore(dir string) *maildir.Store {
	return &maildir.Store{PathFunc: func(user string) (string, error) { return filepath.Join(dir, "mail", user), nil }, NoTextCache: true}
}

// options are those of a collector in dir, which fetches into store.
func options(dir string, store *maildir.Store) collect.Options {
	return collect.Options{
		Dir: filepath.Join(dir, "fetch"), KeyFile: filepath.Join(dir, "key"), Hostname: "mail.home.test", AuthservIDs: []string{"mail.home.test"},
		Mailbox: func(ctx context.Context, user, folder string) (mail.Mailbox, error) {
			a, err := store.Account(ctx, user)
			if err != nil {
				return nil, err
			}
			defer a.Close()
			return a.Open(ctx, folder)
		},
	}
}

// newHome starts a collector, after change has seen its options.
func newHome(t *testing.T, change ...func(*collect.Options)) *home {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "fetch"), 0o700))
	h := &home{T: t, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), store: newStore(dir)}
	h.o = options(dir, h.store)
	h.o.Now, h.o.Log = h.now, slog.New(slog.NewTextHandler(h, nil))
	for _, c := range change {
		c(&h.o)
	}
	h.start()
	t.Cleanup(func() { h.stop(); _ = h.store.Close() })
	return h
}

func (h *home) start() {
	h.Helper()
	var err error
	h.c, err = collect.Open(h.o)
	require.NoError(h, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.c.Run(ctx)
	}()
	h.stop = func() { cancel(); <-done }
}

func (h *home) restart() {
	h.Helper()
	h.stop()
	h.start()
}

// at is the account of a test server.
func at(s *pop3test.Server) collect.Account { return account(s.Addr) }

func account(addr string) collect.Account {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err)
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		panic(err)
	}
	return collect.Account{Host: host, Port: port, TLS: collect.TLSNone, User: pop3test.Username, Folder: "INBOX", Days: collect.Forever}
}

// save keeps an account, waits for its first run where it isn't paused, and returns what has come of it.
func (h *home) save(user string, a collect.Account) collect.View {
	h.Helper()
	require.NoError(h, h.c.Save(h.Context(), user, a, pop3test.Password))
	return h.settled(user, func(v collect.View) bool { return a.Paused || !v.Ended.IsZero() })
}

// settled waits until the user's last account is as it shall be.
func (h *home) settled(user string, is func(v collect.View) bool) (v collect.View) {
	h.Helper()
	require.Eventually(h, func() bool {
		all := h.c.Accounts(user)
		if len(all) == 0 {
			return false
		}
		v = all[len(all)-1]
		return !v.Running && is(v)
	}, time.Minute, time.Millisecond)
	return v
}

// fetch fetches from the user's last account.
func (h *home) fetch(user string) collect.View {
	h.Helper()
	h.later(2 * time.Minute)
	all := h.c.Accounts(user)
	require.NotEmpty(h, all)
	require.NoError(h, h.c.Fetch(h.Context(), user, all[len(all)-1].Account.ID))
	return h.settled(user, func(collect.View) bool { return true })
}

// mailIn returns the messages of a mailbox.
func (h *home) mailIn(user, folder string) (out []string) {
	h.Helper()
	box, err := h.o.Mailbox(h.Context(), user, folder)
	require.NoError(h, err)
	defer box.Close()
	for m, err := range box.Messages(h.Context(), mail.AllUIDs(), 0) {
		require.NoError(h, err)
		b, err := box.OpenBody(h.Context(), m.UID)
		require.NoError(h, err)
		text, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		require.NoError(h, err)
		require.NoError(h, b.Close())
		out = append(out, string(text))
	}
	return out
}

// subjects returns the Subject of each message of a mailbox.
func (h *home) subjects(user, folder string) (out []string) {
	for _, m := range h.mailIn(user, folder) {
		_, rest, _ := strings.Cut(m, "Subject: ")
		s, _, _ := strings.Cut(rest, "\r\n")
		out = append(out, s)
	}
	return out
}

func letters(n int) (out []string) {
	for i := range n {
		out = append(out, "Subject: "+strconv.Itoa(i)+"\r\n\r\nHello.\r\n")
	}
	return out
}
