package maildir_test

import (
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
)

// asked counts what is asked of a file system about names.
type asked struct {
	vfs.FS
	n atomic.Int64
}

func (a *asked) Stat(name string) (fs.FileInfo, error) { a.n.Add(1); return a.FS.Stat(name) }

func (a *asked) ReadDir(name string) ([]fs.DirEntry, error) { a.n.Add(1); return a.FS.ReadDir(name) }

// Who files a message asks as much with forty mailboxes as with none but INBOX; and is refused what the lists refuse.
func TestFiling(t *testing.T) {
	count := &asked{FS: vfs.OS{}}
	s := &maildir.Store{Path: t.TempDir() + "/%u", FS: count, Poll: -1, Sharing: &maildir.Sharing{}}
	defer s.Close()
	file := func(mailbox string) (int64, error) {
		before := count.n.Load()
		a, err := s.Filing().Account(t.Context(), "an")
		require.NoError(t, err)
		defer a.Close()
		box, err := a.Open(t.Context(), mailbox)
		require.NoError(t, err)
		defer box.Close()
		add, err := box.Append(t.Context())
		if err == nil {
			err = add.Add(t.Context(), strings.NewReader("Subject: x\r\n\r\nx\r\n"), &mail.AppendOptions{Post: true})
		}
		if err == nil {
			_, err = add.Commit(t.Context())
		}
		return count.n.Load() - before, err
	}
	for range 2 { // it is made, and known
		_, err := file("INBOX")
		require.NoError(t, err)
	}
	few, err := file("INBOX")
	require.NoError(t, err)
	a, err := s.Account(t.Context(), "an")
	require.NoError(t, err)
	defer a.Close()
	for n := range 40 {
		_, err := a.Create(t.Context(), fmt.Sprint("folder", n), nil)
		require.NoError(t, err)
	}
	_, err = file("INBOX")
	require.NoError(t, err)
	many, err := file("INBOX")
	require.NoError(t, err)
	require.Equal(t, few, many)

	require.NoError(t, a.(mail.SharingAccount).SetACL(t.Context(), "folder1", "an", mail.RightsReplace, mail.RightLookup|mail.RightRead|mail.RightAdmin))
	_, err = file("folder1")
	require.ErrorIs(t, err, mail.ErrPermission)
}
