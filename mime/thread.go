package thread

import (
	"bytes"
	"iter"
	"strings"
)

// messageIDs yields the message identifiers in the body of a Message-ID, References or In-Reply-To field without their
// brackets, blanks and quotes removed: "Implementations of the REFERENCES threading algorithm MUST normalize any msg-id in
// order to avoid false non-matches due to differences in quoting" (RFC 5256 section 3). What has no "@" is none. The
// slice is valid until the next.
func messageIDs(body string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var buf []byte
		for {
			i := strings.IndexByte(body, '<')
			if i < 0 {
				return
			}
			body = body[i+1:]
			var ok bool
			if buf, body, ok = readID(buf[:0], body); ok && bytes.IndexByte(buf, '@') >= 0 && !yield(buf) {
				return
			}
		}
	}
}

// readID reads a msg-id to its ">"; another "<" before it begins anew. What has no end, because of a quote without its
// fellow or otherwise, takes all that follows with it, so that no octet is looked at twice.
func readID(b []byte, s string) (id []byte, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(s):
			i++
			b = append(b, s[i])
		case quoted:
			b = append(b, c)
		case c == '>':
			return b, s[i+1:], true
		case c == '<':
			return b, s[i:], false
		case c > ' ':
			b = append(b, c)
		}
	}
	return b, "", false
}

// Root returns the identifier of the message that began a message's thread, as far as its own fields tell: the first of
// References, else the first of In-Reply-To, else its own.
func Root(references, inReplyTo, messageID string) (id string, ok bool) {
	for _, body := range [...]string{references, inReplyTo, messageID} {
		for id := range messageIDs(body) {
			return string(id), true
		}
	}
	return "", false
}
