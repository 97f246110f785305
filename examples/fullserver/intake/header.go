package intake

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail/examples/fullserver/local"
)

// maxHeader is how far into a message the header is looked at: what lies beyond is passed on unseen.
const maxHeader = 128 << 10

// headerInfo is what the server wants to know of a message's header.
type headerInfo struct {
	received  int    // Received fields, which count the hops (RFC 5321 section 6.3)
	messageID string // content of the first Message-ID
	date      bool
	plaintext bool // there is one TLS-Required field, and it says No (RFC 8689 section 3)
	headless  bool // the first line is no header field: it all is body
	head      []byte
	results   bool // there is an Authentication-Results field, or the header goes on beyond what was looked at
}

// peekHeader reads r up to the end of its header and returns what it read. The error is r's, io.EOF not being one.
func peekHeader(r io.Reader) ([]byte, headerInfo, error) {
	buf := make([]byte, 0, 4096)
	from := 0 // no end of the header before this place
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if end, ok := headerEnd(buf, from); ok {
			return buf, scanHeader(buf[:end]), nil
		}
		from = max(0, len(buf)-3)
		switch {
		case errors.Is(err, io.EOF):
			return buf, scanHeader(buf), nil
		case err != nil:
			return buf, headerInfo{}, err
		case len(buf) >= maxHeader:
			h := scanHeader(buf)
			h.results = true
			return buf, h, nil
		case len(buf) == cap(buf):
			buf = append(make([]byte, 0, 4*cap(buf)), buf...)
		}
	}
}

// headerEnd finds where the header ends: at an empty line, or at the beginning.
func headerEnd(b []byte, from int) (int, bool) {
	if bytes.HasPrefix(b, []byte("\r\n")) {
		return 0, true
	}
	if i := bytes.Index(b[from:], []byte("\r\n\r\n")); i >= 0 {
		return from + i + 2, true
	}
	return 0, false
}

// scanHeader looks at the fields of a header.
func scanHeader(b []byte) headerInfo {
	h := headerInfo{head: b}
	first, messageID, required := true, false, 0
	for line := range bytes.Lines(b) {
		if first {
			first = false
			if !isField(line) {
				h.headless = !bytes.Equal(line, []byte("\r\n"))
				return h
			}
		}
		if line[0] == ' ' || line[0] == '\t' {
			if messageID && h.messageID == "" { // folded behind its name
				h.messageID = strings.TrimSpace(string(line))
			}
			continue
		}
		messageID = false
		switch {
		case hasName(line, "Received"):
			h.received++
		case hasName(line, "Authentication-Results"):
			h.results = true
		case hasName(line, "Date"):
			h.date = true
		case hasName(line, "TLS-Required"):
			_, value, _ := bytes.Cut(line, []byte{':'})
			required++
			h.plaintext = required == 1 && strings.EqualFold(strings.TrimSpace(string(value)), "No")
		case h.messageID == "" && hasName(line, "Message-ID"):
			messageID = true
			_, value, _ := bytes.Cut(line, []byte{':'})
			h.messageID = strings.TrimSpace(string(value))
		}
	}
	return h
}

// junk is why the message has been found to be junk by host, whose fields stand above the trace field that it has put on the message; "": it hasn't.
// What is below that the sender may have written.
func (h *headerInfo) junk(host string) string {
	trace, by := false, []byte("by "+host+" ")
	for line := range bytes.Lines(h.head) {
		trace = hasName(line, "Received") || trace && (line[0] == ' ' || line[0] == '\t')
		if trace && bytes.Contains(line, by) {
			return ""
		}
		if hasName(line, local.JunkField) {
			_, value, _ := bytes.Cut(line, []byte{':'})
			return strings.TrimSpace(string(value))
		}
	}
	return ""
}

// isField reports whether a line begins a header field (RFC 5322 section 2.2).
func isField(line []byte) bool {
	for i, c := range line {
		switch {
		case c == ':':
			return i > 0
		case c == ' ' || c == '\t':
			rest := bytes.TrimLeft(line[i:], " \t")
			return i > 0 && len(rest) > 0 && rest[0] == ':'
		case c < '!' || c > '~':
			return false
		}
	}
	return false
}

// hasName reports whether a field has a name, in any case.
func hasName(line []byte, name string) bool {
	if len(line) <= len(name) || !strings.EqualFold(string(line[:len(name)]), name) {
		return false
	}
	rest := bytes.TrimLeft(line[len(name):], " \t")
	return len(rest) > 0 && rest[0] == ':'
}
