package passwdfile

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail"
)

// Secret is a stored password, wherever it is stored.
type Secret struct{ s secret }

// ParseSecret reads "{SCHEME}password"; scheme is meant where none is given, "" being CRYPT. The error is why nobody can log in with it.
func ParseSecret(text, scheme string) (*Secret, error) {
	if scheme == "" {
		scheme = "CRYPT"
	}
	s := parseSecret(text, scheme)
	if s.problem != "" {
		return nil, errors.New(s.problem)
	}
	return &Secret{s}, nil
}

// Verify reports whether a password is the stored one. It may take seconds of a processor.
func (s *Secret) Verify(password string) bool {
	return len(password) <= maxPassword && s.s.verify != nil && s.s.verify(password)
}

// Plain returns a password that is stored in the clear.
func (s *Secret) Plain() (string, bool) { return s.s.plain, s.s.isPlain }

// SCRAM returns the keys for a hash, "SHA-1" or "SHA-256", if they are stored, or can be made of a password in the clear with the salt that is given.
func (s *Secret) SCRAM(hash string, salt []byte, iterations int) (*mail.SCRAMCredentials, bool) {
	switch {
	case s.s.scram != nil && s.s.scramOf == hash:
		return s.s.scram, true
	case s.s.isPlain:
		return scramKeys(hashOf(hash), s.s.plain, salt, iterations), true
	}
	return nil, false
}

// MaxPassword is how long a password may be, in octets.
const MaxPassword = maxPassword

// Secret returns the user's password; nil where he has none that could be used.
func (u *User) Secret() *Secret {
	if u.secret.verify == nil {
		return nil
	}
	return &Secret{u.secret}
}

// Rules returns what the user's extra fields say about logging in.
func (u *User) Rules() Rules { return Rules{u.rules} }

// Fields returns the extra fields.
func (u *User) Fields() []string { return strings.Fields(u.extra) }

// Rules say whether somebody may log in whose password is right.
type Rules struct{ r rules }

// ParseRules reads the extra fields nologin and allow_nets, "name=value" each.
func ParseRules(fields ...string) (Rules, error) {
	r, err := parseRules(strings.Join(fields, " "))
	return Rules{r}, err
}

// Admit reports whether somebody may log in from there.
func (r Rules) Admit(remote net.Addr) bool { return r.r.admit(remote) }

// NoLogin reports whether he may from nowhere.
func (r Rules) NoLogin() bool { return r.r.nologin }

// Canonical writes a user's name as it is kept: in lower case and with a domain, which is domain where it has none. Names become folders, so
// what could lead out of one is refused.
func Canonical(name, domain string) (string, error) {
	if name == "" {
		return "", errors.New("no user name")
	}
	if len(name) > 320 || !utf8.ValidString(name) {
		return "", errors.New("not a user name: too long, or not UTF-8")
	}
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		if domain == "" {
			return "", fmt.Errorf("user %q has no domain", name)
		}
		at = len(name)
		name += "@" + domain
	}
	for _, half := range []string{name[:at], name[at+1:]} {
		if half == "" || half[0] == '.' || strings.ContainsFunc(half, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '\\' }) {
			return "", fmt.Errorf("%q is not a user name", name)
		}
	}
	return strings.ToLower(name), nil
}
