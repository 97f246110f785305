package smtp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

const everything = smtp.DefaultExtensions | smtp.RequireTLS | smtp.DeliverBy | smtp.MTPriority | smtp.RRVS | smtp.FutureRelease

// mailOptions returns what a MAIL command with these parameters brought, or the reply that refused it.
func mailOptions(t *testing.T, srv *smtp.Server, s *sink, params string) (*mail.MailOptions, string) {
	t.Helper()
	var o *mail.MailOptions
	s.mail = func(_ string, opts *mail.MailOptions) error {
		c := *opts
		o = &c
		return nil
	}
	srv.Timeouts.Error = -1
	r := ehlo(t, srv).cmd("MAIL FROM:<a@c.test> " + params)
	if o != nil {
		require.Equal(t, "250 2.1.0 Ok", r)
	}
	return o, r
}

// RFC 5321 section 4.1.1.11 and 2.2.1: "If the server SMTP does not recognize or cannot implement one or more of the parameters
// associated with a particular MAIL FROM or RCPT TO command, it will return code 555."
func TestUnknownParameters(t *testing.T) {
	srv, s := newServer()
	for params, want := range map[string]string{
		"FOO=1":                             "555 5.5.4 Unsupported option: FOO",
		"BY=100;R":                          "555 5.5.4 Unsupported option: BY",
		"HOLDFOR=10":                        "555 5.5.4 Unsupported option: HOLDFOR",
		"MT-PRIORITY=3":                     "555 5.5.4 Unsupported option: MT-PRIORITY",
		"AUTH=<>":                           "555 5.5.4 Unsupported option: AUTH",
		"NOTIFY=NEVER":                      "555 5.5.4 Unsupported option: NOTIFY", // a parameter of RCPT
		"SIZE=1 SIZE=2":                     "501 5.5.4 Error: duplicate parameter: SIZE",
		"SIZE=1 size=1":                     "501 5.5.4 Error: duplicate parameter: SIZE",
		"=1":                                "501 5.5.4 Error: bad parameter syntax: =1",
		"SIZE=":                             "501 5.5.4 Error: bad parameter syntax: SIZE=",
		"SIZE=1=2":                          "501 5.5.4 Error: bad parameter syntax: SIZE=1=2",
		"-SIZE=1":                           "501 5.5.4 Error: bad parameter syntax: -SIZE=1",
		"SIZE":                              "501 5.5.4 Bad SIZE parameter syntax",
		"SIZE=0x10":                         "501 5.5.4 Bad SIZE parameter syntax",
		"BODY=9BIT":                         "501 5.5.4 Bad BODY parameter syntax",
		"SMTPUTF8=YES":                      "501 5.5.4 Bad SMTPUTF8 parameter syntax",
		"RET=ALL":                           "501 5.5.4 Bad RET parameter syntax",
		"ENVID=a+4":                         "501 5.5.4 Bad ENVID parameter syntax",
		"ENVID=" + strings.Repeat("x", 101): "501 5.5.4 Bad ENVID parameter syntax",
		strings.Repeat("A=1 ", 40):          "501 5.5.4 Error: duplicate parameter: A",
	} {
		o, got := mailOptions(t, srv, s, params)
		require.Nil(t, o, params)
		require.Equal(t, want, got, params)
	}
	// HELO offers no parameters.
	p := converse(t, srv)
	p.line()
	p.cmd("HELO c.test")
	require.Equal(t, "555 5.5.4 Unsupported option: SIZE", p.cmd("MAIL FROM:<a@c.test> SIZE=1"))
}

// RFC 1870 section 3, RFC 6152 section 3, RFC 6531 section 3.4, RFC 3461 section 4.3 and 4.4.
func TestMailParameters(t *testing.T) {
	srv, s := newServer()
	o, _ := mailOptions(t, srv, s, "SIZE=1000 body=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B314159+20x")
	require.Equal(t, &mail.MailOptions{Size: 1000, Body: mail.Body8BitMIME, UTF8: true, Return: mail.ReturnHeaders, EnvelopeID: "QQ+314159 x"}, o)
	o, _ = mailOptions(t, srv, s, "BODY=7BIT RET=FULL SIZE=0")
	require.Equal(t, &mail.MailOptions{Body: mail.Body7Bit, Return: mail.ReturnFull}, o)
	o, _ = mailOptions(t, srv, s, "")
	require.Equal(t, &mail.MailOptions{}, o)
}

// RFC 2852 section 4: by-value, and 4.1.4 for a time that is shorter than the server announced.
func TestDeliverBy(t *testing.T) {
	srv, s := newServer()
	srv.Extensions = everything
	srv.Limits.DeliverByMin = time.Minute
	require.Contains(t, ehlo(t, srv).cmd("EHLO c.test"), "\n250-DELIVERBY 60\n")
	for params, want := range map[string]mail.DeliverBy{
		"BY=98765432;R":   {Time: 98765432 * time.Second, Mode: 'R'},
		"BY=+120;nt":      {Time: 2 * time.Minute, Mode: 'N', Trace: true},
		"BY=-20;N":        {Time: -20 * time.Second, Mode: 'N'},
		"BY=000000120;RT": {Time: 2 * time.Minute, Mode: 'R', Trace: true},
	} {
		o, r := mailOptions(t, srv, s, params)
		require.NotNil(t, o, r)
		require.Equal(t, want, *o.DeliverBy, params)
	}
	for _, bad := range []string{"BY=120", "BY=;R", "BY=1x;R", "BY=120;X", "BY=-5;R", "BY=0;R", "BY=1234567890;R", "BY=--5;N", "BY=+-5;N", "BY"} {
		_, r := mailOptions(t, srv, s, bad)
		require.Equal(t, "501 5.5.4 Bad BY parameter syntax", r, bad)
	}
	_, r := mailOptions(t, srv, s, "BY=59;R")
	require.Equal(t, "455 4.4.7 Error: deliver-by time too short", r)
}

// RFC 6710 section 4: priority-value from -9 to 9, on MAIL (go-smtp 0.25 reads it on RCPT).
func TestMTPriority(t *testing.T) {
	srv, s := newServer()
	srv.Extensions = everything
	for params, want := range map[string]int{"MT-PRIORITY=3": 3, "MT-PRIORITY=-9": -9, "mt-priority=0": 0} {
		o, r := mailOptions(t, srv, s, params)
		require.NotNil(t, o, r)
		require.Equal(t, want, *o.Priority)
	}
	for _, bad := range []string{"MT-PRIORITY=10", "MT-PRIORITY=", "MT-PRIORITY=+1", "MT-PRIORITY=x", "MT-PRIORITY=--1"} {
		o, _ := mailOptions(t, srv, s, bad)
		require.Nil(t, o, bad)
	}
	require.Equal(t, "555 5.5.4 Unsupported option: MT-PRIORITY", ready(t, srv).cmd("RCPT TO:<b@example.test> MT-PRIORITY=3"))
}

// RFC 4865 section 4: the announcement, both parameters, and their limits.
func TestFutureRelease(t *testing.T) {
	srv, s := newServer()
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	srv.Now = func() time.Time { return now }
	srv.Extensions = everything
	srv.Limits.HoldMax = time.Hour
	require.Contains(t, ehlo(t, srv).cmd("EHLO c.test"), "\n250-FUTURERELEASE 3600 2026-09-01T13:00:00Z\n")
	o, r := mailOptions(t, srv, s, "HOLDFOR=3600")
	require.NotNil(t, o, r)
	require.Equal(t, time.Hour, o.Hold.For)
	o, r = mailOptions(t, srv, s, "HOLDUNTIL=2026-09-01T14:30:00+02:00")
	require.NotNil(t, o, r)
	require.True(t, o.Hold.Until.Equal(now.Add(30*time.Minute)))
	for params, want := range map[string]string{
		"HOLDFOR=3601":                   "501 5.5.4 Error: HOLDFOR beyond what FUTURERELEASE announced",
		"HOLDUNTIL=2026-09-01T13:00:01Z": "501 5.5.4 Error: HOLDUNTIL beyond what FUTURERELEASE announced",
		"HOLDFOR=0":                      "501 5.5.4 Bad HOLDFOR parameter syntax",
		"HOLDFOR=-1":                     "501 5.5.4 Bad HOLDFOR parameter syntax",
		"HOLDUNTIL=tomorrow":             "501 5.5.4 Bad HOLDUNTIL parameter syntax",
		"HOLDFOR=1 HOLDUNTIL=2026-09-01T12:30:00Z": "501 5.5.4 Error: HOLDFOR and HOLDUNTIL together",
		"HOLDFOR=1 BY=100;R":                       "501 5.5.4 Error: BY and HOLDFOR or HOLDUNTIL together",
	} {
		_, r := mailOptions(t, srv, s, params)
		require.Equal(t, want, r, params)
	}
}

// RFC 3461 section 4.1 and 4.2, RFC 6533 section 3, RFC 7293 section 3.2.
func TestRcptParameters(t *testing.T) {
	srv, s := newServer()
	srv.Extensions = everything
	srv.Timeouts.Error = -1
	when := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	p := ehlo(t, srv)
	var got *mail.RcptOptions
	s.rcpt = func(_ string, o *mail.RcptOptions) error { c := *o; got = &c; return nil }
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test> SMTPUTF8"), "250")
	for params, want := range map[string]mail.RcptOptions{
		"":                                   {},
		"NOTIFY=NEVER":                       {Notify: mail.NotifyNever},
		"notify=success,Failure,DELAY":       {Notify: mail.NotifySuccess | mail.NotifyFailure | mail.NotifyDelay},
		"ORCPT=rfc822;Bob+2Bx@example.com":   {OriginalRecipient: "rfc822;Bob+x@example.com"},
		`ORCPT=utf-8;\x{1EA3}nh@example.com`: {OriginalRecipient: "utf-8;ảnh@example.com"},
		"ORCPT=utf-8;ảnh@example.com":        {OriginalRecipient: "utf-8;ảnh@example.com"},
		"RRVS=1999-01-01T00:00:00Z":          {ValidSince: when},
		"RRVS=1999-01-01T00:00:00Z;R":        {ValidSince: when},
	} {
		got = nil
		require.Equal(t, "250 2.1.5 Ok", p.cmd("RCPT TO:<b@example.test> "+params), params)
		require.True(t, want.ValidSince.Equal(got.ValidSince))
		got.ValidSince = want.ValidSince
		require.Equal(t, &want, got, params)
	}
	p = ehlo(t, srv)
	srv.Limits.HardErrors = -1
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	for params, want := range map[string]string{
		"NOTIFY=NEVER,SUCCESS":        "501 5.5.4 Bad NOTIFY parameter syntax",
		"NOTIFY=SUCCESS,SUCCESS":      "501 5.5.4 Bad NOTIFY parameter syntax",
		"NOTIFY=SOMETIMES":            "501 5.5.4 Bad NOTIFY parameter syntax",
		"NOTIFY=SUCCESS,":             "501 5.5.4 Bad NOTIFY parameter syntax",
		"NOTIFY":                      "501 5.5.4 Bad NOTIFY parameter syntax",
		"ORCPT=Bob@example.com":       "501 5.5.4 Bad ORCPT parameter syntax",
		"ORCPT=rfc822;":               "501 5.5.4 Bad ORCPT parameter syntax",
		"ORCPT=rfc822;a+0Ab":          "501 5.5.4 Bad ORCPT parameter syntax", // a line feed in disguise
		`ORCPT=utf-8;\x{A}x`:          "501 5.5.4 Bad ORCPT parameter syntax",
		`ORCPT=utf-8;\x{D800}x`:       "501 5.5.4 Bad ORCPT parameter syntax",
		"ORCPT=utf-8;ảnh@example.com": "553 5.6.7 Must declare SMTPUTF8 to permit unicode address",
		"RRVS=yesterday":              "501 5.5.4 Bad RRVS parameter syntax",
		"RRVS=1999-01-01T00:00:00Z;X": "501 5.5.4 Bad RRVS parameter syntax",
		"SIZE=5":                      "555 5.5.4 Unsupported option: SIZE",
	} {
		require.Equal(t, want, p.cmd("RCPT TO:<b@example.test> "+params), params)
	}
}

// RFC 6531 section 3.5 and 3.7.1: addresses beyond ASCII need SMTPUTF8.
func TestSMTPUTF8(t *testing.T) {
	srv, s := newServer()
	p := ehlo(t, srv)
	p.talk(`
		C: MAIL FROM:<thư@bưutá.test>
		S: 553 5.6.7 Must declare SMTPUTF8 to permit unicode address
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<thư@bưutá.test>
		S: 553 5.6.7 Must declare SMTPUTF8 to permit unicode address
		C: RSET
		S: 250 2.0.0 Ok
		C: MAIL FROM:<thư@bưutá.test> SMTPUTF8
		S: 250 2.1.0 Ok
		C: RCPT TO:<"nhà thờ"@bưutá.test>
		S: 250 2.1.5 Ok
		C= "RCPT TO:<\xff@example.test>\r\n"
		S: 500 5.5.2 Error: bad UTF-8 syntax
		C: VRFY thư
		S: 553 5.6.7 Must declare SMTPUTF8 to permit unicode address
		C: VRFY thư SMTPUTF8
		S: 252 2.5.2 …
		C: DATA
		S: 354 …
		C: .
		S: 250 …`)
	require.Equal(t, "thư@bưutá.test", s.got[0].From)
	require.Equal(t, `"nhà thờ"@bưutá.test`, s.got[0].Recipients[0].Address)
	srv.Without = smtp.SMTPUTF8
	p = ehlo(t, srv)
	require.Equal(t, "555 5.5.4 Unsupported option: SMTPUTF8", p.cmd("MAIL FROM:<a@c.test> SMTPUTF8"))
}

// A program's own extension: RFC 5321 section 2.2.1, "local extensions" with X.
type ownExtension struct{ *sink }

func (ownExtension) Keywords() []string { return []string{"XCOLOR red green"} }
func (ownExtension) Parameter(command, name string) bool {
	return command == "MAIL" && name == "XCOLOR" || command == "RCPT" && name == "XTAG"
}

func TestOwnExtension(t *testing.T) {
	srv, s := newServer()
	srv.Backend = smtp.Handle(ownExtension{s})
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("EHLO c.test"), "\n250 XCOLOR red green")
	p.talk(`
		C: MAIL FROM:<a@c.test> XTAG
		S: 555 5.5.4 Unsupported option: XTAG
		C: MAIL FROM:<a@c.test> xcolor=red
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test> XTAG
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 …`)
	require.Equal(t, []mail.Parameter{{Name: "XCOLOR", Value: "red", HasValue: true}}, s.got[0].Options.Extra)
	require.Equal(t, []mail.Parameter{{Name: "XTAG"}}, s.got[0].Recipients[0].Options.Extra)
}
