package accounts

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// appPasswords is a file of passwords that users have for one program each, a line
//
//	user@domain:{SSHA256}hash:scopes:label:date
//
// beside their own one. Scopes are some of smtp, imap and pop3, with commas between. The passwords are made by chance (AppPassword), so that
// a hash that is quick to check is enough. The file is read again when it has changed.
type appPasswords struct {
	spec string
	file *parsed[map[string][]AppPassword]
}

// AppPassword is one line of the file.
type AppPassword struct {
	User   string
	Hash   string // "{SSHA256}…"
	Scopes []string
	Label  string // what it is for, in the user's words
	Made   string // date, for people

	secret *passwdfile.Secret
}

// Scopes are what an app password may be good for.
var Scopes = []string{"smtp", "imap", "pop3"}

// scopeOf is the scope of a service.
func scopeOf(service string) string {
	switch service {
	case "submission", "lmtp":
		return "smtp"
	case "sieve":
		return "imap"
	case "pop2":
		return "pop3"
	}
	return service
}

// maxAppPasswords bounds what one user has.
const maxAppPasswords = 100

func openAppPasswords(spec, path string, a *Accounts) (source, error) {
	s := &appPasswords{spec, &parsed[map[string][]AppPassword]{path: path, missing: path == a.o.AppPasswords, parse: func(text []byte) (map[string][]AppPassword, error) { return byUser(path, text, a.o.Domain) }}}
	_, err := s.file.current()
	return s, err
}

func (s *appPasswords) name() string      { return s.spec }
func (s *appPasswords) variables() string { return "ws" } // w: nothing is remembered, for the file is

func (s *appPasswords) login(_ context.Context, r *request) (*record, error) {
	users, err := s.file.current()
	if err != nil {
		return nil, err
	}
	all := users[r.user]
	if len(all) == 0 {
		return nil, nil
	}
	scope := scopeOf(r.service)
	return &record{user: r.user, quick: func(password string) bool {
		ok := false
		for _, p := range all {
			if slices.Contains(p.Scopes, scope) && p.secret.Verify(plainly(password)) {
				ok = true
			}
		}
		return ok
	}}, nil
}

func (s *appPasswords) user(context.Context, *request) (*User, error) { return nil, nil }
func (s *appPasswords) list(context.Context) ([]string, error)        { return nil, errNoList }
func (s *appPasswords) ping(context.Context) error                    { _, err := s.file.current(); return err }

// byUser reads the text of a file.
func byUser(path string, text []byte, domain string) (map[string][]AppPassword, error) {
	all, err := ParseAppPasswords(path, text, domain)
	if err != nil {
		return nil, err
	}
	users := map[string][]AppPassword{}
	for _, p := range all {
		if users[p.User] = append(users[p.User], p); len(users[p.User]) > maxAppPasswords {
			return nil, fmt.Errorf("%s: %s has more than %d app passwords", path, p.User, maxAppPasswords)
		}
	}
	return users, nil
}

// ParseAppPasswords reads the text of a file. An error names the line.
func ParseAppPasswords(file string, text []byte, domain string) (all []AppPassword, err error) {
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := parseAppPassword(line, domain)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		all = append(all, p)
	}
	return all, sc.Err()
}

func parseAppPassword(line, domain string) (p AppPassword, err error) {
	f := strings.Split(line, ":")
	if len(f) != 5 {
		return p, errors.New("expected user@domain:{SSHA256}hash:scopes:label:date")
	}
	if p.User, err = passwdfile.Canonical(f[0], domain); err != nil {
		return p, err
	}
	p.Hash, p.Label, p.Made = f[1], f[3], f[4]
	if !strings.HasPrefix(p.Hash, "{SSHA256}") { // a hundred that are slow to check would be a way to stop the server
		return p, errors.New("app passwords are stored as {SSHA256}; make one with \"fullserver passwd -app\"")
	}
	if p.secret, err = passwdfile.ParseSecret(p.Hash, ""); err != nil {
		return p, err
	}
	p.Scopes, err = ParseScopes(f[2])
	return p, err
}

// ParseScopes reads "imap,smtp".
func ParseScopes(s string) ([]string, error) {
	all := strings.Split(s, ",")
	for _, scope := range all {
		if !slices.Contains(Scopes, scope) {
			return nil, fmt.Errorf("%q is no scope: there are %s", scope, strings.Join(Scopes, ", "))
		}
	}
	return all, nil
}

// String is the line of the file.
func (p *AppPassword) String() string {
	return strings.Join([]string{p.User, p.Hash, strings.Join(p.Scopes, ","), p.Label, p.Made}, ":")
}

// plainly is an app password without what people add or leave out when they type it.
func plainly(password string) string {
	return strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(password))
}

// MakeAppPassword makes a password of 120 bits by chance, and the line that it is stored as.
func MakeAppPassword(user string, scopes []string, label string, now time.Time) (password string, p *AppPassword, err error) {
	if strings.ContainsFunc(label, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }) || len(label) > 100 {
		return "", nil, errors.New("a label has at most 100 octets, and neither a colon nor control characters")
	}
	password = byChance(24, 6)
	return password, &AppPassword{User: user, Hash: passwdfile.HashQuick(plainly(password)), Scopes: scopes, Label: label, Made: now.UTC().Format(time.DateOnly)}, nil
}

// byChance makes n letters, 5 bits each, with a dash after every group.
func byChance(n, group int) string {
	const letters = "abcdefghijkmnopqrstuvwxyz2345679" // none like another
	var b strings.Builder
	for i, c := range random(n) {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[c&31])
	}
	return b.String()
}
