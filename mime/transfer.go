package mime

import (
	"io"
	"strings"
)

// DecodeTransfer decodes a Content-Transfer-Encoding. Encodings that it doesn't know are passed on as they are;
// [KnownTransfer] tells them.
func DecodeTransfer(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return NewBase64Reader(r)
	case "quoted-printable":
		return NewQuotedPrintableReader(r)
	case "x-uuencode", "x-uue", "uuencode":
		return NewUUReader(r)
	case "x-yenc", "yenc":
		return NewYEncReader(r)
	}
	return r
}

// KnownTransfer reports whether DecodeTransfer can undo an encoding. If not, IMAP answers UNKNOWN-CTE (RFC 3516 section 4.3).
func KnownTransfer(encoding string) bool {
	switch strings.ToLower(encoding) {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "x-uue", "uuencode", "x-yenc", "yenc":
		return true
	}
	return false
}

// DecodeCharset returns a text as valid UTF-8. other may be nil. When nobody knows the charset, the text is read as UTF-8 if it is
// valid as such, else as windows-1252.
func DecodeCharset(charset string, b []byte, other CharsetReader) string {
	if s, ok := toUTF8(charset, b, other); ok {
		return s
	}
	return guessUTF8(b)
}

// NewCharsetReader makes a text in some charset into valid UTF-8 as it goes. other may be nil. A charset that nobody
// knows is read as in DecodeCharset, piece by piece.
func NewCharsetReader(charset string, r io.Reader, other CharsetReader) io.Reader {
	known := builtinCharsetOf(charset)
	if known == charsetUnknown && other != nil {
		if decoded, err := other(strings.ToLower(strings.TrimSpace(charset)), r); err == nil {
			return decoded
		}
	}
	if known == charsetUnknown {
		known = charsetASCII
	}
	return &utf8Reader{r: r, charset: known}
}
