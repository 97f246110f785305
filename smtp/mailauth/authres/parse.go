package authres

import (
	"errors"
	"strconv"
	"strings"
)

// MaxMethods bounds the methods, and the properties of one, that Parse reads.
const MaxMethods = 100

// ErrSyntax says that a field is no Authentication-Results as RFC 8601 section 2.2 has them.
var ErrSyntax = errors.New("bad Authentication-Results")

// Parse reads the body of a field, folded or not. Comments are skipped, but the first one after a result is kept.
func Parse(value string) (*Results, error) {
	s := &scanner{s: value}
	r := &Results{}
	var ok bool
	if r.ServID, ok = s.value(); !ok {
		return nil, ErrSyntax
	}
	if v, ok := s.value(); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 1<<16 {
			return nil, ErrSyntax
		}
		r.Version = n
	}
	for {
		if s.end() {
			return r, nil
		}
		if !s.take(';') {
			return nil, ErrSyntax
		}
		if s.end() { // a ";" at the end is not in the grammar, and often in the mail
			return r, nil
		}
		m, err := s.method()
		if err != nil {
			return nil, err
		}
		if m == nil { // "none"
			continue
		}
		if len(r.Methods) >= MaxMethods {
			return nil, ErrSyntax
		}
		r.Methods = append(r.Methods, *m)
	}
}

func (s *scanner) method() (*Method, error) {
	m := &Method{}
	var ok bool
	if m.Name, ok = s.keyword(); !ok {
		return nil, ErrSyntax
	}
	if s.take('/') {
		v, _ := s.keyword()
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, ErrSyntax
		}
		m.Version = n
	}
	if !s.take('=') {
		if m.Name == "none" {
			return nil, nil
		}
		return nil, ErrSyntax
	}
	code, ok := s.keyword()
	if !ok {
		return nil, ErrSyntax
	}
	m.Result = Code(strings.ToLower(code))
	s.comment = ""
	s.space()
	m.Comment = s.comment
	for {
		s.space()
		if s.at >= len(s.s) || s.s[s.at] == ';' {
			return m, nil
		}
		name, ok := s.keyword()
		if !ok {
			return nil, ErrSyntax
		}
		if strings.EqualFold(name, "reason") && s.take('=') {
			if m.Reason, ok = s.value(); !ok {
				return nil, ErrSyntax
			}
			continue
		}
		if !s.take('.') {
			return nil, ErrSyntax
		}
		p := Property{Type: name}
		if p.Name, ok = s.keyword(); !ok || !s.take('=') {
			return nil, ErrSyntax
		}
		if p.Value, ok = s.pvalue(); !ok || len(m.Props) >= MaxMethods {
			return nil, ErrSyntax
		}
		m.Props = append(m.Props, p)
	}
}

type scanner struct {
	s       string
	at      int
	comment string
}

// space skips white space and comments, which nest.
func (s *scanner) space() {
	for s.at < len(s.s) {
		switch s.s[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		case '(':
			depth, start := 0, s.at+1
			for ; s.at < len(s.s); s.at++ {
				switch s.s[s.at] {
				case '\\':
					s.at++
				case '(':
					depth++
				case ')':
					depth--
				}
				if depth == 0 {
					break
				}
			}
			if s.at > len(s.s) {
				s.at = len(s.s)
			}
			if s.comment == "" {
				s.comment = strings.NewReplacer("\r", "", "\n", "", `\\`, `\`, `\(`, "(", `\)`, ")").Replace(s.s[start:s.at])
			}
			if s.at < len(s.s) {
				s.at++
			}
		default:
			return
		}
	}
}

func (s *scanner) end() bool {
	s.space()
	return s.at >= len(s.s)
}

func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.s) && s.s[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) run(ok func(c byte) bool) (string, bool) {
	s.space()
	start := s.at
	for s.at < len(s.s) && ok(s.s[s.at]) {
		s.at++
	}
	return s.s[start:s.at], s.at > start
}

func (s *scanner) keyword() (string, bool) {
	return s.run(func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
	})
}

func token(c byte) bool { return c > ' ' && c != 0x7f && strings.IndexByte(tspecials, c) < 0 }

func (s *scanner) value() (string, bool) {
	s.space()
	if s.at < len(s.s) && s.s[s.at] == '"' {
		return s.quoted()
	}
	return s.run(token)
}

func (s *scanner) quoted() (string, bool) {
	var b strings.Builder
	for s.at++; s.at < len(s.s); s.at++ {
		switch c := s.s[s.at]; c {
		case '\\':
			if s.at++; s.at < len(s.s) {
				b.WriteByte(s.s[s.at])
			}
		case '"':
			s.at++
			return b.String(), true
		case '\r', '\n':
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// pvalue is a value, or an address without a quoted domain. What others write without quotes, such as "/" in a base64 header.b
// or ":" in an IPv6 address, is taken too.
func (s *scanner) pvalue() (string, bool) {
	s.space()
	if s.at < len(s.s) && s.s[s.at] == '"' {
		v, ok := s.quoted()
		if ok && s.at < len(s.s) && s.s[s.at] == '@' {
			s.at++
			d, ok := s.run(token)
			return v + "@" + d, ok
		}
		return v, ok
	}
	return s.run(func(c byte) bool { return token(c) || strings.IndexByte("@/=:[]<>?,", c) >= 0 })
}
