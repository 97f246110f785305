package smtp

import (
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// Reply is an SMTP reply and an error; see [mail.Reply].
type Reply = mail.Reply

// EnhancedCode is an enhanced status code (RFC 3463).
type EnhancedCode = mail.EnhancedCode

// NewReply returns a reply with an enhanced status code.
func NewReply(code int, enhanced EnhancedCode, text string) *Reply {
	return mail.NewReply(code, enhanced, text)
}

// maxReplyLine is how long a line of a reply may be with its CRLF (RFC 5321 section 4.5.3.1.5).
const maxReplyLine = 512

// AppendReply appends r as it stands on the wire, every line with its code and, if enhanced is set, its enhanced status
// code (RFC 2034 section 4). Control characters in the text become "?", so that no text can bring a reply of its own;
// longer texts than a line holds are cut.
func AppendReply(b []byte, r *Reply, enhanced bool) []byte {
	code := r.Code
	if code < 200 || code > 599 {
		code = 451
	}
	ec := r.Enhanced
	if ec == (EnhancedCode{}) && code >= 400 {
		ec = EnhancedCode{code / 100, 0, 0}
		if code == 421 {
			ec = EnhancedCode{4, 3, 2}
		}
	}
	enhanced = enhanced && ec != (EnhancedCode{}) && code/100 != 3
	rest := r.Text
	for {
		line, more, multi := strings.Cut(rest, "\n")
		start := len(b)
		b = strconv.AppendInt(b, int64(code), 10)
		if multi {
			b = append(b, '-')
		} else {
			b = append(b, ' ')
		}
		if enhanced {
			b = appendEnhanced(b, ec)
			b = append(b, ' ')
		}
		b = appendText(b, line, maxReplyLine-2-(len(b)-start))
		b = append(b, '\r', '\n')
		if !multi {
			return b
		}
		rest = more
	}
}

func appendEnhanced(b []byte, e EnhancedCode) []byte {
	b = strconv.AppendInt(b, int64(e[0]), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(e[1]), 10)
	b = append(b, '.')
	return strconv.AppendInt(b, int64(e[2]), 10)
}

// appendText appends s without its control characters, max bytes of it at most and no half of a character.
func appendText(b []byte, s string, max int) []byte {
	s = strings.TrimSuffix(s, "\r")
	if len(s) > max {
		for max > 0 && s[max]&0xC0 == 0x80 {
			max--
		}
		s = s[:max]
	}
	for i := range len(s) {
		c := s[i]
		if c < ' ' && c != '\t' || c == 0x7f {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}
