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
	text      fieldText // nil: the attribute's value
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
			if f.text, err = parseText(text, "ldap", "und", f.attribute != ""); err != nil {
				return nil, fmt.Errorf("%q: %w", item, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
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
			value = f.text.expand(r, value, first)
		}
		out[f.field] = value
	}
	return out
}
