package lookup

import (
	"context"
	"regexp"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// openRegexp opens regexp:/file and regexp:{ {rule}, {rule} } (regexp_table(5)): POSIX regular expressions, leftmost and longest, over
// octets as in the C locale that Postfix runs in.
func openRegexp(_ context.Context, name string, o *Options) (Table, error) {
	return openRules("regexp", name, o, parseRegexp)
}

func parseRegexp(name, text string, o *Options) (*rules.Program, error) {
	x := &rules.Syntax{
		Flags: "imx", Second: true, File: name, NoGroups: o.NoGroups,
		Compile: compileRegexp,
		Skipped: func(line int, reason string) { o.Warn(&Problem{File: name, Line: line, Reason: reason}) },
	}
	return x.Parse(text)
}

// compileRegexp compiles a pattern. Flags switch: i is on at first (case doesn't matter), x is (extended syntax), m is off (lines count).
func compileRegexp(pattern, flags string) (rules.Matcher, error) {
	lineMode := rules.Toggled(flags, "m")
	translated, err := translatePOSIX(pattern, !rules.Toggled(flags, "x"), lineMode)
	if err != nil {
		return nil, err
	}
	mode := "(?s"
	if lineMode {
		mode = "(?m"
	}
	if !rules.Toggled(flags, "i") {
		mode += "i"
	}
	re, err := regexp.Compile(mode + ")" + translated)
	if err != nil {
		return nil, err
	}
	re.Longest()
	return posix{re}, nil
}

type posix struct{ re *regexp.Regexp }

func (p posix) Groups() int { return p.re.NumSubexp() }

func (p posix) Match(key string, groups bool) ([]int, bool, error) {
	_, ascii := scan(key)
	text := key
	if !ascii {
		text = octets(key)
	}
	if !groups {
		return nil, p.re.MatchString(text), nil
	}
	loc := p.re.FindStringSubmatchIndex(text)
	if loc == nil {
		return nil, false, nil
	}
	if !ascii {
		for i, at := range loc {
			if at >= 0 {
				loc[i] = octetOffset(text, at)
			}
		}
	}
	return loc, true, nil
}

// Octets above ASCII become characters of Unicode's private area, so that package regexp takes each for one character, as the C library
// does in the C locale, and folds none.
const octetBase = 0xE000

func octets(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 {
			b.WriteByte(c)
		} else {
			b.WriteRune(octetBase + rune(c))
		}
	}
	return b.String()
}

// octetOffset turns an offset in what octets made into one in what it was made from.
func octetOffset(s string, at int) int {
	n := 0
	for range s[:at] {
		n++
	}
	return n
}
