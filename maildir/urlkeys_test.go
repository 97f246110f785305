package maildir_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// RFC 4467 section 2.2: a key is made when it is first needed, and stays until it is reset.
func TestURLKeys(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	open := func() mail.URLKeyAccount {
		s := &maildir.Store{Path: root + "/%u"}
		a, err := s.Account(ctx, "alice")
		require.NoError(t, err)
		t.Cleanup(func() { _ = a.Close() })
		return a.(mail.URLKeyAccount)
	}
	a := open()
	key, err := a.URLKey(ctx, "x", false)
	require.NoError(t, err)
	require.Nil(t, key)
	one, err := a.URLKey(ctx, "x", true)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(one), 16)
	two, err := a.URLKey(ctx, "y", true)
	require.NoError(t, err)
	require.NotEqual(t, one, two)

	b := open() // another process
	key, err = b.URLKey(ctx, "x", false)
	require.NoError(t, err)
	require.Equal(t, one, key)
	require.NoError(t, b.ResetURLKey(ctx, "x"))
	key, err = a.URLKey(ctx, "x", true)
	require.NoError(t, err)
	require.NotEqual(t, one, key)
	key, err = a.URLKey(ctx, "y", true)
	require.NoError(t, err)
	require.Equal(t, two, key)
	require.NoError(t, a.ResetURLKey(ctx, ""))
	key, err = b.URLKey(ctx, "y", false)
	require.NoError(t, err)
	require.Nil(t, key)

	// A damaged line is no key.
	require.NoError(t, os.WriteFile(filepath.Join(root, "alice", "buuta.urlkeys"), []byte("x short\ny\n\nz "), 0o600))
	for _, id := range []mail.MailboxID{"x", "y", "z", ""} {
		key, err = a.URLKey(ctx, id, false)
		require.NoError(t, err)
		require.Nil(t, key)
	}
	key, err = a.URLKey(ctx, "x", true)
	require.NoError(t, err)
	again, err := b.URLKey(ctx, "x", false)
	require.NoError(t, err)
	require.Equal(t, key, again)
}
