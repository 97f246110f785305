package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// ErrChanged says that what was to be changed is not any more what the administrator has seen of it.
var ErrChanged = errors.New("somebody else has changed this meanwhile: look at it again")

// Seen returns him as one who has seen a version of what he changes. If that is another one when the change is made, the change is ErrChanged.
func (a Actor) Seen(version string) *Actor { a.seen = version; return &a }

// version says which state of an entry somebody has seen. It tells nothing of the entry: a line has a password.
func (s *Site) version(entry string) string {
	s.once.Do(func() { _, _ = rand.Read(s.key[:]) }) // never fails
	m := hmac.New(sha256.New, s.key[:])
	m.Write([]byte(entry))
	return hex.EncodeToString(m.Sum(nil)[:12])
}

// fresh is ErrChanged where the actor has seen another version of an entry.
func (a *Actor) fresh(entry string) error {
	if a.seen != "" && a.seen != a.s.version(entry) {
		return ErrChanged
	}
	return nil
}

func entryOf(t *lookup.Text, key string) string {
	value, _ := t.Get(key)
	return value
}

// UserVersion is the version of a user of his; what is in no file has none.
func (a *Actor) UserVersion(_ context.Context, user string) (string, error) {
	name, _, err := a.own(user)
	if err != nil || a.s.Users == "" {
		return "", err
	}
	b, err := os.ReadFile(a.s.Users)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return a.s.version(passwdfile.NewText(b, a.s.MyDomain).Line(name)), nil
}

// AliasVersion is the version of an alias of his, also of one that there isn't yet.
func (a *Actor) AliasVersion(_ context.Context, address string) (string, error) {
	name, _, err := a.own(address)
	if err != nil {
		return "", err
	}
	_, version, err := a.entry(a.s.Aliases, name)
	return version, err
}

// DomainVersion is the limits that the file has for a domain of his, and their version.
func (a *Actor) DomainVersion(_ context.Context, domain string) (rule, version string, err error) {
	if !a.May(domain) {
		return "", "", a.denied(domain)
	}
	name, err := domainName(domain)
	if err != nil {
		return "", "", err
	}
	return a.entry(a.s.DomainQuotas, name)
}

// entry is what a table's file has for a key, and its version.
func (a *Actor) entry(file, key string) (value, version string, err error) {
	if file == "" {
		return "", "", nil
	}
	t, err := read(file, "")
	if err != nil {
		return "", "", err
	}
	value = entryOf(t, key)
	return value, a.s.version(value), nil
}

// Changes says what of a site this program can change.
type Changes struct{ Users, Aliases, Domains, Limits, Admins bool }

// Changes returns it.
func (s *Site) Changes() Changes {
	return Changes{s.Users != "", s.Aliases != "", s.Domains != "", s.DomainQuotas != "", s.AdminFile != ""}
}

// AdminsOf are those who administer a domain and are in the file, in its order.
func (a *Actor) AdminsOf(_ context.Context, domain string) (out []string, err error) {
	if !a.all {
		return nil, a.denied(domain)
	}
	if a.s.AdminFile == "" {
		return nil, nil
	}
	t, err := read(a.s.AdminFile, "")
	if err != nil {
		return nil, err
	}
	for who, list := range t.All {
		for _, d := range fields(list) {
			if d == "ALL" || strings.EqualFold(d, domain) {
				out = append(out, who)
				break
			}
		}
	}
	return out, nil
}

// fields are the words of a list in a table.
func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}
