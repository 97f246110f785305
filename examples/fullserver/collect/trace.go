package collect

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth"
)

// trace is what is written above messages of one session: where they came from, as fetchmail does it.
type trace struct {
	account Account
	user    string // whose mailbox it is
	peer    net.Addr
	here    string   // our name
	servIDs []string // under which we write Authentication-Results
	now     func() time.Time
}

// own is the part of the field that no other account's has.
func (t *trace) own() string {
	with := "POP3"
	if t.account.TLS != TLSNone {
		with = "POP3S"
	}
	return " (fullserver) with " + with + " id " + t.account.ID + "\r\n\tfor <" + t.user + ">; "
}

func (t *trace) field() string {
	ip := t.peer.String()
	if host, _, err := net.SplitHostPort(ip); err == nil {
		ip = host
	}
	if strings.Contains(ip, ":") {
		ip = "IPv6:" + ip
	}
	return "Received: from " + t.account.Host + " ([" + ip + "])\r\n\tby " + t.here + t.own() + t.now().Format(time.RFC1123Z) + "\r\n"
}

// change puts the field above a message. Authentication-Results that say to be ours go, as they do when mail comes by SMTP (RFC 8601 section 5): whoever wrote the message could have
// written them. Everything else stays as it is. A message that has come from this very mailbox is an error.
func (t *trace) change(_ string, message io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(message, 1024)
	head, err := r.Peek(1024)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.Contains(head, []byte(t.own())) {
		return nil, errLoop
	}
	cleaned, _, err := mailauth.Clean(r, 0, t.servIDs...)
	if err != nil {
		return nil, err
	}
	return io.MultiReader(strings.NewReader(t.field()), cleaned), nil
}
