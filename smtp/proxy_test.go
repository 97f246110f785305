package smtp_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
)

func trust(net.Addr) bool { return true }

// proxied connects through a proxy that sends this header, and returns the address the server then sees.
func proxied(t *testing.T, header string) (*peer, func() *smtp.Conn) {
	srv, s := newServer()
	srv.Proxy = trust
	var conn *smtp.Conn
	srv.Backend = smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		conn = c
		return &helloSession{sink: s}, nil
	})
	p := from(t, srv, "192.0.2.99")
	p.send(header)
	return p, func() *smtp.Conn { return conn }
}

func v2(command, family byte, addrs []byte) string {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(addrs)))
	return string(append(b, addrs...))
}

// The PROXY protocol, version 1 and 2, as HAProxy documents them.
func TestProxy(t *testing.T) {
	a4 := append(netip.MustParseAddr("203.0.113.5").AsSlice(), append(netip.MustParseAddr("198.51.100.1").AsSlice(), 0x11, 0x22, 0, 25)...)
	a6 := append(netip.MustParseAddr("2001:db8::5").AsSlice(), append(netip.MustParseAddr("2001:db8::1").AsSlice(), 0x11, 0x22, 0, 25)...)
	tlv := append(append([]byte{}, a4...), 3, 0, 4, 1, 2, 3, 4)
	for header, want := range map[string]string{
		"PROXY TCP4 203.0.113.5 198.51.100.1 4386 25\r\n": "203.0.113.5:4386 198.51.100.1:25",
		"PROXY TCP6 2001:db8::5 2001:db8::1 4386 25\r\n":  "[2001:db8::5]:4386 [2001:db8::1]:25",
		"PROXY UNKNOWN\r\n":               "192.0.2.99:4000 server",
		"PROXY UNKNOWN ff:: ff:: 1 1\r\n": "192.0.2.99:4000 server",
		v2(1, 0x11, a4):                   "203.0.113.5:4386 198.51.100.1:25",
		v2(1, 0x21, a6):                   "[2001:db8::5]:4386 [2001:db8::1]:25",
		v2(1, 0x11, tlv):                  "203.0.113.5:4386 198.51.100.1:25",
		v2(0, 0x00, nil):                  "192.0.2.99:4000 server",
		v2(0, 0x11, a4):                   "192.0.2.99:4000 server",
		v2(1, 0x31, []byte(strings.Repeat("x", 216))): "192.0.2.99:4000 server",
	} {
		p, conn := proxied(t, header+"HELO c.test\r\n")
		require.Contains(t, p.line(), "220", "%q", header)
		require.Equal(t, "250 mx.example.test", p.line())
		require.Equal(t, want, conn().RemoteAddr().String()+" "+conn().LocalAddr().String(), "%q", header)
		require.Equal(t, "192.0.2.99:4000", conn().PeerAddr().String())
	}
	for _, header := range []string{
		"HELO c.test\r\nNOOP\r\n", "PROXY TCP4 203.0.113.5 198.51.100.1 4386\r\n", "PROXY TCP4 203.0.113.5 198.51.100.1 4386 25\n",
		"PROXY TCP4 2001:db8::5 2001:db8::1 4386 25\r\n", "PROXY TCP6 203.0.113.5 198.51.100.1 4386 25\r\n", "PROXY TCP4 203.0.113.5 198.51.100.1 043 25\r\n",
		"PROXY TCP4 203.0.113.5 198.51.100.1 70000 25\r\n", "PROXY UDP4 203.0.113.5 198.51.100.1 1 25\r\n", "PROXY  \r\nxxxxxxx", "PROXY " + strings.Repeat("x", 110) + "\r\n",
		v2(2, 0x11, a4), v2(1, 0x11, a4[:11]), "\r\n\r\n\x00\r\nQUIT\n\x11\x11\x00\x00",
	} {
		p, conn := proxied(t, header)
		require.Equal(t, "", p.line(), "%q", header)
		require.Nil(t, conn())
	}
}

// The header comes before TLS, and not an octet of the handshake is lost to it.
func TestProxyBeforeTLS(t *testing.T) {
	srv, _ := newServer()
	cfg := withTLS(t, srv)
	srv.Proxy = trust
	var remote string
	srv.Hooks.Connected = func(c *smtp.Conn) { remote = c.RemoteIP() }
	conn, err := net.Dial("tcp", listen(t, srv, true))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte("PROXY TCP4 203.0.113.5 198.51.100.1 4386 465\r\n"))
	require.NoError(t, err)
	tc := tls.Client(conn, cfg)
	require.NoError(t, tc.Handshake())
	p := newPeer(t, tc)
	require.Contains(t, p.line(), "220")
	require.Equal(t, "203.0.113.5", remote)
}

// Who isn't listed is nobody's proxy: its header is a wrong command.
func TestProxyFromStranger(t *testing.T) {
	srv, _ := newServer()
	srv.Proxy = func(a net.Addr) bool { return a.String() == "192.0.2.99:4000" }
	p := from(t, srv, "192.0.2.100")
	require.Contains(t, p.line(), "220")
	require.Equal(t, "500 5.5.2 Error: command not recognized", p.cmd("PROXY TCP4 203.0.113.5 198.51.100.1 4386 25"))
}

// Postfix's XCLIENT_README.
func TestXclient(t *testing.T) {
	srv, s := newServer()
	var conns []string
	srv.XClient = trust
	srv.Backend = smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		conns = append(conns, c.RemoteIP()+" "+c.ClientName()+" "+c.Hello()+" "+c.Protocol())
		return &helloSession{sink: s}, nil
	})
	p := from(t, srv, "192.0.2.99")
	p.line()
	require.Contains(t, p.cmd("EHLO proxy.test"), "\n250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME")
	p.talk(`
		C: XCLIENT NAME=client.example ADDR=203.0.113.5 PORT=4386 HELO=c.example PROTO=ESMTP LOGIN=alice
		S: 220 mx.example.test ESMTP
		C: XCLIENT ADDR=IPV6:2001:db8::5 NAME=[UNAVAILABLE] REVERSE_NAME=spoofed.test
		S: 220 mx.example.test ESMTP
		C: XCLIENT ADDR=somewhere
		S: 501 5.5.4 Bad ADDR syntax: somewhere
		C: XCLIENT ADDR=2001:db8::5
		S: 501 5.5.4 Bad ADDR syntax: 2001:db8::5
		C: XCLIENT NAME=a+20b
		S: 501 5.5.4 Bad NAME syntax: a b
		C: XCLIENT FOO=bar
		S: 501 5.5.4 Bad FOO syntax: bar
		C: XCLIENT
		S: 501 5.5.4 Syntax: XCLIENT attribute=value...
		C: EHLO c.test
		S: 250-…`)
	require.Equal(t, []string{"192.0.2.99   SMTP", "203.0.113.5 client.example c.example ESMTP", "2001:db8::5   SMTP"}, conns)
	srv.XClient = nil
	require.Equal(t, "550 5.7.0 Error: insufficient authorization", from(t, srv, "192.0.2.99").after(1).cmd("XCLIENT NAME=x"))
}

// after reads n lines.
func (p *peer) after(n int) *peer {
	for range n {
		p.line()
	}
	return p
}

// Postfix's XFORWARD_README.
func TestXforward(t *testing.T) {
	srv, s := newServer()
	srv.XForward = trust
	var conn *smtp.Conn
	srv.Backend = smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		conn = c
		return &helloSession{sink: s}, nil
	})
	p := from(t, srv, "192.0.2.99")
	p.line()
	require.Contains(t, p.cmd("EHLO proxy.test"), "\n250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
	p.talk(`
		C: XFORWARD NAME=spike.porcupine.org ADDR=168.100.189.2 PORT=4567 PROTO=ESMTP
		S: 250 2.0.0 Ok
		C: XFORWARD HELO=spike.porcupine.org IDENT=3B9DB1 SOURCE=remote
		S: 250 2.0.0 Ok
		C: XFORWARD SOURCE=MARS
		S: 501 5.5.4 Bad SOURCE syntax: MARS`)
	require.Equal(t, &smtp.Forwarded{Name: "spike.porcupine.org", Addr: "168.100.189.2", Port: "4567", Proto: "ESMTP", Hello: "spike.porcupine.org", Ident: "3B9DB1", Source: "REMOTE"}, conn.Forwarded())
	require.Equal(t, "192.0.2.99", conn.RemoteIP())
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: XFORWARD NAME=x
		S: 503 5.5.1 Error: MAIL transaction in progress`)
}
