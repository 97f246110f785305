package maildir_test

import (
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// Messages go by the time for which they have been in the mailbox, which a restart doesn't change, whatever dates they carry.
func TestExpire(t *testing.T) {
	r := newRig(t)
	const day = 24 * time.Hour
	m := r.open("INBOX")
	for range 4 { // UIDs 1 to 4, three days apart
		a, err := m.Append(t.Context())
		require.NoError(t, err)
		require.NoError(t, a.Add(t.Context(), strings.NewReader("Subject: x\r\n\r\n"), &mail.AppendOptions{InternalDate: r.now.Add(-1000 * day)}))
		_, err = a.Commit(t.Context())
		require.NoError(t, err)
		r.now = r.now.Add(3 * day)
	}
	account, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	_, err = account.Create(t.Context(), "Trash", nil)
	require.NoError(t, err)
	require.NoError(t, account.Close())
	trash := r.open("Trash")
	_, err = m.Copy(t.Context(), mail.UIDSetOf(1, 2), trash.Info().ID, nil) // they come into this one today
	require.NoError(t, err)
	r.restart()
	m, trash = r.open("INBOX"), r.open("Trash")
	r.now = r.now.Add(time.Minute)
	for _, c := range []struct {
		m    mail.Mailbox
		e    mail.Expiry
		gone string
	}{
		{trash, mail.Expiry{Age: day}, ""},
		{m, mail.Expiry{Age: 10 * day}, "1"}, // 12, 9, 6 and 3 days
		{m, mail.Expiry{Age: 10 * day}, ""},
		{m, mail.Expiry{Age: 10 * day, Count: 1}, "2:3"},
		{trash, mail.Expiry{Count: 1}, "1"},
	} {
		got, err := mail.Expire(t.Context(), c.m, r.now, c.e)
		require.NoError(t, err)
		require.Equal(t, c.gone, got.Removed.String())
	}
}
