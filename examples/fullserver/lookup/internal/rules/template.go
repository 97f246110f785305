// Package rules is what regexp, pcre and cidr tables have in common: a list of patterns with results that is gone through from its
// beginning, conditions around parts of it, and pieces of the key in the result.
package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// MaxGroup bounds the number after a "$".
const MaxGroup = 1000

// A Template is a result with places for pieces of the key.
type Template struct {
	parts []part
	Max   int // the highest group that it wants, 0 when it is the same for every key
}

type part struct {
	text  string
	group int // this group's text instead, when positive
}

// ParseTemplate reads a result: $1, ${1} and $(1) are groups, $$ is a dollar sign.
func ParseTemplate(s string) (Template, error) {
	var t Template
	var text strings.Builder
	for {
		before, after, ok := strings.Cut(s, "$")
		text.WriteString(before)
		if !ok {
			break
		}
		if strings.HasPrefix(after, "$") {
			text.WriteByte('$')
			s = after[1:]
			continue
		}
		name, rest, err := macro(after)
		if err != nil {
			return t, err
		}
		n, err := strconv.ParseUint(name, 10, 31)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && (n < 1 || n > MaxGroup):
			return t, fmt.Errorf("there is no group %s to put into the result", source.Quote("$"+name))
		case err != nil:
			return t, fmt.Errorf("%s in the result is no number: write ${1} where letters follow, and $$ for a dollar sign", source.Quote("$"+name))
		}
		t.parts = append(t.parts, part{text: text.String()}, part{group: int(n)})
		text.Reset()
		t.Max = max(t.Max, int(n))
		s = rest
	}
	t.parts = append(t.parts, part{text: text.String()})
	return t, nil
}

// macro reads the name after a "$".
func macro(s string) (name, rest string, err error) {
	if s != "" && (s[0] == '{' || s[0] == '(') {
		open, end, level := s[0], byte('}'), 0
		if open == '(' {
			end = ')'
		}
		for i := range len(s) {
			switch s[i] {
			case open:
				level++
			case end:
				if level--; level == 0 {
					return s[1:i], s[i+1:], nil
				}
			}
		}
		return "", "", fmt.Errorf("missing '%c' after '$%c' in the result", end, open)
	}
	n := 0
	for n < len(s) && (source.IsAlnum(s[n]) || s[n] == '_') {
		n++
	}
	if n == 0 {
		return "", "", errors.New("nothing after a '$' in the result: write $$ for a dollar sign")
	}
	return s[:n], s[n:], nil
}

// Expand puts the groups in their places. loc has pairs of offsets in key as package regexp gives them; a group that took no part is empty.
func (t *Template) Expand(key string, loc []int) string {
	if t.Max == 0 {
		return t.parts[0].text
	}
	var b strings.Builder
	for _, p := range t.parts {
		if i := 2 * p.group; i == 0 {
			b.WriteString(p.text)
		} else if i+1 < len(loc) && loc[i] >= 0 {
			b.WriteString(key[loc[i]:loc[i+1]])
		}
	}
	return b.String()
}

// Literal is a result without groups.
func Literal(s string) Template { return Template{parts: []part{{text: s}}} }
