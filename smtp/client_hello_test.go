package smtp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// Every line of an EHLO reply is kept, known or not (RFC 5321 section 4.1.1.1), a keyword in any case of letters.
func TestClientCapabilities(t *testing.T) {
	playServer(t, greeted("size 10240000", "PIPELINING", "AUTH plain LOGIN", "AUTH=LOGIN", "X-Own a b", "SIZE 1", "LIMITS RCPTMAX=50 MAILMAX=x", ""), func(conn net.Conn) {
		c := clientOn(t, conn, nil).Capabilities()
		require.True(t, c.Has(smtp.Size|smtp.Pipelining|smtp.Auth))
		require.False(t, c.Has(smtp.StartTLS))
		require.EqualValues(t, 10240000, c.MaxSize())
		require.Equal(t, []string{"PLAIN", "LOGIN"}, c.AuthMechanisms())
		p, ok := c.Get("x-own")
		require.True(t, ok)
		require.Equal(t, "a b", p)
		require.Equal(t, 50, c.Limit("RCPTMAX"))
		require.Zero(t, c.Limit("MAILMAX"))
		require.Zero(t, c.Limit("RCPTDOMAINMAX"))
		var all []string
		for k, v := range c.All() {
			all = append(all, k+" "+v)
		}
		require.Equal(t, []string{"SIZE 10240000", "PIPELINING ", "AUTH plain LOGIN", "AUTH=LOGIN ", "X-OWN a b", "LIMITS RCPTMAX=50 MAILMAX=x"}, all)
	})
}

// RFC 5321 section 3.2: "if … EHLO is not acceptable … fall back to HELO".
func TestClientHelo(t *testing.T) {
	playServer(t, `
		S: 220-mx.example.net
		S: 220 second line
		C: EHLO client.example.org
		S: 502 5.5.1 what?
		C: HELO client.example.org
		S: 250 hello
	`, func(conn net.Conn) {
		c := clientOn(t, conn, nil)
		require.Equal(t, "mx.example.net\nsecond line", c.Greeting().Text)
		require.Zero(t, c.Capabilities())
	})
}

func TestClientBadStarts(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"refused":       {"S: 554 5.7.1 no", "host mx.example.net[pipe] refused to talk to me: 554 5.7.1 no"},
		"not SMTP":      {"S: SSH-2.0-x", `451 4.5.0 Protocol error: host mx.example.net[pipe] sent a bad reply while receiving the initial server greeting: no reply code in "SSH-2.0-x"`},
		"gone":          {"S!", "421 4.4.2 lost connection with mx.example.net[pipe] while receiving the initial server greeting (unexpected EOF)"},
		"code changes":  {"S: 220-a\nS: 250 b", "reply code changes from 220 to 250"},
		"short":         {"S: 22", "no reply code"},
		"no separator":  {"S: 220x", "no reply code"},
		"six":           {"S: 620 x", "no reply code"},
		"too many":      {strings.Repeat("S: 220-a\n", 257), "reply too long"},
		"too long":      {"S: 220 " + strings.Repeat("x", 5000), "reply too long"},
		"too much":      {strings.Repeat("S: 220-"+strings.Repeat("x", 4000)+"\n", 20), "reply too long"},
		"421 at EHLO":   {"S: 220 x\nC: EHLO client.example.org\nS: 421 4.3.2 closing", "said: 421 4.3.2 closing (in reply to EHLO command)"},
		"HELO refused":  {"S: 220 x\nC: EHLO client.example.org\nS: 500 x\nC: HELO client.example.org\nS: 550 5.7.1 bad name", "said: 550 5.7.1 bad name (in reply to HELO command)"},
		"not a success": {"S: 250 hello", "refused to talk to me: 250 hello"},
	} {
		t.Run(name, func(t *testing.T) {
			server, conn := tcpPair(t)
			done := make(chan error, 1)
			go func() {
				defer server.Close()
				d := newScripted(server)
				done <- d.run(c.script)
			}()
			_, err := smtp.NewClient(context.Background(), conn, named(nil))
			<-done
			require.Error(t, err)
			want := strings.ReplaceAll(c.want, "[pipe]", "[127.0.0.1]")
			require.Contains(t, err.Error(), want)
			require.NotNil(t, mail.ReplyOf(err))
		})
	}
}

// An enhanced status code is taken off every line it stands on, and only if its class is the reply's (RFC 2034 section 4).
func TestClientReplies(t *testing.T) {
	for script, want := range map[string]smtp.Reply{
		"S: 550 5.1.1 unknown":                      {Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "unknown"},
		"S: 550-5.1.1 one\nS: 550 5.1.1 two":        {Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "one\ntwo"},
		"S: 550-5.1.1 one\nS: 550 two":              {Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "one\ntwo"},
		"S: 550 4.1.1 unknown":                      {Code: 550, Text: "4.1.1 unknown"},
		"S: 550 5.1 unknown":                        {Code: 550, Text: "5.1 unknown"},
		"S: 550 5.1.1":                              {Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}},
		"S: 550":                                    {Code: 550},
		"S: 550 5.1.1x":                             {Code: 550, Text: "5.1.1x"},
		"S: 550 5.1.1111 x":                         {Code: 550, Text: "5.1.1111 x"},
		"S: 550 5.7.1 a\x01b\xffc\x7f \u0085 tiếng": {Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "a?b?c? ? tiếng"},
	} {
		playServer(t, greeted()+"C: MAIL FROM:<a@example.org>\n"+script, func(conn net.Conn) {
			_, err := sendOn(clientOn(t, conn, nil), envelopeOf("a@example.org", "b@example.net"), note)
			var remote *smtp.RemoteError
			require.ErrorAs(t, err, &remote)
			require.Equal(t, &want, remote.Reply, script)
			require.Equal(t, "MAIL FROM", remote.Command)
		})
	}
}

// certificates makes a CA-less certificate for mx.example.net.
func certificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.example.net"},
		DNSNames: []string{"mx.example.net"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// RFC 3207 section 4.2: after the handshake the client forgets what it was told and says EHLO again.
func TestClientStartTLS(t *testing.T) {
	serverTLS, clientTLS := certificates(t)
	server, conn := tcpPair(t)
	done := make(chan error, 1)
	go func() { done <- tlsServer(server, serverTLS, "") }()
	c, err := smtp.NewClient(context.Background(), conn, named(&smtp.ClientOptions{TLSConfig: clientTLS}))
	require.NoError(t, err)
	require.NotNil(t, c.TLS())
	require.False(t, c.Capabilities().Has(smtp.StartTLS))
	require.True(t, c.Capabilities().Has(smtp.Size))
	require.NoError(t, c.Quit(context.Background()))
	require.NoError(t, <-done)
}

// CVE-2011-0411: what somebody puts behind the reply to STARTTLS, in the clear, must not be taken for the server's.
func TestClientStartTLSInjection(t *testing.T) {
	serverTLS, clientTLS := certificates(t)
	server, conn := tcpPair(t)
	done := make(chan error, 1)
	go func() { done <- tlsServer(server, serverTLS, "250-evil\r\n250 AUTH PLAIN\r\n") }()
	_, err := smtp.NewClient(context.Background(), conn, named(&smtp.ClientOptions{TLSConfig: clientTLS}))
	require.ErrorContains(t, err, "it went on talking before TLS began")
	server.Close()
	require.Error(t, <-done)
}

// tlsServer is a server that offers STARTTLS and, behind it, SIZE.
func tlsServer(conn net.Conn, cfg *tls.Config, inject string) error {
	defer conn.Close()
	d := newScripted(conn)
	if err := d.run(greeted("STARTTLS") + "C: STARTTLS"); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "220 2.0.0 Ready\r\n"+inject); err != nil {
		return err
	}
	secure := tls.Server(conn, cfg)
	if err := secure.Handshake(); err != nil {
		return err
	}
	d = newScripted(secure)
	return d.run("C: EHLO client.example.org\nS: 250-x\nS: 250 SIZE 1000\nC: QUIT\nS: 221 x")
}

// A certificate for another name ends it, also where TLS was not demanded: to go on in the clear would help the attacker.
func TestClientWrongCertificate(t *testing.T) {
	serverTLS, clientTLS := certificates(t)
	server, conn := tcpPair(t)
	go tlsServer(server, serverTLS, "")
	o := named(&smtp.ClientOptions{TLSConfig: clientTLS})
	o.ServerName = "other.example.net"
	_, err := smtp.NewClient(context.Background(), conn, o)
	var failed *smtp.TLSError
	require.ErrorAs(t, err, &failed)
	require.True(t, mail.ReplyOf(err).Temporary())
	require.Equal(t, smtp.EnhancedCode{4, 7, 5}, mail.ReplyOf(err).Enhanced)
}

func TestClientTLSDemanded(t *testing.T) {
	playServer(t, greeted("PIPELINING"), func(conn net.Conn) {
		_, err := smtp.NewClient(context.Background(), conn, named(&smtp.ClientOptions{TLS: smtp.TLSStartTLS}))
		require.EqualError(t, err, "454 4.7.4 TLS is required, but was not offered by host mx.example.net[pipe]")
	})
	playServer(t, greeted("STARTTLS")+"C: STARTTLS\nS: 454 4.7.0 not now", func(conn net.Conn) {
		_, err := smtp.NewClient(context.Background(), conn, named(&smtp.ClientOptions{TLS: smtp.TLSStartTLS}))
		require.ErrorContains(t, err, "454 4.7.0 not now (in reply to STARTTLS command)")
	})
}

// RFC 8314 section 3.3: TLS from the first octet.
func TestClientImplicitTLS(t *testing.T) {
	serverTLS, clientTLS := certificates(t)
	server, conn := tcpPair(t)
	go func() {
		defer server.Close()
		s := tls.Server(server, serverTLS)
		d := newScripted(s)
		d.run(greeted("SIZE"))
	}()
	c, err := smtp.NewClient(context.Background(), conn, named(&smtp.ClientOptions{TLS: smtp.TLSImplicit, TLSConfig: clientTLS}))
	require.NoError(t, err)
	require.NotNil(t, c.TLS())
}

// RFC 4954 section 4; what is secret isn't in the trace.
func TestClientAuth(t *testing.T) {
	var trace strings.Builder
	opts := func() *smtp.ClientOptions {
		return &smtp.ClientOptions{Auth: &mail.Credentials{Username: "bob", Password: "s3cret"},
			Trace: func(sent bool, line string) { fmt.Fprintln(&trace, sent, line) }}
	}
	t.Run("PLAIN", func(t *testing.T) {
		playServer(t, greeted("AUTH LOGIN PLAIN")+"C: AUTH PLAIN "+b64("\x00bob\x00s3cret")+`
			S: 235 2.7.0 Authentication successful
			C: EHLO client.example.org
			S: 250-mx.example.net
			S: 250 SIZE 1000
		`, func(conn net.Conn) {
			require.EqualValues(t, 1000, clientOn(t, conn, opts()).Capabilities().MaxSize())
		})
	})
	t.Run("LOGIN", func(t *testing.T) {
		playServer(t, greeted("AUTH LOGIN")+`C: AUTH LOGIN
			S: 334 VXNlcm5hbWU6
			C: `+b64("bob")+`
			S: 334 UGFzc3dvcmQ6
			C: `+b64("s3cret")+`
			S: 235 2.7.0 Authentication successful
			C: EHLO client.example.org
			S: 250 mx
		`, func(conn net.Conn) { clientOn(t, conn, opts()) })
	})
	t.Run("refused", func(t *testing.T) {
		playServer(t, greeted("AUTH PLAIN")+"C: AUTH PLAIN "+b64("\x00bob\x00s3cret")+`
			S: 535 5.7.8 Error: authentication failed:
		`, func(conn net.Conn) {
			_, err := smtp.NewClient(context.Background(), conn, named(opts()))
			require.ErrorContains(t, err, "said: 535 5.7.8 Error: authentication failed: (in reply to AUTH command)")
		})
	})
	t.Run("bad challenge", func(t *testing.T) { // "*" cancels, RFC 4954 section 4
		playServer(t, greeted("AUTH LOGIN")+`C: AUTH LOGIN
			S: 334 !!!
			C: *
			S: 501 5.7.0 cancelled
		`, func(conn net.Conn) {
			_, err := smtp.NewClient(context.Background(), conn, named(opts()))
			require.ErrorContains(t, err, "454 4.7.0 authentication with host mx.example.net[pipe] failed")
		})
	})
	t.Run("nothing in common", func(t *testing.T) {
		playServer(t, greeted("AUTH GSSAPI"), func(conn net.Conn) {
			_, err := smtp.NewClient(context.Background(), conn, named(opts()))
			require.ErrorContains(t, err, "no mechanism available")
		})
	})
	t.Run("not in the clear", func(t *testing.T) {
		playServer(t, greeted("AUTH PLAIN LOGIN"), func(conn net.Conn) {
			_, err := smtp.NewClient(context.Background(), far{conn}, named(opts()))
			require.ErrorContains(t, err, "refusing to show a password")
		})
	})
	require.NotEmpty(t, trace.String())
	for _, secret := range []string{"s3cret", b64("s3cret"), b64("\x00bob\x00s3cret")} {
		require.NotContains(t, trace.String(), secret)
	}
	require.Contains(t, trace.String(), "true AUTH PLAIN ***")
}

// far is a connection to a machine that isn't this one.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 587} }

// An initial response that makes the line longer than 512 octets is sent after the empty challenge (RFC 4954 section 4).
func TestClientAuthLongResponse(t *testing.T) {
	token := strings.Repeat("t", 600)
	playServer(t, greeted("AUTH PLAIN")+`C: AUTH PLAIN
		S: 334 
		C: `+b64("\x00bob\x00"+token)+`
		S: 235 2.7.0 Ok
		C: EHLO client.example.org
		S: 250 mx
	`, func(conn net.Conn) {
		clientOn(t, conn, &smtp.ClientOptions{Auth: &mail.Credentials{Username: "bob", Password: token}})
	})
}

func TestClientLocalName(t *testing.T) {
	playServer(t, "S: 220 x", func(conn net.Conn) {
		_, err := smtp.NewClient(context.Background(), conn, &smtp.ClientOptions{LocalName: "a\r\nMAIL FROM:<x>"})
		require.ErrorContains(t, err, "bad local name")
	})
	for _, name := range []string{"[192.0.2.1]", "[IPv6:2001:db8::1]", "a_b.example"} {
		playServer(t, "S: 220 x\nC: EHLO "+name+"\nS: 250 x", func(conn net.Conn) {
			_, err := smtp.NewClient(context.Background(), conn, &smtp.ClientOptions{LocalName: name})
			require.NoError(t, err)
		})
	}
}

// oneUser is an Authenticator that knows one user and the password in the clear, so that every mechanism is possible.
type oneUser struct{ mechanism *string }

func (u oneUser) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	*u.mechanism = a.Mechanism
	if a.Username != "bob" || a.Password != "s3cret" {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: "bob"}, nil
}

func (u oneUser) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	*u.mechanism = a.Mechanism
	if a.Username != "bob" {
		return "", nil, mail.ErrAuthFailed
	}
	return "s3cret", &mail.Identity{Username: "bob"}, nil
}

// Against the server of this package, over TLS: the best of what it offers is used.
func TestClientAuthBest(t *testing.T) {
	var used string
	srv := smtptest.NewServer(t)
	cfg := srv.UseTLS()
	srv.Config.Authenticator = oneUser{&used}
	for _, c := range []struct {
		only []string
		want string
	}{
		{nil, "SCRAM-SHA-256-PLUS"},
		{[]string{"SCRAM-SHA-256"}, "SCRAM-SHA-256"},
		{[]string{"SCRAM-SHA-1"}, "SCRAM-SHA-1"},
		{[]string{"CRAM-MD5"}, "CRAM-MD5"},
		{[]string{"LOGIN", "PLAIN"}, "LOGIN"},
		{[]string{"PLAIN"}, "PLAIN"},
	} {
		for password, ok := range map[string]bool{"s3cret": true, "wrong": false} {
			cl, err := smtp.Dial(context.Background(), srv.Addr(), &smtp.ClientOptions{TLS: smtp.TLSStartTLS, TLSConfig: cfg,
				Auth: &mail.Credentials{Username: "bob", Password: password, Mechanisms: c.only}})
			require.Equal(t, ok, err == nil, "%s: %v", c.want, err)
			require.Equal(t, c.want, used)
			if err == nil {
				_, err = sendOn(cl, envelopeOf("a@example.org", "b@example.net"), note)
				require.NoError(t, err)
				require.NoError(t, cl.Quit(context.Background()))
			} else {
				require.ErrorContains(t, err, "535 5.7.8")
			}
		}
	}
	require.Equal(t, "bob", srv.Messages()[0].User)
	require.True(t, srv.Messages()[0].TLS)
}
