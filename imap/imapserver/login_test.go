package imapserver_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
)

func TestLogin(t *testing.T) {
	f := newFixture(t, nil)
	// RFC 9051 section 6.2.3; RFC 5530 section 3: AUTHENTICATIONFAILED, "the server … chooses not to disclose" why.
	f.dial().dialogue(`
		S: * OK …
		C: a LOGIN alice wrong
		S: a NO [AUTHENTICATIONFAILED] Authentication failed.
		C: b LOGIN nobody secret
		S: b NO [AUTHENTICATIONFAILED] Authentication failed.
		C: c SELECT INBOX
		S: c BAD Log in first
		C: d LOGIN "alice" {6}
		S: + OK
		C: secret
		S: d OK [CAPABILITY …] Logged in
		C: e LOGIN alice secret
		S: e BAD Already authenticated
		C: f AUTHENTICATE PLAIN
		S: f BAD Already authenticated`)
}

func TestAuthenticate(t *testing.T) {
	f := newFixture(t, nil)
	f.dial().dialogue(`
		S: * OK …
		C: a AUTHENTICATE PLAIN
		S: +…
		C: AGFsaWNlAHdyb25n
		S: a NO [AUTHENTICATIONFAILED] Authentication failed.
		RFC 9051 section 6.2.2: "If the client wishes to cancel an authentication exchange, it issues a line consisting of
		a single "*"."
		C: b AUTHENTICATE PLAIN
		S: +…
		C: *
		S: b BAD Authentication cancelled.
		C: c AUTHENTICATE PLAIN
		S: +…
		C: !!!!
		S: c BAD Invalid authentication data.`)
	f.dial().dialogue(`
		S: * OK …
		C: d AUTHENTICATE NOSUCH
		S: d NO Unsupported authentication mechanism.
		RFC 4959 section 3: the initial response stands on the line.
		C: e AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
		S: e OK [CAPABILITY …] Logged in`)
	f.dial().dialogue(`
		S: * OK …
		C: a authenticate login
		S: + VXNlcm5hbWU6
		C: YWxpY2U=
		S: + UGFzc3dvcmQ6
		C: c2VjcmV0
		S: a OK [CAPABILITY …] Logged in`)
}

// RFC 9051 section 11.7: "The LOGINDISABLED capability is advertised, and [SASL] mechanisms (such as PLAIN) using plaintext
// passwords are NOT advertised in the CAPABILITY list. AND The LOGIN command returns an error even if the password is
// correct".
func TestLoginDisabled(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.AllowPlaintext = nil })
	p := f.dial()
	require.NotContains(t, p.line(), "AUTH=PLAIN")
	caps := p.do("a CAPABILITY")
	require.Contains(t, caps[0], " LOGINDISABLED")
	require.NotContains(t, caps[0], "PLAIN")
	p.dialogue(`
		C: b LOGIN alice secret
		S: b NO [PRIVACYREQUIRED] Plaintext authentication needs TLS.
		C: c AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
		S: c NO [PRIVACYREQUIRED] Plaintext authentication needs TLS.`)
}

type brokenAuth struct{}

func (brokenAuth) Authenticate(context.Context, *mail.AuthRequest) (*mail.Identity, error) {
	return nil, errors.New("database is on fire")
}

// RFC 5530 section 3: UNAVAILABLE, "Temporary failure because a subsystem is down."
func TestAuthenticatorDown(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Authenticator = brokenAuth{} })
	f.dial().dialogue(`
		S: * OK …
		C: a LOGIN alice secret
		S: a NO [UNAVAILABLE] Temporary authentication failure.`)
}

func TestTooManyFailures(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.AuthFailures = 2 })
	p := f.dial()
	p.dialogue(`
		S: * OK …
		C: a LOGIN alice wrong
		S: a NO [AUTHENTICATIONFAILED] Authentication failed.
		C: b LOGIN alice wrong
		S: * BYE Too many authentication failures.
		S: b NO [AUTHENTICATIONFAILED] Authentication failed.`)
	p.closed()
}

// What the log needs: user, method, addresses and the counters of the end.
func TestHooks(t *testing.T) {
	var mu sync.Mutex
	var events []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, s)
	}
	ended := make(chan imapserver.End, 1)
	f := newFixture(t, func(s *imapserver.Server) {
		s.Authenticator = imaptest.Users{"alice": "geheim-1234"}
		s.Hooks.Connected = func(c *imapserver.Conn) { note("connected " + c.RemoteAddr().Network()) }
		s.Hooks.Authenticated = func(c *imapserver.Conn, mechanism, user string, err error) {
			note(mechanism + " " + user)
		}
		s.Hooks.Rejected = func(c *imapserver.Conn, command string, st *imap.Status) { note(command + " " + string(st.Code)) }
		s.Hooks.Disconnected = func(c *imapserver.Conn, end *imapserver.End) {
			note(end.Cause.String() + " " + c.Identity().Username)
			ended <- *end
		}
		s.Trace = func(c *imapserver.Conn, sent bool, line string) { note(line) }
	})
	p := f.dial()
	p.line()
	p.do("a LOGIN alice geheim-1234")
	_, status := p.try("b SELECT nowhere")
	require.Equal(t, "b NO [NONEXISTENT] Mailbox does not exist.", status)
	p.send("c LOGOUT\r\n")
	p.line()
	p.line()
	p.closed()
	end := <-ended
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, int64(27+18+10), end.In)
	require.Greater(t, end.Out, int64(300))
	require.Equal(t, imapserver.CauseLogout, end.Cause)
	require.Subset(t, events, []string{"connected tcp", "LOGIN alice", "SELECT NONEXISTENT", "Logged out alice",
		"a LOGIN ***", "b SELECT nowhere", "* BYE Logging out", "c OK LOGOUT completed."})
	for _, e := range events {
		require.NotContains(t, e, "geheim", "a trace never shows a secret")
	}
}

func TestWithout(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) {
		s.Without = []imap.Capability{imap.CapIdle}
		s.WithoutFor = func(id *mail.Identity) []imap.Capability {
			if id.Username == "alice" {
				return []imap.Capability{imap.CapMove, imap.CapCondStore, imap.CapIdle}
			}
			return nil // for others it takes back what is taken from all
		}
	})
	other := f.as("bob")
	require.Contains(t, other.do("a CAPABILITY")[0], "IDLE")
	other.do("b UNAUTHENTICATE")
	require.NotContains(t, other.do("c CAPABILITY")[0], "IDLE")
	p := f.login("INBOX")
	caps := p.do("a CAPABILITY")[0]
	require.NotContains(t, caps, "IDLE")
	require.NotContains(t, caps, "MOVE")
	require.NotContains(t, caps, "CONDSTORE")
	require.NotContains(t, caps, "QRESYNC")
	p.dialogue(`
		C: b IDLE
		S: b BAD Unknown command
		C: c UID MOVE 1 x
		S: c BAD Unknown command
		C: d ENABLE QRESYNC CONDSTORE
		S: * ENABLED
		S: d OK ENABLE completed.
		C: e SELECT INBOX (CONDSTORE)
		S: e BAD Unknown SELECT parameter
		C: f STATUS INBOX (HIGHESTMODSEQ)
		S: f BAD Unknown status item`)
	bob := f.dial()
	bob.line()
	bob.do("a LOGIN bob secret")
	require.Contains(t, bob.do("b CAPABILITY")[0], " MOVE")
}
