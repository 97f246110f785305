package maildir_test

import (
	"io"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	ctx := t.Context()
	s := &maildir.Store{Path: t.TempDir() + "/%d/%n"}
	a, err := s.Account(ctx, "alice@example.test")
	require.NoError(t, err)
	m, err := a.Open(ctx, "INBOX")
	require.NoError(t, err)
	ap, err := m.Append(ctx)
	require.NoError(t, err)
	require.NoError(t, ap.Add(ctx, strings.NewReader("Subject: x\r\n\r\nhi\r\n"), nil))
	got, err := ap.Commit(ctx)
	require.NoError(t, err)
	t.Logf("%+v", got)
	st, err := m.State(ctx)
	require.NoError(t, err)
	t.Logf("%+v", st)
	b, err := m.OpenBody(ctx, 1)
	require.NoError(t, err)
	raw, _ := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	require.Equal(t, "Subject: x\r\n\r\nhi\r\n", string(raw))
	b.Close()
	fr, err := m.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`, "work")})
	require.NoError(t, err)
	t.Logf("%+v", fr)
	info, err := a.Create(ctx, "Lists/go", nil)
	require.NoError(t, err)
	mp, err := m.Copy(ctx, mail.AllUIDs(), info.ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	t.Logf("%+v", mp)
	for i, err := range a.Mailboxes(ctx) {
		require.NoError(t, err)
		t.Logf("%+v", i)
	}
	ch, err := m.Changes(ctx, 1)
	require.NoError(t, err)
	t.Logf("%+v", ch)
	require.NoError(t, a.Rename(ctx, "Lists", "L2"))
	m2, err := a.Open(ctx, "L2/go")
	require.NoError(t, err)
	for i, err := range m2.Messages(ctx, mail.AllUIDs(), ^mail.Fields(0)) {
		require.NoError(t, err)
		t.Logf("%+v", i)
	}
}
