package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// record is what a source has on somebody who wants to log in. It isn't changed once it was made.
type record struct {
	user       string // as the source calls him, in canonical form
	secret     *passwdfile.Secret
	problem    string                     // why secret is nil
	noPassword bool                       // any password will do
	quick      func(password string) bool // costs nothing, and says nothing about the user's own password
	bind       func(ctx context.Context, password string) (bool, error)
	rules      passwdfile.Rules
}

// newRecord makes a record of a source's fields: password, user, username, domain, nopassword, nologin, allow_nets.
func newRecord(asked string, fields map[string]string, scheme, domain string) (*record, error) {
	r := &record{}
	name, err := passwdfile.Canonical(renamed(asked, fields), domain)
	if err != nil {
		return nil, err
	}
	r.user = name
	var rules []string
	for _, n := range []string{"nologin", "allow_nets"} {
		if v, ok := fields[n]; ok {
			rules = append(rules, n+"="+strings.Join(strings.Fields(v), ""))
		}
	}
	if r.rules, err = passwdfile.ParseRules(rules...); err != nil {
		return nil, err
	}
	if v, ok := fields["nopassword"]; ok && (v == "" || strings.HasPrefix(strings.ToLower(v), "y") || v == "1") {
		r.noPassword = true
		return r, nil
	}
	password, ok := fields["password"]
	if !ok {
		r.problem = "no password"
		return r, nil
	}
	if r.secret, err = passwdfile.ParseSecret(password, scheme); err != nil {
		r.problem = err.Error()
	}
	return r, nil
}

// renamed is the user's name as fields change it.
func renamed(user string, fields map[string]string) string {
	if v := fields["user"]; v != "" {
		user = v
	}
	local, domain, has := strings.Cut(user, "@")
	if v := fields["username"]; v != "" {
		if local = v; strings.Contains(v, "@") {
			return v
		}
	}
	if v := fields["domain"]; v != "" {
		domain, has = v, true
	}
	if !has {
		return local
	}
	return local + "@" + domain
}

// newUser makes a user of a userdb's fields.
func newUser(asked string, fields map[string]string, domain string) (*User, error) {
	name, err := passwdfile.Canonical(renamed(asked, map[string]string{"user": fields["user"]}), domain)
	if err != nil {
		return nil, err
	}
	u := &User{Name: name, Home: fields["home"], fields: make(map[string]string, len(fields))}
	for n, v := range fields {
		u.fields["userdb_"+n] = v
	}
	return u, nil
}

// decoys are secrets that are checked for names that nobody has, so that the check takes the time that it would take for a user.
type decoys struct {
	mu   sync.Mutex
	seen []*passwdfile.Secret
	made *passwdfile.Secret
}

const maxDecoys = 64

// saw remembers a user's secret as one that others may look like.
func (d *decoys) saw(s *passwdfile.Secret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) < maxDecoys {
		d.seen = append(d.seen, s)
	}
}

// pick returns one for a name; before anybody has logged in, one of the scheme that "fullserver passwd" writes.
func (d *decoys) pick(name string) *passwdfile.Secret {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) > 0 {
		sum := sha256.Sum256([]byte(name))
		return d.seen[binary.BigEndian.Uint64(sum[:])%uint64(len(d.seen))]
	}
	if d.made == nil {
		if text, err := passwdfile.Hash("", string(random(9))); err == nil {
			d.made, _ = passwdfile.ParseSecret(text, "")
		}
	}
	return d.made
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
