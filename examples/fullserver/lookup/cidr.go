package lookup

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openCIDR opens cidr:/file and cidr:{ {rule}, {rule} } (cidr_table(5)).
func openCIDR(_ context.Context, name string, o *Options) (Table, error) {
	return openRules("cidr", name, o, parseCIDR)
}

// openRules opens a table of rules from a file, or from main.cf itself.
func openRules(kind, name string, o *Options, parse func(name, text string, o *Options) (*rules.Program, error)) (Table, error) {
	make := func(text string) (Table, error) {
		p, err := parse(name, text, o)
		if err != nil {
			return nil, err
		}
		return ruleTable{p, name}, nil
	}
	switch {
	case strings.HasPrefix(name, "{"):
		text, err := source.InlineRules(name)
		if err != nil {
			return nil, err
		}
		name = kind + ":{…}"
		return make(text)
	case name == "":
		return nil, fmt.Errorf("expected the name of a file, or {{rule}, {rule}}")
	}
	return openFile(name, o, make)
}

type ruleTable struct {
	p    *rules.Program
	name string
}

func (t ruleTable) Find(_ context.Context, key string) (string, bool, error) {
	value, line, found, err := t.p.Find(key)
	if err != nil {
		return "", false, &Problem{File: t.name, Line: line, Reason: err.Error(), Err: err}
	}
	return value, found, nil
}

func (ruleTable) Pattern() bool { return true }

func parseCIDR(name, text string, o *Options) (*rules.Program, error) {
	p := &rules.Program{}
	warn := func(line int, format string, args ...any) {
		o.Warn(&Problem{File: name, Line: line, Reason: fmt.Sprintf(format, args...)})
	}
	lines(name, text, o, func(sc *source.Scanner) {
		word, rest := sc.Text, ""
		negate := false
		cut := func() {
			if i := strings.IndexFunc(word, func(r rune) bool { return r < 0x80 && source.IsSpace(byte(r)) }); i >= 0 {
				word, rest = word[:i], source.Trim(word[i:])
			}
		}
		bangs := func() {
			for strings.HasPrefix(word, "!") {
				negate, word = !negate, source.TrimLeft(word[1:])
			}
		}
		bangs()
		cut()
		switch {
		case strings.EqualFold(word, "endif") && !negate:
			if !p.Endif(sc.First) {
				warn(sc.First, "endif without if; line left out")
			} else if rest != "" {
				warn(sc.First, "text after endif is ignored: %s", source.Quote(rest))
			}
		case strings.EqualFold(word, "if") && !negate:
			word, rest = rest, ""
			bangs()
			cut()
			n, err := parseNetwork(word)
			if err != nil {
				warn(sc.First, "%v; line left out", err)
				return
			}
			if rest != "" {
				warn(sc.First, "text after if is ignored: %s", source.Quote(rest))
			}
			n.negate = negate
			p.If(sc.First, n, false)
		default:
			n, err := parseNetwork(word)
			if err != nil {
				warn(sc.First, "%v; line left out", err)
				return
			}
			if rest == "" {
				warn(sc.First, "no result after the address; line left out")
				return
			}
			n.negate = negate
			p.Result(sc.First, n, false, rules.Literal(rest))
		}
	})
	for _, line := range p.Open() {
		warn(line, "if has no matching endif; it holds to the end of the table")
	}
	return p, nil
}

// A network is an address or a prefix, or all addresses of its family that are not in it. Only an address matches.
type network struct {
	netip.Prefix
	negate bool
}

func (n network) Match(key string, _ bool) ([]int, bool, error) {
	a, ok := parseAddress(key)
	return nil, ok && a.Is4() == n.Addr().Is4() && n.Contains(a) != n.negate, nil
}

func (network) Groups() int { return 0 }

// parseNetwork reads "192.0.2.0/24", "2001:db8::1", "[::1]/128" or "[::1/128]".
func parseNetwork(s string) (network, error) {
	text := s
	if strings.HasPrefix(text, "[") {
		inner, after, ok := strings.Cut(text[1:], "]")
		if !ok {
			return network{}, fmt.Errorf("missing ']' in %s", source.Quote(s))
		}
		text = inner + after
	}
	address, bits, hasBits := strings.Cut(text, "/")
	a, ok := parseAddress(address)
	if !ok {
		return network{}, fmt.Errorf("%s is no address or network", source.Quote(s))
	}
	n := a.BitLen()
	if hasBits {
		if bits == "" || len(bits) > 3 {
			return network{}, fmt.Errorf("bad prefix length in %s", source.Quote(s))
		}
		n = 0
		for _, c := range []byte(bits) {
			if c < '0' || c > '9' {
				return network{}, fmt.Errorf("bad prefix length in %s", source.Quote(s))
			}
			n = 10*n + int(c-'0')
		}
		if n > a.BitLen() {
			return network{}, fmt.Errorf("prefix length of %s is more than %d", source.Quote(s), a.BitLen())
		}
	}
	p := netip.PrefixFrom(a, n)
	if p.Masked().Addr() != a {
		return network{}, fmt.Errorf("non-null host address bits in %s: write %s, or %s for the one address", source.Quote(s), p.Masked(), a)
	}
	return network{Prefix: p}, nil
}

// parseAddress reads an address as inet_pton(3) does.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}
