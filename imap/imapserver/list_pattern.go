package imapserver

import (
	"slices"
)

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchPattern(p, name) })
}

// matchPattern matches a name against a pattern in which "*" stands for anything and "%" for anything without "/"
// (RFC 9051 section 6.3.9.1). It keeps the set of places in the pattern that may have been reached, so that its time is
// the product of both lengths at worst.
func matchPattern(pattern, name string) bool {
	n := len(pattern)
	here, next := make([]bool, n+1), make([]bool, n+1)
	// Wildcards may match nothing: reaching one reaches what is behind it.
	reach := func(set []bool, i int) {
		for ; ; i++ {
			set[i] = true
			if i == n || pattern[i] != '*' && pattern[i] != '%' {
				return
			}
		}
	}
	reach(here, 0)
	for k := range len(name) {
		clear(next)
		alive := false
		for i := range n {
			if !here[i] {
				continue
			}
			switch p := pattern[i]; {
			case p == '*', p == '%' && name[k] != '/':
				reach(next, i)
				alive = true
			case p == name[k] && p != '%':
				reach(next, i+1)
				alive = true
			}
		}
		if !alive {
			return false
		}
		here, next = next, here
	}
	return here[n]
}
