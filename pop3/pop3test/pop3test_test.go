package pop3test_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a user's test looks like.
func TestUse(t *testing.T) {
	srv := pop3test.NewServer(t, "Subject: one\r\n\r\n1\r\n")
	srv.AddUser("bob", "x")
	c, err := pop3.Dial(t.Context(), srv.Addr, &pop3.ClientOptions{TLSConfig: srv.ClientTLS(), Auth: srv.Credentials()})
	require.NoError(t, err)
	require.NoError(t, c.Dele(t.Context(), 1))
	require.NoError(t, c.Quit(t.Context()))
	require.Empty(t, srv.Store.Messages(pop3test.Username))
	c, err = pop3.NewClient(t.Context(), srv.Pipe(), &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: "bob", Password: "x"}})
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func collect(t *testing.T, m mail.Mailbox) (out []mail.Message) {
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldFlags|mail.FieldSize) {
		require.NoError(t, err)
		out = append(out, msg)
	}
	return out
}

// The store keeps what package mail promises of a mailbox.
func TestStore(t *testing.T) {
	ctx := t.Context()
	s := new(pop3test.Store)
	_, err := s.Account(ctx, "alice")
	require.ErrorIs(t, err, mail.ErrNoAccount)
	s.AddAccount("alice")
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	names := 0
	for info, err := range a.Mailboxes(ctx) {
		require.NoError(t, err)
		require.Equal(t, "INBOX", info.Name)
		names++
	}
	require.Equal(t, 1, names)
	_, err = a.Open(ctx, "Trash")
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = a.Status(ctx, "Trash")
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = a.Create(ctx, "INBOX", nil)
	require.ErrorIs(t, err, mail.ErrExists)
	require.ErrorIs(t, a.Delete(ctx, "INBOX"), mail.ErrBadName)
	require.ErrorIs(t, a.Rename(ctx, "Trash", "x"), mail.ErrNoMailbox)

	m, err := a.Open(ctx, "INBOX")
	require.NoError(t, err)
	defer m.Close()
	woken := 0
	cancel := m.Watch(func() { woken++ })
	uid := s.Add("alice", "a: b\r\n\r\n")
	require.EqualValues(t, 1, uid)
	require.Equal(t, 1, woken)

	ap, err := m.Append(ctx)
	require.NoError(t, err)
	require.NoError(t, ap.Add(ctx, strings.NewReader("two"), &mail.AppendOptions{Flags: mail.NewFlags(`\Seen`), Token: "t"}))
	require.Error(t, ap.Add(ctx, failing{}, nil))
	added, err := ap.Commit(ctx)
	require.NoError(t, err)
	require.Equal(t, []mail.UID{2}, added.UIDs)
	require.NoError(t, ap.Abort())
	ap, _ = m.Append(ctx)
	require.NoError(t, ap.Add(ctx, strings.NewReader("two"), &mail.AppendOptions{Token: "t"}))
	again, err := ap.Commit(ctx)
	require.NoError(t, err)
	require.Equal(t, added, again, "the token keeps a retry from doubling")
	ap, _ = m.Append(ctx)
	require.NoError(t, ap.Add(ctx, strings.NewReader("three"), nil))
	require.NoError(t, ap.Abort())
	_, err = ap.Commit(ctx)
	require.Error(t, err)
	require.Len(t, collect(t, m), 2)

	st, err := a.Status(ctx, "INBOX")
	require.NoError(t, err)
	require.EqualValues(t, 1, st.Unseen)
	require.EqualValues(t, 11, st.Size)
	since := st.HighestModSeq
	snapshot := m.Messages(ctx, mail.AllUIDs(), mail.FieldFlags)
	r, err := m.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Seen`)})
	require.NoError(t, err)
	require.Equal(t, "1", r.Changed.String())
	r, err = m.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Deleted`), UnchangedSince: since})
	require.NoError(t, err)
	require.Equal(t, "1", r.Modified.String())
	require.Equal(t, "2", r.Changed.String())
	for range snapshot {
	}

	u, err := m.Copy(ctx, mail.UIDSetOf(1), m.Info().ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	require.Equal(t, []mail.UID{3}, u.To)
	_, err = m.Copy(ctx, mail.AllUIDs(), "elsewhere", nil)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	x, err := m.Expunge(ctx, mail.AllUIDs(), &mail.ExpungeOptions{OnlyDeleted: true})
	require.NoError(t, err)
	require.Equal(t, "2", x.Removed.String())
	c, err := m.Changes(ctx, since)
	require.NoError(t, err)
	require.Equal(t, "1:2", c.Vanished.String())
	require.Len(t, c.Changed, 1)
	require.EqualValues(t, 3, c.Changed[0].UID)
	_, err = m.OpenBody(ctx, 2)
	require.ErrorIs(t, err, mail.ErrExpunged)
	b, err := m.OpenBody(ctx, 3)
	require.NoError(t, err)
	got, _ := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	require.Equal(t, "a: b\r\n\r\n", string(got))
	require.NoError(t, b.Close())
	cancel()
	seen := woken
	s.Add("alice", "x")
	require.Equal(t, seen, woken)

	gone, stop := context.WithCancel(ctx)
	stop()
	for _, err := range m.Messages(gone, mail.AllUIDs(), 0) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("gone") }
