package logins_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/logins"
)

func attempt(t *testing.T, h *logins.History, user, from, service string, result error) {
	t.Helper()
	a := &mail.AuthRequest{Username: user, Password: user + service, Remote: &net.TCPAddr{IP: net.ParseIP(from), Port: 4}, Service: service}
	settled, err := h.Admit(t.Context(), a)
	if err == nil {
		settled(result)
	}
}

// What strangers choose is bounded and can't fill the history of those who belong here; it survives a restart.
func TestHistory(t *testing.T) {
	now := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	h := &logins.History{Guard: &mail.AuthThrottle{Free: 1 << 30}, File: t.TempDir() + "/logins", Keep: 50, Now: func() time.Time { return now }}
	require.NoError(t, h.Load())
	attempt(t, h, "Lan@an.example", "192.0.2.1", "imap", nil)
	now = now.Add(time.Minute)
	attempt(t, h, "lan@an.example", "192.0.2.1", "imap", nil)
	attempt(t, h, "lan@an.example", "192.0.2.1", "imap", errors.New("the database is down"))
	attempt(t, h, "lan@an.example", "192.0.2.1", "imap", fmt.Errorf("%w: why", mail.ErrAuthFailed))
	now = now.Add(time.Hour)
	attempt(t, h, "lan@an.example", "192.0.2.1", "imap", nil)
	settled, err := h.Admit(t.Context(), &mail.AuthRequest{Username: "lan", Remote: &net.UnixAddr{Name: "x", Net: "unix"}})
	require.NoError(t, err)
	settled(nil)
	want := []logins.Attempts{
		{User: "lan@an.example", Remote: "192.0.2.1", Service: "imap", Good: true, Count: 1, First: now, Last: now},
		{User: "lan@an.example", Remote: "192.0.2.1", Service: "imap", Good: true, Count: 2, First: now.Add(-61 * time.Minute), Last: now.Add(-time.Hour)},
	}
	good := func(a *logins.Attempts) bool { return a.Good }
	require.Equal(t, want, h.List(good))
	require.Len(t, h.List(nil), 3)

	for i := range 500 {
		now = now.Add(time.Second)
		attempt(t, h, fmt.Sprintf("%d\n<b>%s", i, strings.Repeat("x", 1000)), "198.51.100.9", "submission", mail.ErrAuthFailed)
	}
	require.LessOrEqual(t, len(h.List(nil)), 2+55)
	require.Equal(t, want, h.List(good))
	for _, a := range h.List(nil) {
		require.LessOrEqual(t, len(a.User), 128)
		require.NotContains(t, a.User, "\n")
	}
	require.NoError(t, h.Save())
	info, err := os.Stat(h.File)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again := &logins.History{File: h.File, Keep: 50}
	require.NoError(t, again.Load())
	require.Equal(t, h.List(nil), again.List(nil))
	require.NoError(t, os.WriteFile(h.File, []byte("[{"), 0o600))
	require.Error(t, again.Load())
}

// Who is refused unseen is in the history as such.
func TestUnseen(t *testing.T) {
	h := &logins.History{Guard: &mail.AuthThrottle{Free: 1, MaxWait: time.Nanosecond}}
	for i := range 4 {
		attempt(t, h, "lan", "192.0.2.1", fmt.Sprint("s", i), mail.ErrAuthFailed)
	}
	unseen := h.List(func(a *logins.Attempts) bool { return a.Unseen })
	require.Len(t, unseen, 2)
	require.False(t, unseen[0].Good)
}
