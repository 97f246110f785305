package smtp_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// every is what a server announces that can do everything.
var every = []string{"SIZE 100000", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN", "AUTH PLAIN", "DELIVERBY 240",
	"MT-PRIORITY", "RRVS", "FUTURERELEASE 1000 2027-01-01T00:00:00Z", "ENHANCEDSTATUSCODES"}

// mailLine returns the MAIL line that a server with these capabilities gets, or the error.
func mailLine(t *testing.T, from string, o mail.MailOptions, capabilities ...string) (string, error) {
	t.Helper()
	var line string
	var err error
	server, conn := tcpPair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		line = serveOne(server, greeted(capabilities...))
	}()
	c := clientOn(t, conn, &smtp.ClientOptions{TLS: smtp.TLSNone})
	_, err = c.Begin(context.Background(), from, &o)
	c.Close()
	<-done
	return line, err
}

// rcptLine does so for RCPT.
func rcptLine(t *testing.T, to string, o mail.RcptOptions, capabilities ...string) (string, error) {
	t.Helper()
	var line string
	server, conn := tcpPair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		line = serveOne(server, greeted(capabilities...)+"C: MAIL FROM:<>\nS: 250 Ok\n")
	}()
	c := clientOn(t, conn, &smtp.ClientOptions{TLS: smtp.TLSNone})
	tx, err := c.Begin(context.Background(), "", &mail.MailOptions{})
	require.NoError(t, err)
	err = tx.Recipient(context.Background(), to, &o)
	c.Close()
	<-done
	return line, err
}

// serveOne plays a script and returns the line that comes behind it, having said 250 to it.
func serveOne(conn net.Conn, script string) string {
	defer conn.Close()
	d := newScripted(conn)
	if d.run(script) != nil {
		return "the script went wrong"
	}
	line, err := d.r.ReadString('\n')
	if err == nil {
		d.run("S: 250 Ok")
	}
	return strings.TrimSuffix(line, "\r\n")
}

func TestClientMailParameters(t *testing.T) {
	auth, nobody := "e=mc2@example.com", ""
	five := 5
	at := time.Date(2026, 12, 24, 18, 0, 0, 0, time.FixedZone("", 7*3600))
	for _, c := range []struct {
		name string
		from string
		o    mail.MailOptions
		want string // at a server that can do everything
		less string // at one that can do nothing: a line, or "!" and a part of the error
	}{
		{"none", "a@b.c", mail.MailOptions{}, "MAIL FROM:<a@b.c>", "MAIL FROM:<a@b.c>"},
		// RFC 1870 section 6
		{"SIZE", "a@b.c", mail.MailOptions{Size: 500}, "MAIL FROM:<a@b.c> SIZE=500", "MAIL FROM:<a@b.c>"},
		// RFC 6152 section 2
		{"8BITMIME", "a@b.c", mail.MailOptions{Body: mail.Body8BitMIME}, "MAIL FROM:<a@b.c> BODY=8BITMIME", "MAIL FROM:<a@b.c>"},
		{"7BIT", "a@b.c", mail.MailOptions{Body: mail.Body7Bit}, "MAIL FROM:<a@b.c>", "MAIL FROM:<a@b.c>"},
		// RFC 3030 section 3: "a client MUST NOT send … unless the server has announced it"
		{"BINARYMIME", "a@b.c", mail.MailOptions{Body: mail.BodyBinaryMIME}, "MAIL FROM:<a@b.c> BODY=BINARYMIME",
			"!554 5.6.3 BINARYMIME is required, but was not offered by host mx.example.net[127.0.0.1]"},
		// RFC 6531 section 3.4
		{"SMTPUTF8", "a@b.c", mail.MailOptions{UTF8: true}, "MAIL FROM:<a@b.c> SMTPUTF8", "MAIL FROM:<a@b.c>"},
		{"address", "đào@example.vn", mail.MailOptions{}, "MAIL FROM:<đào@example.vn> SMTPUTF8",
			"!553 5.6.7 SMTPUTF8 for address <đào@example.vn> is required, but was not offered by host mx.example.net[127.0.0.1]"},
		{"domain", "a@bücher.example", mail.MailOptions{}, "MAIL FROM:<a@bücher.example> SMTPUTF8", "MAIL FROM:<a@xn--bcher-kva.example>"},
		// RFC 3461 section 4.3, 4.4; 5.2.2 for a server without
		{"RET ENVID", "a@b.c", mail.MailOptions{Return: mail.ReturnHeaders, EnvelopeID: "QQ+1=x y"},
			"MAIL FROM:<a@b.c> RET=HDRS ENVID=QQ+2B1+3Dx+20y", "MAIL FROM:<a@b.c>"},
		{"bad ENVID", "a@b.c", mail.MailOptions{EnvelopeID: "a\r\nb"}, "!501 5.5.4", "MAIL FROM:<a@b.c>"},
		{"bad RET", "a@b.c", mail.MailOptions{Return: "ALL\r\nX"}, "!501 5.5.4", "MAIL FROM:<a@b.c>"},
		{"bad BODY", "a@b.c", mail.MailOptions{Body: "9BIT"}, "!501 5.5.4", "!501 5.5.4"},
		// RFC 4954 section 5
		{"AUTH", "a@b.c", mail.MailOptions{Auth: &auth}, "MAIL FROM:<a@b.c> AUTH=e+3Dmc2@example.com", "MAIL FROM:<a@b.c>"},
		{"AUTH <>", "a@b.c", mail.MailOptions{Auth: &nobody}, "MAIL FROM:<a@b.c> AUTH=<>", "MAIL FROM:<a@b.c>"},
		// RFC 2852 section 4
		{"BY R", "a@b.c", mail.MailOptions{DeliverBy: &mail.DeliverBy{Time: 300 * time.Second, Mode: 'R', Trace: true}},
			"MAIL FROM:<a@b.c> BY=300;RT", "!554 5.4.7 DELIVERBY is required"},
		{"BY N", "a@b.c", mail.MailOptions{DeliverBy: &mail.DeliverBy{Time: -5 * time.Second, Mode: 'N'}}, "MAIL FROM:<a@b.c> BY=-5;N", "MAIL FROM:<a@b.c>"},
		{"BY too soon", "a@b.c", mail.MailOptions{DeliverBy: &mail.DeliverBy{Time: 60 * time.Second, Mode: 'R'}},
			"!554 5.4.7 host mx.example.net[127.0.0.1] delivers in 240 s at the least, and 60 remain", "!DELIVERBY is required"},
		{"BY bad", "a@b.c", mail.MailOptions{DeliverBy: &mail.DeliverBy{Mode: 'R'}}, "!501 5.5.4", "!501 5.5.4"},
		// RFC 6710 section 3
		{"MT-PRIORITY", "a@b.c", mail.MailOptions{Priority: &five}, "MAIL FROM:<a@b.c> MT-PRIORITY=5", "MAIL FROM:<a@b.c>"},
		// RFC 4865 section 4
		{"HOLDFOR", "a@b.c", mail.MailOptions{Hold: mail.HoldOptions{For: 1500 * time.Millisecond}}, "MAIL FROM:<a@b.c> HOLDFOR=2",
			"!554 5.5.4 FUTURERELEASE is required"},
		{"HOLDUNTIL", "a@b.c", mail.MailOptions{Hold: mail.HoldOptions{Until: at}}, "MAIL FROM:<a@b.c> HOLDUNTIL=2026-12-24T11:00:00Z",
			"!554 5.5.4 FUTURERELEASE is required"},
		// RFC 8689 section 4.2.1: without TLS it can't be promised
		{"REQUIRETLS", "a@b.c", mail.MailOptions{RequireTLS: true}, "!550 5.7.10 Encryption needed", "!550 5.7.10 Encryption needed"},
		{"REQUIRETLS of a bounce", "", mail.MailOptions{RequireTLS: true}, "MAIL FROM:<>", "MAIL FROM:<>"},
		{"Extra", "a@b.c", mail.MailOptions{Extra: []mail.Parameter{{Name: "XFOO"}, {Name: "X-BAR", Value: "1", HasValue: true}}},
			"MAIL FROM:<a@b.c> XFOO X-BAR=1", "MAIL FROM:<a@b.c> XFOO X-BAR=1"},
		{"bad Extra", "a@b.c", mail.MailOptions{Extra: []mail.Parameter{{Name: "X", Value: "a b", HasValue: true}}}, "!501 5.5.4", "!501 5.5.4"},
		{"bad Extra name", "a@b.c", mail.MailOptions{Extra: []mail.Parameter{{Name: "X Y"}}}, "!501 5.5.4", "!501 5.5.4"},
		// RFC 1870 section 6.1: "a client SHOULD … not attempt"
		{"too large", "a@b.c", mail.MailOptions{Size: 100001}, "!552 5.3.4 message size 100001 exceeds size limit 100000 of server mx.example.net[127.0.0.1]", "MAIL FROM:<a@b.c>"},
	} {
		for _, side := range []struct {
			want         string
			capabilities []string
		}{{c.want, every}, {c.less, nil}} {
			line, err := mailLine(t, c.from, c.o, side.capabilities...)
			if part, refused := strings.CutPrefix(side.want, "!"); refused {
				require.ErrorContains(t, err, part, c.name)
				require.Empty(t, line, c.name)
				continue
			}
			require.NoError(t, err, c.name)
			require.Equal(t, side.want, line, c.name)
		}
	}
}

func TestClientRcptParameters(t *testing.T) {
	at := time.Date(2026, 11, 1, 7, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name, to   string
		o          mail.RcptOptions
		want, less string
	}{
		{"none", "a@b.c", mail.RcptOptions{}, "RCPT TO:<a@b.c>", "RCPT TO:<a@b.c>"},
		{"Postmaster", "Postmaster", mail.RcptOptions{}, "RCPT TO:<Postmaster>", "RCPT TO:<Postmaster>"},
		{"quoted", `"a b>\"c"@[IPv6:2001:db8::1]`, mail.RcptOptions{}, `RCPT TO:<"a b>\"c"@[IPv6:2001:db8::1]>`, `RCPT TO:<"a b>\"c"@[IPv6:2001:db8::1]>`},
		// RFC 3461 section 4.1 and 4.2
		{"NOTIFY", "a@b.c", mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyDelay}, "RCPT TO:<a@b.c> NOTIFY=SUCCESS,DELAY", "RCPT TO:<a@b.c>"},
		{"NEVER", "a@b.c", mail.RcptOptions{Notify: mail.NotifyNever}, "RCPT TO:<a@b.c> NOTIFY=NEVER", "RCPT TO:<a@b.c>"},
		{"ORCPT", "a@b.c", mail.RcptOptions{OriginalRecipient: "rfc822;a+b@b.c"}, "RCPT TO:<a@b.c> ORCPT=rfc822;a+2Bb@b.c", "RCPT TO:<a@b.c>"},
		// RFC 6533 section 3: utf-8-addr-xtext
		{"ORCPT utf-8", "a@b.c", mail.RcptOptions{OriginalRecipient: "utf-8;đ@b.c"}, `RCPT TO:<a@b.c> ORCPT=utf-8;\x{111}@b.c`, "RCPT TO:<a@b.c>"},
		{"bad ORCPT", "a@b.c", mail.RcptOptions{OriginalRecipient: "a@b.c"}, "!501 5.5.4", "RCPT TO:<a@b.c>"},
		{"bad ORCPT type", "a@b.c", mail.RcptOptions{OriginalRecipient: "a b;c"}, "!501 5.5.4", "RCPT TO:<a@b.c>"},
		// RFC 7293 section 5.1.1: "the MTA … MUST reject"
		{"RRVS", "a@b.c", mail.RcptOptions{ValidSince: at}, "RCPT TO:<a@b.c> RRVS=2026-11-01T07:30:00Z", "!550 5.7.19 RRVS is required"},
		{"UTF8", "đào@example.vn", mail.RcptOptions{}, "RCPT TO:<đào@example.vn>", "!553 5.6.7 SMTPUTF8 for address <đào@example.vn>"},
		{"domain", "a@bücher.example", mail.RcptOptions{}, "RCPT TO:<a@bücher.example>", "RCPT TO:<a@xn--bcher-kva.example>"},
	} {
		for _, side := range []struct {
			want         string
			capabilities []string
		}{{c.want, every}, {c.less, nil}} {
			line, err := rcptLine(t, c.to, c.o, side.capabilities...)
			if part, refused := strings.CutPrefix(side.want, "!"); refused {
				require.ErrorContains(t, err, part, c.name)
				require.Empty(t, line, c.name)
				continue
			}
			require.NoError(t, err, c.name)
			require.Equal(t, side.want, line, c.name)
		}
	}
}

// CVE-2025-59937: an address that a program took from somewhere must not become a parameter, another command, or another
// address. What can't stand between the angle brackets is refused and nothing of it is sent.
func TestClientAddressInjection(t *testing.T) {
	for _, a := range []string{
		"toni.tester@example.com> ORCPT=admin@admin.com@example.com",
		"a@b.c>\r\nRCPT TO:<evil@b.c", "a@b.c\r\nDATA", "a@b.c\nDATA", "a@b.c\r", "a@b.c\x00", "a@b.c ", " a@b.c", "a b@b.c", "a@b c",
		"a@b.c>", "<a@b.c>", "<a@b.c", "a@b.c> SIZE=1", "a\t@b.c", "a@b.c\x7f", "a,b@c.d", "a@b@c", "a@", "@b.c", "@x:a@b.c", "(x)a@b.c",
		`"a@b.c`, `"a"x@b.c`, `"a\`, `"a\"@b.c`, "\"a\r\n\"@b.c", `"a"` + "\r\n", "a@[1.2.3.4", "a@[1.2.3.4]>", "a@[]", "a@[1.2 3]", "a@[1]]",
		"a@b.c;d", `a@b\c`, "a@b.c\u0080\r\n", strings.Repeat("a", 1000) + "@b.c",
	} {
		line, err := rcptLine(t, a, mail.RcptOptions{}, every...)
		require.Error(t, err, "%q", a)
		require.Empty(t, line, "%q", a)
		require.Equal(t, smtp.EnhancedCode{5, 1, 3}, mail.ReplyOf(err).Enhanced)
		line, err = mailLine(t, a, mail.MailOptions{}, every...)
		require.Error(t, err, "%q", a)
		require.Empty(t, line, "%q", a)
		require.Equal(t, smtp.EnhancedCode{5, 1, 7}, mail.ReplyOf(err).Enhanced)
	}
	line, err := rcptLine(t, "", mail.RcptOptions{}, every...)
	require.Error(t, err)
	require.Empty(t, line)
}

// The recipient that can't be written is refused; the others get the message.
func TestClientRefusesOneRecipient(t *testing.T) {
	playServer(t, greeted("PIPELINING")+`
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: DATA
		S: 250 Ok
		S: 250 Ok
		S: 354 go
		C: x
		C: .
		S: 250 Ok
	`, func(conn net.Conn) {
		results, err := sendOn(clientOn(t, conn, nil), envelopeOf("a@example.org", "đ@example.net", "b@example.net", "c d@example.net"), "x\r\n")
		require.NoError(t, err)
		require.Equal(t, smtp.EnhancedCode{5, 6, 7}, results[0].Reply.Enhanced)
		require.True(t, results[1].Reply.OK())
		require.Equal(t, smtp.EnhancedCode{5, 1, 3}, results[2].Reply.Enhanced)
	})
}

// RequireDSN turns the silent omission into a refusal.
func TestClientRequireDSN(t *testing.T) {
	playServer(t, greeted(), func(conn net.Conn) {
		env := envelopeOf("a@example.org", "b@example.net")
		env.Options.Return = mail.ReturnFull
		_, err := sendOn(clientOn(t, conn, &smtp.ClientOptions{RequireDSN: true}), env, note)
		require.ErrorContains(t, err, "554 5.3.3 DSN is required, but was not offered by host mx.example.net[pipe]")
	})
}

// Content that the server can't take is refused, not damaged (RFC 6152 section 3, RFC 6531 section 3.5).
func TestClientContent(t *testing.T) {
	for _, c := range []struct {
		name, message, want string
		o                   mail.MailOptions
	}{
		{"8 bits", "Subject: x\r\n\r\ntiếng\r\n", "554 5.6.3 8BITMIME is required", mail.MailOptions{Body: mail.Body8BitMIME}},
		{"header", "Subject: tiếng\r\n\r\nx\r\n", "553 5.6.7 SMTPUTF8 for the message's header is required", mail.MailOptions{UTF8: true}},
		{"8 bits declared only", "Subject: x\r\n\r\nx\r\n", "", mail.MailOptions{Body: mail.Body8BitMIME}},
		{"UTF8 in the body only", "Subject: x\n\ntiếng\r\n", "", mail.MailOptions{UTF8: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, conn := tcpPair(t)
			go func() {
				defer server.Close()
				d := newScripted(server)
				d.run(greeted() + "C: MAIL FROM:<a@example.org>\nS: 250 x\nC: RCPT TO:<b@example.net>\nS: 250 x\nC: DATA\nS: 354 x")
				for {
					line, err := d.r.ReadString('\n')
					if err != nil {
						return
					}
					if line == ".\r\n" {
						d.run("S: 250 Ok")
					}
				}
			}()
			env := envelopeOf("a@example.org", "b@example.net")
			env.Options = c.o
			_, err := sendOn(clientOn(t, conn, nil), env, c.message)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
