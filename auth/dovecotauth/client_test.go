package dovecotauth_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
)

func request(user, password string) *mail.AuthRequest {
	return &mail.AuthRequest{Username: user, Password: password, Service: "imap", Secured: true, Remote: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4}}
}

func TestClient(t *testing.T) {
	s := server()
	auth, users := listen(t, s)
	c := &dovecotauth.Client{Path: auth}
	defer c.Close()
	u := &dovecotauth.UserClient{Path: users}
	defer u.Close()
	for _, tt := range []struct {
		user, as, password string
		want               error
		got                string
	}{
		{"alice", "", "secret", nil, "alice"}, {"ALICE", "", "secret", nil, "alice"}, {"alice", "", "wrong", mail.ErrAuthFailed, ""}, {"nobody", "", "secret", mail.ErrAuthFailed, ""},
		{"root", "bob", "secret", nil, "bob"}, {"alice", "bob", "secret", mail.ErrAuthFailed, ""}, {"down", "", "x", nil, "?"}, {"alice", "", "sec\x00ret", mail.ErrAuthFailed, ""},
	} {
		a := request(tt.user, tt.password)
		a.Authorize = tt.as
		id, err := c.Authenticate(t.Context(), a)
		switch {
		case tt.got == "?":
			require.Error(t, err)
			require.NotErrorIs(t, err, mail.ErrAuthFailed)
		case tt.want != nil:
			require.ErrorIs(t, err, tt.want, "%v", tt)
		default:
			require.NoError(t, err, "%v", tt)
			require.Equal(t, tt.got, id.AccountName())
		}
	}
	require.Equal(t, "192.0.2.1:4", s.Authenticator.(*site).last.Load().Remote.String())
	id, err := c.AuthenticateToken(t.Context(), &mail.AuthRequest{Authorize: "alice", Secured: true}, "good")
	require.NoError(t, err)
	require.Equal(t, "alice", id.Username)
	for user, token := range map[string]string{"alice": "bad", "bob": "good", "al\x01ice": "good"} {
		_, err = c.AuthenticateToken(t.Context(), &mail.AuthRequest{Authorize: user, Secured: true}, token)
		require.ErrorIs(t, err, mail.ErrAuthFailed, user)
	}
	open := request("alice", "secret")
	open.Secured = false
	_, err = c.Authenticate(t.Context(), open)
	require.ErrorIs(t, err, mail.ErrAuthFailed, "the server wants secured connections")

	who, err := u.User(t.Context(), "tab\tname")
	require.NoError(t, err)
	require.Equal(t, &dovecotauth.User{Name: "tab\tname", Fields: map[string]string{"home": "/home/tab\tname", "quota_rule": "*:storage=1G"}}, who)
	who, err = u.User(t.Context(), "nobody")
	require.NoError(t, err)
	require.Nil(t, who)
	_, err = u.User(t.Context(), "down")
	require.Error(t, err)
	n := 0
	for name, err := range u.List(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("u%d@example.com", n), name)
		n++
	}
	require.Equal(t, 500, n)
	for range u.List(t.Context()) { // who has seen enough leaves nothing behind
		break
	}
}

// Many at once over one connection, each with its own answer.
func TestClientTogether(t *testing.T) {
	auth, _ := listen(t, server())
	c := &dovecotauth.Client{Path: auth}
	defer c.Close()
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			_, err := c.Authenticate(t.Context(), request("alice", []string{"secret", "wrong"}[i%2]))
			if errors.Is(err, mail.ErrAuthFailed) != (i%2 == 1) || err != nil && i%2 == 0 {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// A server that goes away and comes back, and one that isn't there.
func TestClientReconnects(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auth")
	c := &dovecotauth.Client{Path: path}
	defer c.Close()
	_, err := c.Authenticate(t.Context(), request("alice", "secret"))
	require.Error(t, err)
	require.NotErrorIs(t, err, mail.ErrAuthFailed, "nobody knows")
	c2 := &dovecotauth.Client{Path: path} // c tries again after a second only
	defer c2.Close()
	for range 3 {
		s := server()
		l, err := net.Listen("unix", path)
		require.NoError(t, err)
		var done sync.WaitGroup
		done.Go(func() { _ = s.Serve(l) })
		_, err = c2.Authenticate(t.Context(), request("alice", "secret"))
		require.NoError(t, err)
		require.NoError(t, s.Shutdown(context.Background()))
		done.Wait()
	}
}

// answers is a server that says what a test wants after its handshake.
func answers(t testing.TB, text func(n int, line string) string) *dovecotauth.Client {
	t.Helper()
	var done sync.WaitGroup
	c := &dovecotauth.Client{Dial: func(context.Context) (net.Conn, error) {
		a, b := net.Pipe()
		done.Go(func() {
			defer b.Close()
			r := bufio.NewReader(b)
			for n := 0; ; n++ {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == "VERSION\t1\t1\n" {
					line, err = r.ReadString('\n')
					if err != nil {
						return
					}
				}
				if _, err := io.WriteString(b, text(n, strings.TrimSuffix(line, "\n"))); err != nil {
					return
				}
			}
		})
		return a, nil
	}}
	t.Cleanup(func() { c.Close(); done.Wait() })
	return c
}

// What a server says that is none, or that wants the wrong thing believed.
func TestClientMistrusts(t *testing.T) {
	const hello = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n"
	for text, want := range map[string]string{
		"OK\t1\tuser=alice\n":                      "",
		"FAIL\t1\tuser=alice\n":                    "authentication failed",
		"FAIL\t1\tcode=user_disabled\n":            "authentication failed: user_disabled",
		"FAIL\t1\tauthz\n":                         "authentication failed: authz",
		"FAIL\t1\tcode=authz_fail\n":               "authentication failed: authz",
		"FAIL\t1\tuser=alice\ttemp\n":              "temporary",
		"FAIL\t1\tuser=alice\tcode=temp_fail\n":    "temporary",
		"OK\t1\n":                                  "answered",
		"OK\t1\tuser=\n":                           "answered",
		"OK\t2\tuser=mallory\nOK\t1\tuser=alice\n": "",
		"YES\t1\tuser=alice\n":                     "answered",
		"CONT\t1\t\n":                              "again",
		strings.Repeat("A", 40000) + "\n":          "connection is lost",
		"\n\t\nOK\nOK\tx\nFAIL\t1\n":               "authentication failed",
	} {
		c := answers(t, func(n int, _ string) string {
			if n == 0 {
				return hello
			}
			return text
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		id, err := c.Authenticate(ctx, request("alice", "secret"))
		cancel()
		if want == "" {
			require.NoError(t, err, "%.60q", text)
			require.Equal(t, "alice", id.Username)
			continue
		}
		require.ErrorContains(t, err, want, "%.60q", text)
		require.Equal(t, strings.HasPrefix(want, "authentication failed"), errors.Is(err, mail.ErrAuthFailed), "%.60q", text)
	}
	for _, bad := range []string{"VERSION\t2\t0\n", "HELLO\n", "\n", "VERSION\t1\t2\n" + strings.Repeat("MECH\tX\n", 200), strings.Repeat("A", 40000)} {
		c := answers(t, func(int, string) string { return bad })
		_, err := c.Authenticate(t.Context(), request("alice", "secret"))
		require.Error(t, err, "%.60q", bad)
		require.NotErrorIs(t, err, mail.ErrAuthFailed)
	}
}

func FuzzClient(f *testing.F) {
	f.Add("OK\t1\tuser=alice\n")
	f.Add("FAIL\t1\ttemp\n")
	f.Add("CONT\t1\t\nOK\t1\tuser=a\x01tb\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := answers(t, func(n int, _ string) string {
			if n == 0 {
				return "VERSION\t1\t2\nMECH\tPLAIN\nDONE\n"
			}
			return text + "\nFAIL\t1\ttemp\n"
		})
		id, err := c.Authenticate(t.Context(), request("alice", "secret"))
		if (id == nil) == (err == nil) || id != nil && !strings.Contains(text, "OK\t1\t") {
			t.Fatalf("%q: %v %v", text, id, err)
		}
		c.Close()
	})
}
