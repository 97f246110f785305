package session_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/web/session"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func open(t *testing.T, o session.Options) *session.Store {
	t.Helper()
	s, err := session.Open(o)
	require.NoError(t, err)
	return s
}

// What is kept has neither the cookie nor the password, in no form that can be found.
func TestFileHasNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions")
	s := open(t, session.Options{File: file})
	cookie, err := s.Create("alice", "correct horse", "192.0.2.1", "Firefox")
	require.NoError(t, err)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	require.NoError(t, err)
	require.Len(t, raw, 32)
	for _, secret := range []string{cookie, "correct horse", string(raw), base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString([]byte("correct horse"))} {
		require.NotContains(t, string(b), secret)
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	again := open(t, session.Options{File: file})
	sess := again.Lookup(cookie, "192.0.2.9", true)
	require.NotNil(t, sess, "sessions survive a restart")
	require.Equal(t, "correct horse", sess.Secret)
	require.Equal(t, "alice", sess.User)
}

func TestLookup(t *testing.T) {
	s := open(t, session.Options{})
	cookie, err := s.Create("alice", "pw", "a", "b")
	require.NoError(t, err)
	for _, bad := range []string{"", "x", cookie + "A", cookie[:42], strings.Repeat("A", 43), session.NewCookie()} {
		require.Nil(t, s.Lookup(bad, "", true), bad)
	}
	sess := s.Lookup(cookie, "c", true)
	require.Equal(t, "c", sess.Remote)
	require.NotEqual(t, sess.Key("a"), sess.Key("b"))
	require.NoError(t, s.End(sess))
	require.Nil(t, s.Lookup(cookie, "c", true), "a cookie shown after signing out opens nothing")
}

func TestEnds(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	file := filepath.Join(t.TempDir(), "sessions")
	s := open(t, session.Options{Now: c.now, Idle: time.Hour, Absolute: 5 * time.Hour, File: file})
	cookie, err := s.Create("alice", "pw", "", "")
	require.NoError(t, err)
	for range 5 {
		c.t = c.t.Add(59 * time.Minute)
		require.NotNil(t, s.Lookup(cookie, "", true))
	}
	c.t = c.t.Add(30 * time.Minute)
	require.Nil(t, s.Lookup(cookie, "", true), "after the absolute limit")
	cookie, err = s.Create("alice", "pw", "", "")
	require.NoError(t, err)
	c.t = c.t.Add(50 * time.Minute)
	sess := s.Lookup(cookie, "", false)
	require.NotNil(t, sess)
	require.True(t, s.Alive(sess))
	c.t = c.t.Add(10*time.Minute + time.Second)
	require.False(t, s.Alive(sess), "what a page does by itself is no use")
	require.Nil(t, open(t, session.Options{Now: c.now, Idle: time.Hour, File: file}).Lookup(cookie, "", true), "idle, after a restart")
	require.Nil(t, s.Lookup(cookie, "", true), "idle")
}

func TestOthers(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s := open(t, session.Options{Now: c.now, PerUser: 3, Total: 5})
	var cookies []string
	for range 4 {
		c.t = c.t.Add(time.Minute)
		cookie, err := s.Create("alice", "pw", "", "")
		require.NoError(t, err)
		cookies = append(cookies, cookie)
	}
	bob, err := s.Create("bob", "pw", "", "")
	require.NoError(t, err)
	require.Nil(t, s.Lookup(cookies[0], "", true), "one too many: the oldest has ended")
	require.Len(t, s.List("alice"), 3)
	me := s.Lookup(cookies[3], "", true)
	other := s.Lookup(cookies[2], "", true)
	theirs := s.Lookup(bob, "", true)
	require.NoError(t, s.EndOthers(me, theirs.ID))
	require.NotNil(t, s.Lookup(bob, "", true), "nobody ends another user's")
	require.NoError(t, s.EndOthers(me, other.ID))
	require.Nil(t, s.Lookup(cookies[2], "", true))
	require.NotNil(t, s.Lookup(cookies[1], "", true))
	require.NoError(t, s.EndOthers(me, ""))
	require.Nil(t, s.Lookup(cookies[1], "", true))
	require.NotNil(t, s.Lookup(cookies[3], "", true))
	for _, u := range []string{"c", "d", "e"} {
		_, err = s.Create(u, "pw", "", "")
		require.NoError(t, err)
	}
	_, err = s.Create("f", "pw", "", "")
	require.ErrorIs(t, err, session.ErrFull)
}

func TestDamagedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions")
	require.NoError(t, os.WriteFile(file, []byte(`[{"Hash":`), 0o600))
	_, err := session.Open(session.Options{File: file})
	require.Error(t, err)
	require.NoError(t, os.WriteFile(file, []byte(`[null]`), 0o600))
	_, err = session.Open(session.Options{File: file})
	require.NoError(t, err)
}
