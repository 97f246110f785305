package rules

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// OctetBase is where octets above ASCII are in the characters that expressions see: in Unicode's private area, so that package regexp takes each
// for one character, as the C library does in the C locale, and folds none.
const OctetBase = 0xE000

// OctetText writes a key so. ASCII stays as it is.
func OctetText(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.WriteRune(OctetBase + rune(c))
		}
	}
	return b.String()
}

// octetOffset turns an offset in what OctetText made into one in what it was made from.
func octetOffset(s string, at int) int {
	return utf8.RuneCountInString(s[:at])
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Octets matches keys as octets. Re is written for what OctetText makes.
type Octets struct{ Re *regexp.Regexp }

// Groups implements Matcher.
func (o *Octets) Groups() int { return o.Re.NumSubexp() }

// Match implements Matcher.
func (o *Octets) Match(key string, groups bool) ([]int, bool, error) {
	text := OctetText(key)
	if !groups {
		return nil, o.Re.MatchString(text), nil
	}
	loc := o.Re.FindStringSubmatchIndex(text)
	if loc == nil {
		return nil, false, nil
	}
	if len(text) != len(key) {
		for i, at := range loc {
			if at >= 0 {
				loc[i] = octetOffset(text, at)
			}
		}
	}
	return loc, true, nil
}
