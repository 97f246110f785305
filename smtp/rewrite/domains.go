package rewrite

import (
	"context"
	"errors"
	"os"
	"strings"
)

// Domains is a list of domains. Match gets them in lower case, and as the DNS has them.
type Domains interface {
	Match(ctx context.Context, domain string) (bool, error)
}

// List is a Domains of names.
func List(names ...string) *Matcher {
	m := &Matcher{}
	for _, n := range names {
		m.add(n)
	}
	return m
}

// A Matcher is a list in Postfix's notation: names, "!" for what is not to match, tables and files with more. The first member that matches decides.
type Matcher struct {
	members []member

	subdomains bool // members and keys of tables are names of hosts: "example.org", or ".example.org", is for all below it too
	parents    bool // "example.org" is, and not ".example.org"
}

type member struct {
	not   bool
	name  string
	table Table
	spec  string
}

// MatcherOptions say how a list is read.
type MatcherOptions struct {
	// Open opens a table, "type:name".
	Open func(ctx context.Context, spec string) (Table, error)
	// Subdomains makes ".example.org" stand for all below example.org; Parents makes "example.org" do so instead (parent_domain_matches_subdomains).
	// Without either names are compared as a whole.
	Subdomains, Parents bool
}

// ParseDomains reads the members of a list. A member that begins with "/" is a file with more of them, one a line or with commas between.
func ParseDomains(ctx context.Context, members []string, o MatcherOptions) (*Matcher, error) {
	m := &Matcher{subdomains: o.Subdomains || o.Parents, parents: o.Parents}
	return m, m.parse(ctx, members, &o, 0, false)
}

const maxListDepth = 20

var errDepth = errors.New("files that name files, too deep")

func (m *Matcher) parse(ctx context.Context, members []string, o *MatcherOptions, depth int, not bool) error {
	if depth > maxListDepth {
		return errDepth
	}
	for _, s := range members {
		no := not
		for strings.HasPrefix(s, "!") {
			no, s = !no, s[1:]
		}
		switch {
		case s == "":
		case s[0] == '/':
			text, err := os.ReadFile(s)
			if err != nil {
				return err
			}
			if err := m.parse(ctx, fileMembers(string(text)), o, depth+1, no); err != nil {
				return err
			}
		case strings.Contains(s, ":") && s[0] != '[' && o.Open != nil:
			t, err := o.Open(ctx, s)
			if err != nil {
				return err
			}
			m.members = append(m.members, member{not: no, table: t, spec: s})
		default:
			m.members = append(m.members, member{not: no, name: fold(s)})
		}
	}
	return nil
}

// fileMembers are the members in a file: "#" at a line's beginning makes a comment.
func fileMembers(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			out = append(out, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })...)
		}
	}
	return out
}

func (m *Matcher) add(name string) {
	if rest, no := strings.CutPrefix(name, "!"); no {
		m.members = append(m.members, member{not: true, name: fold(rest)})
	} else if name != "" {
		m.members = append(m.members, member{name: fold(name)})
	}
}

// Match implements Domains.
func (m *Matcher) Match(ctx context.Context, domain string) (bool, error) {
	for i := range m.members {
		x := &m.members[i]
		var ok bool
		var err error
		if x.table != nil {
			ok, err = m.inTable(ctx, x, domain)
		} else {
			ok = m.isName(x.name, domain)
		}
		if err != nil {
			return false, err
		}
		if ok {
			return !x.not, nil
		}
	}
	return false, nil
}

func (m *Matcher) isName(name, domain string) bool {
	if name == domain {
		return true
	}
	switch {
	case !m.subdomains:
		return false
	case m.parents:
		return strings.HasSuffix(domain, "."+name)
	}
	return strings.HasPrefix(name, ".") && strings.HasSuffix(domain, name)
}

func (m *Matcher) inTable(ctx context.Context, x *member, domain string) (bool, error) {
	t := named{x.table, x.spec}
	if _, found, err := t.find(ctx, domain, false); found || err != nil || !m.subdomains {
		return found, err
	}
	for key := range above(domain, m.parents) {
		if _, found, err := t.find(ctx, key, true); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// above goes through the domains that domain is below, "b.c" and "c" for "a.b.c", with a leading dot unless plain is set.
func above(domain string, plain bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for from := 1; from <= len(domain); {
			i := strings.IndexByte(domain[from:], '.')
			if i < 0 {
				return
			}
			at := from + i
			if plain {
				at++
			}
			if !yield(domain[at:]) {
				return
			}
			from += i + 1
		}
	}
}
