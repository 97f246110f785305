package aliasfile

import (
	"errors"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// A Kind is a way of delivery.
type Kind int

const (
	Address Kind = iota // mail is forwarded to it
	Command             // "|command": mail is piped into it
	File                // "/file": mail is appended to it
	Include             // ":include:/file": its lines are destinations
)

func (k Kind) String() string {
	return [...]string{"address", "command", "file", "include"}[k]
}

// A Destination is one of an alias' values. Text is the address as RFC 5322 writes it, the command without its "|", or the file's name.
type Destination struct {
	Kind Kind
	Text string
}

// maxDepth bounds comments within comments.
const maxDepth = 100

// ParseDestinations reads a list of destinations with commas between them: what stands behind a name in aliases(5), and the lines of
// .forward and :include: files. Comments in parentheses are left out, of "Name <address>" the address stays, and quotes around the whole
// of a destination are taken off.
func ParseDestinations(list string) ([]Destination, error) {
	var all []Destination
	for p := (parser{in: list}); ; {
		d, ok, err := p.next()
		if err != nil {
			return nil, err
		}
		if d != (Destination{}) {
			all = append(all, d)
		}
		if !ok {
			return all, nil
		}
	}
}

type parser struct {
	in  string
	pos int
}

// next reads one destination; ok is false at the end of the list.
func (p *parser) next() (d Destination, ok bool, err error) {
	var raw, plain strings.Builder // as written, and without quotes
	whole := true                  // it is one quoted string
	atoms, angle := 0, false
	for ; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; {
		case c == ',':
			p.pos++
			ok = true
		case c == '"':
			text, err := p.quoted()
			if err != nil {
				return d, false, err
			}
			whole = whole && atoms == 0
			atoms++
			plain.WriteString(text)
			raw.WriteString(Quote(text))
			continue
		case c == '(' && !strings.HasPrefix(raw.String(), "|"):
			if err := p.comment(); err != nil {
				return d, false, err
			}
			continue
		case c == '<':
			raw.Reset()
			plain.Reset()
			atoms, angle, whole = 0, true, false
			continue
		case c == '>' && angle:
			// What follows the address is left out.
			for p.pos+1 < len(p.in) && p.in[p.pos+1] != ',' {
				p.pos++
			}
			angle = false
			continue
		case source.IsSpace(c):
			if raw.Len() > 0 {
				raw.WriteByte(' ')
				if atoms > 0 {
					plain.WriteByte(' ')
				}
			}
			continue
		case c == '\\' && p.pos+1 < len(p.in):
			if raw.Len() == 0 && source.IsAlnum(p.in[p.pos+1]) { // "\user": his mailbox, whatever else is said about him
				raw.WriteByte(c)
				plain.WriteByte(c)
			}
			p.pos++
			c = p.in[p.pos]
			fallthrough
		default:
			raw.WriteByte(c)
			plain.WriteByte(c)
			whole = false
			atoms++
			continue
		}
		break
	}
	if angle {
		return d, false, errors.New("aliasfile: missing '>'")
	}
	text := source.Trim(raw.String())
	if whole && atoms == 1 {
		text = plain.String()
		for strings.HasSuffix(text, " ") && source.Trim(text) != "" {
			text = text[:len(text)-1]
		}
	}
	return destination(text, whole), ok, nil
}

func destination(text string, quoted bool) Destination {
	switch {
	case text == "":
		return Destination{}
	case text[0] == '|':
		return Destination{Command, source.Trim(text[1:])}
	case text[0] == '/':
		return Destination{File, text}
	case len(text) >= 9 && strings.EqualFold(text[:9], ":include:"):
		return Destination{Include, source.Trim(text[9:])}
	case quoted && strings.ContainsAny(text, " \t\"\\(),:;<>[]"):
		return Destination{Address, Quote(text)}
	}
	return Destination{Address, text}
}

// quoted reads a quoted string; p.pos is left at its closing quote.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '"':
			p.pos = i
			return b.String(), nil
		case c == '\\' && i+1 < len(p.in):
			i++
			b.WriteByte(p.in[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("aliasfile: missing '\"'")
}

// comment passes over one; p.pos is left at its closing parenthesis.
func (p *parser) comment() error {
	depth := 0
	for i := p.pos; i < len(p.in); i++ {
		switch p.in[i] {
		case '\\':
			i++
		case '(':
			if depth++; depth > maxDepth {
				return errors.New("aliasfile: comments nested too deep")
			}
		case ')':
			if depth--; depth == 0 {
				p.pos = i
				return nil
			}
		}
	}
	return errors.New("aliasfile: missing ')'")
}

// Quote writes s as a quoted string (RFC 5322 section 3.2.4).
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}
