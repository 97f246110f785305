package sasl

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

var errPrep = errors.New("name or password has characters that SASLprep prohibits")

// Prep prepares a user name or password as SASLprep says (RFC 4013), as a query: code points that Unicode 3.2 had not
// assigned are allowed, so that what was stored with a younger Unicode is found. The result may be empty.
func Prep(s string) (string, error) {
	if isPrintableASCII(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", errPrep
	}
	// Section 2.1: U+200B stands in both tables; as a space it stays visible.
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(tableSpace, r):
			return ' '
		case unicode.Is(tableNothing, r):
			return -1
		}
		return r
	}, s)
	s = norm.NFKC.String(s) // section 2.2
	for _, r := range s {   // section 2.3
		if unicode.Is(tableProhibited, r) || r&0xfffe == 0xfffe {
			return "", errPrep
		}
	}
	if !bidiOK(s) {
		return "", errPrep
	}
	return s, nil
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// bidiOK is the check of section 2.4 (RFC 3454 section 6): a string with right-to-left characters has no left-to-right
// ones, and begins and ends with a right-to-left one.
func bidiOK(s string) bool {
	rightToLeft := func(r rune) bool {
		p, _ := bidi.LookupRune(r)
		return p.Class() == bidi.R || p.Class() == bidi.AL
	}
	if !strings.ContainsFunc(s, rightToLeft) {
		return true
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return rightToLeft(first) && rightToLeft(last) && !strings.ContainsFunc(s, func(r rune) bool {
		p, _ := bidi.LookupRune(r)
		return p.Class() == bidi.L
	})
}

// The tables of RFC 3454 appendices B and C that RFC 4013 names.
var (
	// tableNothing is B.1, "commonly mapped to nothing".
	tableNothing = &unicode.RangeTable{R16: []unicode.Range16{
		{0x00AD, 0x00AD, 1}, {0x034F, 0x034F, 1}, {0x1806, 0x1806, 1}, {0x180B, 0x180D, 1}, {0x200B, 0x200D, 1},
		{0x2060, 0x2060, 1}, {0xFE00, 0xFE0F, 1}, {0xFEFF, 0xFEFF, 1},
	}, LatinOffset: 1}
	// tableSpace is C.1.2, non-ASCII space characters.
	tableSpace = &unicode.RangeTable{R16: []unicode.Range16{
		{0x00A0, 0x00A0, 1}, {0x1680, 0x1680, 1}, {0x2000, 0x200B, 1}, {0x202F, 0x202F, 1}, {0x205F, 0x205F, 1},
		{0x3000, 0x3000, 1},
	}, LatinOffset: 1}
	// tableProhibited is C.1.2, C.2.1, C.2.2, C.3 and C.5 to C.9, and of C.4 what Prep doesn't test itself.
	tableProhibited = &unicode.RangeTable{R16: []unicode.Range16{
		{0x0000, 0x001F, 1}, {0x007F, 0x00A0, 1}, {0x0340, 0x0341, 1}, {0x06DD, 0x06DD, 1}, {0x070F, 0x070F, 1},
		{0x1680, 0x1680, 1}, {0x180E, 0x180E, 1}, {0x2000, 0x200F, 1}, {0x2028, 0x202F, 1}, {0x205F, 0x2063, 1},
		{0x206A, 0x206F, 1}, {0x2FF0, 0x2FFB, 1}, {0x3000, 0x3000, 1}, {0xD800, 0xF8FF, 1}, {0xFDD0, 0xFDEF, 1},
		{0xFEFF, 0xFEFF, 1}, {0xFFF9, 0xFFFD, 1},
	}, R32: []unicode.Range32{
		{0x1D173, 0x1D17A, 1}, {0xE0001, 0xE0001, 1}, {0xE0020, 0xE007F, 1}, {0xF0000, 0xFFFFD, 1}, {0x100000, 0x10FFFD, 1},
	}, LatinOffset: 1}
)
