package server

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/webmail"
)

// Users of a domain that is named find each other, with their names; others find nobody and are not found.
func TestColleagues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte("an@example.test:{PLAIN}x:::Trần An,room 4:/h\nbinh@example.test:{PLAIN}x\neve@other.test:{PLAIN}x:::Eve:\n"), 0o600))
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test"})
	require.NoError(t, err)
	now := time.Unix(1e9, 0)
	d := newColleagues(accounts.File{F: f}, []string{"Example.test"}, func() time.Time { return now })
	want := []webmail.Colleague{{Name: "Trần An", Email: "an@example.test"}, {Email: "binh@example.test"}}
	for range 2 {
		list, err := d.Colleagues(t.Context(), "binh")
		require.NoError(t, err)
		require.Equal(t, want, list)
	}
	require.NoError(t, os.WriteFile(path, []byte("binh@example.test:{PLAIN}x\n"), 0o600))
	now = now.Add(time.Hour)
	list, err := d.Colleagues(t.Context(), "binh@example.test")
	require.NoError(t, err)
	require.Equal(t, want[1:], list)
	for _, user := range []string{"eve@other.test", "nobody"} {
		list, err := d.Colleagues(t.Context(), user)
		require.NoError(t, err)
		require.Empty(t, list)
	}
	require.Nil(t, newColleagues(accounts.File{F: f}, nil, nil))
}
