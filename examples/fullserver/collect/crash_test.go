package collect_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/pop3/pop3test"
)

// deadly ends the program when the third message has been committed, before anybody else knows.
type deadly struct {
	mail.Mailbox
	left *int
}

func (d deadly) Append(ctx context.Context) (mail.Append, error) {
	a, err := d.Mailbox.Append(ctx)
	return &deadlyAppend{a, d.left}, err
}

type deadlyAppend struct {
	mail.Append
	left *int
}

func (d *deadlyAppend) Commit(ctx context.Context) (mail.Appended, error) {
	a, err := d.Append.Commit(ctx)
	if *d.left--; *d.left == 0 {
		os.Exit(33)
	}
	return a, err
}

// killed is the program that ends in the middle of fetching.
func killed(dir string) {
	left := 3
	o := options(dir, newStore(dir))
	open := o.Mailbox
	o.Mailbox = func(ctx context.Context, user, folder string) (mail.Mailbox, error) {
		box, err := open(ctx, user, folder)
		return deadly{box, &left}, err
	}
	c, err := collect.Open(o)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go c.Run(ctx)
	if err := c.Fetch(ctx, "alice", c.Accounts("alice")[0].Account.ID); err != nil {
		panic(err)
	}
	os.Exit(1)
}

// A program that dies between having a message in the mailbox and noting so loses nothing and doubles nothing.
func TestKilled(t *testing.T) {
	for _, days := range []int{collect.Forever, 0} {
		s := pop3test.NewServer(t, letters(6)...)
		h := newHome(t)
		a := at(s)
		a.Paused, a.Days = true, days
		v := h.save("alice", a)
		h.stop()
		require.NoError(t, h.store.Close())
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "COLLECT_KILLED="+filepath.Dir(h.o.Dir))
		out, err := cmd.CombinedOutput()
		require.EqualError(t, err, "exit status 33", "%s", out)
		require.Len(t, s.Store.Messages(pop3test.Username), 6)

		h.store = newStore(filepath.Dir(h.o.Dir))
		h.o.Mailbox = options(filepath.Dir(h.o.Dir), h.store).Mailbox
		h.start()
		require.Eventually(t, func() bool { // the other server may not have noticed yet that nobody is there any more
			h.later(2 * time.Minute)
			err := h.c.Fetch(t.Context(), "alice", v.ID)
			return err == nil && h.c.Accounts("alice")[0].Problem == nil
		}, time.Minute, 10*time.Millisecond)
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5"}, h.subjects("alice", "INBOX"))
		if days == 0 {
			require.Empty(t, s.Store.Messages(pop3test.Username))
		}
	}
}

// A list of unique-ids whose end was torn off is read up to there, and written whole again.
func TestTornSeen(t *testing.T) {
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	name := filepath.Join(t.TempDir(), "x.seen")
	s, err := collect.OpenSeen(name, now)
	require.NoError(t, err)
	for _, u := range []string{"a", "b"} {
		require.NoError(t, s.Add(t.Context(), u))
	}
	whole, err := os.ReadFile(name)
	require.NoError(t, err)
	for n := range whole {
		require.NoError(t, os.WriteFile(name, whole[:n], 0o600))
		s, err := collect.OpenSeen(name, now)
		require.NoError(t, err)
		a, _ := s.Has(t.Context(), "a")
		require.Equal(t, n > len(whole)/2-1, a, n)
		b, _ := s.Has(t.Context(), "b")
		require.False(t, b)
		require.NoError(t, s.Add(t.Context(), "c"))
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		m, good := collect.ParseSeen(got)
		require.Equal(t, len(got), good)
		require.Contains(t, m, "c")
	}
}

// What the other server doesn't list is remembered for a month.
func TestForgets(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	name := filepath.Join(t.TempDir(), "x.seen")
	s, err := collect.OpenSeen(name, func() time.Time { return at })
	require.NoError(t, err)
	require.NoError(t, s.Add(t.Context(), "a"))
	require.NoError(t, s.Add(t.Context(), "b"))
	has := func(uidl string) bool {
		s, err := collect.OpenSeen(name, nil)
		require.NoError(t, err)
		ok, err := s.Has(t.Context(), uidl)
		require.NoError(t, err)
		return ok
	}
	keep := func(uidls ...string) {
		m := map[string]bool{}
		for _, u := range uidls {
			m[u] = true
		}
		require.NoError(t, s.Keep(t.Context(), m))
	}
	keep()
	at = at.Add(29 * 24 * time.Hour)
	keep("a")
	at = at.Add(2 * 24 * time.Hour)
	keep()
	require.True(t, has("a"), "it was there two days ago")
	require.False(t, has("b"))
}
