package accounts

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// request is who wants to log in, or is asked for.
type request struct {
	user     string // in full
	password string // "" where it isn't known
	service  string
	remote   net.Addr

	mechanism string // in SASL's name
	secured   bool
	token     string // instead of the password
	told      map[*oauthSource]*verdict
}

func newRequest(user string) *request { return &request{user: user} }

// A template is a query with Dovecot's variables: %u %n %d %w %s %r, with the modifiers L and U, and %{user} %{username} %{domain}
// %{password} %{service} %{rip}.
type template struct {
	parts []varPart
}

type varPart struct {
	text     string
	variable byte // instead, when not 0
	upper    bool
	lower    bool
}

var longNames = map[string]byte{"user": 'u', "username": 'n', "domain": 'd', "password": 'w', "service": 's', "rip": 'r'}

// parseTemplate reads one. letters are the variables that may be in it.
func parseTemplate(s, letters string) (*template, error) {
	t := &template{}
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			text.WriteByte(s[i])
			continue
		}
		p := varPart{}
		for i++; i < len(s) && (s[i] == 'L' || s[i] == 'U'); i++ {
			p.lower, p.upper = s[i] == 'L', s[i] == 'U'
		}
		if i == len(s) {
			return nil, errors.New("ends with a lone %: write %% for a percent sign")
		}
		name := s[i : i+1]
		p.variable = s[i]
		switch {
		case s[i] == '%':
			text.WriteByte('%')
			continue
		case s[i] == '{':
			inner, _, ok := strings.Cut(s[i+1:], "}")
			if !ok {
				return nil, errors.New("a %{ has no }")
			}
			name = "{" + inner + "}"
			p.variable = longNames[inner]
			i += len(inner) + 1
		}
		if p.variable == 0 || strings.IndexByte(letters, p.variable) < 0 {
			return nil, fmt.Errorf("%%%s is not known here: there are %%%s, with L or U before the letter for lower or upper case, and %%%% for a percent sign", name, strings.Join(strings.Split(letters, ""), " %"))
		}
		t.parts = append(t.parts, varPart{text: text.String()}, p)
		text.Reset()
	}
	t.parts = append(t.parts, varPart{text: text.String()})
	return t, nil
}

// variables are the letters in it.
func (t *template) variables() string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable != 0 {
			b.WriteByte(p.variable)
		}
	}
	return b.String()
}

// value is what a variable stands for.
func (r *request) value(variable byte) string {
	at := strings.LastIndexByte(r.user, '@')
	switch variable {
	case 'u':
		return r.user
	case 'n':
		return r.user[:at]
	case 'd':
		return r.user[at+1:]
	case 'w':
		return r.password
	case 's':
		return r.service
	case 'r':
		if tcp, ok := r.remote.(*net.TCPAddr); ok {
			return tcp.IP.String()
		}
	}
	return ""
}

// expand fills in a template; each value goes through quote.
func (t *template) expand(r *request, quote func(string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable == 0 {
			b.WriteString(p.text)
			continue
		}
		v := r.value(p.variable)
		switch {
		case p.lower:
			v = strings.ToLower(v)
		case p.upper:
			v = strings.ToUpper(v)
		}
		v, err := quote(v)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}
