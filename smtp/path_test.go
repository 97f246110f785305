package smtp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// RFC 5321 section 4.1.2 and 4.1.3. What stands behind ">" are the addresses as the Deliverer gets them.
func TestAddresses(t *testing.T) {
	srv, s := newServer()
	srv.Limits.HardErrors, srv.Timeouts.Error = -1, -1
	var to string
	s.rcpt = func(a string, _ *mail.RcptOptions) error { to = a; return nil }
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("MAIL FROM:<>  SMTPUTF8"), "250")
	for in, want := range map[string]string{
		"<a@b.test>":                         "a@b.test",
		"a@b.test":                           "a@b.test", // no brackets, as people type it
		" <a@b.test>":                        "a@b.test", // a space behind the colon, as some clients send it
		"<A.B@Example.Test>":                 "A.B@Example.Test",
		"<a+b=c/d@b.test>":                   "a+b=c/d@b.test",
		"<postmaster>":                       "postmaster", // section 4.5.1
		"<Postmaster>":                       "Postmaster",
		"<alice>":                            "alice",
		`<"a b"@b.test>`:                     `"a b"@b.test`,
		`<"a>b"@b.test>`:                     `"a>b"@b.test`,
		`<"a\"b"@b.test>`:                    `"a\"b"@b.test`,
		`<"\a\b"@b.test>`:                    "ab@b.test", // quotes that say nothing: one mailbox, one spelling
		`<"alice"@b.test>`:                   "alice@b.test",
		`<""@b.test>`:                        `""@b.test`,
		`<"a..b"@b.test>`:                    `"a..b"@b.test`,
		"<a..b.@b.test>":                     "a..b.@b.test",
		"<a@[192.0.2.1]>":                    "a@[192.0.2.1]",
		"<a@[IPv6:2001:db8::1]>":             "a@[IPv6:2001:db8::1]",
		"<a@[x-tag:what+ever]>":              "a@[x-tag:what+ever]",
		"<@one.test,@two.test:a@three.test>": "a@three.test", // a source route is ignored
		"<a@under_score.test>":               "a@under_score.test",
		"<a@localhost>":                      "a@localhost",
		"<a%b@c.test>":                       "a%b@c.test",
		"<ả@bưutá.test>":                     "ả@bưutá.test",
	} {
		require.Equal(t, "250 2.1.5 Ok", p.cmd("RCPT TO:"+in), in)
		require.Equal(t, want, to, in)
	}
	for _, in := range []string{
		"", "<>", "<", ">", "<a@b.test", "a@b.test>", "<<a@b.test>>", "<a@b.test>x", "<a b@c.test>", "<a@b@c.test>", "<@b.test>", "<a@>",
		"<a@b..test>", "<a@.test>", "<a@test.>", "<a@-b.test>", "<a@b-.test>", "<a@b test>", "<a@[1.2.3]>", "<a@[1.2.3.4>", "<a@[300.1.1.1]>", "<a@[::1]>",
		"<a@[IPv6:1.2.3.4]>", "<a@[IPv6:fe80::1%eth0]>", "<a@[]>", `<"a@b.test>`, `<"a"b@c.test>`, `<a"b"@c.test>`, "<a,b@c.test>", "<a;b@c.test>", "<a:b@c.test>",
		"<(a)@b.test>", `<a\b@c.test>`, "<@one.test:>", "<@one.test,two.test:a@b.test>", "<a@" + strings.Repeat("x", 64) + ".test>",
		"<a@" + strings.Repeat("x.", 130) + "test>", "<" + strings.Repeat("x", 1001) + "@b.test>", "a@b.test,c@d.test", "<a@b.test>,<c@d.test>",
	} {
		require.Equal(t, "501 5.1.3 Bad recipient address syntax", p.cmd("RCPT TO:"+in), in)
	}
	require.Equal(t, "501 5.5.4 Syntax: RCPT TO:<address>", p.cmd("RCPT <a@b.test>"))
	require.Equal(t, "501 5.5.4 Syntax: RCPT TO:<address>", p.cmd("RCPT TO <a@b.test>"))
}

// With StrictSyntax the grammar of RFC 5321 is all there is.
func TestStrictSyntax(t *testing.T) {
	srv, _ := newServer()
	srv.StrictSyntax = true
	p := ehlo(t, srv)
	for _, in := range []string{"a@b.test", " <a@b.test>", "<alice>", "<a..b@c.test>", "<.a@b.test>"} {
		require.Equal(t, "501 5.1.7 Bad sender address syntax", p.cmd("MAIL FROM:"+in), in)
	}
	p.talk(`
		C: MAIL FROM:<a@b.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<postmaster>
		S: 250 2.1.5 Ok`)
}

// With AngleBrackets a path has them, whatever else RFC 5321's grammar doesn't have.
func TestAngleBrackets(t *testing.T) {
	srv, _ := newServer()
	srv.AngleBrackets = true
	p := ehlo(t, srv)
	for _, in := range []string{"a@b.test", " a@b.test", "A <a@b.test>"} {
		require.Equal(t, "501 5.1.7 Bad sender address syntax", p.cmd("MAIL FROM:"+in), in)
	}
	p.talk(`
		C: MAIL FROM: <.a..@b.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<alice>
		S: 250 2.1.5 Ok
		C: RCPT TO:alice@b.test
		S: 501 5.1.3 Bad recipient address syntax`)
}

// NUL, control characters, bare line ends and bytes that are no UTF-8 change nothing, wherever they stand (go-smtp 0.25 answered
// 250 to all of these).
func TestForbiddenBytes(t *testing.T) {
	srv, s := newServer()
	p := ehlo(t, srv)
	for line, want := range map[string]string{
		"MAIL FROM:<a\x00b@c.test>\r\n":               "500 5.5.2 Error: control character in command",
		"MAIL FROM:<a@c.test>\x00\r\n":                "500 5.5.2 Error: control character in command",
		"NOOP\t\r\n":                                  "500 5.5.2 Error: control character in command",
		"NOOP\x7f\r\n":                                "500 5.5.2 Error: control character in command",
		"MAIL FROM:<a\xff@c.test>\r\n":                "500 5.5.2 Error: bad UTF-8 syntax",
		"MAIL FROM:<a\r@c.test>\r\n":                  "500 5.5.2 Error: bare <CR> received",
		"NOOP\n":                                      "500 5.5.2 Error: bare <LF> received",
		"NOOP " + strings.Repeat("x", 3000) + "\r\n":  "500 5.5.2 Error: command too long",
		"NOOP " + strings.Repeat("x", 70000) + "\r\n": "500 5.5.2 Error: command too long",
	} {
		p.send(line)
		require.Equal(t, want, p.reply(), "%.40q", line)
		require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
	}
	require.Zero(t, s.began)
}

// RFC 5321 section 4.5.3.1.4 wants 512 octets at least; extensions want more.
func TestLongestCommand(t *testing.T) {
	srv, _ := newServer()
	srv.Limits.CommandLine = 512
	p := ehlo(t, srv)
	require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP "+strings.Repeat("x", 505)))
	require.Equal(t, "500 5.5.2 Error: command too long", p.cmd("NOOP "+strings.Repeat("x", 506)))
}
