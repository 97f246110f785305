package maildir_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// names returns what LIST shows, and whether each mailbox has its ID.
func (r *rig) names(a mail.Account) map[string]bool {
	r.Helper()
	out := map[string]bool{}
	for info, err := range a.Mailboxes(r.Context()) {
		require.NoError(r, err)
		out[info.Name] = info.ID != ""
	}
	return out
}

// On a full disk a mailbox that could not be made whole hides no other: the user has to find what can be deleted.
func TestListOnFullDisk(t *testing.T) {
	r := newRig(t)
	r.open("INBOX")
	a, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	_, err = a.Create(t.Context(), "Old", nil)
	require.NoError(t, err)

	r.fs.Fail = func(op, name string) error {
		if op == "write" && strings.Contains(name, "uid") {
			return syscall.ENOSPC
		}
		return nil
	}
	_, err = a.Create(t.Context(), "New", nil)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, map[string]bool{"INBOX": true, "Old": true, "New": false}, r.names(a))
	_, err = a.Status(t.Context(), "New")
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, a.Delete(t.Context(), "Old"))

	r.fs.Fail = nil
	require.Equal(t, map[string]bool{"INBOX": true, "New": true}, r.names(a))
}

// A mailbox whose folder can't be made leaves no half of one behind.
func TestCreateOnFullDisk(t *testing.T) {
	r := newRig(t)
	r.open("INBOX")
	a, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	for _, at := range []string{"/tmp", "/cur", "/maildirfolder"} {
		r.fs.Fail = func(op, name string) error {
			if (op == "mkdir" || op == "open") && strings.Contains(name, "/.New") && strings.HasSuffix(name, at) {
				return syscall.ENOSPC
			}
			return nil
		}
		_, err = a.Create(t.Context(), "New", nil)
		require.ErrorIs(t, err, syscall.ENOSPC, at)
		require.Equal(t, map[string]bool{"INBOX": true}, r.names(a), at)
	}
	r.fs.Fail = nil
	_, err = a.Create(t.Context(), "New", nil)
	require.NoError(t, err)
}
