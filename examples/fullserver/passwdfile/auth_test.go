package passwdfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

func TestIdentity(t *testing.T) {
	f := open(t, "alice:{PLAIN}x\n")
	id, err := f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "Alice", Password: "x"})
	require.NoError(t, err)
	require.Equal(t, "alice@example.test", id.Username)
	require.Equal(t, "alice@example.test", id.AccountName())
	// To act as oneself is to act as the same user, however it is spelt.
	id, err = f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "alice", Authorize: "Alice@example.test", Password: "x"})
	require.NoError(t, err)
	require.Equal(t, "Alice@example.test", id.Username)
	require.Equal(t, "alice@example.test", id.Account)
	id, err = f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "alice", Authorize: "bob@example.test", Password: "x"})
	require.NoError(t, err)
	require.Equal(t, "alice@example.test", id.Username, "nobody becomes another")
}

// A password that nobody can have isn't hashed: that would be the cheapest way to keep the server busy.
func TestLongPassword(t *testing.T) {
	long := strings.Repeat("x", 512)
	hash, err := passwdfile.Hash("", long)
	require.NoError(t, err)
	_, err = passwdfile.Hash("", long+"x")
	require.ErrorContains(t, err, "512")
	f := open(t, "alice:"+hash+"\nbob:{PLAIN}"+long+"x\n")
	_, err = f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "alice", Password: long})
	require.NoError(t, err)
	_, err = f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "bob", Password: long + "x"})
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	began := time.Now()
	for range 20 { // 40 s if they were hashed
		_, err = f.Authenticator().Authenticate(ctx, &mail.AuthRequest{Username: "alice", Password: strings.Repeat(long, 64)})
		require.ErrorIs(t, err, mail.ErrAuthFailed)
	}
	require.Less(t, time.Since(began), 5*time.Second)
}

// Mechanisms that hashed passwords can't serve are offered only when the site says that it has what they need.
func TestAbilitiesFollowMechanisms(t *testing.T) {
	f := open(t, "alice:{PLAIN}x\n")
	for _, tt := range []struct {
		mechanisms       []string
		passwords, scram bool
	}{
		{nil, false, false},
		{[]string{"plain", "login"}, false, false},
		{[]string{"plain", "cram-md5"}, true, false},
		{[]string{"apop"}, true, false},
		{[]string{"scram-sha-256"}, false, true},
		{[]string{"scram-sha-1", "cram-md5"}, true, true},
	} {
		a := f.Authenticator(tt.mechanisms...)
		_, ok := a.(mail.PasswordStore)
		require.Equal(t, tt.passwords, ok, tt)
		_, ok = a.(mail.SCRAMStore)
		require.Equal(t, tt.scram, ok, tt)
	}
}

func TestPasswordStore(t *testing.T) {
	f := open(t, "alice:{PLAIN}x\nbob:{SHA}6+mbt0q3AqWB8vyS2eJ5CcAgxOo=\ncarol:{PLAIN}y::::::nologin\n")
	s := f.Authenticator("cram-md5").(mail.PasswordStore)
	p, id, err := s.Password(ctx, &mail.AuthRequest{Username: "alice"})
	require.NoError(t, err)
	require.Equal(t, "x", p)
	require.Equal(t, "alice@example.test", id.Username)
	for _, user := range []string{"bob", "carol", "dave", ""} {
		p, id, err := s.Password(ctx, &mail.AuthRequest{Username: user})
		require.ErrorIs(t, err, mail.ErrAuthFailed, user)
		require.Empty(t, p)
		require.Nil(t, id)
	}
}

func TestSCRAMStore(t *testing.T) {
	stored, err := passwdfile.Hash("SCRAM-SHA-256", "x")
	require.NoError(t, err)
	f := open(t, "alice:{PLAIN}x\nbob:"+stored+"\ncarol:{SHA}6+mbt0q3AqWB8vyS2eJ5CcAgxOo=\n")
	s := f.Authenticator("scram-sha-256").(mail.SCRAMStore)
	get := func(user, hash string) (*mail.SCRAMCredentials, error) {
		c, _, err := s.SCRAM(ctx, &mail.AuthRequest{Username: user}, hash)
		return c, err
	}
	alice, err := get("alice", "SHA-256")
	require.NoError(t, err)
	require.Len(t, alice.StoredKey, 32)
	again, err := get("alice", "SHA-256")
	require.NoError(t, err)
	require.Equal(t, alice, again, "the same salt each time")
	one, err := get("alice", "SHA-1")
	require.NoError(t, err)
	require.Len(t, one.StoredKey, 20)

	bob, err := get("bob", "SHA-256")
	require.NoError(t, err)
	require.Equal(t, 4096, bob.Iterations)
	_, err = get("bob", "SHA-1")
	require.ErrorIs(t, err, mail.ErrAuthFailed)

	// RFC 5802 section 9: who isn't there looks like who is.
	for _, user := range []string{"carol", "nobody"} {
		c, err := get(user, "SHA-256")
		require.ErrorIs(t, err, mail.ErrAuthFailed)
		require.Len(t, c.Salt, len(alice.Salt))
		again, _ := get(user, "SHA-256")
		require.Equal(t, c, again)
	}
}

// A name that isn't there costs what one that is there costs.
func TestUnknownUserTakesAsLong(t *testing.T) {
	stored, err := passwdfile.Hash("", "x")
	require.NoError(t, err)
	f := open(t, "alice:"+stored+"\n")
	best := func(user string) time.Duration {
		least := time.Hour
		for range 5 {
			start := time.Now()
			require.ErrorIs(t, login(f, user, "wrong"), mail.ErrAuthFailed)
			least = min(least, time.Since(start))
		}
		return least
	}
	var known, unknown time.Duration
	for range 20 { // other work on the machine can make one look slow, again and again can't
		if known, unknown = best("alice"), best("nobody"); unknown*3 > known && known*3 > unknown {
			return
		}
	}
	t.Errorf("a user takes %v, nobody %v", known, unknown)
}

func TestCancelledWhileWaiting(t *testing.T) {
	f := open(t, "alice:{PLAIN}x\n")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := f.Authenticator().Authenticate(cancelled, &mail.AuthRequest{Username: "alice", Password: "x"})
	require.ErrorIs(t, err, context.Canceled)
}

// Guessing takes its time, and a guesser who hangs up doesn't keep us.
func TestFailureDelay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte("alice:{PLAIN}x\n"), 0o600))
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test", FailureDelay: 2 * time.Second})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.ErrorIs(t, login(f, "alice", "y"), mail.ErrAuthFailed)
		require.Equal(t, 2*time.Second, time.Since(start))
		start = time.Now()
		require.NoError(t, login(f, "alice", "x"))
		require.Zero(t, time.Since(start))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Authenticator().Authenticate(short, &mail.AuthRequest{Username: "nobody", Password: "y"})
		require.ErrorIs(t, err, mail.ErrAuthFailed)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestEmptyFile(t *testing.T) {
	f := open(t, "")
	require.ErrorIs(t, login(f, "alice", ""), mail.ErrAuthFailed)
	require.Empty(t, f.Users())
}

func ExampleOpen() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("users-%d", os.Getpid()))
	defer os.Remove(path)
	os.WriteFile(path, []byte("alice@example.test:{PLAIN}secret\n"), 0o600)

	f, err := passwdfile.Open(path, passwdfile.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := f.Authenticator().Authenticate(context.Background(), &mail.AuthRequest{Username: "alice@example.test", Password: "secret"})
	fmt.Println(id.AccountName(), err)
	// Output: alice@example.test <nil>
}

func ExampleFile_Lookup() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("users-lookup-%d", os.Getpid()))
	defer os.Remove(path)
	os.WriteFile(path, []byte("alice:{PLAIN}secret\n"), 0o600)

	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, ok := f.Lookup("Alice@Example.Test")
	fmt.Println(u.Name, ok)
	// Output: alice@example.test true
}

func ExampleHash() {
	line, err := passwdfile.Hash("SHA512-CRYPT", "secret")
	fmt.Println(line[:18], err)
	// Output: {SHA512-CRYPT}$6$r <nil>
}
