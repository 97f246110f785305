package config

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// braced expands what stands between ${ and }: a name, a name with ?text or :text, or a comparison.
func (x *expander) braced(s string, depth int) (string, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "{") {
		return x.comparison(s, depth)
	}
	name := leadingName(s)
	if name == "" {
		return "", fmt.Errorf("bad name in ${%s}", s)
	}
	rest := strings.TrimLeft(s[len(name):], " \t")
	if rest == "" {
		return x.plain(name)
	}
	var value string
	if x.known(name) { // a name nobody gave counts as empty in a test
		v, err := x.value(name)
		if err != nil {
			return "", err
		}
		value = v
	}
	return x.choose(value != "", rest, depth)
}

// choose takes the part of "?yes", ":no", "?{yes}:{no}" or ":{no}?{yes}" that the condition selects.
func (x *expander) choose(cond bool, s string, depth int) (string, error) {
	out := ""
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t") {
		op := s[0]
		if op != '?' && op != ':' {
			return "", fmt.Errorf("%q where '?' or ':' belongs", s)
		}
		part := strings.TrimLeft(s[1:], " \t")
		if strings.HasPrefix(part, "{") {
			inner, rest, ok := balanced(part)
			if !ok {
				return "", errors.New("missing '}'")
			}
			part, s = strings.TrimSpace(inner), rest
		} else {
			s = ""
		}
		if (op == '?') == cond {
			v, err := x.expand(part, depth)
			if err != nil {
				return "", err
			}
			out = v
		}
	}
	return out, nil
}

// comparison expands "{a} == {b} ? {yes} : {no}". As in Postfix, two numbers are compared as numbers, all else as text.
func (x *expander) comparison(s string, depth int) (string, error) {
	left, rest, ok := balanced(s)
	if !ok {
		return "", errors.New("missing '}'")
	}
	rest = strings.TrimSpace(rest)
	n := len(rest) - len(strings.TrimLeft(rest, "=!<>"))
	op := rest[:n]
	levels := strings.HasPrefix(rest[n:], "level")
	if levels { // "<level" and its like compare values of compatibility_level
		n += len("level")
	}
	right, rest, ok := balanced(strings.TrimSpace(rest[n:]))
	if !ok {
		return "", errors.New("a comparison has the form ${{a} == {b} ? {yes} : {no}}")
	}
	a, err := x.expand(strings.TrimSpace(left), depth)
	if err != nil {
		return "", err
	}
	b, err := x.expand(strings.TrimSpace(right), depth)
	if err != nil {
		return "", err
	}
	order := strings.Compare(a, b)
	m, errA := strconv.ParseInt(a, 10, 64)
	k, errB := strconv.ParseInt(b, 10, 64)
	if errA == nil && errB == nil {
		order = cmp.Compare(m, k)
	}
	if levels {
		if order, err = compareLevels(a, b); err != nil {
			return "", err
		}
	}
	ops := map[string]bool{"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}
	cond, ok := ops[op]
	if !ok {
		return "", fmt.Errorf("%q is not one of == != < <= > >=", op)
	}
	return x.choose(cond, rest, depth)
}

// compareLevels compares two values of compatibility_level: numbers with dots between them.
func compareLevels(a, b string) (int, error) {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		var n [2]uint64
		for j, s := range [][]string{left, right} {
			if i >= len(s) {
				continue
			}
			var err error
			if n[j], err = strconv.ParseUint(s[i], 10, 32); err != nil || len(s) > 3 {
				return 0, fmt.Errorf("%s is no compatibility level like 3.6", quote([]string{a, b}[j]))
			}
		}
		if n[0] != n[1] {
			return cmp.Compare(n[0], n[1]), nil
		}
	}
	return 0, nil
}
