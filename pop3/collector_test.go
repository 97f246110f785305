package pop3_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// memory is a CollectorState, and fails when told.
type memory struct {
	set  map[string]bool
	fail error
}

func (m *memory) Has(_ context.Context, u string) (bool, error) { return m.set[u], nil }
func (m *memory) Add(_ context.Context, u string) error {
	if m.fail != nil {
		return m.fail
	}
	m.set[u] = true
	return nil
}
func (m *memory) Keep(_ context.Context, there map[string]bool) error {
	maps.DeleteFunc(m.set, func(u string, _ bool) bool { return !there[u] })
	return nil
}

// inboxOf opens the INBOX of a store's account "local".
func inboxOf(t require.TestingT, s *pop3test.Store) mail.Mailbox {
	s.AddAccount("local")
	a, err := s.Account(context.Background(), "local")
	require.NoError(t, err)
	m, err := a.Open(context.Background(), "INBOX")
	require.NoError(t, err)
	return m
}

func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("Subject: %d\r\n\r\n.%d\r\n", i, i))
	}
	return out
}

func TestCollectorMoves(t *testing.T) {
	messages := numbered(200)
	s := pop3test.NewServer(t, messages...)
	local := new(pop3test.Store)
	f := &pop3.Collector{Mailbox: inboxOf(t, local), Source: "alice@test"}
	r, err := f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Filed: 200}, r)
	require.Equal(t, messages, local.Messages("local"))
	require.Empty(t, s.Store.Messages("alice"))
}

func TestCollectorKeeps(t *testing.T) {
	s := pop3test.NewServer(t, numbered(3)...)
	local, state := new(pop3test.Store), &memory{set: map[string]bool{"old": true}}
	f := &pop3.Collector{Mailbox: inboxOf(t, local), Source: "alice@test", Keep: true, State: state}
	r, err := f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Filed: 3}, r)
	require.Len(t, state.set, 3, "what the server has no more is forgotten")
	s.Store.Add("alice", "new\r\n")
	s.Store.Add("alice", body(5000))
	f.MaxSize = 1000
	var each []string
	f.Each = func(u string, _ mail.Appended, err error) { each = append(each, fmt.Sprint(u, err)) }
	r, err = f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Filed: 1, Known: 3, Skipped: 1}, r)
	require.Equal(t, []string{"0000000400000001<nil>"}, each)
	require.Len(t, local.Messages("local"), 4)
	require.Len(t, s.Store.Messages("alice"), 5)
	_, err = (&pop3.Collector{Mailbox: f.Mailbox, Keep: true}).Run(t.Context(), dial(t, s))
	require.ErrorContains(t, err, "needs a State")
}

// full is a mailbox that takes no large message.
type full struct{ mail.Mailbox }

func (f full) Append(ctx context.Context) (mail.Append, error) {
	a, err := f.Mailbox.Append(ctx)
	return &fullAppend{Append: a}, err
}

type fullAppend struct{ mail.Append }

func (f *fullAppend) Commit(ctx context.Context) (mail.Appended, error) {
	return mail.Appended{}, mail.ErrOverQuota
}

// What isn't filed stays on the server.
func TestCollectorFailures(t *testing.T) {
	s := pop3test.NewServer(t, numbered(2)...)
	local := new(pop3test.Store)
	f := &pop3.Collector{Mailbox: full{inboxOf(t, local)}, Source: "x"}
	r, err := f.Run(t.Context(), dial(t, s))
	require.ErrorIs(t, err, mail.ErrOverQuota)
	require.Equal(t, pop3.Collected{Failed: 1}, r, "the second isn't fetched for nothing")
	require.Len(t, s.Store.Messages("alice"), 2)
	// A state that can't remember stops the run, and the token keeps the next one from doubling.
	state := &memory{set: map[string]bool{}, fail: errors.New("disk full")}
	f = &pop3.Collector{Mailbox: inboxOf(t, local), Source: "x", State: state}
	_, err = f.Run(t.Context(), dial(t, s))
	require.ErrorIs(t, err, state.fail)
	require.Len(t, local.Messages("local"), 1)
	state.fail = nil
	require.Eventually(t, func() bool {
		c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
		if err != nil {
			return false // the broken session still has its lock
		}
		_, err = f.Run(t.Context(), c)
		return err == nil
	}, 5e9, 1e6)
	require.Len(t, local.Messages("local"), 2)
	require.Empty(t, s.Store.Messages("alice"))
}

// cut is a connection that dies after a number of octets were read or written.
type cut struct {
	net.Conn
	left int
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), max(c.left, 1))])
	if c.left -= n; c.left <= 0 {
		c.Close()
	}
	return n, err
}

func (c *cut) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left <= 0 {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// TestCollectorExactlyOnce breaks the connection at random places, again and again, until everything has come: each
// message once and whole.
func TestCollectorExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		srv := pop3test.NewUnstartedServer(fatal{t}, numbered(rapid.IntRange(0, 6).Draw(t, "messages"))...)
		want := srv.Store.Messages("alice")
		local := new(pop3test.Store)
		f := &pop3.Collector{Mailbox: inboxOf(t, local), Source: "x"}
		if rapid.Bool().Draw(t, "keep") {
			f.Keep, f.State = true, &memory{set: map[string]bool{}}
		}
		for range 8 {
			server, client := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				srv.Config.ServeConn(context.Background(), server)
			}()
			conn := &cut{client, rapid.IntRange(300, 1500).Draw(t, "octets")}
			c, err := pop3.NewClient(context.Background(), conn, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{
				Username: "alice", Password: "secret", Mechanisms: []string{"PLAIN"}}})
			if err == nil {
				_, _ = f.Run(context.Background(), c)
			}
			client.Close()
			<-done
			got := local.Messages("local")
			require.Subset(t, want, got, "no message that is cut off, and none that isn't the server's")
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(got))), len(got), "none twice")
			if !f.Keep {
				require.Subset(t, append(got, srv.Store.Messages("alice")...), want, "none lost")
			}
		}
		c, err := pop3.NewClient(context.Background(), srv.Pipe(), &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: srv.Credentials()})
		require.NoError(t, err)
		_, err = f.Run(context.Background(), c)
		require.NoError(t, err)
		require.Equal(t, want, local.Messages("local"))
	})
}

// Move everything from a POP3 account into a mailbox.
func ExampleCollector() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	store := new(pop3test.Store) // or a maildir.Store
	store.AddAccount("alice")
	account, _ := store.Account(ctx, "alice")
	inbox, _ := account.Open(ctx, "INBOX")

	c, err := pop3.Dial(ctx, addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: "alice", Password: "secret"}})
	if err != nil {
		log.Fatal(err)
	}
	collector := &pop3.Collector{Mailbox: inbox, Source: "alice@pop.example.net"}
	r, err := collector.Run(ctx, c)
	fmt.Println(r.Filed, err, len(store.Messages("alice")))
	// Output: 2 <nil> 2
}
