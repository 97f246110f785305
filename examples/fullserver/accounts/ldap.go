package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
)

// ldapSource is a dovecot-ldap.conf.ext.
type ldapSource struct {
	a    *Accounts
	spec string
	dir  *directory.Directory

	base, passFilter, userFilter *template
	userDN                       *template // auth_bind_userdn, nil for none
	iterate                      *template
	passAttrs, userAttrs, names  []ldapField
	scope, deref                 int
	bind                         bool
	scheme                       string
}

func openLDAP(spec, file string, a *Accounts) (source, error) {
	s, err := readSettings(file)
	if err != nil {
		return nil, err
	}
	if err := s.refuse("write dn and dnpass", "sasl_bind", "sasl_mech", "sasl_realm", "sasl_authz_id"); err != nil {
		return nil, err
	}
	if err := s.refuse("write tls_ca_cert_file", "tls_ca_cert_dir"); err != nil {
		return nil, err
	}
	c, err := ldapConfig(s)
	if err != nil {
		return nil, err
	}
	if a.o.Directories == nil {
		return nil, errors.New("no directories are to be asked here")
	}
	out := &ldapSource{a: a, spec: spec, scheme: s.get("default_pass_scheme", "crypt")}
	if out.dir, err = a.o.Directories.Get(*c); err != nil {
		return nil, s.errorf("uris", "%v", err)
	}
	if err := out.configure(s); err != nil {
		return nil, err
	}
	for _, ignored := range []string{"debug_level", "ldaprc_path", "blocking", "tls_cipher_suite"} {
		s.get(ignored, "")
	}
	return out, s.unknown()
}

// ldapConfig reads where the directory is.
func ldapConfig(s *settings) (*directory.Config, error) {
	c := &directory.Config{Bind: true, DN: s.get("dn", ""), Password: s.get("dnpass", ""), URIs: strings.Fields(s.get("uris", ""))}
	for _, h := range strings.Fields(s.get("hosts", "")) {
		c.URIs = append(c.URIs, "ldap://"+h)
	}
	if len(c.URIs) == 0 {
		return nil, s.errorf("uris", "neither uris nor hosts says where the directory is")
	}
	if v := s.get("ldap_version", "3"); v != "3" {
		return nil, s.errorf("ldap_version", "ldap_version = %s: only 3 is spoken", v)
	}
	var err error
	if c.StartTLS, err = s.flag("tls", false); err != nil {
		return nil, err
	}
	c.TLS = directory.TLS{CAFile: s.get("tls_ca_cert_file", ""), CertFile: s.get("tls_cert_file", ""), KeyFile: s.get("tls_key_file", "")}
	switch v := s.get("tls_require_cert", "demand"); v {
	case "never", "allow":
		c.TLS.NoVerify = true
	case "demand", "hard", "try":
	default:
		return nil, s.errorf("tls_require_cert", "tls_require_cert = %s: there are never, allow, try, demand and hard", v)
	}
	return c, nil
}

// configure reads what to search.
func (l *ldapSource) configure(s *settings) (err error) {
	if s.get("base", "") == "" {
		return s.errorf("base", "there is no base; write one, such as base = dc=example, dc=com")
	}
	for _, t := range []struct {
		into                 **template
		name, value, letters string
	}{
		{&l.base, "base", "", "und"}, {&l.passFilter, "pass_filter", "(&(objectClass=posixAccount)(uid=%u))", "undsr"}, {&l.userFilter, "user_filter", "(&(objectClass=posixAccount)(uid=%u))", "und"},
		{&l.userDN, "auth_bind_userdn", "", "und"}, {&l.iterate, "iterate_filter", "(objectClass=posixAccount)", ""},
	} {
		if *t.into, err = s.template(t.name, t.value, t.letters); err != nil {
			return err
		}
		if !strings.HasSuffix(t.name, "_filter") {
			continue
		}
		sample, _ := (*t.into).expand(newRequest("u@d"), filterQuote)
		if err := directory.CheckFilter(sample); err != nil {
			return s.errorf(t.name, "%s: %v", t.name, err)
		}
	}
	if s.get("auth_bind_userdn", "") == "" {
		l.userDN = nil
	}
	for _, t := range []struct {
		into        *[]ldapField
		name, value string
	}{
		{&l.passAttrs, "pass_attrs", "uid=user,userPassword=password"}, {&l.userAttrs, "user_attrs", "homeDirectory=home,uidNumber=uid,gidNumber=gid"}, {&l.names, "iterate_attrs", "uid=user"},
	} {
		if *t.into, err = parseFields(s.get(t.name, t.value)); err != nil {
			return s.errorf(t.name, "%s: %v", t.name, err)
		}
	}
	if l.bind, err = s.flag("auth_bind", false); err != nil {
		return err
	}
	var ok bool
	if l.scope, ok = map[string]int{"base": 0, "onelevel": 1, "subtree": 2}[s.get("scope", "subtree")]; !ok {
		return s.errorf("scope", "scope is base, onelevel or subtree")
	}
	if l.deref, ok = map[string]int{"never": 0, "searching": 1, "finding": 2, "always": 3}[s.get("deref", "never")]; !ok {
		return s.errorf("deref", "deref is never, searching, finding or always")
	}
	return nil
}

func filterQuote(s string) (string, error) { return directory.EscapeFilter(s), nil }

func dnQuote(s string) (string, error) { return directory.EscapeDN(s), nil }

func (l *ldapSource) name() string                   { return l.spec }
func (l *ldapSource) ping(ctx context.Context) error { return l.dir.Ping(ctx) }
func (l *ldapSource) variables() string {
	v := l.base.variables() + l.passFilter.variables()
	if l.userDN != nil {
		v += l.userDN.variables()
	}
	return v
}

// entry searches for one user; nil for none.
func (l *ldapSource) entry(ctx context.Context, filter *template, fields []ldapField, r *request) (*directory.Entry, error) {
	base, _ := l.base.expand(r, dnQuote)
	text, _ := filter.expand(r, filterQuote)
	found, err := l.dir.Search(ctx, &directory.Request{Base: base, Scope: l.scope, Deref: l.deref, SizeLimit: 2, Filter: text, Attributes: attributesOf(fields)})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, fmt.Errorf("the filter %s matches more than one entry", text)
	}
	return &found[0], nil
}

func (l *ldapSource) login(ctx context.Context, r *request) (*record, error) {
	if l.bind && l.userDN != nil {
		dn, _ := l.userDN.expand(r, dnQuote)
		return &record{user: r.user, bind: l.binding(dn)}, nil
	}
	e, err := l.entry(ctx, l.passFilter, l.passAttrs, r)
	if e == nil || err != nil {
		return nil, err
	}
	values := fieldsOf(l.passAttrs, e, r)
	if l.bind {
		delete(values, "password")
	}
	rec, err := newRecord(r.user, values, l.scheme, l.a.o.Domain)
	if err != nil {
		return nil, err
	}
	if l.bind && !rec.noPassword {
		rec.problem, rec.bind = "", l.binding(e.DN)
	}
	return rec, nil
}

// binding checks passwords by logging in at the directory.
func (l *ldapSource) binding(dn string) func(ctx context.Context, password string) (bool, error) {
	return func(ctx context.Context, password string) (bool, error) {
		err := l.dir.Authenticate(ctx, dn, password)
		if errors.Is(err, directory.ErrCredentials) {
			return false, nil
		}
		return err == nil, err
	}
}

// pretend logs in at the directory as nobody, so that a name that isn't there takes the same way.
func (l *ldapSource) pretend(ctx context.Context, r *request) bool {
	if !l.bind {
		return false
	}
	base, _ := l.base.expand(r, dnQuote)
	_ = l.dir.Authenticate(ctx, "cn="+directory.EscapeDN(r.user)+","+base, r.password)
	return true
}

func (l *ldapSource) user(ctx context.Context, r *request) (*User, error) {
	e, err := l.entry(ctx, l.userFilter, l.userAttrs, r)
	if e == nil || err != nil {
		return nil, err
	}
	return newUser(r.user, fieldsOf(l.userAttrs, e, r), l.a.o.Domain)
}

// list is what iterate_filter finds.
func (l *ldapSource) list(ctx context.Context) (names []string, err error) {
	if strings.Contains(l.base.variables(), "d") {
		return nil, errNoList
	}
	return l.found(ctx, newRequest("@"))
}

// inDomain is list where each domain has a place of its own.
func (l *ldapSource) inDomain(ctx context.Context, domain string) (names []string, err error) {
	if !strings.Contains(l.base.variables(), "d") {
		return l.list(ctx)
	}
	names, err = l.found(ctx, newRequest("@"+domain))
	for i, n := range names {
		if !strings.Contains(n, "@") {
			names[i] = n + "@" + domain
		}
	}
	return names, err
}

func (l *ldapSource) found(ctx context.Context, r *request) (names []string, err error) {
	base, _ := l.base.expand(r, dnQuote)
	text, _ := l.iterate.expand(newRequest("@"), filterQuote)
	found, err := l.dir.Search(ctx, &directory.Request{Base: base, Scope: l.scope, Deref: l.deref, Filter: text, Attributes: attributesOf(l.names)})
	if err != nil {
		return nil, err
	}
	for i := range found {
		if name := renamed("", fieldsOf(l.names, &found[i], newRequest("@"))); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
