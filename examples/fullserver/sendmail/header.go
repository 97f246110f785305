package sendmail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/mime"
)

// maxHeader is how long a header may be, in octets.
const maxHeader = 1 << 20

var errHeader = fmt.Errorf("the header is longer than %d octets", maxHeader)

// header is the header of a message as it is to be sent.
type header struct {
	text    []byte // fields with LF line ends
	to      []string
	hasFrom bool
}

// readHeader reads the fields before the body, and what of them says to whom the message goes when the recipients are to be taken from it: To,
// Cc and Bcc, or where there are any, Resent-To, Resent-Cc and Resent-Bcc. Bcc fields are left out then. A first line that is no field begins
// the body, as sendmail has it; a line "From " from a mailbox file is left out.
func readHeader(r *bufio.Reader, recipients bool) (*header, error) {
	h := &header{}
	var field []byte
	var plain, resent []string
	isResent := false
	end := func() error {
		if len(field) == 0 {
			return nil
		}
		name, body, _ := strings.Cut(string(field), ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		bcc := name == "bcc" || name == "resent-bcc"
		switch name {
		case "from":
			h.hasFrom = true
		case "to", "cc", "bcc":
			if recipients {
				list, err := addresses(body)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				plain = append(plain, list...)
			}
		case "resent-to", "resent-cc", "resent-bcc":
			isResent = true
			if recipients {
				list, err := addresses(body)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				resent = append(resent, list...)
			}
		}
		if !recipients || !bcc {
			h.text = append(h.text, field...)
		}
		field = field[:0]
		return nil
	}
	size, lines := 0, 0
	for {
		line, err := peekLine(r)
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, errHeader
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if size += len(line); size > maxHeader {
			return nil, errHeader
		}
		lines++
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(field) > 0
		switch {
		case lines == 1 && bytes.HasPrefix(line, []byte("From ")):
			_, _ = r.Discard(len(line))
			continue
		case folded, isField(line):
			if !folded {
				if err := end(); err != nil {
					return nil, err
				}
			}
			field = append(field, bytes.TrimRight(line, "\r\n")...)
			field = append(field, '\n')
			_, _ = r.Discard(len(line))
			continue
		case string(bytes.TrimRight(line, "\r\n")) == "" && len(line) > 0:
			_, _ = r.Discard(len(line))
		}
		if err := end(); err != nil {
			return nil, err
		}
		h.to = plain
		if isResent {
			h.to = resent
		}
		return h, nil
	}
}

// peekLine returns the next line with its end, without taking it.
func peekLine(r *bufio.Reader) ([]byte, error) {
	for n := 128; ; n *= 2 {
		b, err := r.Peek(min(n, r.Size()))
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return b[:i+1], nil
		}
		if err != nil || n >= r.Size() {
			if err == nil {
				err = bufio.ErrBufferFull
			}
			return b, err
		}
	}
}

// isField reports whether a line begins a header field (RFC 5322 section 2.2).
func isField(line []byte) bool {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return false
	}
	for j, c := range bytes.TrimRight(line[:i], " \t") {
		if c <= ' ' || c >= 0x7f || j > 200 {
			return false
		}
	}
	return true
}

// addresses returns the mailboxes of an address list. A name without a domain is one of this machine's.
func addresses(list string) (out []string, err error) {
	all, err := mime.ParseAddressList(strings.TrimSpace(strings.ReplaceAll(list, "\n", "\r\n")))
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		switch {
		case a.Kind != mime.AddressMailbox:
		case a.Host == "":
			out = append(out, a.Mailbox)
		default:
			out = append(out, a.Addr())
		}
	}
	return out, nil
}
