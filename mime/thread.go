package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"strings"
)

// ThreadMessageIDs yields the message identifiers in the body of a Message-ID, References or In-Reply-To field without their
// brackets, blanks and quotes removed: "Implementations of the REFERENCES threading algorithm MUST normalize any msg-id in
// order to avoid false non-matches due to differences in quoting" (RFC 5256 section 3). What has no "@" is none. The
// slice is valid until the next.
func ThreadMessageIDs(body string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var buf []byte
		for {
			i := strings.IndexByte(body, '<')
			if i < 0 {
				return
			}
			body = body[i+1:]
			var ok bool
			if buf, body, ok = readThreadID(buf[:0], body); ok && bytes.IndexByte(buf, '@') >= 0 && !yield(buf) {
				return
			}
		}
	}
}

// readThreadID reads a msg-id to its ">"; another "<" before it begins anew. What has no end, because of a quote without its
// fellow or otherwise, takes all that follows with it, so that no octet is looked at twice.
func readThreadID(b []byte, s string) (id []byte, rest string, ok bool) {
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

// ThreadID returns what names the thread of a message in THREADID (RFC 8474 section 5.2): made of the identifier of the message that began it, as
// far as the message itself tells (the first of References, else the first of In-Reply-To, else its own), or of guid, the message's own name, where it tells
// nothing. It is a function of the content, so that "The server MUST return the same THREADID for all messages with the same EMAILID" is kept everywhere
// and for ever, without a table.
func (e *Envelope) ThreadID(guid string) string {
	sum := sha256.Sum256([]byte(e.threadRoot(guid)))
	return "T" + base64.RawURLEncoding.EncodeToString(sum[:15])
}

func (e *Envelope) threadRoot(guid string) string {
	for _, body := range [...]string{e.References.Value, e.InReplyTo.Value, e.MessageID.Value} {
		for id := range ThreadMessageIDs(body) {
			return string(id)
		}
	}
	return guid
}
