// Package dbtable has what Postfix's tables in databases and directories have in common: their files of parameters, and the templates that make
// a query of a key and a result of what came back.
package dbtable

import (
	"fmt"
	"strings"
)

// Templates are the query and the result_format of one table. What one of them needs of the key the other needs too, as in Postfix: a
// key without a domain, for one, is in no table that names %d, %D or %1 anywhere.
type Templates struct {
	Query  Template
	Result Template

	keyDomain, keyUser     bool
	valueDomain, valueUser bool
	labels                 int // of the key's domain, at least
}

// A Template is text with places.
type Template struct {
	parts []part
}

type part struct {
	text  string
	place byte // s u d S U D 1…9 instead, when not 0
}

// Dynamic says whether anything of the key or the value is in it.
func (t *Template) Dynamic() bool {
	for _, p := range t.parts {
		if p.place != 0 {
			return true
		}
	}
	return false
}

// AddQuery parses a template that is filled in from the key; there may be several, as in LDAP.
func (t *Templates) AddQuery(s string) (Template, error) { return t.parse(s, true) }

// SetResult parses result_format.
func (t *Templates) SetResult(s string) (err error) {
	t.Result, err = t.parse(s, false)
	return err
}

func (t *Templates) parse(s string, query bool) (Template, error) {
	var out Template
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			text.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return out, fmt.Errorf("ends with a lone %%: write %%%% for a percent sign")
		}
		c := s[i]
		switch c {
		case '%':
			text.WriteByte('%')
			continue
		case 's', 'S':
		case 'u':
			t.keyUser = t.keyUser || query
			t.valueUser = t.valueUser || !query
		case 'd':
			t.keyDomain = t.keyDomain || query
			t.valueDomain = t.valueDomain || !query
		case 'U':
			t.keyUser = true
		case '1', '2', '3', '4', '5', '6', '7', '8', '9':
			t.labels = max(t.labels, int(c-'0'))
			t.keyDomain = true
		case 'D':
			t.keyDomain = true
		default:
			return out, fmt.Errorf("%%%c is not known: there are %%s %%u %%d %%S %%U %%D %%1 to %%9, and %%%% for a percent sign", c)
		}
		out.parts = append(out.parts, part{text: text.String()}, part{place: c})
		text.Reset()
	}
	out.parts = append(out.parts, part{text: text.String()})
	return out, nil
}

// Domain returns what a table's parameter domain is compared with; ok is false for a key that is no address with a domain.
func Domain(key string) (domain string, ok bool) {
	at := strings.LastIndexByte(key, '@')
	return key[at+1:], at >= 0 && at < len(key)-1
}

// subject is a key or a value with its parts.
type subject struct {
	whole, user, domain string
	has                 bool // it has an "@"
}

func parts(s string, wanted bool) subject {
	x := subject{whole: s, user: s}
	if at := strings.LastIndexByte(s, '@'); wanted && at >= 0 {
		x.user, x.domain, x.has = s[:at], s[at+1:], true
	}
	return x
}

// fits says whether s has what the templates need.
func (s *subject) fits(domain, user bool) bool {
	return (!domain || s.domain != "") && !(user && s.has && s.user == "")
}

// key takes a key apart; ok is false where the templates need what it lacks.
func (t *Templates) key(key string) (k subject, labels []string, ok bool) {
	if key == "" {
		return k, nil, false
	}
	k = parts(key, t.keyDomain || t.keyUser)
	if !k.fits(t.keyDomain, t.keyUser) {
		return k, nil, false
	}
	if t.labels == 0 {
		return k, nil, true
	}
	labels = strings.FieldsFunc(k.domain, func(r rune) bool { return r == '.' })
	return k, labels, len(labels) >= t.labels
}

// Expand fills in a query; ok is false where the key lacks what it needs, and nothing is to be asked.
func (t *Templates) Expand(q *Template, key string, quote func(string) (string, error)) (text string, ok bool, err error) {
	k, labels, ok := t.key(key)
	if !ok {
		return "", false, nil
	}
	text, err = q.fill(k, k, labels, quote)
	return text, err == nil, err
}

// Applies says whether a key has what a query needs.
func (t *Templates) Applies(key string) bool {
	_, _, ok := t.key(key)
	return ok
}

// Format makes a result of a value; ok is false for a value that is empty or lacks what result_format needs.
func (t *Templates) Format(value, key string) (text string, ok bool) {
	if value == "" {
		return "", false
	}
	v := parts(value, t.valueDomain || t.valueUser)
	k, labels, ok := t.key(key)
	if !ok || !v.fits(t.valueDomain, t.valueUser) {
		return "", false
	}
	text, _ = t.Result.fill(v, k, labels, nil)
	return text, true
}

func (q *Template) fill(v, k subject, labels []string, quote func(string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range q.parts {
		text := p.text
		switch p.place {
		case 0:
			b.WriteString(text)
			continue
		case 's':
			text = v.whole
		case 'u':
			text = v.user
		case 'd':
			text = v.domain
		case 'S':
			text = k.whole
		case 'U':
			text = k.user
		case 'D':
			text = k.domain
		default:
			text = labels[len(labels)-int(p.place-'0')]
		}
		if quote != nil {
			var err error
			if text, err = quote(text); err != nil {
				return "", err
			}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
