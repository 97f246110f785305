package smtp_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Postfix's XFORWARD_README: what isn't known is [UNAVAILABLE], values are xtext, a command has 512 octets, and only what is announced is said.
func TestForward(t *testing.T) {
	long := strings.Repeat("x", 200) + ".test"
	playServer(t, `
		S: 220 mx.test
		C: EHLO front.test
		S: 250-mx.test
		S: 250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE
		C: XFORWARD NAME=a.test ADDR=IPv6:2001:db8::1 PORT=[UNAVAILABLE] HELO=+3D+2B+20 IDENT=[UNAVAILABLE] PROTO=ESMTP SOURCE=REMOTE
		S: 250 Ok
		C: XFORWARD NAME=`+long+` ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=`+long+`
		S: 250 Ok
		C: XFORWARD IDENT=`+long+` PROTO=[UNAVAILABLE] SOURCE=[UNAVAILABLE]
		S: 250 Ok
		C: XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=[UNAVAILABLE] IDENT=[UNAVAILABLE] PROTO=[UNAVAILABLE] SOURCE=[UNAVAILABLE]
		S: 550 5.7.0 Error: insufficient authorization`, func(conn net.Conn) {
		c, err := smtp.NewClient(t.Context(), conn, &smtp.ClientOptions{LocalName: "front.test", TLS: smtp.TLSNone})
		require.NoError(t, err)
		require.NoError(t, c.Forward(t.Context(), &smtp.Forwarded{Name: "a.test", Addr: "IPv6:2001:db8::1", Hello: "=+ ", Proto: "ESMTP", Source: "REMOTE"}))
		require.NoError(t, c.Forward(t.Context(), &smtp.Forwarded{Name: long, Hello: long, Ident: long}))
		err = c.Forward(t.Context(), &smtp.Forwarded{Name: strings.Repeat("x", 256)})
		require.EqualError(t, err, "host pipe[pipe] said: 550 5.7.0 Error: insufficient authorization (in reply to XFORWARD command)")
	})
	playServer(t, `
		S: 220 mx.test
		C: EHLO front.test
		S: 250-mx.test
		S: 250 XFORWARD addr proto other
		C: XFORWARD ADDR=192.0.2.1 PROTO=[UNAVAILABLE]
		S: 250 Ok`, func(conn net.Conn) {
		c, err := smtp.NewClient(t.Context(), conn, &smtp.ClientOptions{LocalName: "front.test", TLS: smtp.TLSNone})
		require.NoError(t, err)
		require.NoError(t, c.Forward(t.Context(), &smtp.Forwarded{Name: "a.test", Addr: "192.0.2.1"}))
	})
	playServer(t, `
		S: 220 mx.test
		C: EHLO front.test
		S: 250 mx.test`, func(conn net.Conn) {
		c, err := smtp.NewClient(t.Context(), conn, &smtp.ClientOptions{LocalName: "front.test", TLS: smtp.TLSNone})
		require.NoError(t, err)
		require.NoError(t, c.Forward(t.Context(), &smtp.Forwarded{Name: "a.test"}))
	})
}

// What a client says with Forward, a server understands.
func TestForwardRoundTrip(t *testing.T) {
	srv, s := newServer()
	srv.XForward = trust
	var conn *smtp.Conn
	srv.Backend = smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		conn = c
		return &helloSession{sink: s}, nil
	})
	client, server := net.Pipe()
	go srv.ServeConn(context.Background(), server)
	c, err := smtp.NewClient(t.Context(), client, &smtp.ClientOptions{LocalName: "front.test", TLS: smtp.TLSNone})
	require.NoError(t, err)
	defer c.Close()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`([a-z][a-z0-9-]{0,20}\.){1,5}test|`)
		f := smtp.Forwarded{
			Name: name.Draw(t, "name"), Hello: name.Draw(t, "hello"), Ident: rapid.StringMatching(`[ -~]{0,80}`).Draw(t, "ident"),
			Addr: rapid.SampledFrom([]string{"", "192.0.2.1", "IPV6:2001:db8::1"}).Draw(t, "addr"), Port: rapid.SampledFrom([]string{"", "25", "65535"}).Draw(t, "port"),
			Proto: rapid.SampledFrom([]string{"", "SMTP", "ESMTP"}).Draw(t, "proto"), Source: rapid.SampledFrom([]string{"", "LOCAL", "REMOTE"}).Draw(t, "source"),
		}
		if err := c.Forward(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
		if got := *conn.Forwarded(); got != f {
			t.Fatalf("got %+v, want %+v", got, f)
		}
		if conn.ToForward() != conn.Forwarded() {
			t.Fatal("what was said goes on")
		}
	})
}

// A transaction of a client is an smtp.DataStarter: a server refuses a message before it comes, and may be asked again.
func TestStartDataOfClient(t *testing.T) {
	playServer(t, `
		S: 220 mx.test
		C: EHLO front.test
		S: 250-mx.test
		S: 250 PIPELINING
		C: MAIL FROM:<a@b.test>
		S: 250 Ok
		C: RCPT TO:<c@d.test>
		S: 250 Ok
		C: DATA
		S: 451 4.7.1 not now
		C: DATA
		S: 354 go
		C: x
		C: .
		S: 250 Ok`, func(conn net.Conn) {
		c, err := smtp.NewClient(t.Context(), conn, &smtp.ClientOptions{LocalName: "front.test", TLS: smtp.TLSNone})
		require.NoError(t, err)
		tx, err := c.Begin(t.Context(), "a@b.test", &mail.MailOptions{})
		require.NoError(t, err)
		d := tx.(smtp.DataStarter)
		require.Error(t, d.StartData(t.Context()), "nobody gets it yet")
		require.NoError(t, tx.Recipient(t.Context(), "c@d.test", &mail.RcptOptions{}))
		require.Equal(t, "451 4.7.1 not now", mail.ReplyOf(d.StartData(t.Context())).String())
		require.NoError(t, d.StartData(t.Context()))
		require.NoError(t, d.StartData(t.Context()))
		require.NoError(t, tx.Body(t.Context(), strings.NewReader("x\r\n")))
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
	})
}
