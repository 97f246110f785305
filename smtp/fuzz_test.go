package smtp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

var replyLine = regexp.MustCompile(`^[2-5][0-9][0-9][ -][^\r\n]*\r\n$`)

// Whatever a client says, the answers are replies, transactions are balanced, and nothing is taken for a message that wasn't ended.
func FuzzConversation(f *testing.F) {
	f.Add([]byte("EHLO c.test\r\nMAIL FROM:<a@c.test> SIZE=3\r\nRCPT TO:<b@d.test> NOTIFY=NEVER\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"), true)
	f.Add([]byte("EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@d.test>\r\nBDAT 3\r\nabcNOOP\r\nBDAT 2 LAST\r\nabRSET\r\n"), false)
	f.Add([]byte("HELO x\nAUTH PLAIN AGEAYg==\r\nAUTH LOGIN\r\nVRFY x\r\nETRN y\r\nHELP\r\nXCLIENT NAME=x\r\nXFORWARD ADDR=1.2.3.4\r\n"), true)
	f.Fuzz(func(t *testing.T, in []byte, early bool) {
		srv, s := authServer()
		srv.AllowEarlyTalk = early
		srv.XClient, srv.XForward = trust, trust
		srv.Extensions = everything
		srv.Limits.MessageSize = 1 << 16
		srv.Timeouts.Error, srv.Timeouts.Watch = -1, -1
		srv.BareLines = smtp.BareLines(len(in) % 2)
		client, server := smtptest.Pipe()
		go func() {
			_, _ = client.Write(in)
			_ = client.(interface{ CloseWrite() error }).CloseWrite()
		}()
		var out []byte
		read := make(chan struct{})
		go func() {
			defer close(read)
			out, _ = io.ReadAll(client)
		}()
		srv.ServeConn(context.Background(), server)
		<-read
		_ = client.Close()
		require.Equal(t, s.began, s.aborts+s.committed)
		ends := bytes.Count(in, []byte(".\r\n")) + bytes.Count(bytes.ToUpper(in), []byte("BDAT"))
		require.LessOrEqual(t, s.committed, ends)
		for _, l := range bytes.SplitAfter(out, []byte("\n")) {
			require.True(t, len(l) == 0 || replyLine.Match(l), "%q", l)
		}
	})
}

var _ net.Conn = (*tinyConn)(nil)

// tinyConn gives a byte at a time.
type tinyConn struct{ net.Conn }

func (c *tinyConn) Read(p []byte) (int, error) { return c.Conn.Read(p[:min(1, len(p))]) }

// Octet by octet the conversation is the same.
func TestByteByByte(t *testing.T) {
	srv, s := newServer()
	srv.Timeouts.Watch = time.Millisecond
	client, server := smtptest.Pipe()
	p := converseOver(t, srv, client, &tinyConn{server})
	require.Contains(t, p.line(), "220")
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	p.talk(`
		C= "MAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\n"
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C= "..\r\n.x\r\r\n"
		C: .
		S: 550 5.5.2 Error: bare <CR> received
		C= "MAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nBDAT 2\r\nabBDAT 1 LAST\r\nc"
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		S: 250 2.0.0 Ok: 2 bytes
		S: 250 2.0.0 Ok: 3 bytes queued as 913E010089F`)
	require.Equal(t, "abc", s.got[0].data)
}
