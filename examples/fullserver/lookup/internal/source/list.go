package source

import (
	"errors"
	"fmt"
	"strings"
)

// Separators stand between the members of a list in main.cf.
const Separators = ", \t\r\n"

// Split takes the first member off a list. Separators inside braces belong to the member. ok is false at the end of the list.
func Split(list string) (member, rest string, ok bool) {
	list = strings.TrimLeft(list, Separators)
	if list == "" {
		return "", "", false
	}
	level := 0
	for i := range len(list) {
		switch c := list[i]; {
		case c == '{':
			level++
		case c == '}' && level > 0:
			level--
		case level == 0 && strings.IndexByte(Separators, c) >= 0:
			return list[:i], list[i+1:], true
		}
	}
	return list, "", true
}

// Fields is all that Split gives.
func Fields(list string) []string {
	var all []string
	for {
		member, rest, ok := Split(list)
		if !ok {
			return all
		}
		all, list = append(all, member), rest
	}
}

// Braced returns what stands between a first "{" and its "}", without the white space inside them. Nothing but white space may follow.
func Braced(s string) (string, error) {
	if s == "" || s[0] != '{' {
		return "", fmt.Errorf("expected '{' before %s", Quote(s))
	}
	level := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			level++
		case '}':
			if level--; level == 0 {
				if after := Trim(s[i+1:]); after != "" {
					return "", fmt.Errorf("syntax error after '}': %s", Quote(after))
				}
				return Trim(s[1:i]), nil
			}
		}
	}
	return "", fmt.Errorf("missing '}' in %s", Quote(s))
}

// NameValue takes "name = value" apart.
func NameValue(s string) (name, value string, err error) {
	s = TrimLeft(s)
	if s == "" {
		return "", "", errors.New("missing name before '='")
	}
	end := 0
	for end < len(s) && !IsSpace(s[end]) && s[end] != '=' {
		end++
	}
	if end == 0 {
		return "", "", errors.New("missing name before '='")
	}
	after := TrimLeft(s[end:])
	if after == "" || after[0] != '=' {
		return "", "", fmt.Errorf("missing '=' after %s", Quote(s[:end]))
	}
	return s[:end], Trim(after[1:]), nil
}

// InlineRules turns "{ { rule }, { rule } }" into the text that a file with these rules has, one on a line.
func InlineRules(name string) (string, error) {
	list, err := Braced(name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, member := range Fields(list) {
		rule, err := Braced(member)
		if err != nil {
			return "", err
		}
		b.WriteString(rule)
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "", errors.New("no rules between the braces: write {{rule}, {rule} …}")
	}
	return b.String(), nil
}
