package smtp_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

type outbox struct {
	*sink
	open int
}

type outboxBody struct {
	*strings.Reader
	o *outbox
}

func (b outboxBody) Close() error {
	b.o.open--
	return nil
}

func (o *outbox) FetchURL(_ context.Context, url string) (mail.Body, error) {
	switch url {
	case "imap://harry@gryffindor.example.com/outbox;uidvalidity=1078863300/;uid=25;urlauth=submit+harry:internal:91354a473744909de610943775f92038":
		o.open++
		return outboxBody{strings.NewReader("Subject: from the outbox\r\n\r\nbody\r\n"), o}, nil
	case "imap://elsewhere.test/":
		return nil, smtp.NewReply(554, smtp.EnhancedCode{5, 7, 14}, "No trust relationship with the IMAP server")
	}
	return nil, errors.New("connection refused by 10.0.0.7")
}

const url = "imap://harry@gryffindor.example.com/outbox;uidvalidity=1078863300/;uid=25;urlauth=submit+harry:internal:91354a473744909de610943775f92038"

func burl(t *testing.T) (*peer, *outbox) {
	srv, s := authServer()
	o := &outbox{sink: s}
	srv.Backend = smtp.Handle(o)
	p := ehlo(t, srv)
	require.Equal(t, "502 5.5.1 Error: command not implemented", p.cmd("BURL "+url+" LAST"))
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
	require.Contains(t, p.cmd("EHLO c.test"), "\n250 BURL imap")
	require.Equal(t, "503 5.5.1 Error: need MAIL command", p.cmd("BURL "+url+" LAST"))
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
	return p, o
}

// RFC 4468 section 3.4, the first example.
func TestBurl(t *testing.T) {
	p, o := burl(t)
	require.Equal(t, "250 2.0.0 Ok: 34 bytes queued as 913E010089F", p.cmd("BURL "+url+" LAST"))
	require.Equal(t, "Subject: from the outbox\r\n\r\nbody\r\n", o.got[0].data)
	require.Zero(t, o.open)
}

// RFC 4468 section 3.2: "the BURL and BDAT commands may be interleaved until one of them terminates the transaction".
func TestBurlWithBdat(t *testing.T) {
	p, o := burl(t)
	p.send("BDAT 6\r\nX: y\r\nBURL " + url + "\r\nBDAT 3 LAST\r\n.\r\n")
	require.Equal(t, "250 2.0.0 Ok: 6 bytes", p.line())
	require.Equal(t, "250 2.0.0 Ok: 40 bytes", p.line())
	require.Equal(t, "250 2.0.0 Ok: 43 bytes queued as 913E010089F", p.line())
	require.Equal(t, "X: y\r\nSubject: from the outbox\r\n\r\nbody\r\n.\r\n", o.got[0].data)
	require.Zero(t, o.open)
}

// RFC 4468 section 3.5: 554 5.6.6 when the URL can't be resolved; why is nobody's business but ours.
func TestBurlFails(t *testing.T) {
	p, o := burl(t)
	require.Equal(t, "554 5.6.6 IMAP URL resolution failed", p.cmd("BURL imap://nowhere LAST"))
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
	require.Equal(t, "554 5.7.14 No trust relationship with the IMAP server", p.cmd("BURL imap://elsewhere.test/ LAST"))
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
	require.Equal(t, "250 2.0.0 Ok: 34 bytes", p.cmd("BURL "+url))
	require.Equal(t, "554 5.6.6 IMAP URL resolution failed", p.cmd("BURL imap://nowhere LAST"))
	require.Equal(t, "503 5.5.1 Error: need MAIL command", p.cmd("BDAT 0 LAST"))
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
	require.Equal(t, "501 5.5.4 Syntax: BURL url [LAST]", p.cmd("BURL a b c"))
	require.Equal(t, 4, o.aborts)
	require.Zero(t, o.open)
}

// A fetched message is held to the size limit like any other, and its content closed.
func TestBurlTooBig(t *testing.T) {
	srv, s := authServer()
	o := &outbox{sink: s}
	srv.Backend = smtp.Handle(o)
	srv.Limits.MessageSize = 20
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
	require.Equal(t, "552 5.3.4 Error: message file too big", p.cmd("BURL "+url+" LAST"))
	require.Equal(t, "503 5.5.1 Error: need MAIL command", p.cmd("DATA"))
	require.Zero(t, o.open)
	require.Equal(t, 1, o.aborts)
}
