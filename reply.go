package mail

import (
	"errors"
	"fmt"
	"strings"
)

// EnhancedCode is an enhanced status code "class.subject.detail" (RFC 3463 section 2). The zero value means none.
type EnhancedCode [3]int

// String writes the code as "5.1.1", or "" for none.
func (e EnhancedCode) String() string {
	if e == (EnhancedCode{}) {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", e[0], e[1], e[2])
}

// Reply is an SMTP reply (RFC 5321 section 4.2) and, unless it says yes, an error: the one value in which a policy, a
// store, a queue and a remote server say how a step of a delivery ended. Package smtp uses it under the name
// smtp.Reply. Return one from a [Transaction] to choose what the peer is told; the text of any other error stays here.
type Reply struct {
	Code     int          // 200 to 599
	Enhanced EnhancedCode // zero: derived from Code where one must be sent
	Text     string       // without codes; "\n" separates the lines of a multi-line reply
	Err      error        // why, for the log and errors.Is; never sent to the peer
}

// NewReply returns a reply with an enhanced status code. The text is used as it is.
func NewReply(code int, enhanced EnhancedCode, text string) *Reply {
	return &Reply{Code: code, Enhanced: enhanced, Text: text}
}

// Error writes the reply as one line, "550 5.1.1 text".
func (r *Reply) Error() string {
	s := r.String()
	if r.Err != nil {
		s += " (" + r.Err.Error() + ")"
	}
	return s
}

// String writes what the peer would see, as one line: "550 5.1.1 text".
func (r *Reply) String() string {
	s := fmt.Sprintf("%03d ", r.Code)
	if r.Enhanced != (EnhancedCode{}) {
		s += r.Enhanced.String() + " "
	}
	return strings.TrimRight(s+strings.ReplaceAll(r.Text, "\n", " "), " ")
}

// Unwrap returns the cause.
func (r *Reply) Unwrap() error { return r.Err }

// OK reports whether the reply is positive: 2yz.
func (r *Reply) OK() bool { return r.Code/100 == 2 }

// Temporary reports whether trying again later may succeed: 4yz.
func (r *Reply) Temporary() bool { return r.Code/100 == 4 }

// Permanent reports whether trying again is pointless: 5yz.
func (r *Reply) Permanent() bool { return r.Code/100 == 5 }

// ReplyOf returns the reply that err is or wraps. Any other error becomes "451 4.3.0 Local error in processing" with
// err as its cause: what nobody has judged is tried again and not explained to strangers. It returns nil for nil.
func ReplyOf(err error) *Reply {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*Reply](err); ok {
		return r
	}
	return &Reply{Code: 451, Enhanced: EnhancedCode{4, 3, 0}, Text: localError, Err: err}
}

const localError = "Local error in processing"

// LocalError reports whether a reply is what [ReplyOf] makes of an error that is none: its cause is for the log, and not for senders to read. It
// can be told of one that was written down and read again, without its cause.
func (r *Reply) LocalError() bool { return r.Code == 451 && r.Text == localError }
