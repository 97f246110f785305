package searchtext

import "unicode"

// variant returns what a small letter is written for where a keyboard lacks it, and the one form that keyboards have of
// marks with several; "" for itself. What has a decomposition in Unicode isn't here.
func variant(r rune) string {
	switch r {
	case 'đ', 'ð', 'ɗ':
		return "d"
	case 'ħ':
		return "h"
	case 'ı', 'ɨ':
		return "i"
	case 'ł':
		return "l"
	case 'ø':
		return "o"
	case 'ŧ', 'ƭ':
		return "t"
	case 'ƀ', 'ɓ':
		return "b"
	case 'ƈ':
		return "c"
	case 'ƒ':
		return "f"
	case 'ɠ':
		return "g"
	case 'ƙ', 'ĸ':
		return "k"
	case 'ŋ':
		return "n"
	case 'ƥ':
		return "p"
	case 'ʉ':
		return "u"
	case 'ƴ':
		return "y"
	case 'ƶ':
		return "z"
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case '‘', '’', '‚', '‛', '′', 'ʼ':
		return "'"
	case '“', '”', '„', '‟', '«', '»':
		return `"`
	case '‐', '‒', '–', '—', '―', '−':
		return "-"
	case '⁄':
		return "/"
	}
	return ""
}

// ignored reports whether a character counts for nothing: accents, the points that Hebrew and Arabic are written with or
// without, and what can't be seen. Vowel signs and voicing marks of other scripts make other words and are kept.
func ignored(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r >= 0x300 && r <= 0x36f, r >= 0x1ab0 && r <= 0x1aff, r >= 0x1dc0 && r <= 0x1dff, r >= 0x20d0 && r <= 0x20ff,
		r >= 0xfe20 && r <= 0xfe2f, r >= 0x483 && r <= 0x489:
		return true
	case r >= 0x591 && r <= 0x5c7, r >= 0x610 && r <= 0x61a, r >= 0x64b && r <= 0x65f, r == 0x670, r >= 0x6d6 && r <= 0x6ed:
		return unicode.Is(unicode.Mn, r)
	}
	switch {
	case r == 0xad, r == 0x61c, r == 0x640, r >= 0x180b && r <= 0x180f, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// asciiFold is what each ASCII character folds to.
const asciiFold = " \x01\x02\x03\x04\x05\x06\x07\x08     \x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !\"#$%&'()*+,-./0123456789:;<=>" +
	"?@abcdefghijklmnopqrstuvwxyz[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f"
