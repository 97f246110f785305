package signed

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 6376 sections 3.4.1 and 3.4.2. "␠" is a space, "→" a TAB, "↵" CRLF, as in section 3.4.5's examples.
func TestHeaderForms(t *testing.T) {
	for _, c := range []struct{ clause, in, simple, relaxed string }{
		{"3.4.5 Example 1", "A: X↵", "A: X↵", "a:X↵"},
		{"3.4.5 Example 1", "B␠:␠Y→↵→Z␠␠↵", "B␠:␠Y→↵→Z␠␠↵", "b:Y␠Z↵"},
		{"3.4.2 \"SUBJect: AbC\" to \"subject: AbC\"", "SUBJect: AbC↵", "SUBJect: AbC↵", "subject:AbC↵"},
		{"3.4.2 CRLF sequences followed by WSP MUST be interpreted without the CRLF", "a: b↵␠c↵→d↵", "a: b↵␠c↵→d↵", "a:b␠c␠d↵"},
		{"3.4.2 WSP characters here include those before and after a line folding boundary", "a: b␠↵␠→c↵", "a: b␠↵␠→c↵", "a:b␠c↵"},
		{"3.4.2 Delete all WSP characters at the end of each unfolded header field value", "a: b␠↵␠↵", "a: b␠↵␠↵", "a:b↵"},
		{"3.4.2 Delete any WSP characters remaining before and after the colon", "a→␠:→␠b↵", "a→␠:→␠b↵", "a:b↵"},
		{"3.4.2 a value on the next line", "a:↵␠b↵", "a:↵␠b↵", "a:b↵"},
		{"3.4.2 the colon MUST be retained", "a:␠↵", "a:␠↵", "a:↵"},
		{"3.4.2 colons in values stay", "a: b : c↵", "a: b : c↵", "a:b : c↵"},
		{"3.4.2 octets that aren't ASCII are no WSP", "a: \u00a0b\u00a0↵", "a: \u00a0b\u00a0↵", "a:\u00a0b\u00a0↵"},
	} {
		require.Equal(t, octets(c.simple), string(Simple.AppendField(nil, Field(octets(c.in)))), c.clause)
		require.Equal(t, octets(c.relaxed), string(Relaxed.AppendField(nil, Field(octets(c.in)))), c.clause)
	}
}

var marks = map[rune]string{'␠': " ", '→': "\t", '↵': "\r\n"}

func octets(s string) string {
	var b bytes.Buffer
	for _, r := range s {
		if m, ok := marks[r]; ok {
			b.WriteString(m)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// RFC 6376 sections 3.4.3 and 3.4.4, however the body is cut into pieces.
func TestBodyForms(t *testing.T) {
	for _, c := range []struct{ clause, in, simple, relaxed string }{
		{"3.4.5 Example 2", "␠C␠↵D␠→␠E↵↵↵", "␠C␠↵D␠→␠E↵", "␠C↵D␠E↵"},
		{"3.4.3 a completely empty or missing body is canonicalized as a single CRLF; 3.4.4 to a null input", "", "↵", ""},
		{"3.4.3 converts *CRLF at the end of the body to a single CRLF", "↵", "↵", ""},
		{"3.4.3 converts *CRLF at the end of the body to a single CRLF", "↵↵↵", "↵", ""},
		{"3.4.3 no trailing CRLF on the message body: a CRLF is added", "a", "a↵", "a↵"},
		{"3.4.3 ignores all empty lines at the end", "a↵↵↵", "a↵", "a↵"},
		{"3.4.3 an empty line is of zero length: one of white space isn't", "a↵␠↵↵", "a↵␠↵", "a↵"},
		{"3.4.4 a. comes before b.: lines of white space are empty then", "␠↵→↵", "␠↵→↵", ""},
		{"3.4.4 white space alone, without CRLF", "␠→", "␠→↵", ""},
		{"3.4.3 empty lines elsewhere stay", "↵↵a↵↵b↵", "↵↵a↵↵b↵", "↵↵a↵↵b↵"},
		{"3.4.4 Ignore all whitespace at the end of lines", "a␠→␠↵b→↵", "a␠→␠↵b→↵", "a↵b↵"},
		{"3.4.4 Reduce all sequences of WSP within a line to a single SP", "a␠␠b→c␠→d↵", "a␠␠b→c␠→d↵", "a␠b␠c␠d↵"},
		{"3.4.4 at the beginning of a line too", "→␠a↵", "→␠a↵", "␠a↵"},
		{"3.4.4 at the end without CRLF", "a␠", "a␠↵", "a↵"},
		{"3.4 a bare CR is an octet", "a\rb↵\r", "a\rb↵\r↵", "a\rb↵\r↵"},
		{"3.4 a bare CR before CRLF", "a\r↵↵", "a\r↵", "a\r↵"},
		{"3.4 a bare CR behind white space", "a␠\r b↵", "a␠\r b↵", "a␠\r b↵"},
		{"3.4 a bare LF is no line end", "a\n\nb␠\n↵", "a\n\nb␠\n↵", "a\n\nb␠\n↵"},
	} {
		in := octets(c.in)
		for form, want := range map[Canon]string{Simple: octets(c.simple), Relaxed: octets(c.relaxed)} {
			for size := 1; size <= len(in)+1; size++ {
				var out bytes.Buffer
				b := body{w: &out, canon: form}
				for rest := in; rest != ""; {
					n := min(size, len(rest))
					b.Write([]byte(rest[:n]))
					rest = rest[n:]
				}
				b.finish()
				require.Equal(t, want, out.String(), "%s, %s in pieces of %d", c.clause, form, size)
			}
		}
	}
}

// Sections 3.4.3 and 3.4.4: the hashes of an empty body.
func TestEmptyBodyHash(t *testing.T) {
	var b Bodies
	simple, relaxed := b.Add(Simple, -1), b.Add(Relaxed, -1)
	b.Finish()
	require.Equal(t, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", base64.StdEncoding.EncodeToString(simple.Sum()))
	require.Equal(t, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", base64.StdEncoding.EncodeToString(relaxed.Sum()))
	require.EqualValues(t, 2, simple.Size()) // "the canonicalized length will be 2 octets"
}

// Section 3.5, l=: the first octets of the canonical body, several lengths in one pass.
func TestBodyLengths(t *testing.T) {
	const text = "ab  c\r\n\r\nd\r\n\r\n"
	for form, canon := range map[Canon]string{Simple: "ab  c\r\n\r\nd\r\n", Relaxed: "ab c\r\n\r\nd\r\n"} {
		var b Bodies
		var list []*BodyHash
		for l := range len(canon) + 1 {
			list = append(list, b.Add(form, int64(l)))
		}
		require.Same(t, list[3], b.Add(form, 3))
		for i := range text {
			b.Write([]byte{text[i]})
		}
		b.Finish()
		for l, h := range list {
			sum := sha256.Sum256([]byte(canon[:l]))
			require.Equal(t, sum[:], h.Sum(), "%s %d", form, l)
			require.EqualValues(t, len(canon), h.Size())
		}
	}
}
