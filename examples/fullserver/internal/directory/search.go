package directory

import (
	"context"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/buuta/mail/examples/fullserver/internal/hostpool"
)

// Request is a search (RFC 4511 section 4.5).
type Request struct {
	Base       string
	Scope      int // 0 base, 1 one level, 2 the whole tree
	Deref      int // aliases: 0 never, 1 searching, 2 finding the base, 3 always
	SizeLimit  int // entries; 0: what the server allows
	Filter     string
	Attributes []string
}

// Entry is what was found.
type Entry struct {
	DN         string
	Attributes []Attribute
}

// Attribute is a name with its values, as the server sent them.
type Attribute struct {
	Name   string
	Values []string
}

// Values returns those of an attribute, whose name's case doesn't matter.
func (e *Entry) Values(name string) []string {
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Values
		}
	}
	return nil
}

// ErrNoObject says that there is no such base.
var ErrNoObject = errors.New("no such object")

// Search searches. More than SizeLimit entries are an error.
func (d *Directory) Search(ctx context.Context, r *Request) (entries []Entry, err error) {
	most := r.SizeLimit
	if most == 0 {
		most = maxEntries
	}
	err = d.conns.Do(ctx, func(ctx context.Context, c *conn) (hostpool.Verdict, error) {
		entries = nil
		var found *ldap.SearchResult
		err := c.within(ctx, func() (err error) {
			found, err = c.Conn.Search(&ldap.SearchRequest{
				BaseDN: r.Base, Scope: r.Scope, DerefAliases: r.Deref, SizeLimit: most, TimeLimit: int(d.config.Timeout.Seconds()),
				Filter: r.Filter, Attributes: r.Attributes, EnforceSizeLimit: true,
			})
			return err
		})
		if err != nil {
			return verdict(err)
		}
		for _, e := range found.Entries {
			entry := Entry{DN: e.DN}
			for _, a := range e.Attributes {
				entry.Attributes = append(entry.Attributes, Attribute{a.Name, a.Values})
			}
			entries = append(entries, entry)
		}
		return hostpool.Harmless, nil
	})
	return entries, err
}

// verdict says what an error means for the connection.
func verdict(err error) (hostpool.Verdict, error) {
	var e *ldap.Error
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return hostpool.Final, ErrNoObject
	case errors.As(err, &e) && e.ResultCode < ldap.ErrorNetwork && !hasGone[e.ResultCode]:
		return hostpool.Harmless, err
	case ldap.IsErrorWithCode(err, ldap.ErrorFilterCompile):
		return hostpool.Final, err
	}
	return hostpool.Broken, err
}

// hasGone are results of a server that is about to leave.
var hasGone = map[uint16]bool{ldap.LDAPResultUnavailable: true, ldap.LDAPResultBusy: true, ldap.LDAPResultOperationsError: true}

// ErrCredentials says that a name and its password don't match.
var ErrCredentials = errors.New("invalid credentials")

// Authenticate says whether a DN has a password, by binding with them over connections that are used for nothing else. An empty password, which every server takes
// for "tell nobody who I am" (RFC 4513 section 5.1.2), is refused.
func (d *Directory) Authenticate(ctx context.Context, dn, password string) error {
	if password == "" || dn == "" {
		return ErrCredentials
	}
	return d.guests.Do(ctx, func(ctx context.Context, c *conn) (hostpool.Verdict, error) {
		err := c.within(ctx, func() error {
			_, err := c.SimpleBind(&ldap.SimpleBindRequest{Username: dn, Password: password})
			return err
		})
		switch {
		case err == nil:
			return hostpool.Harmless, nil
		case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultNoSuchObject,
			ldap.LDAPResultInappropriateAuthentication):
			return hostpool.Final, ErrCredentials
		}
		return verdict(err)
	})
}

// Ping asks whether there is a directory at all.
func (d *Directory) Ping(ctx context.Context) error {
	return d.conns.Do(ctx, func(ctx context.Context, c *conn) (hostpool.Verdict, error) {
		err := c.within(ctx, func() error {
			_, err := c.Conn.Search(&ldap.SearchRequest{Filter: "(objectClass=*)", Attributes: []string{"1.1"}})
			return err
		})
		var e *ldap.Error
		if errors.As(err, &e) && e.ResultCode < ldap.ErrorNetwork {
			err = nil // it answers, be it no
		}
		return hostpool.Broken, err
	})
}

// EscapeFilter writes a text as a value of a filter (RFC 4515 section 3). What is not UTF-8 or above ASCII is escaped too.
func EscapeFilter(s string) string { return ldap.EscapeFilter(s) }

// EscapeDN writes a text as a value of a distinguished name (RFC 4514 section 2.4).
func EscapeDN(s string) string { return ldap.EscapeDN(s) }

// CheckFilter says what is wrong with a filter.
func CheckFilter(filter string) error {
	_, err := ldap.CompileFilter(filter)
	return err
}
