package smtp

import (
	"strings"

	"github.com/buuta/mail"
)

// parseParams appends to out the parameters behind a path: "NAME" or "NAME=value", separated by spaces (RFC 5321 section
// 4.1.2, esmtp-param).
func parseParams(out []mail.Parameter, s string) ([]mail.Parameter, *Reply) {
	for {
		s = strings.TrimLeft(s, " ")
		if s == "" {
			return out, nil
		}
		word := s
		if i := strings.IndexByte(s, ' '); i >= 0 {
			word = s[:i]
		}
		s = s[len(word):]
		name, value, has := strings.Cut(word, "=")
		if !validKeyword(name) || has && !validValue(value) {
			return nil, NewReply(501, EnhancedCode{5, 5, 4}, "Error: bad parameter syntax: "+printable(word))
		}
		name = strings.ToUpper(name)
		for i := range out {
			if out[i].Name == name {
				return nil, NewReply(501, EnhancedCode{5, 5, 4}, "Error: duplicate parameter: "+name)
			}
		}
		if len(out) == maxParams {
			return nil, NewReply(501, EnhancedCode{5, 5, 4}, "Error: too many parameters")
		}
		out = append(out, mail.Parameter{Name: name, Value: value, HasValue: has})
	}
}

// maxParams is more parameters than all known extensions have together; it keeps the search for duplicates cheap.
const maxParams = 32

// validKeyword is esmtp-keyword.
func validKeyword(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !alnum && (c != '-' || i == 0) {
			return false
		}
	}
	return s != ""
}

// validValue is esmtp-value, with UTF-8 (RFC 6531 section 3.3).
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '=' || c == 0x7f {
			return false
		}
	}
	return s != ""
}

// printable makes what a client has sent fit for a reply.
func printable(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.ToValidUTF8(s, "?")
}

func unsupported(p mail.Parameter) *Reply {
	return NewReply(555, EnhancedCode{5, 5, 4}, "Unsupported option: "+printable(p.Name))
}

func badParameter(p mail.Parameter) *Reply {
	return NewReply(501, EnhancedCode{5, 5, 4}, "Bad "+p.Name+" parameter syntax")
}
