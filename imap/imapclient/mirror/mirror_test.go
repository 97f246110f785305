package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
	"github.com/buuta/mail/imap/imaptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message(i int) string { return fmt.Sprintf("Subject: message %d\n\nText of message %d.\n", i, i) }

func dial(t testing.TB, srv *imaptest.Server, without ...string) *imapclient.Client {
	t.Helper()
	c, err := imapclient.Dial(context.Background(), "imaptest.example:143", &imapclient.Options{Dial: srv.Dial, Without: without,
		Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func setFlags(t testing.TB, box mail.Mailbox, op mail.FlagOp, uid mail.UID, flags ...string) {
	t.Helper()
	_, err := box.SetFlags(context.Background(), mail.UIDSetOf(uid), mail.FlagChange{Op: op, Flags: mail.NewFlags(flags...)})
	require.NoError(t, err)
}

func expunge(t testing.TB, box mail.Mailbox, uids ...mail.UID) {
	t.Helper()
	_, err := box.Expunge(context.Background(), mail.UIDSetOf(uids...), nil)
	require.NoError(t, err)
}

// Each way of finding out comes to the same copy, and is the one that the server's abilities allow.
func TestMethods(t *testing.T) {
	for _, c := range []struct {
		method  mirror.Method
		without []string
	}{
		{mirror.QuickResync, nil},
		{mirror.CondStore, []string{"QRESYNC"}},
		{mirror.Difference, []string{"QRESYNC", "CONDSTORE"}},
		{mirror.Difference, []string{"QRESYNC", "CONDSTORE", "IMAP4rev2", "UIDPLUS", "ESEARCH"}},
	} {
		srv := imaptest.NewServer(t)
		box := srv.Mailbox("INBOX")
		for i := range 10 {
			srv.Add("INBOX", message(i))
		}
		cache := &mirror.Memory{}
		m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, Batch: 3}
		client := dial(t, srv, c.without...)
		res, err := m.Sync(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, &mirror.Result{Method: mirror.StartedAnew, Added: 10}, res)

		expunge(t, box, 2, 9)
		setFlags(t, box, mail.FlagsAdd, 5, `\Seen`, "work")
		srv.Add("INBOX", message(11))
		cache.SetFlags(mail.UIDSetOf(5, 6), mail.FlagsAdd, mail.NewFlags(`\Flagged`))
		res, err = m.Sync(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, &mirror.Result{Method: c.method, Added: 1, Updated: 1, Gone: 2, Stored: 2}, res)
		requireEqual(t, cache, box)
		require.Equal(t, []string{`\Flagged`, `\Seen`, "work"}, sorted(cache.Messages()[3].Flags))

		res, err = m.Sync(t.Context(), client) // its own changes come back, and are none
		require.NoError(t, err)
		require.Zero(t, res.Stored+res.Added+res.Gone)
		if c.method == mirror.QuickResync {
			res, err = m.Sync(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, &mirror.Result{Method: mirror.Unchanged}, res)
		}
	}
}

func sorted(f mail.Flags) []string {
	n := f.Names()
	slices.Sort(n)
	return n
}

// requireEqual compares the copy with the mailbox, message by message.
func requireEqual(t require.TestingT, cache *mirror.Memory, box mail.Mailbox) {
	var here, there []string
	for _, m := range cache.Messages() {
		require.Equal(t, m.Changed(), false, "%d has changes left", m.UID)
		here = append(here, fmt.Sprint(m.UID, sorted(m.Flags)))
	}
	for m, err := range box.Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(t, err)
		there = append(there, fmt.Sprint(m.UID, sorted(m.Flags)))
	}
	require.Equal(t, there, here)
}

// What Items ask for comes once for each message, also when the first Sync is interrupted: the next goes on with what is missing.
func TestItemsOnce(t *testing.T) {
	srv := imaptest.NewServer(t)
	for i := range 300 {
		srv.Add("INBOX", message(i))
	}
	cache := &counting{got: map[mail.UID]int{}}
	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, Batch: 10, Items: imapclient.Items(imap.FetchEnvelope)}
	srv.Fail(imaptest.Fault{Command: "SELECT", Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	m.Progress = func(p mirror.Progress) {
		if p.Fetched >= 100 {
			cancel()
		}
	}
	_, err := m.Sync(ctx, dial(t, srv))
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, len(cache.got), 300)
	require.GreaterOrEqual(t, len(cache.got), 100)
	m.Progress = nil
	res, err := m.Sync(t.Context(), dial(t, srv))
	require.NoError(t, err)
	require.Equal(t, mirror.Difference, res.Method)
	require.Len(t, cache.got, 300)
	for u, n := range cache.got {
		require.Equal(t, 1, n, u)
	}
}

type counting struct {
	mirror.Memory
	got map[mail.UID]int
}

func (c *counting) Apply(ctx context.Context, b *mirror.Batch) (mirror.Applied, error) {
	for _, n := range b.News {
		if n.Fetched != nil && n.Fetched.Envelope != nil {
			c.got[n.UID]++
		}
	}
	return c.Memory.Apply(ctx, b)
}

// A mailbox that has been made anew under the same name has other messages under the same UIDs (RFC 9051 section 2.3.1.1).
func TestUIDValidity(t *testing.T) {
	srv := imaptest.NewServer(t)
	srv.Add("Box", message(1), message(2))
	cache := &mirror.Memory{}
	m := &mirror.Mirror{Mailbox: "Box", Cache: cache}
	c := dial(t, srv)
	_, err := m.Sync(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, c.Unselect(t.Context()))
	require.NoError(t, c.Delete(t.Context(), "Box"))
	srv.Add("Box", message(3))
	cache.SetFlags(mail.UIDSetOf(1), mail.FlagsAdd, mail.NewFlags("mine"))
	res, err := m.Sync(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, mirror.StartedAnew, res.Method)
	require.Len(t, cache.Messages(), 1)
	requireEqual(t, cache, srv.Mailbox("Box"))
}

func TestDeletedHereChangedThere(t *testing.T) {
	for _, keep := range []bool{false, true} {
		srv := imaptest.NewServer(t)
		srv.Add("INBOX", message(1), message(2))
		box := srv.Mailbox("INBOX")
		cache := &mirror.Memory{}
		m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, KeepChanged: keep}
		c := dial(t, srv)
		_, err := m.Sync(t.Context(), c)
		require.NoError(t, err)
		cache.Delete(mail.UIDSetOf(1, 2))
		setFlags(t, box, mail.FlagsAdd, 1, `\Flagged`)
		_, err = m.Sync(t.Context(), c)
		require.NoError(t, err)
		_, err = m.Sync(t.Context(), c)
		require.NoError(t, err)
		requireEqual(t, cache, box)
		require.Len(t, cache.Messages(), map[bool]int{false: 0, true: 1}[keep])
	}
}

func TestReadOnly(t *testing.T) {
	srv := imaptest.NewServer(t)
	srv.Add("INBOX", message(1))
	cache := &mirror.Memory{}
	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, ReadOnly: true}
	c := dial(t, srv)
	_, err := m.Sync(t.Context(), c)
	require.NoError(t, err)
	cache.SetFlags(mail.AllUIDs(), mail.FlagsAdd, mail.NewFlags("mine"))
	cache.Add([]byte("Subject: x\r\n\r\n"), mail.Flags{}, time.Time{})
	res, err := m.Sync(t.Context(), c)
	require.NoError(t, err)
	require.Zero(t, res.Stored+res.Sent)
	require.True(t, cache.Messages()[0].Changed())
}

// The answer to an APPEND is lost, or the APPEND itself: the message is there, once, and so is another one with the same content.
func TestSentOnce(t *testing.T) {
	for i := range 16 {
		without := [][]string{nil, {"UIDPLUS", "IMAP4rev2"}}[i/8]
		faults := []imaptest.Fault{{Command: "APPEND", Times: 1, Cut: 1}, {Command: "APPEND", Times: 1, Drop: true}, {Command: "NONE"}}
		srv := imaptest.NewServer(t)
		cache := &mirror.Memory{}
		m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache}
		for range 2 {
			cache.Add([]byte(strings.ReplaceAll(message(1), "\n", "\r\n")), mail.NewFlags(`\Seen`), time.Time{})
		}
		for _, f := range []int{i & 1, i >> 1 & 1, 2 - i>>2&1} {
			srv.Fail(faults[f])
			_, _ = m.Sync(t.Context(), dial(t, srv, without...))
			srv.Heal()
		}
		for range 2 {
			_, err := m.Sync(t.Context(), dial(t, srv, without...))
			require.NoError(t, err)
		}
		require.Len(t, cache.Messages(), 2)
		requireEqual(t, cache, srv.Mailbox("INBOX"))
	}
}

// What changes here while the server is told of an earlier change is not lost, also when it takes that change back.
func TestChangeDuringSync(t *testing.T) {
	for _, during := range []struct {
		op    mail.FlagOp
		flags mail.Flags
		want  []string
	}{
		{mail.FlagsAdd, mail.NewFlags("later"), []string{`\Flagged`, "later"}},
		{mail.FlagsRemove, mail.NewFlags(`\Flagged`), []string{}},
	} {
		srv := imaptest.NewServer(t)
		srv.Add("INBOX", message(1))
		cache := &racing{}
		m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache}
		c := dial(t, srv)
		_, err := m.Sync(t.Context(), c)
		require.NoError(t, err)
		cache.SetFlags(mail.UIDSetOf(1), mail.FlagsAdd, mail.NewFlags(`\Flagged`))
		cache.during = func() { cache.SetFlags(mail.UIDSetOf(1), during.op, during.flags) }
		_, err = m.Sync(t.Context(), c)
		require.NoError(t, err)
		cache.during = nil
		_, err = m.Sync(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, during.want, sorted(cache.Messages()[0].Flags))
		requireEqual(t, &cache.Memory, srv.Mailbox("INBOX"))
	}
}

// Follow notices what happens on either side, and outlives the loss of its connection.
func TestFollow(t *testing.T) {
	srv := imaptest.NewServer(t)
	box := srv.Mailbox("INBOX")
	pool := &imapclient.Pool{Connect: func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial,
			Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
	}}
	defer pool.Close()
	cache := &mirror.Memory{}
	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	here, synced, ended := make(chan struct{}, 1), make(chan struct{}, 100), make(chan error, 1)
	go func() { ended <- m.Follow(ctx, pool, here, func(*mirror.Result, error) { synced <- struct{}{} }) }()
	until := func(what func() bool) {
		for !what() {
			select {
			case <-synced:
			case <-ctx.Done():
				t.Fatal("not synced")
			}
		}
	}
	<-synced
	srv.Add("INBOX", message(1))
	until(func() bool { return len(cache.Messages()) == 1 })
	cache.SetFlags(mail.UIDSetOf(1), mail.FlagsAdd, mail.NewFlags("mine"))
	here <- struct{}{}
	until(func() bool { return !cache.Messages()[0].Changed() })
	srv.DropAll()
	srv.Add("INBOX", message(2))
	until(func() bool { return len(cache.Messages()) == 2 })
	requireEqual(t, cache, box)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
