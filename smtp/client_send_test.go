package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

const note = "Subject: x\r\n\r\nHello.\r\n"

// RFC 5321 section 3.3, one command after the other at a server without extensions.
func TestClientSendPlain(t *testing.T) {
	playServer(t, greeted()+`
		C: MAIL FROM:<a@example.org>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.net>
		S: 250 2.1.5 Ok
		C: RCPT TO:<c@example.net>
		S: 550 5.1.1 <c@example.net>: no such user
		C: RCPT TO:<d@example.net>
		S: 251 2.1.5 Will forward
		C: DATA
		S: 354 go ahead
		C: Subject: x
		C: 
		C: ..dot
		C: last
		C: .
		S: 250 2.0.0 Ok: queued as 913E010089F
		C: QUIT
		S: 221 2.0.0 Bye
	`, func(conn net.Conn) {
		c := clientOn(t, conn, nil)
		require.Equal(t, &smtp.Reply{Code: 220, Text: "mx.example.net ESMTP"}, c.Greeting())
		results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net", "c@example.net", "d@example.net"),
			"Subject: x\n\n.dot\nlast")
		require.NoError(t, err)
		require.Len(t, results, 3)
		require.Equal(t, "b@example.net", results[0].Recipient)
		require.Equal(t, "250 2.0.0 Ok: queued as 913E010089F", results[0].Reply.String())
		require.Empty(t, results[0].Detail)
		require.Equal(t, "mx.example.net[pipe]", results[0].Relay)
		require.Equal(t, "c@example.net", results[1].Recipient)
		require.Equal(t, "550 5.1.1 <c@example.net>: no such user", results[1].Reply.String())
		require.Equal(t, "host mx.example.net[pipe] said: 550 5.1.1 <c@example.net>: no such user (in reply to RCPT TO command)",
			results[1].Detail)
		require.True(t, results[2].Reply.OK())
		require.NoError(t, c.Quit(context.Background()))
	})
}

// RFC 2920 section 3.1: "MAIL FROM, RCPT TO … can all appear anywhere in a pipelined command group", DATA as its last.
func TestClientPipelines(t *testing.T) {
	playServer(t, greeted("PIPELINING")+`
		C: MAIL FROM:<>
		C: RCPT TO:<b@example.net>
		C: RCPT TO:<c@example.net>
		C: DATA
		S: 250 Ok
		S: 450 4.2.1 later
		S: 250 Ok
		S: 354 go ahead
		C: Subject: x
		C: 
		C: Hello.
		C: .
		S: 250 Ok
	`, func(conn net.Conn) {
		results, err := sendOn(clientOn(t, conn, nil), envelopeOf("", "b@example.net", "c@example.net"), note)
		require.NoError(t, err)
		require.True(t, results[0].Reply.Temporary())
		require.True(t, results[1].Reply.OK())
	})
}

// RFC 2920 section 3.1: "If none of the RCPT TO commands were accepted … and the DATA command was accepted the client
// SMTP should send a single dot."
func TestClientNobodyAcceptedButData(t *testing.T) {
	playServer(t, greeted("PIPELINING")+`
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: DATA
		S: 250 Ok
		S: 550 5.1.1 unknown
		S: 354 go ahead
		C: .
		S: 554 5.5.1 no valid recipients
		C: RSET
		S: 250 Ok
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: DATA
		S: 452 4.3.1 full
		S: 503 5.5.1 need MAIL
		S: 503 5.5.1 need MAIL
	`, func(conn net.Conn) {
		c := clientOn(t, conn, nil)
		results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
		require.NoError(t, err)
		require.Equal(t, 550, results[0].Reply.Code)
		_, err = sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
		require.EqualError(t, err, "host mx.example.net[pipe] said: 452 4.3.1 full (in reply to MAIL FROM command)")
	})
}

// RFC 3030 section 2: with CHUNKING there is no dot-stuffing, and with PIPELINING a small message is one round trip.
func TestClientChunking(t *testing.T) {
	octets := playServer(t, greeted("PIPELINING", "CHUNKING", "SIZE 1000")+`
		C: MAIL FROM:<a@example.org> SIZE=29
		C: RCPT TO:<b@example.net>
		C: BDAT 29 LAST
		C* 29
		S: 250 Ok
		S: 250 Ok
		S: 250 2.0.0 Ok: 29 bytes queued as 1
	`, func(conn net.Conn) {
		results, err := sendOn(clientOn(t, conn, nil), envelopeOf("a@example.org", "b@example.net"), "Subject: x\n\n.\r\ny \rz\nlast")
		require.NoError(t, err)
		require.Equal(t, "250 2.0.0 Ok: 29 bytes queued as 1", results[0].Reply.String())
	})
	require.Equal(t, "Subject: x\r\n\r\n.\r\ny  z\r\nlast\r\n", octets)
}

// A message in several chunks, of a kind that can't be looked into for its size.
func TestClientChunks(t *testing.T) {
	message := strings.Repeat("0123456789abcd\r\n", 10)
	octets := playServer(t, greeted("CHUNKING")+`
		C: MAIL FROM:<a@example.org>
		S: 250 Ok
		C: RCPT TO:<b@example.net>
		S: 250 Ok
		C: BDAT 64
		C* 64
		S: 250 Ok
		C: BDAT 64
		C* 64
		S: 250 Ok
		C: BDAT 32 LAST
		C* 32
		S: 250 Ok
	`, func(conn net.Conn) {
		c := clientOn(t, conn, &smtp.ClientOptions{Limits: smtp.ClientLimits{ChunkSize: 64}})
		r := iotest.OneByteReader(strings.NewReader(message))
		_, err := c.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), r)
		require.NoError(t, err)
	})
	require.Equal(t, message, octets)
}

// RFC 3030 section 4.2: a BINARYMIME message goes octet for octet.
func TestClientBinary(t *testing.T) {
	message := "Subject: x\n\n\x00\r\xff\n.\n"
	octets := playServer(t, greeted("PIPELINING", "CHUNKING", "BINARYMIME")+`
		C: MAIL FROM:<a@example.org> BODY=BINARYMIME
		C: RCPT TO:<b@example.net>
		C: BDAT 18 LAST
		C* 18
		S: 250 Ok
		S: 250 Ok
		S: 250 Ok
	`, func(conn net.Conn) {
		env := envelopeOf("a@example.org", "b@example.net")
		env.Options.Body = mail.BodyBinaryMIME
		_, err := sendOn(clientOn(t, conn, nil), env, message)
		require.NoError(t, err)
	})
	require.Equal(t, message, octets)
}

// All recipients refused, with the message already sent: its reply is read, and the next transaction begins afresh.
func TestClientChunkForNobody(t *testing.T) {
	playServer(t, greeted("PIPELINING", "CHUNKING")+`
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: BDAT 22 LAST
		C* 22
		S: 250 Ok
		S: 550 5.1.1 unknown
		S: 554 5.5.1 no valid recipients
		C: RSET
		S: 250 Ok
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<c@example.net>
		C: BDAT 22 LAST
		C* 22
		S: 250 Ok
		S: 250 Ok
		S: 250 Ok
	`, func(conn net.Conn) {
		c := clientOn(t, conn, nil)
		results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
		require.NoError(t, err)
		require.Equal(t, 550, results[0].Reply.Code)
		results, err = sendOn(c, envelopeOf("a@example.org", "c@example.net"), note)
		require.NoError(t, err)
		require.True(t, results[0].Reply.OK())
	})
}

// A chunk that is refused ends the transaction; what remains of the message is not sent.
func TestClientChunkRefused(t *testing.T) {
	playServer(t, greeted("CHUNKING")+`
		C: MAIL FROM:<a@example.org>
		S: 250 Ok
		C: RCPT TO:<b@example.net>
		S: 250 Ok
		C: BDAT 64
		C* 64
		S: 552 5.3.4 too big
		C: RSET
		S: 250 Ok
	`, func(conn net.Conn) {
		c := clientOn(t, conn, &smtp.ClientOptions{Limits: smtp.ClientLimits{ChunkSize: 64}})
		_, err := sendOn(c, envelopeOf("a@example.org", "b@example.net"), strings.Repeat("0123456789abcd\r\n", 10))
		require.EqualError(t, err, "host mx.example.net[pipe] said: 552 5.3.4 too big (in reply to BDAT command)")
		require.NoError(t, c.Reset(context.Background()))
	})
}

// RFC 2033 section 4.2: after the message "the server returns one reply for each previously successful RCPT command".
func TestClientLMTP(t *testing.T) {
	playServer(t, `
		S: 220 box LMTP
		C: LHLO client.example.org
		S: 250-box
		S: 250 PIPELINING
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: RCPT TO:<c@example.net>
		C: RCPT TO:<d@example.net>
		C: RCPT TO:<e@example.net>
		C: DATA
		S: 250 Ok
		S: 250 Ok
		S: 550 5.1.1 unknown
		S: 250 Ok
		S: 250 Ok
		S: 354 go ahead
		C: Subject: x
		C: 
		C: Hello.
		C: .
		S: 250 2.0.0 stored
		S: 452 4.2.2 over quota
		S!
	`, func(conn net.Conn) {
		c := clientOn(t, conn, &smtp.ClientOptions{LMTP: true})
		results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net", "c@example.net", "d@example.net", "e@example.net"), note)
		require.NoError(t, err)
		require.Len(t, results, 4)
		require.Equal(t, "250 2.0.0 stored", results[0].Reply.String())
		require.Equal(t, "550 5.1.1 unknown", results[1].Reply.String())
		require.Equal(t, "452 4.2.2 over quota", results[2].Reply.String())
		require.Equal(t, "421 4.4.2 lost connection with mx.example.net[pipe] while sending end of data -- message may be sent more than once",
			results[3].Reply.String())
	})
}

// A message that can't be read must not be seen as whole by the server.
func TestClientMessageFails(t *testing.T) {
	broken := errors.New("disk gone")
	for name, reader := range map[string]func() io.Reader{
		"small": func() io.Reader { return io.MultiReader(strings.NewReader(note), iotest.ErrReader(broken)) },
		"large": func() io.Reader {
			return io.MultiReader(bytes.NewReader(bytes.Repeat([]byte("x\r\n"), 100_000)), iotest.ErrReader(broken))
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, conn := tcpPair(t)
			got := make(chan string, 1)
			go func() {
				defer server.Close()
				io.WriteString(server, "220 x\r\n")
				buf := make([]byte, 100)
				server.Read(buf)
				io.WriteString(server, "250 x\r\n")
				server.Read(buf)
				io.WriteString(server, "250 x\r\n")
				server.Read(buf)
				io.WriteString(server, "250 x\r\n")
				server.Read(buf)
				io.WriteString(server, "354 x\r\n")
				b, _ := io.ReadAll(server)
				got <- string(b)
			}()
			c := clientOn(t, conn, nil)
			_, err := c.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), reader())
			require.ErrorIs(t, err, broken)
			var own *smtp.MessageError
			require.ErrorAs(t, err, &own)
			require.NotContains(t, <-got, "\r\n.\r\n")
			_, err = sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
			require.ErrorIs(t, err, net.ErrClosed)
		})
	}
}

// tcpPair is a connection over loopback.
func tcpPair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// More recipients than are sent in one group, and than the server takes (RFC 9422 section 4.2: RCPTMAX).
func TestClientManyRecipients(t *testing.T) {
	var script, to []string
	for i := range 150 {
		to = append(to, strings.Repeat("r", i+1)+"@example.net")
	}
	rcpt := func(from, to_ int) {
		for _, a := range to[from:to_] {
			script = append(script, "C: RCPT TO:<"+a+">")
		}
	}
	ok := func(n int) {
		for range n {
			script = append(script, "S: 250 Ok")
		}
	}
	script = append(script, "C: MAIL FROM:<a@example.org>")
	rcpt(0, 100)
	ok(101)
	rcpt(100, 120)
	script = append(script, "C: DATA")
	ok(20)
	script = append(script, "S: 354 go", "C: x", "C: .", "S: 250 done")
	playServer(t, greeted("PIPELINING", "LIMITS MAILMAX=10 RCPTMAX=120")+strings.Join(script, "\n"), func(conn net.Conn) {
		results, err := sendOn(clientOn(t, conn, nil), envelopeOf("a@example.org", to...), "x\r\n")
		require.NoError(t, err)
		require.Len(t, results, 150)
		require.True(t, results[119].Reply.OK())
		require.Equal(t, "452 4.5.3 too many recipients for one transaction with host mx.example.net[pipe]", results[120].Reply.String())
	})
}
