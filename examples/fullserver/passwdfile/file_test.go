package passwdfile_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	f := open(t, "# users\n\nalice:{PLAIN}a\nBob@Example.TEST:{PLAIN}b:1000:1000:Bob B.:/home/bob:/bin/sh:userdb_quota_rule=*:storage=1G\nthúy@ví-dụ.test:{PLAIN}c\nnopass\n")
	require.Len(t, f.Users(), 4)
	require.Equal(t, "alice@example.test", f.Users()[0].Name)
	require.Equal(t, "/home/bob", f.Users()[1].Home)
	require.Equal(t, 4, f.Users()[1].Line)
	for name, want := range map[string]string{
		"alice": "alice@example.test", "ALICE": "alice@example.test", "Alice@EXAMPLE.test": "alice@example.test",
		"bob": "bob@example.test", "Thúy@ví-dụ.test": "thúy@ví-dụ.test", "nopass": "nopass@example.test",
	} {
		u, ok := f.Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, want, u.Name)
	}
	for _, name := range []string{"", "carol", "alice@other.test", "alice@", "@example.test", "../alice", "alice@../x", "a/b", "\xff@example.test", "alice\n"} {
		_, ok := f.Lookup(name)
		require.False(t, ok, name)
	}
}

func TestBadLines(t *testing.T) {
	for text, want := range map[string]string{
		"a:{PLAIN}x\n:{PLAIN}x\n":                "line 2: no user name",
		"a:{PLAIN}x\nb:{PLAIN}x\nA:{PLAIN}y\n":   "line 3: a@example.test stands on line 1 already",
		"../etc:{PLAIN}x":                        `line 1: "../etc@example.test" is not a user name`,
		"a b:{PLAIN}x":                           `line 1: "a b@example.test" is not a user name`,
		"a@.x:{PLAIN}x":                          "is not a user name",
		"a\xff:x":                                "not UTF-8",
		"a:{PLAIN}x::::::allow_nets=1.2.3.4,you": `line 1: allow_nets: "you" is not a network`,
	} {
		path := filepath.Join(t.TempDir(), "users")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test"})
		require.ErrorContains(t, err, want, text)
	}
	path := filepath.Join(t.TempDir(), "users")
	_, err := passwdfile.Open(path, passwdfile.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("alice:{PLAIN}x\n"), 0o600))
	_, err = passwdfile.Open(path, passwdfile.Options{})
	require.ErrorContains(t, err, `user "alice" has no domain`)
}

// An edit takes effect at the next question, without a restart; a bad edit leaves what was known.
func TestReadAgain(t *testing.T) {
	var log syncBuffer
	path := filepath.Join(t.TempDir(), "users")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		at = at.Add(time.Second)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	write("a:{PLAIN}old\n")
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.Equal(t, path, f.Path())

	write("a:{PLAIN}new\nb:{PLAIN}b\n")
	require.NoError(t, login(f, "a", "new"))
	require.ErrorIs(t, login(f, "a", "old"), mail.ErrAuthFailed)
	require.NoError(t, login(f, "b", "b"))

	write("a:{PLAIN}bad\na:{PLAIN}twice\n")
	require.NoError(t, login(f, "a", "new"))
	require.NoError(t, login(f, "b", "b"))
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("stands on line 1 already")), "said once, not at each login")
	require.Error(t, f.Reload())

	require.NoError(t, os.Remove(path))
	require.NoError(t, login(f, "a", "new"))
	require.NoError(t, login(f, "a", "new"))
	require.LessOrEqual(t, bytes.Count(log.Bytes(), []byte("no such file")), 1)

	write("a:{PLAIN}back\n")
	require.NoError(t, login(f, "a", "back"))
	require.NoError(t, f.Reload())

	// Renamed into place, as editors do: same size, same time, another file.
	other := path + ".new"
	require.NoError(t, os.WriteFile(other, []byte("a:{PLAIN}BACK\n"), 0o600))
	require.NoError(t, os.Chtimes(other, at, at))
	require.NoError(t, os.Rename(other, path))
	require.NoError(t, login(f, "a", "BACK"))
}

func TestReadAgainUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte("a:{PLAIN}x\n"), 0o600))
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test"})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if err := login(f, "a", "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		tmp := path + ".new"
		require.NoError(t, os.WriteFile(tmp, bytes.Repeat([]byte("# more\n"), i), 0o600))
		w, err := os.OpenFile(tmp, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = w.WriteString("a:{PLAIN}x\n")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.Rename(tmp, path))
	}
	wg.Wait()
}

func TestExtraFields(t *testing.T) {
	f := open(t, "a:{PLAIN}x::::::allow_nets=127.0.0.0/8,2001:db8::/32,192.0.2.1\nb:{PLAIN}x::::::nologin\nc:{PLAIN}x::::::nologin=no foo=bar\n")
	try := func(user, ip string) error {
		_, err := f.Authenticator().Authenticate(context.Background(), &mail.AuthRequest{Username: user, Password: "x", Remote: &net.TCPAddr{IP: net.ParseIP(ip)}})
		return err
	}
	require.NoError(t, try("a", "127.1.2.3"))
	require.NoError(t, try("a", "2001:db8::7"))
	require.NoError(t, try("a", "192.0.2.1"))
	require.ErrorIs(t, try("a", "192.0.2.2"), mail.ErrAuthFailed)
	require.ErrorIs(t, login(f, "a", "x"), mail.ErrAuthFailed, "from nowhere")
	require.ErrorIs(t, try("b", "127.0.0.1"), mail.ErrAuthFailed)
	require.NoError(t, try("c", "127.0.0.1"))
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) Bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}
