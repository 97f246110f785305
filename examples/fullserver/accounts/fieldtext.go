package accounts

import (
	"fmt"
	"strings"
)

// fieldText is a text with %{ldap:attribute} or %{oauth2:claim} in it, with a default behind another colon, variables of the request, and %$.
type fieldText []textPart

type textPart struct {
	text      *template // of the request's variables
	attribute string    // instead
	usual     string    // where there is no such attribute
	own       bool      // %$
}

// parseText reads one. letters are the variables that may be in it; own says that %$ is something.
func parseText(s, driver, letters string, own bool) (out fieldText, err error) {
	opening := "%{" + driver + ":"
	for {
		at := strings.Index(s, opening)
		mine := strings.Index(s, "%$")
		end := len(s)
		switch {
		case mine >= 0 && (at < 0 || mine < at):
			if !own {
				return nil, fmt.Errorf("%%$ is the value of the attribute, and there is none before the field")
			}
			end = mine
		case at >= 0:
			end = at
		}
		t, err := parseTemplate(s[:end], letters)
		if err != nil {
			return nil, err
		}
		out = append(out, textPart{text: t})
		if end == len(s) {
			return out, nil
		}
		if end == mine {
			out, s = append(out, textPart{own: true}), s[end+2:]
			continue
		}
		inner, after, ok := strings.Cut(s[end+len(opening):], "}")
		if !ok {
			return nil, fmt.Errorf("a %%{ has no }")
		}
		name, usual, _ := strings.Cut(inner, ":")
		if name == "" {
			return nil, fmt.Errorf("a %s} names no attribute", opening)
		}
		out, s = append(out, textPart{attribute: name, usual: usual}), after
	}
}

// expand fills it in. own is what %$ stands for.
func (f fieldText) expand(r *request, own string, attribute func(string) (string, bool)) string {
	var b strings.Builder
	for _, t := range f {
		v := own
		switch {
		case t.own:
		case t.attribute != "":
			var ok bool
			if v, ok = attribute(t.attribute); !ok {
				v = t.usual
			}
		default:
			v, _ = t.text.expand(r, func(v string) (string, error) { return v, nil })
		}
		b.WriteString(v)
	}
	return b.String()
}
