// Package hostlist says which clients a parameter of main.cf means: smtpd_client_event_limit_exceptions and its like, as Postfix's
// namadr_list(3) does. Patterns stand with commas or spaces between, the first that matches counts, and "!" before one makes it an exception.
//
//	192.0.2.1  [2001:db8::1]  192.0.2.0/24   addresses and networks
//	host.example  .example                   a host, and hosts of a domain
//	/file  type:table                        more patterns, and what a table has for the name or the address
package hostlist

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// List is a list of patterns. It may be used by many goroutines at once.
type List struct {
	patterns   []pattern
	subdomains bool
	tables     []*lookup.List
}

type pattern struct {
	not   bool
	net   netip.Prefix // where it is one
	name  string       // a host or, with a dot in front, a domain
	table *lookup.List
}

// maxDepth is how deep files may name files.
const maxDepth = 10

// Open reads a list. subdomains says that a domain stands for the hosts in it, too, as parent_domain_matches_subdomains does. A table that
// fails later is told to o.Warn, and has nothing.
func Open(ctx context.Context, text string, subdomains bool, o *lookup.Options) (*List, error) {
	l := &List{subdomains: subdomains}
	if err := l.add(ctx, text, o, 0); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

func (l *List) add(ctx context.Context, text string, o *lookup.Options, depth int) error {
	for _, word := range config.Members(text) {
		p := pattern{}
		for strings.HasPrefix(word, "!") {
			p.not, word = !p.not, word[1:]
		}
		switch n, isNet, err := network(word); {
		case err != nil:
			return err
		case isNet:
			p.net = n
		case strings.HasPrefix(word, "/"):
			if depth == maxDepth || p.not {
				return fmt.Errorf("%s: a file can't be named here", word)
			}
			b, err := os.ReadFile(word)
			if err != nil {
				return err
			}
			if err := l.add(ctx, withoutComments(string(b)), o, depth+1); err != nil {
				return fmt.Errorf("%s: %w", word, err)
			}
			continue
		case strings.Contains(word, ":"):
			t, err := lookup.OpenList(ctx, word, o)
			if err != nil {
				return err
			}
			p.table, l.tables = t, append(l.tables, t)
		case word == "":
			return fmt.Errorf("%q: nothing stands behind an exclamation mark", text)
		default:
			p.name = strings.ToLower(word)
		}
		l.patterns = append(l.patterns, p)
	}
	return nil
}

// withoutComments leaves out lines that begin with "#".
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// network reads an address or a network, with or without brackets. It is an error where it can't be anything else.
func network(s string) (p netip.Prefix, is bool, err error) {
	inner, rest, bracketed := s, "", false
	if strings.HasPrefix(s, "[") {
		if inner, rest, bracketed = strings.Cut(s[1:], "]"); !bracketed {
			return p, false, fmt.Errorf("%q has no ]", s)
		}
		inner += rest
	}
	if p, err = netip.ParsePrefix(inner); err == nil {
		if p != p.Masked() {
			return p, false, fmt.Errorf("%q: the address has bits that are not in the network; %s has not", s, p.Masked())
		}
		return p, true, nil
	}
	if a, err := netip.ParseAddr(inner); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true, nil
	}
	if bracketed || !strings.Contains(s, ":") && strings.Contains(s, "/") && !strings.HasPrefix(s, "/") {
		return p, false, fmt.Errorf("%q is neither an address nor a network", s)
	}
	return netip.Prefix{}, false, nil
}

// Has reports whether the list means a client, by its name, which may be "", and its address, which may be none.
func (l *List) Has(name string, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := range l.patterns {
		if p := &l.patterns[i]; l.matches(p, name, a) {
			return !p.not
		}
	}
	return false
}

func (l *List) matches(p *pattern, name string, a netip.Addr) bool {
	switch {
	case p.table != nil:
		return l.inTable(p.table, name, a)
	case p.net.IsValid():
		return a.IsValid() && p.net.Contains(a)
	case name == "":
		return false
	case name == p.name:
		return true
	case strings.HasPrefix(p.name, "."):
		return strings.HasSuffix(name, p.name)
	}
	return l.subdomains && strings.HasSuffix(name, "."+p.name)
}

func (l *List) inTable(t *lookup.List, name string, a netip.Addr) bool {
	ctx := context.Background()
	if a.IsValid() {
		if _, found, err := t.Find(ctx, a.String()); err == nil && found {
			return true
		}
	}
	for part := false; name != ""; part = true {
		find := t.Find
		if part {
			find = t.FindPart
		}
		if _, found, err := find(ctx, name); err == nil && found {
			return true
		}
		dot := strings.IndexByte(name[1:], '.')
		if dot < 0 {
			break
		}
		if name = name[dot+1:]; l.subdomains {
			name = name[1:]
		}
	}
	return false
}

// Close closes the list's tables.
func (l *List) Close() error {
	var first error
	for _, t := range l.tables {
		if err := t.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
