package charset

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7Reader decodes UTF-7 (RFC 2152). "+" begins base64 of UTF-16, any octet outside the alphabet ends it, and "-"
// ending it vanishes.
type utf7Reader struct {
	r     io.Reader
	in    [2048]byte
	out   []byte
	ready []byte
	err   error

	shifted bool
	fresh   bool // nothing since the "+"
	acc     uint32
	bits    int
	high    rune // a surrogate that awaits the other one
}

func newUTF7Reader(r io.Reader) io.Reader { return &utf7Reader{r: r} }

func (u *utf7Reader) Read(p []byte) (int, error) {
	for len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		var n int
		n, u.err = u.r.Read(u.in[:])
		u.out = u.out[:0]
		for _, c := range u.in[:n] {
			u.octet(c)
		}
		if u.err != nil {
			u.unshift()
		}
		u.ready = u.out
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

func (u *utf7Reader) octet(c byte) {
	if !u.shifted {
		switch {
		case c == '+':
			u.shifted, u.fresh, u.acc, u.bits = true, true, 0, 0
		case c < 0x80:
			u.out = append(u.out, c)
		default:
			u.out = utf8.AppendRune(u.out, utf8.RuneError)
		}
		return
	}
	v := letter(c)
	if v < 0 {
		fresh := u.fresh
		u.unshift()
		switch {
		case c == '-' && fresh: // "+-" is "+"
			u.out = append(u.out, '+')
		case c != '-':
			u.octet(c)
		}
		return
	}
	u.fresh = false
	u.acc = u.acc<<6 | uint32(v)
	if u.bits += 6; u.bits >= 16 {
		u.bits -= 16
		u.unit(rune(u.acc >> u.bits & 0xffff))
	}
}

// unit takes one UTF-16 code unit.
func (u *utf7Reader) unit(r rune) {
	switch {
	case u.high != 0:
		whole := utf16.DecodeRune(u.high, r)
		u.high = 0
		u.out = utf8.AppendRune(u.out, whole)
		if whole == utf8.RuneError && !utf16.IsSurrogate(r) {
			u.out = utf8.AppendRune(u.out, r)
		}
	case r >= 0xd800 && r < 0xdc00:
		u.high = r
	default:
		u.out = utf8.AppendRune(u.out, r)
	}
}

func (u *utf7Reader) unshift() {
	if u.high != 0 {
		u.high = 0
		u.out = utf8.AppendRune(u.out, utf8.RuneError)
	}
	u.shifted = false
}

// letter returns the value of a letter of the base64 alphabet, -1 for anything else.
func letter(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
