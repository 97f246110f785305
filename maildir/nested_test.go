package maildir_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// A mailbox that is deleted while others lie below it, and the machine stops: it is there whole or gone, and its messages don't
// come back in the next mailbox of that name.
func TestNestedDeleteCrash(t *testing.T) {
	for n := 1; ; n++ {
		fs := vfs.NewCrash()
		s := storeOn(fs)
		s.Layout = maildir.LayoutFS
		a, err := s.Account(t.Context(), "u")
		require.NoError(t, err)
		for _, name := range []string{"a", "a/b"} {
			_, err := a.Create(t.Context(), name, nil)
			require.NoError(t, err)
			addTo(t, openBox(t, a, name), "Subject: "+name+"\r\n\r\nx\r\n")
		}
		fs.CrashAt(n)
		derr := a.Delete(t.Context(), "a")
		a.Close()

		disk := fs.Recover(rand.New(rand.NewPCG(7, uint64(n))))
		s = storeOn(disk)
		s.Layout, s.Now = maildir.LayoutFS, func() time.Time { return time.Now().Add(3 * time.Minute) }
		a, err = s.Account(t.Context(), "u")
		require.NoError(t, err)
		what := fmt.Sprint("crash at ", n, ": ", derr)
		st, err := a.Status(t.Context(), "a/b")
		require.NoError(t, err, what)
		require.Equal(t, uint32(1), st.Messages, what)
		st, err = a.Status(t.Context(), "a")
		if err == nil {
			require.Error(t, derr, what)
			require.Equal(t, uint32(1), st.Messages, what)
			require.NoError(t, a.Delete(t.Context(), "a"), what)
		}
		_, err = a.Create(t.Context(), "a", nil)
		require.NoError(t, err, what)
		st, err = a.Status(t.Context(), "a")
		require.NoError(t, err, what)
		require.Equal(t, uint32(0), st.Messages, what)
		a.Close()
		if derr == nil {
			require.Greater(t, n, 5)
			return
		}
		require.True(t, errors.Is(derr, vfs.ErrCrashed), what)
	}
}

// Nested folders that others made: links are not followed, and what isn't a mailbox isn't shown.
func TestNestedForeignFolders(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/outside/cur", 0o700))
	for _, d := range []string{"Sent/cur", "a/b/c/cur", "empty/only/levels", "dovecot.cache/cur", "tmp/x/cur", "cur/y/cur"} {
		require.NoError(t, os.MkdirAll(dir+"/u/"+d, 0o700))
	}
	require.NoError(t, os.WriteFile(dir+"/u/file", nil, 0o600))
	require.NoError(t, os.Symlink("../outside", dir+"/u/link"))
	require.NoError(t, os.Symlink("..", dir+"/u/a/loop"))
	s := &maildir.Store{Path: dir + "/%u", Layout: maildir.LayoutFS, NoSync: true}
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	var names []string
	for info, err := range a.Mailboxes(t.Context()) {
		require.NoError(t, err)
		names = append(names, fmt.Sprint(info.Name, info.NoSelect))
	}
	require.Equal(t, []string{"INBOXfalse", "Sentfalse", "atrue", "a/btrue", "a/b/cfalse"}, names)
	for _, name := range []string{"file", "file/x", "empty", "a"} {
		_, err := a.Open(t.Context(), name)
		require.ErrorIs(t, err, mail.ErrNoMailbox, name)
	}
	require.ErrorIs(t, a.Rename(t.Context(), "Sent", "a"), mail.ErrExists) // mailboxes lie below it
	require.NoError(t, a.Rename(t.Context(), "a", "Archiv/2026"))
	_, err = a.Open(t.Context(), "Archiv/2026/b/c")
	require.NoError(t, err)
}
