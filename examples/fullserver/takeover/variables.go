package takeover

import (
	"fmt"
	"strings"
)

// variables turns Dovecot's into those of mail_location.
func (t *translation) variables(s string) (string, error) { return t.expand(s, "undh", nil) }

// query turns Dovecot's variables into those of a query that is asked when somebody logs in, or for his mailbox.
func (t *translation) query(s, kind string) (string, error) {
	if kind == "passdb" {
		return t.expand(s, "undwsrU", nil)
	}
	return t.expand(s, "undU", nil)
}

// expand turns Dovecot's variables into letters, and what isn't a variable in 2.4 into text. letters are those that are something where it goes; with U among them names can be
// asked for in upper case. other writes variables that only this place has, and returns "" for one that it doesn't know either.
func (t *translation) expand(s, letters string, other func(inner string) (string, error)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		rest := s[i+1:]
		switch {
		case strings.HasPrefix(rest, "{"):
			inner, _, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return "", fmt.Errorf("a %%{ in %q has no }", s)
			}
			v, err := longVariable(inner, letters)
			if err != nil && other != nil {
				if own, why := other(inner); own != "" || why != nil {
					v, err = own, why
				}
			}
			if err != nil {
				return "", err
			}
			b.WriteString(v)
			i += len(inner) + 2
		case t.v24:
			b.WriteString("%%")
		case rest == "":
			return "", fmt.Errorf("%q ends with a lone %%", s)
		case rest[0] == '%':
			b.WriteString("%%")
			i++
		default:
			n := 0
			for n < len(rest)-1 && (rest[n] == 'L') {
				n++
			}
			if !strings.ContainsRune(letters, rune(rest[n])) {
				return "", fmt.Errorf("the variable %%%s isn't here", rest[:n+1])
			}
			b.WriteString("%" + rest[n:n+1])
			i += n + 1
		}
	}
	return b.String(), nil
}

// longNames are the names of letters.
var longNames = map[string]string{"user": "u", "username": "n", "domain": "d", "home": "h", "userdb:home": "h", "password": "w", "protocol": "s", "service": "s", "remote_ip": "r", "rip": "r"}

// longVariable turns "user | domain | lower" into a letter. Names are in lower case here; values are quoted for wherever they go, so that "safe" means nothing.
func longVariable(inner, letters string) (string, error) {
	words := strings.Split(inner, "|")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	v, upper := longNames[words[0]], ""
	for _, filter := range words[1:] {
		switch {
		case filter == "lower" && strings.Contains("und", v):
			upper = ""
		case filter == "upper" && strings.Contains("und", v) && strings.Contains(letters, "U"):
			upper = "U"
		case filter == "safe":
		case filter == "username" && v == "u":
			v = "n"
		case filter == "domain" && v == "u":
			v = "d"
		default:
			v = ""
		}
	}
	if v == "" || !strings.Contains(letters, v) {
		return "", fmt.Errorf("the variable %%{%s} isn't here", inner)
	}
	return "%" + upper + v, nil
}
