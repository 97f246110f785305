package mime

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// CharsetReader converts text in the named charset to UTF-8, as in the standard library's mime.WordDecoder. It is asked
// only for charsets that this package doesn't know, with the name in lower case. Package mime/charset has one.
type CharsetReader func(charset string, input io.Reader) (io.Reader, error)

// windows1252 is what 0x80 to 0x9f are in windows-1252, which is what mail that says ISO-8859-1 or US-ASCII means.
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

type builtinCharset uint8

const (
	charsetUnknown builtinCharset = iota
	charsetUTF8
	charsetASCII // with 8-bit octets: UTF-8 if valid, else windows-1252
	charsetLatin1
)

func builtinCharsetOf(name string) builtinCharset {
	switch strings.ToLower(strings.Trim(name, " \t\"'")) {
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return charsetUTF8
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "7bit", "8bit", "unknown", "unknown-8bit", "x-unknown", "default", "none":
		return charsetASCII
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1", "windows-1252", "cp1252", "x-cp1252", "ansi":
		return charsetLatin1
	}
	return charsetUnknown
}

// toUTF8 converts b from a charset to valid UTF-8. ok is false when nobody knows the charset.
func toUTF8(charset string, b []byte, other CharsetReader) (s string, ok bool) {
	switch builtinCharsetOf(charset) {
	case charsetUTF8:
		return strings.ToValidUTF8(string(b), "\uFFFD"), true
	case charsetASCII:
		return guessUTF8(b), true
	case charsetLatin1:
		return fromLatin1(b), true
	}
	if other == nil {
		return "", false
	}
	r, err := other(strings.ToLower(charset), bytes.NewReader(b))
	if err != nil {
		return "", false
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return "", false
	}
	return strings.ToValidUTF8(string(out), "\uFFFD"), true
}

// guessUTF8 reads octets of which nobody said what they are.
func guessUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fromLatin1(b)
}

func fromLatin1(b []byte) string {
	if isASCII(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		out = appendLatin1(out, c)
	}
	return string(out)
}

func appendLatin1(out []byte, c byte) []byte {
	switch {
	case c < 0x80:
		return append(out, c)
	case c < 0xa0:
		at := 0
		for range c - 0x80 {
			_, n := utf8.DecodeRuneInString(windows1252[at:])
			at += n
		}
		_, n := utf8.DecodeRuneInString(windows1252[at:])
		return append(out, windows1252[at:at+n]...)
	}
	return utf8.AppendRune(out, rune(c))
}

func isASCII[S ~string | ~[]byte](s S) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// utf8Reader makes a stream of built-in charset into UTF-8. US-ASCII is passed as it is when it is valid UTF-8, piece by
// piece, so a mixture comes out readable.
type utf8Reader struct {
	r       io.Reader
	charset builtinCharset
	in      [4096]byte
	held    int // octets at the start of in that await the rest of their character
	out     []byte
	ready   []byte
	err     error
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	for len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.in[u.held:])
		u.err = err
		b := u.in[:u.held+n]
		u.held = 0
		switch {
		case u.charset != charsetLatin1 && utf8.Valid(b):
			u.ready = b
			continue
		case u.charset == charsetLatin1:
			u.out = append(u.out[:0], fromLatin1(b)...)
		case err == nil:
			whole := completeUTF8(b)
			u.out = append(u.out[:0], u.convert(b[:whole])...)
			u.held = copy(u.in[:], b[whole:])
		default:
			u.out = append(u.out[:0], u.convert(b)...)
		}
		u.ready = u.out
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

func (u *utf8Reader) convert(b []byte) string {
	if u.charset == charsetASCII {
		return guessUTF8(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// completeUTF8 returns how much of b ends with a whole character.
func completeUTF8(b []byte) int {
	for back := 1; back <= 3 && back <= len(b); back++ {
		c := b[len(b)-back]
		if utf8.RuneStart(c) {
			if c >= 0x80 && !utf8.FullRune(b[len(b)-back:]) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}
