package smtp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// RFC 3030 section 2: "Once the receiver-SMTP receives the specified number of octets, it will return a 250 reply code", and
// the last chunk's reply is the message's.
func TestBdat(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	p.talk(`
		C= "BDAT 14\r\nSubject: x\r\n\r\n"
		S: 250 2.0.0 Ok: 14 bytes
		C= "BDAT 0\r\n"
		S: 250 2.0.0 Ok: 14 bytes
		C= "BDAT 6 LAST\r\n.\r\nb\r\n"
		S: 250 2.0.0 Ok: 20 bytes queued as 913E010089F
		C: NOOP
		S: 250 2.0.0 Ok`)
	require.Equal(t, "Subject: x\r\n\r\n.\r\nb\r\n", s.got[0].data)
}

// RFC 3030 section 4.2: chunks and their commands may be pipelined; an empty last chunk ends the message.
func TestBdatPipelined(t *testing.T) {
	srv, s := newServer()
	p := ehlo(t, srv)
	p.talk(`
		C= "MAIL FROM:<a@c.test> BODY=BINARYMIME\r\nRCPT TO:<b@example.test>\r\nBDAT 4\r\na\x00\n\rBDAT 3\r\nxyzBDAT 0 LAST\r\nQUIT\r\n"
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		S: 250 2.0.0 Ok: 4 bytes
		S: 250 2.0.0 Ok: 7 bytes
		S: 250 2.0.0 Ok: 7 bytes queued as 913E010089F
		S: 221 2.0.0 Bye
		S.`)
	require.Equal(t, "a\x00\n\rxyz", s.got[0].data)
	require.Equal(t, mail.BodyBinaryMIME, s.got[0].Options.Body)
}

// RFC 3030 section 3: "BINARYMIME cannot be used with the DATA command. If a DATA command is issued after a MAIL command containing
// the body-value of "BINARYMIME", a 503 "Bad sequence of commands" response MUST be sent."
func TestBinaryMIMENeedsBdat(t *testing.T) {
	srv, _ := newServer()
	ehlo(t, srv).talk(`
		C: MAIL FROM:<a@c.test> BODY=BINARYMIME
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 503 5.5.1 Error: BODY=BINARYMIME needs BDAT`)
	srv, _ = newServer()
	srv.Without = smtp.Chunking
	p := ready(t, srv)
	p.talk(`
		C= "BDAT 4 LAST\r\nQUIT"
		S: 502 5.5.1 Error: command not implemented
		C: RSET
		S: 250 2.0.0 Ok
		C: MAIL FROM:<a@c.test> BODY=BINARYMIME
		S: 555 5.5.4 Unsupported option: BODY=BINARYMIME`)
}

// RFC 3030 section 2: "If a failure occurs after a BDAT command is received, the receiver-SMTP MUST accept and discard the associated
// message data before sending the appropriate 5XX or 4XX code." Otherwise the octets are taken for commands, as happened to
// several servers.
func TestBdatRefusedIsDrained(t *testing.T) {
	srv, s := newServer()
	p := ehlo(t, srv)
	p.talk(`
		C= "BDAT 6\r\nQUIT\r\nNOOP\r\n"
		S: 503 5.5.1 Error: need MAIL command
		S: 250 2.0.0 Ok
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C= "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
		S: 503 5.5.1 Error: need RCPT command
		S: 250 2.0.0 Ok`)
	s.data = func() error { return smtp.NewReply(451, smtp.EnhancedCode{4, 7, 1}, "not now") }
	p.talk(`
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C= "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
		S: 451 4.7.1 not now
		S: 250 2.0.0 Ok`)
}

// Postfix, 2026: state that stayed after a BDAT error let DATA go on without MAIL.
func TestNoStateAfterBdatError(t *testing.T) {
	srv, s := newServer()
	srv.Limits.MessageSize = 10
	p := ready(t, srv)
	p.talk(`
		C= "BDAT 20\r\nQUIT\r\nQUIT\r\nQUIT\r\n..NOOP\r\n"
		S: 552 5.3.4 Error: message file too big
		S: 250 2.0.0 Ok
		C= "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
		S: 503 5.5.1 Error: need MAIL command
		S: 250 2.0.0 Ok
		C: DATA
		S: 503 5.5.1 Error: need MAIL command
		C: RCPT TO:<b@example.test>
		S: 503 5.5.1 Error: need MAIL command
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C= "BDAT 3 LAST\r\na\r\n"
		S: 250 2.0.0 Ok: 3 bytes queued as 913E010089F`)
	require.Len(t, s.got, 1)
	require.Equal(t, "a\r\n", s.got[0].data)
	require.Equal(t, 1, s.aborts)
}

// A message that grows too big over its chunks is refused at the chunk that does it.
func TestBdatTooBigLater(t *testing.T) {
	srv, s := newServer()
	srv.Limits.MessageSize = 10
	p := ready(t, srv)
	p.talk(`
		C= "BDAT 8\r\n12345678"
		S: 250 2.0.0 Ok: 8 bytes
		C= "BDAT 8\r\n12345678BDAT 8 LAST\r\n12345678RSET\r\n"
		S: 552 5.3.4 Error: message file too big
		S: 503 5.5.1 Error: need MAIL command
		S: 250 2.0.0 Ok`)
	require.Empty(t, s.got)
}

// RFC 3030 section 2: "The RSET command, when issued after the first BDAT and before the BDAT LAST, clears all segments sent during
// that transaction and resets the session." "If a DATA statement is issued after a BDAT for the current transaction, a 503 ... MUST
// be issued." The other commands of a transaction have no place there either.
func TestBetweenChunks(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	p.talk(`
		C= "BDAT 3\r\nabc"
		S: 250 2.0.0 Ok: 3 bytes
		C: NOOP
		S: 250 2.0.0 Ok
		C: VRFY alice
		S: 252 2.5.2 Cannot VRFY user…
		C: MAIL FROM:<b@c.test>
		S: 503 5.5.1 Error: command not allowed between BDAT commands
		C: RCPT TO:<b@example.test>
		S: 503 5.5.1 Error: command not allowed between BDAT commands
		C: DATA
		S: 503 5.5.1 Error: command not allowed between BDAT commands
		C: STARTTLS
		S: 503 5.5.1 Error: command not allowed between BDAT commands
		C: NONSENSE
		S: 500 5.5.2 Error: command not recognized
		C: RSET
		S: 250 2.0.0 Ok
		C= "BDAT 3 LAST\r\nabc"
		S: 503 5.5.1 Error: need MAIL command
		C: MAIL FROM:<b@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C= "BDAT 3\r\nabc"
		S: 250 2.0.0 Ok: 3 bytes
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
	require.Empty(t, s.got)
	require.Equal(t, 2, s.aborts)
}

// What can't be read as a size leaves no way to tell octets from commands.
func TestBdatSyntax(t *testing.T) {
	for _, cmd := range []string{"BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT 99999999999999999999", "BDAT 1  LAST X", "BDAT +1 LAST", "BDAT 0x10"} {
		srv, s := newServer()
		p := ready(t, srv)
		require.Equal(t, "501 5.5.4 Syntax: BDAT count [LAST]", p.cmd(cmd), cmd)
		require.Equal(t, "", p.line(), cmd)
		require.Equal(t, 1, s.aborts)
	}
}

// RFC 3030 section 3: a message with binary content in chunks "MUST be accepted" also where BODY doesn't say BINARYMIME: what BDAT
// counts, nobody can smuggle, and the octets stay as they are.
func TestBdatKeepsOctets(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	p.send("BDAT 7 LAST\r\na\nb\rc\x00\n")
	require.Contains(t, p.reply(), "250")
	require.Equal(t, "a\nb\rc\x00\n", s.got[0].data)
}

// Many tiny chunks cost no memory that stays.
func TestManyChunks(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	const n = 2000
	go p.send(strings.Repeat("BDAT 1\r\nx", n) + "BDAT 0 LAST\r\n")
	for range n {
		require.Contains(t, p.line(), "250 2.0.0 Ok: ")
	}
	require.Contains(t, p.line(), "queued as")
	require.Equal(t, strings.Repeat("x", n), s.got[0].data)
}
