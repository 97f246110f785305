package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/dbtable"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openLDAP opens ldap:/file (ldap_table(5)). The file says where the directory is and what to search. Nothing is remembered of answers.
func openLDAP(ctx context.Context, name string, o *Options) (Table, error) {
	return openDatabase(ctx, "ldap", name, o, func(s *sources, p *dbtable.Params, common *dbCommon) (Table, error) {
		t := &ldapTable{dbCommon: common}
		if err := t.configure(p); err != nil {
			return nil, err
		}
		c, err := ldapConfig(p)
		if err != nil {
			return nil, err
		}
		if t.dir, err = s.directories.Get(*c); err != nil {
			return nil, p.Errorf("server_host", "%v", err)
		}
		return t, nil
	})
}

// ldapTable is a search in a directory.
type ldapTable struct {
	*dbCommon
	dir          *directory.Directory
	base, filter dbtable.Template
	scope, deref int
	sizeLimit    int
	recursion    int

	// attributes are the terminal ones, the leaf ones, the usual and the special ones, in this order.
	attributes             []string
	terminal, leaf, values int // how many are the first, the second, the first three
}

// configure reads what to search.
func (t *ldapTable) configure(p *dbtable.Params) (err error) {
	base := p.String("search_base", "")
	if base == "" {
		return p.Errorf("search_base", "there is no search_base; write one, such as search_base = dc=example, dc=com")
	}
	if t.base, err = t.templates.AddQuery(base); err != nil {
		return p.Errorf("search_base", "search_base: %v", err)
	}
	filter := p.String("query_filter", "(mailacceptinggeneralid=%s)")
	if t.filter, err = t.templates.AddQuery(filter); err != nil {
		return p.Errorf("query_filter", "query_filter: %v", err)
	}
	if sample, ok, _ := t.templates.Expand(&t.filter, "u@i.h.g.f.e.d.c.b.a", escape(directory.EscapeFilter)); ok {
		if err := directory.CheckFilter(completeFilter(sample)); err != nil {
			return p.Errorf("query_filter", "query_filter: %v", err)
		}
	}
	if !t.filter.Dynamic() && !t.base.Dynamic() {
		return p.Errorf("query_filter", "neither query_filter nor search_base has anything of the key in it: write %%s where the key belongs")
	}
	switch scope := strings.ToLower(p.String("scope", "sub")); scope {
	case "sub":
		t.scope = 2
	case "one":
		t.scope = 1
	case "base":
	default:
		return p.Errorf("scope", "scope = %s: there are sub, base and one", source.Quote(scope))
	}
	t.attributes = p.List("terminal_result_attribute", "")
	t.terminal = len(t.attributes)
	t.attributes = append(t.attributes, p.List("leaf_result_attribute", "")...)
	t.leaf = len(t.attributes) - t.terminal
	t.attributes = append(t.attributes, p.List("result_attribute", "maildrop")...)
	t.values = len(t.attributes)
	t.attributes = append(t.attributes, p.List("special_result_attribute", "")...)
	if len(t.attributes) == 0 {
		return p.Errorf("result_attribute", "there is no result_attribute")
	}
	for _, n := range []struct {
		name         string
		into         *int
		value, least int
	}{{"recursion_limit", &t.recursion, 1000, 1}, {"size_limit", &t.sizeLimit, t.limit, 0}, {"dereference", &t.deref, 0, 0}} {
		if *n.into, err = p.Int(n.name, n.value, n.least); err != nil {
			return err
		}
	}
	if t.deref > 3 {
		return p.Errorf("dereference", "dereference is 0 to 3")
	}
	return nil
}

// ldapConfig reads where the directory is.
func ldapConfig(p *dbtable.Params) (*directory.Config, error) {
	c := &directory.Config{DN: p.String("bind_dn", ""), Password: p.String("bind_pw", "")}
	port, err := p.Int("server_port", 389, 1)
	if err != nil {
		return nil, err
	}
	for _, h := range p.List("server_host", "localhost") {
		if !directory.IsURL(h) {
			if !strings.Contains(h, ":") {
				h = fmt.Sprintf("%s:%d", h, port)
			}
			h = "ldap://" + h
		}
		c.URIs = append(c.URIs, h)
	}
	switch bind := strings.ToLower(p.String("bind", "yes")); bind {
	case "yes", "simple":
		c.Bind = true
	case "no", "none":
	default:
		return nil, p.Errorf("bind", "bind = %s is not supported: write yes, with bind_dn and bind_pw, or no", source.Quote(bind))
	}
	if v := p.String("version", "3"); v != "3" {
		return nil, p.Errorf("version", "version = %s: only 3 is spoken", v)
	}
	if chase, err := p.Bool("chase_referrals", false); err != nil || chase || p.String("chase_referrals", "0") == "1" {
		return nil, p.Errorf("chase_referrals", "chase_referrals is not supported: name the server that has the entries in server_host")
	}
	if p.String("tls_ca_cert_dir", "") != "" {
		return nil, p.Errorf("tls_ca_cert_dir", "tls_ca_cert_dir is not supported: write tls_ca_cert_file")
	}
	if c.StartTLS, err = p.Bool("start_tls", false); err != nil {
		return nil, err
	}
	verify, err := p.Bool("tls_require_cert", false)
	if err != nil {
		return nil, err
	}
	c.TLS = directory.TLS{CAFile: p.String("tls_ca_cert_file", ""), CertFile: p.String("tls_cert", ""), KeyFile: p.String("tls_key", ""), NoVerify: !verify}
	seconds, err := p.Int("timeout", 10, 1)
	if err != nil {
		return nil, err
	}
	c.Timeout = time.Duration(seconds) * time.Second
	for _, ignored := range []string{"cache", "cache_expiry", "cache_size", "debuglevel", "tls_random_file", "tls_cipher_suite"} {
		p.Given(ignored)
	}
	return c, nil
}

func escape(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) { return f(s), nil }
}

// completeFilter puts a filter into parentheses, which OpenLDAP's library does without.
func completeFilter(s string) string {
	if s = source.Trim(s); !strings.HasPrefix(s, "(") {
		s = "(" + s + ")"
	}
	return s
}

// Find implements Table.
func (t *ldapTable) Find(ctx context.Context, key string) (string, bool, error) {
	key, ok, err := t.wanted(ctx, key)
	if !ok || err != nil {
		return "", false, err
	}
	base, _, _ := t.templates.Expand(&t.base, key, escape(directory.EscapeDN))
	filter, _, _ := t.templates.Expand(&t.filter, key, escape(directory.EscapeFilter))
	entries, err := t.dir.Search(ctx, &directory.Request{Base: base, Scope: t.scope, Deref: t.deref, SizeLimit: t.sizeLimit, Filter: completeFilter(filter), Attributes: t.attributes})
	if errors.Is(err, directory.ErrNoObject) && t.base.Dynamic() {
		return "", false, nil // no base for this key
	}
	if errors.Is(err, directory.ErrNoObject) {
		return "", false, fmt.Errorf("search_base %s: %w", source.Quote(base), err)
	}
	if err != nil {
		return "", false, err
	}
	g := &gathering{ldapTable: t, ctx: ctx, key: key}
	if err := g.entries(entries, 1); err != nil {
		return "", false, err
	}
	value, found := g.out.Value()
	return value, found, nil
}

// Ping asks whether the directory answers.
func (t *ldapTable) Ping(ctx context.Context) error { return t.dir.Ping(ctx) }
