package accounts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
)

// ldapField says which field a directory's attribute becomes: "attribute=field", "attribute=field=text with %$", or "=field=text" with
// %{ldap:attribute} or %{ldap:attribute:default} in it.
type ldapField struct {
	attribute string // "" where the text has all
	field     string
	text      []ldapText // nil: the attribute's value
}

type ldapText struct {
	text      *template // of the request's variables
	attribute string    // instead
	usual     string    // where the entry has no such attribute
	own       bool      // %$
}

// parseFields reads a list of them, with commas between.
func parseFields(s string) ([]ldapField, error) {
	var out []ldapField
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if strings.IndexByte(":@!", item[0]) >= 0 {
			return nil, fmt.Errorf("%q: attributes that lead to other entries are not supported", item)
		}
		attribute, rest, hasField := strings.Cut(item, "=")
		field, text, hasText := strings.Cut(rest, "=")
		f := ldapField{attribute: strings.TrimSpace(attribute), field: strings.TrimSpace(field)}
		if !hasField {
			f.field = f.attribute
		}
		if f.field == "" || f.attribute == "" && !hasText {
			return nil, fmt.Errorf("%q is neither attribute=field nor =field=text", item)
		}
		if hasText {
			var err error
			if f.text, err = parseText(text, f.attribute != ""); err != nil {
				return nil, fmt.Errorf("%q: %w", item, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

func parseText(s string, own bool) (out []ldapText, err error) {
	for {
		at := strings.Index(s, "%{ldap:")
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
		t, err := parseTemplate(s[:end], "und")
		if err != nil {
			return nil, err
		}
		out = append(out, ldapText{text: t})
		if end == len(s) {
			return out, nil
		}
		if end == mine {
			out, s = append(out, ldapText{own: true}), s[end+2:]
			continue
		}
		inner, after, ok := strings.Cut(s[end+len("%{ldap:"):], "}")
		if !ok {
			return nil, fmt.Errorf("a %%{ has no }")
		}
		name, usual, _ := strings.Cut(inner, ":")
		if name == "" {
			return nil, fmt.Errorf("a %%{ldap:} names no attribute")
		}
		out, s = append(out, ldapText{attribute: name, usual: usual}), after
	}
}

// attributesOf is what has to be asked for.
func attributesOf(fields []ldapField) []string {
	out := []string{}
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, f := range fields {
		add(f.attribute)
		for _, t := range f.text {
			add(t.attribute)
		}
	}
	if len(out) == 0 {
		return []string{"1.1"} // RFC 4511 section 4.5.1.8: none
	}
	return out
}

// fieldsOf makes fields of an entry. Of an attribute with several values the first counts.
func fieldsOf(fields []ldapField, e *directory.Entry, r *request) map[string]string {
	out := map[string]string{}
	first := func(name string) (string, bool) {
		if v := e.Values(name); len(v) > 0 {
			return v[0], true
		}
		return "", false
	}
	for _, f := range fields {
		value, has := "", true
		if f.attribute != "" {
			value, has = first(f.attribute)
		}
		if !has {
			continue
		}
		if f.text != nil {
			var b strings.Builder
			for _, t := range f.text {
				switch {
				case t.own:
					b.WriteString(value)
				case t.attribute != "":
					v, ok := first(t.attribute)
					if !ok {
						v = t.usual
					}
					b.WriteString(v)
				default:
					v, _ := t.text.expand(r, func(v string) (string, error) { return v, nil })
					b.WriteString(v)
				}
			}
			value = b.String()
		}
		out[f.field] = value
	}
	return out
}
