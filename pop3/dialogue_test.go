package pop3_test

import (
	"bufio"
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a person at a terminal.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// connect opens a connection to srv that needs no port. It ends with the test.
func connect(t *testing.T, srv *pop3.Server) *peer {
	t.Helper()
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), server)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return &peer{t, client, bufio.NewReader(client)}
}

func (p *peer) say(line string) {
	p.t.Helper()
	_, err := p.conn.Write([]byte(line + "\r\n"))
	require.NoError(p.t, err, "sending %q", line)
}

func (p *peer) hear() string {
	p.t.Helper()
	line, err := p.r.ReadString('\n')
	require.NoError(p.t, err)
	require.True(p.t, strings.HasSuffix(line, "\r\n"), "%q", line)
	return strings.TrimSuffix(line, "\r\n")
}

// talk plays a dialogue: "C: " is sent, "S: " must come, "S~ " is a regular expression for what must come, "S: <end>" is
// the connection's end. Lines that begin with "#" explain.
func (p *peer) talk(script string) {
	p.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(strings.TrimLeft(line, "\t "), "\n")
		kind, text := line, ""
		if len(line) >= 2 {
			kind, text = line[:2], strings.TrimPrefix(line[2:], " ")
		}
		switch {
		case line == "" || line[0] == '#':
		case kind == "C:":
			p.say(text)
		case kind == "S:" && text == "<end>":
			_, err := p.r.ReadByte()
			require.Error(p.t, err, "the server should have closed")
		case kind == "S:":
			require.Equal(p.t, text, p.hear())
		case kind == "S~":
			require.Regexp(p.t, regexp.MustCompile("^"+text+"$"), p.hear())
		default:
			p.t.Fatalf("bad script line %q", line)
		}
	}
}

// body returns a message of exactly n octets.
func body(n int) string {
	const head = "Subject: x\r\n\r\n"
	b := head + strings.Repeat("x", 60) + "\r\n"
	if n > len(b)+80 {
		b += strings.Repeat(strings.Repeat("y", 60)+"\r\n", (n-len(b)-80)/62)
	}
	return b + strings.Repeat("z", n-len(b)-2) + "\r\n"
}

// twoMessages is the maildrop of RFC 1939's examples: 120 and 200 octets.
func twoMessages(t *testing.T) *pop3test.Server {
	return pop3test.NewUnstartedServer(t, body(120), body(200))
}

const login = `
	S~ \+OK POP3 server ready <.*@localhost>
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S: +OK maildrop has 2 messages (320 octets)
`

// RFC 1939 section 5 and 10: the examples of STAT, LIST, RETR, DELE, NOOP, RSET, QUIT.
func TestDialogueRFC1939(t *testing.T) {
	s := twoMessages(t)
	p := connect(t, s.Config)
	p.talk(login + `
	C: STAT
	S: +OK 2 320
	C: LIST
	S: +OK 2 messages (320 octets)
	S: 1 120
	S: 2 200
	S: .
	C: LIST 2
	S: +OK 2 200
	C: LIST 3
	S: -ERR no such message, only 2 messages in maildrop
	C: RETR 1
	S: +OK 120 octets
	S: Subject: x
	S:
	S~ x{60}
	S~ z+
	S: .
	C: DELE 1
	S: +OK message 1 deleted
	# "Any future reference to the message-number associated with the message in a POP3 command generates an error."
	C: DELE 1
	S: -ERR message 1 is deleted
	C: RETR 1
	S: -ERR message 1 is deleted
	C: LIST 1
	S: -ERR message 1 is deleted
	C: UIDL 1
	S: -ERR message 1 is deleted
	C: TOP 1 0
	S: -ERR message 1 is deleted
	# "Note that messages marked as deleted are not counted in either total."
	C: STAT
	S: +OK 1 200
	C: LIST
	S: +OK 1 messages (200 octets)
	S: 2 200
	S: .
	C: NOOP
	S: +OK
	C: RSET
	S: +OK maildrop has 2 messages (320 octets)
	C: STAT
	S: +OK 2 320
	C: DELE 1
	S: +OK message 1 deleted
	C: DELE 2
	S: +OK message 2 deleted
	C: LIST
	S: +OK 0 messages (0 octets)
	S: .
	C: QUIT
	S: +OK goodbye (maildrop empty)
	S: <end>`)
	require.Empty(t, s.Store.Messages("alice"))
}

// RFC 1939 section 6: "If a session terminates for some reason other than a client-issued QUIT command, the POP3 session does
// NOT enter the UPDATE state and MUST not remove any messages from the maildrop."
func TestBrokenSessionDeletesNothing(t *testing.T) {
	s := twoMessages(t)
	p := connect(t, s.Config)
	p.talk(login + `
	C: DELE 1
	S: +OK message 1 deleted`)
	p.conn.Close()
	require.Eventually(t, func() bool { // the lock goes with the session
		unlock, err := s.Config.LockMaildrop(t.Context(), "alice")
		if err == nil {
			unlock()
		}
		return err == nil
	}, 5*time.Second, time.Millisecond)
	require.Len(t, s.Store.Messages("alice"), 2)
	// QUIT in the AUTHORIZATION state does not either.
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: QUIT
	S: +OK goodbye
	S: <end>`)
	require.Len(t, s.Store.Messages("alice"), 2)
}

// RFC 1939 section 3: "A server MUST respond to an unrecognized, unimplemented, or syntactically invalid command by responding
// with a negative status indicator", and so for the wrong state. The session goes on.
func TestBadInput(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.HardErrors, s.Config.Limits.SoftErrors = -1, -1
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: XYZZY
	S: -ERR unknown command
	C:
	S: -ERR unknown command
	C: STAT
	S: -ERR log in first
	C: RETR 1
	S: -ERR log in first
	C: PASS secret
	S: -ERR USER comes first
	C: USER
	S: -ERR USER needs a name
	C: CAPA x
	S: -ERR CAPA takes no argument
	C: APOP alice
	S: -ERR APOP needs a name and a digest
	C: AUTH NOSUCH
	S: -ERR unknown authentication mechanism
	C: AUTH PLAIN !!!
	S: -ERR malformed authentication data
	C: AUTH PLAIN =
	S: -ERR malformed authentication data
	# Whatever comes between USER and PASS takes USER back.
	C: USER alice
	S: +OK send PASS
	C: NOOP
	S: -ERR log in first
	C: PASS secret
	S: -ERR USER comes first
	C: user alice
	S: +OK send PASS
	C: pass secret
	S: +OK maildrop has 2 messages (320 octets)
	C: USER alice
	S: -ERR you have logged in already
	# RFC 5034 section 4: "After an AUTH command has been successfully completed, no more AUTH commands"
	C: AUTH PLAIN
	S: -ERR you have logged in already
	C: STLS
	S: -ERR you have logged in already
	C: STAT x
	S: -ERR STAT takes no argument
	C: RETR
	S: -ERR RETR needs a message-number
	C: RETR x
	S: -ERR RETR needs a message-number
	C: RETR -1
	S: -ERR RETR needs a message-number
	C: RETR 1 2
	S: -ERR RETR needs a message-number
	C: RETR 0
	S: -ERR no such message, only 2 messages in maildrop
	C: RETR 99999999999999999999999999
	S: -ERR no such message, only 2 messages in maildrop
	C: TOP 1
	S: -ERR TOP needs a message-number and a number of lines
	C: TOP 1 -1
	S: -ERR TOP needs a message-number and a number of lines
	C: TOP x 1
	S: -ERR TOP needs a message-number
	C: STAT ` + "\x00" + `
	S: -ERR invalid characters
	C: NOOP ` + "\xff" + `
	S: -ERR invalid characters
	C: NOOP ` + strings.Repeat("x", 506) + `
	S: -ERR line too long
	C: ` + strings.Repeat("x", 20000) + `
	S: -ERR line too long
	C: NO` + "\r" + `OP
	S: -ERR lines end with CRLF
	C: STAT
	S: +OK 2 320`)
	// A person's telnet may send LF alone.
	_, err := p.conn.Write([]byte("NOOP\n"))
	require.NoError(t, err)
	require.Equal(t, "+OK", p.hear())
}

// Commands up to 255 octets must be taken (RFC 2449 section 4); ours may be twice as long.
func TestLineLimit(t *testing.T) {
	s := twoMessages(t)
	s.AddUser(strings.Repeat("u", 248), "x")
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: USER ` + strings.Repeat("u", 248) + `
	S: +OK send PASS
	C: PASS x
	S: +OK maildrop has 0 messages (0 octets)`)
}

// RFC 1939 section 7: spaces in PASS belong to the password.
func TestPasswordWithSpaces(t *testing.T) {
	s := twoMessages(t)
	s.AddUser("bob", " two  words ")
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: USER bob
	S: +OK send PASS
	C: PASS  two  words ` + `
	S: +OK maildrop has 0 messages (0 octets)`)
}

// RFC 1939 section 4: exclusive-access lock; RFC 2449 section 8.1.2: [IN-USE].
func TestMaildropLock(t *testing.T) {
	s := twoMessages(t)
	s.AddUser("bob", "x")
	first := connect(t, s.Config)
	first.talk(login)
	second := connect(t, s.Config)
	second.talk(`
	S~ \+OK .*
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S: -ERR [IN-USE] maildrop is locked by another session
	# "the client may either issue a new authentication command and start again"
	C: USER bob
	S: +OK send PASS
	C: PASS x
	S: +OK maildrop has 0 messages (0 octets)`)
	first.talk(`
	C: QUIT
	S: +OK goodbye (2 messages left)`)
	// Whoever has read the goodbye may log in at once.
	connect(t, s.Config).talk(login)
}

// RFC 2449 section 5 and the capabilities' "Announced states".
func TestCAPA(t *testing.T) {
	s := twoMessages(t)
	s.Config.Implementation = "Buu ta\r\n.\r\n"
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: CAPA
	S: +OK capability list follows
	S: TOP
	S: UIDL
	S: RESP-CODES
	S: AUTH-RESP-CODE
	S: PIPELINING
	S: EXPIRE NEVER
	S: STLS
	S: USER
	S: SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN
	S: UTF8 USER
	S: LANG
	S: IMPLEMENTATION Buu-ta--.--
	S: .
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S~ \+OK .*
	# "Capabilities available in the AUTHORIZATION state MUST be announced in both states"; STLS says "permitted in the current state".
	C: CAPA
	S: +OK capability list follows
	S: TOP
	S: UIDL
	S: RESP-CODES
	S: AUTH-RESP-CODE
	S: PIPELINING
	S: EXPIRE NEVER
	S: USER
	S: SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN
	S: UTF8 USER
	S: LANG
	S: IMPLEMENTATION Buu-ta--.--
	S: .`)
}

// Without TLS and permission nothing shows a password: RFC 5034 section 4 wants that as the default.
func TestPlaintextNeedsPermission(t *testing.T) {
	s := twoMessages(t)
	s.Config.AllowPlaintext = nil
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: USER alice
	S: -ERR [AUTH] plaintext authentication is not allowed here without TLS
	C: PASS secret
	S: -ERR USER comes first
	C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
	S: -ERR [AUTH] plaintext authentication is not allowed here without TLS
	C: AUTH
	S: +OK mechanisms follow
	S: SCRAM-SHA-256
	S: SCRAM-SHA-1
	S: CRAM-MD5
	S: .`)
	s.Config.AllowPlaintext = (*pop3.Conn).FromThisMachine
	connect(t, s.Config).talk(login)
	s.Config.RequireSecure = true
	connect(t, s.Config).talk(`
	# No timestamp either: APOP is no use before TLS.
	S: +OK POP3 server ready
	C: USER alice
	S: -ERR [AUTH] use STLS first
	C: AUTH CRAM-MD5
	S: -ERR [AUTH] use STLS first`)
}
