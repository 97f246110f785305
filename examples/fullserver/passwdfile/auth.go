package passwdfile

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/buuta/mail"
)

// Authenticator returns the file as protocols use it. Which of the optional interfaces of package mail it implements
// follows from mechanisms, in Dovecot's names: "cram-md5", "apop" and "scram-sha-…" need passwords that are stored in
// the clear or, the last, as SCRAM keys; a site whose passwords are hashed must not offer them, because clients prefer them.
func (f *File) Authenticator(mechanisms ...string) mail.Authenticator {
	return Offer(mechanisms, checker{f}, passwords{f}, newKeys(f), nil)
}

// Offer puts together what accounts can do: with the passwords only where a mechanism needs them in the clear, with the keys only for SCRAM, and with tokens, which may be
// nil, only where they are taken.
func Offer(mechanisms []string, check mail.Authenticator, passwords mail.PasswordStore, keys mail.SCRAMStore, tokens mail.TokenAuthenticator) mail.Authenticator {
	has := func(names ...string) bool {
		return slices.ContainsFunc(mechanisms, func(m string) bool { return slices.Contains(names, m) })
	}
	const plain, scram, token = 1, 2, 4
	able := 0
	if has("cram-md5", "apop") {
		able |= plain
	}
	if has("scram-sha-1", "scram-sha-256") {
		able |= scram
	}
	if tokens != nil && has("oauthbearer", "xoauth2") {
		able |= token
	}
	type (
		a = mail.Authenticator
		p = mail.PasswordStore
		s = mail.SCRAMStore
		t = mail.TokenAuthenticator
	)
	switch able {
	case plain:
		return struct {
			a
			p
		}{check, passwords}
	case scram:
		return struct {
			a
			s
		}{check, keys}
	case plain | scram:
		return struct {
			a
			p
			s
		}{check, passwords, keys}
	case token:
		return struct {
			a
			t
		}{check, tokens}
	case token | plain:
		return struct {
			a
			p
			t
		}{check, passwords, tokens}
	case token | scram:
		return struct {
			a
			s
			t
		}{check, keys, tokens}
	case token | plain | scram:
		return struct {
			a
			p
			s
			t
		}{check, passwords, keys, tokens}
	}
	return check
}

// checker implements mail.Authenticator.
type checker struct{ f *File }

// maxPassword is how long a password may be, in octets, as in libxcrypt. What crypt(3) does takes time by the length times the
// rounds: a stranger's 9,000 octets cost half a second of a processor.
const maxPassword = 512

// Authenticate implements mail.Authenticator.
func (c checker) Authenticate(ctx context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	if len(a.Password) > maxPassword {
		c.f.delay(ctx)
		return nil, mail.ErrAuthFailed
	}
	u, s := c.f.find(a.Username)
	if err := c.f.verifyTurn(ctx); err != nil {
		return nil, err
	}
	ok := s.verify != nil && s.verify(a.Password)
	<-c.f.busy
	if u == nil || !ok || !u.rules.admit(a.Remote) {
		c.f.delay(ctx)
		return nil, mail.ErrAuthFailed
	}
	return c.f.identity(u, a), nil
}

// Vouched returns the identity of a user whose name has been proved otherwise than by a password.
func (f *File) Vouched(ctx context.Context, a *mail.AuthRequest, name string) (*mail.Identity, error) {
	if u, _ := f.find(name); u != nil && u.rules.admit(a.Remote) {
		return f.identity(u, a), nil
	}
	f.delay(ctx)
	return nil, mail.ErrAuthFailed
}

// delay waits before a failure is told.
func (f *File) delay(ctx context.Context) {
	if f.o.FailureDelay <= 0 {
		return
	}
	t := time.NewTimer(f.o.FailureDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// verifyTurn waits until a processor is free for hashing.
func (f *File) verifyTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case f.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// find returns the user and the secret to check. For a name that isn't there the secret is another user's, always the same
// one, so that the check takes the time that it would take for a user.
func (f *File) find(name string) (*User, *secret) {
	t := f.current()
	key, err := f.canonical(name)
	if err == nil {
		if u := t.users[key]; u != nil {
			return u, &u.secret
		}
	}
	if len(t.inOrder) == 0 {
		return nil, &secret{}
	}
	sum := sha256.Sum256([]byte(key))
	return nil, &t.inOrder[binary.BigEndian.Uint64(sum[:])%uint64(len(t.inOrder))].secret
}

// identity is who u is. A client that asks to act as itself, in whatever spelling, finds that spelling.
func (f *File) identity(u *User, a *mail.AuthRequest) *mail.Identity {
	id := &mail.Identity{Username: u.Name, Account: u.Name}
	if a.Authorize != "" {
		if key, err := f.canonical(a.Authorize); err == nil && key == u.Name {
			id.Username = a.Authorize
		}
	}
	return id
}

// passwords implements mail.PasswordStore.
type passwords struct{ f *File }

// Password implements mail.PasswordStore.
func (p passwords) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	u, s := p.f.find(a.Username)
	if u == nil || !s.isPlain || !u.rules.admit(a.Remote) {
		return "", nil, mail.ErrAuthFailed
	}
	return s.plain, p.f.identity(u, a), nil
}

// keys implements mail.SCRAMStore.
type keys struct {
	f    *File
	seed []byte // what invented salts are made of
}

func newKeys(f *File) keys {
	return keys{f, newSalt()}
}

// SCRAM implements mail.SCRAMStore. Passwords in the clear get their keys made with a salt that depends on the name only.
func (k keys) SCRAM(ctx context.Context, a *mail.AuthRequest, hashName string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	u, s := k.f.find(a.Username)
	m := hmac.New(sha256.New, k.seed)
	m.Write([]byte(a.Username))
	invented := &mail.SCRAMCredentials{Salt: m.Sum(nil)[:16], Iterations: 4096}
	if u == nil || !u.rules.admit(a.Remote) {
		return invented, nil, mail.ErrAuthFailed
	}
	switch {
	case s.scram != nil && s.scramOf == hashName:
		return s.scram, k.f.identity(u, a), nil
	case s.isPlain:
		if err := k.f.verifyTurn(ctx); err != nil {
			return nil, nil, err
		}
		defer func() { <-k.f.busy }()
		return scramKeys(hashOf(hashName), s.plain, invented.Salt, invented.Iterations), k.f.identity(u, a), nil
	}
	return invented, nil, mail.ErrAuthFailed
}

func newSalt() []byte {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
