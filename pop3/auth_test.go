package pop3_test

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// RFC 5034 section 4 and 6.
func TestAUTH(t *testing.T) {
	s := twoMessages(t)
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: AUTH PLAIN ` + b64("\x00alice\x00secret") + `
	S: +OK maildrop has 2 messages (320 octets)`)
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	# "an empty server challenge is defined as a line with only a '+', followed by a single space"`)
	p.say("auth plain")
	require.Equal(t, "+ ", p.hear())
	p.talk(`
	# "the client ... issues a line with a single '*' ... it MUST reject the AUTH command by sending an -ERR reply"
	C: *
	S: -ERR authentication cancelled
	C: AUTH LOGIN
	S: + ` + b64("Username:") + `
	C: ` + b64("alice") + `
	S: + ` + b64("Password:") + `
	C: ` + b64("wrong") + `
	S: -ERR [AUTH] authentication failed
	C: AUTH LOGIN
	S: + ` + b64("Username:") + `
	# "MUST reject ... any character not explicitly allowed by the Base64 alphabet"
	C: =AAA
	S: -ERR malformed authentication data
	C: AUTH CRAM-MD5 ` + b64("x") + `
	# "with a SASL mechanism that does not support an initial client send, the server MUST reject"
	S: -ERR malformed authentication data
	# RFC 5034 section 4: the 255-octet limit is not for what follows AUTH, which may be of arbitrary length, up to ours
	C: AUTH PLAIN
	S: + 
	C: ` + strings.Repeat("A", 13000) + `
	S: -ERR malformed authentication data
	C: AUTH PLAIN
	S: + 
	C: ` + b64("\x00bob\x00secret") + `
	S: -ERR [AUTH] authentication failed`)
}

// RFC 1939 section 7: the timestamp "MUST be different each time"; the digest is over timestamp and secret.
func TestAPOP(t *testing.T) {
	s := twoMessages(t)
	digest := func(p *peer, secret string) string {
		greeting := p.hear()
		stamp := greeting[strings.IndexByte(greeting, '<'):]
		sum := md5.Sum([]byte(stamp + secret))
		return hex.EncodeToString(sum[:])
	}
	p, q := connect(t, s.Config), connect(t, s.Config)
	d := digest(p, "secret")
	require.NotEqual(t, d, digest(q, "secret"))
	q.talk(`
	C: APOP alice ` + d + `
	S: -ERR [AUTH] authentication failed
	C: APOP nobody ` + d + `
	S: -ERR [AUTH] authentication failed`)
	p.talk(`
	C: APOP alice ` + d + `
	S: +OK maildrop has 2 messages (320 octets)`)
}

// passwords is an Authenticator that can only compare: no APOP, no challenge mechanisms.
type passwords map[string]string

func (u passwords) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	switch p, ok := u[a.Username]; {
	case a.Username == "down":
		return nil, errors.New("connection to 10.0.0.5:5432 refused")
	case !ok || p != a.Password:
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: a.Username}, nil
}

// RFC 3206: [AUTH] for credentials only, [SYS/TEMP] and [SYS/PERM] for our own trouble, whose text stays here.
func TestResponseCodes(t *testing.T) {
	s := twoMessages(t)
	s.Config.Authenticator = passwords{"alice": "secret", "nodrop": "x"}
	p := connect(t, s.Config)
	p.talk(`
	# No mail.PasswordStore, no APOP.
	S: +OK POP3 server ready
	C: APOP alice 0123456789abcdef0123456789abcdef
	S: -ERR APOP is not offered
	# RFC 3206 section 5: USER itself must not reveal who exists.
	C: USER nobody
	S: +OK send PASS
	C: PASS secret
	S: -ERR [AUTH] authentication failed
	C: USER alice
	S: +OK send PASS
	C: PASS wrong
	S: -ERR [AUTH] authentication failed
	C: USER alice
	S: +OK send PASS
	C: PASS
	S: -ERR [AUTH] authentication failed
	C: USER down
	S: +OK send PASS
	C: PASS x
	S: -ERR [SYS/TEMP] internal error, try again later
	C: USER nodrop
	S: +OK send PASS
	C: PASS x
	S: -ERR [SYS/PERM] there is no maildrop`)
}

func TestTooManyFailedLogins(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.AuthFailures = 2
	var ends []pop3.Cause
	s.Config.Hooks.Disconnected = func(_ *pop3.Conn, e *pop3.End) { ends = append(ends, e.Cause) }
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: USER alice
	S: +OK send PASS
	C: PASS x
	S: -ERR [AUTH] authentication failed
	C: AUTH PLAIN ` + b64("\x00alice\x00x") + `
	S: -ERR [AUTH] authentication failed
	S: <end>`)
}

func TestTooManyErrors(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.HardErrors = 3
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: A
	S: -ERR unknown command
	C: B
	S: -ERR unknown command
	C: C
	S: -ERR unknown command
	S: -ERR too many errors, goodbye
	S: <end>`)
	s.Config.Limits.Commands = 2
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: CAPA x
	S: -ERR CAPA takes no argument
	C: CAPA x
	S: -ERR CAPA takes no argument
	S: -ERR too many commands, goodbye
	S: <end>`)
}

// A web page can make a browser send its form here; the form's lines are not commands.
func TestHTTPIsCutOff(t *testing.T) {
	connect(t, twoMessages(t).Config).talk(`
	S~ \+OK .*
	C: POST / HTTP/1.1
	S: -ERR unknown command
	S: <end>`)
}

// RFC 6856: UTF8, its names, LANG.
func TestUTF8AndLang(t *testing.T) {
	s := twoMessages(t)
	s.AddUser("bùi", "mật khẩu")
	s.Store.Add("bùi", "Subject: Thư gửi\r\n\r\nxin chào\r\n")
	s.Config.RefuseUTF8 = true
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: LANG
	S: +OK language listing follows
	S: en English
	S: vi Tiếng Việt
	S: .
	C: LANG MUL
	S: -ERR there is no such language here
	C: LANG vi-VN
	S: +OK vi đã đổi ngôn ngữ
	C: USER bùi
	S: +OK hãy gửi PASS
	C: PASS mật khẩu
	S: +OK hộp thư có 1 thư (34 octet)
	# "If a server returns an -ERR response to a LANG command ... the current language for responses remains in effect."
	C: LANG uga
	S: -ERR không có ngôn ngữ này
	C: LANG *
	S: +OK en language changed
	# Section 5: [UTF8] for LIST, TOP, RETR of a message that needs it
	C: RETR 1
	S: -ERR [UTF8] message 1 needs UTF8
	C: TOP 1 0
	S: -ERR [UTF8] message 1 needs UTF8
	C: UTF8
	S: -ERR you have logged in already
	C: QUIT
	S: +OK goodbye (1 messages left)`)
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: UTF8
	S: +OK UTF8 enabled
	# Section 2.1: STLS comes before UTF8
	C: STLS
	S: -ERR STLS comes before UTF8
	C: USER bùi
	S: +OK send PASS
	C: PASS mật khẩu
	S: +OK maildrop has 1 messages (34 octets)
	C: RETR 1
	S: +OK 34 octets
	S: Subject: Thư gửi
	S:
	S: xin chào
	S: .
	C: QUIT
	S~ .*`)
	connect(t, s.Config).talk(`
	S~ \+OK .*
	# "The server MUST reject UTF-8 usernames or passwords that fail to comply with the formal syntax in UTF-8"
	C: USER b` + "\xf9" + `i
	S: -ERR invalid characters
	# "MUST reject UTF-8 usernames ... that contain a UTF-8 character listed in Section 2.3 of SASLprep"
	C: USER b` + "\u2028" + `i
	S: -ERR invalid characters`)
}

// TestLateUTF8 is a field bug: Outlook says UTF8 after it has logged in and gives up on -ERR.
func TestLateUTF8(t *testing.T) {
	s := twoMessages(t)
	s.Config.LateUTF8 = true
	connect(t, s.Config).talk(login + `
	C: UTF8
	S: +OK UTF8 enabled
	C: STAT
	S: +OK 2 320`)
}

// upgrade says STLS and does what a client does.
func (p *peer) upgrade(cfg *tls.Config) {
	p.t.Helper()
	p.talk(`
	C: STLS
	S: +OK begin TLS negotiation`)
	c := tls.Client(p.conn, cfg)
	require.NoError(p.t, c.Handshake())
	p.conn = c
	p.r.Reset(c)
}

// TestSTLS is RFC 2595 section 4, and a field bug: one server crashed on STLS.
func TestSTLS(t *testing.T) {
	s := twoMessages(t)
	s.Config.AllowPlaintext = nil
	var secured []error
	s.Config.Hooks.Secured = func(c *pop3.Conn, state *tls.ConnectionState, err error) { secured = append(secured, err) }
	p := connect(t, s.Config)
	p.hear()
	p.upgrade(s.ClientTLS())
	p.talk(`
	C: STLS
	S: -ERR command not permitted when TLS active
	C: CAPA
	S: +OK capability list follows
	S: TOP
	S: UIDL
	S: RESP-CODES
	S: AUTH-RESP-CODE
	S: PIPELINING
	S: EXPIRE NEVER
	S: USER
	S: SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN
	S: UTF8 USER
	S: LANG
	S: .
	C: AUTH PLAIN ` + b64("\x00alice\x00secret") + `
	S: +OK maildrop has 2 messages (320 octets)
	C: DELE 1
	S: +OK message 1 deleted
	C: QUIT
	S: +OK goodbye (1 messages left)`)
	require.Equal(t, []error{nil}, secured)

	none := twoMessages(t)
	none.Config.TLSConfig = nil
	connect(t, none.Config).talk(`
	S~ \+OK .*
	C: STLS
	S: -ERR STLS is not offered`)
	// A client that can't do TLS after all.
	q := connect(t, s.Config)
	q.hear()
	q.talk(`
	C: STLS
	S: +OK begin TLS negotiation
	C: CAPA`)
	q.conn.Close()
}

// TestSTLSInjection: what comes before TLS in one packet with STLS is not taken for something said behind TLS
// (CVE-2011-0411 and its family).
func TestSTLSInjection(t *testing.T) {
	s := twoMessages(t)
	p := connect(t, s.Config)
	p.hear()
	_, err := p.conn.Write([]byte("STLS\r\nUSER alice\r\nPASS secret\r\nDELE 1\r\nQUIT\r\n"))
	require.NoError(t, err)
	require.Equal(t, "+OK begin TLS negotiation", p.hear())
	c := tls.Client(p.conn, s.ClientTLS())
	require.NoError(t, c.Handshake())
	p.conn = c
	p.r.Reset(c)
	p.talk(`
	C: STAT
	S: -ERR log in first`)
	require.Len(t, s.Store.Messages("alice"), 2)
}
