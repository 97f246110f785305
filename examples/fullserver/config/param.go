package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a parameter's value.
type Kind string

// The kinds.
const (
	Text    Kind = "text"
	Host    Kind = "host name"
	Path    Kind = "path"
	Integer Kind = "number"
	Yes     Kind = "yes or no"
	Time    Kind = "time"
	Size    Kind = "size"
	List    Kind = "list"
	Domains Kind = "list of domains"
	Nets    Kind = "list of networks"
	Listen  Kind = "list of addresses"
	Choice  Kind = "choice"

	Maps     Kind = "list of tables"
	Patterns Kind = "list of domains, tables and files"
)

// Param is a row of the table.
type Param struct {
	Name    string
	Group   string // heading in a commented main.cf
	Kind    Kind
	Default string // unexpanded
	Help    string // what it is for, in a sentence or two

	Min, Max int64         // of an Integer, Size (octets) or Time (in Unit); Max 0 means no bound
	Unit     time.Duration // of a Time without a suffix; 0: seconds
	Choices  []string      // the values of a Choice, the items of a List

	// Refuse, when not "", says what to do instead of setting this parameter: it is known by name but not built. Its default may be set, and
	// what is in Harmless.
	Refuse   string
	Harmless []string

	// Inert, when not "", says why this parameter, which Postfix has, changes nothing here.
	Inert string

	Raw bool // $names in it stand for something of each message, and stay

	into func(*Settings) any // a pointer to the field; nil where nothing but other parameters' values asks for it
}

// refuse says why value can't be had.
func (p *Param) refuse(value, usual string) error {
	same := func(s string) bool { return strings.Join(splitList(s), " ") == strings.Join(splitList(value), " ") }
	if p.Refuse == "" || value == "" || same(usual) || slices.ContainsFunc(p.Harmless, same) {
		return nil
	}
	return errors.New(p.Refuse)
}

// decode checks value and stores it in s.
func (p *Param) decode(s *Settings, value string) (err error) {
	if p.into == nil {
		return nil
	}
	switch dst := p.into(s).(type) {
	case *string:
		if err = p.checkText(value); err == nil {
			*dst = value
		}
	case *int64:
		if p.Kind == Size {
			*dst, err = parseSize(value)
		} else {
			*dst, err = strconv.ParseInt(value, 10, 64)
			if err != nil {
				err = fmt.Errorf("%s is not a whole number", quote(value))
			}
		}
		if err == nil {
			err = p.checkRange(*dst, "")
		}
	case *bool:
		*dst, err = parseYes(value)
	case *time.Duration:
		unit := p.Unit
		if unit == 0 {
			unit = time.Second
		}
		*dst, err = parseTime(value, unit)
		if err == nil {
			err = p.checkRange(int64(*dst/unit), unitName(unit))
		}
	case *[]string:
		*dst, err = p.parseList(value)
	case *[]netip.Prefix:
		*dst, err = parseNets(value)
	case *[]Address:
		*dst, err = parseAddresses(value)
	default:
		err = fmt.Errorf("a parameter of unknown type %T", dst)
	}
	return err
}

func (p *Param) checkText(value string) error {
	switch p.Kind {
	case Choice:
		if !slices.Contains(p.Choices, value) {
			return fmt.Errorf("%s is not one of: %s", quote(value), strings.Join(p.Choices, ", "))
		}
	case Host:
		if !validHost(value) {
			return fmt.Errorf("%s is not a host name", quote(value))
		}
	case Patterns:
		return checkPatterns(value)
	case Maps:
		return checkMaps(value)
	}
	return nil
}

func (p *Param) checkRange(n int64, unit string) error {
	if n >= p.Min && (p.Max == 0 || n <= p.Max) {
		return nil
	}
	if p.Max == 0 {
		return fmt.Errorf("%d%s is less than %d%s", n, unit, p.Min, unit)
	}
	return fmt.Errorf("%d%s is not between %d%s and %d%s", n, unit, p.Min, unit, p.Max, unit)
}

func (p *Param) parseList(value string) ([]string, error) {
	out := splitList(value)
	for i, item := range out {
		if p.Choices != nil && !slices.Contains(p.Choices, strings.ToLower(item)) {
			return nil, fmt.Errorf("%s is not one of: %s", quote(item), strings.Join(p.Choices, ", "))
		}
		if p.Choices != nil {
			out[i] = strings.ToLower(item)
		}
	}
	if p.Kind != Domains {
		return out, nil
	}
	for i, d := range out {
		if !validHost(d) {
			return nil, fmt.Errorf("%s is not a domain", quote(d))
		}
		out[i] = strings.ToLower(d)
	}
	return out, nil
}

// splitList splits at commas and white space, as Postfix does.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// validHost takes what can stand as a domain in an address: labels of letters, digits, "-", "_" and UTF-8. Whether
// it is a well-formed name of the DNS is for the DNS to say.
func validHost(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !nameByte(c) && c != '-' && c < 0x80 {
				return false
			}
		}
	}
	return true
}

func parseYes(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither yes nor no", quote(s))
}

// unitOf returns the length of a unit's letter, 0 when it is none.
func unitOf(letter byte) time.Duration {
	switch letter {
	case 's':
		return time.Second
	case 'm':
		return time.Minute
	case 'h':
		return time.Hour
	case 'd':
		return 24 * time.Hour
	case 'w':
		return 7 * 24 * time.Hour
	}
	return 0
}

func unitName(u time.Duration) string {
	for _, c := range []byte("smhdw") {
		if unitOf(c) == u {
			return string(c)
		}
	}
	return ""
}

// parseTime reads a whole number with a unit: s, m, h, d or w.
// ParseTime reads a time as parameters have it, "30d" or "2h"; unit is that of a number alone.
func ParseTime(s string, unit time.Duration) (time.Duration, error) { return parseTime(s, unit) }

func parseTime(s string, unit time.Duration) (time.Duration, error) {
	digits := s
	if n := len(s); n > 0 {
		if u := unitOf(s[n-1] | 0x20); u != 0 {
			unit, digits = u, s[:n-1]
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a time: a whole number and s, m, h, d or w", quote(s))
	}
	if n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("%s is too long a time", quote(s))
	}
	return time.Duration(n) * unit, nil
}

// parseSize reads octets, with Dovecot's suffixes B, K, M, G and T (1024 each) if wanted.
func parseSize(s string) (int64, error) {
	digits, shift := s, 0
	if n := len(s); n > 0 {
		if i := strings.IndexByte("BKMGT", s[n-1]&^0x20); i >= 0 {
			digits, shift = s[:n-1], 10*i
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a size: octets, or a number and K, M, G or T", quote(s))
	}
	if n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%s is too large", quote(s))
	}
	return n << shift, nil
}

// parseNets reads networks as mynetworks has them: 127.0.0.0/8, [::1]/128, a lone address. What netPattern knows is left out.
func parseNets(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range Members(s) {
		if is, err := netPattern(item); err != nil {
			return nil, err
		} else if is {
			continue
		}
		plain := strings.NewReplacer("[", "", "]", "").Replace(item)
		p, err := netip.ParsePrefix(plain)
		if err != nil {
			a, aerr := netip.ParseAddr(plain)
			if aerr != nil {
				return nil, fmt.Errorf("%s is not a network like 192.0.2.0/24 or [2001:db8::]/32", quote(item))
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p != p.Masked() {
			return nil, fmt.Errorf("%s has bits set behind its mask; did you mean %s?", quote(item), p.Masked())
		}
		out = append(out, p)
	}
	return out, nil
}
