package pop3_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// What a proxy says with XCLIENT is what the Authenticator, hooks and limits see; nobody else may say it.
func TestXCLIENT(t *testing.T) {
	s := twoMessages(t)
	s.Config.XClient = func(a net.Addr) bool { return a.(*net.TCPAddr).IP.String() == "192.0.2.7" }
	s.Config.Limits.ConnectionsPerAddr = 1
	var seen []string
	users := s.Config.Authenticator
	s.Config.Authenticator = mail.AuthenticatorFunc(func(ctx context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
		seen = append(seen, r.Remote.String())
		return users.Authenticate(ctx, r)
	})
	one := connectFrom(t, s.Config, "192.0.2.7")
	one.talk(`S~ \+OK .*
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
	S: SASL PLAIN LOGIN
	S: XCLIENT ADDR PORT
	S: UTF8 USER
	S: LANG
	S: .
	C: XCLIENT ADDR=nowhere
	S: -ERR XCLIENT needs ADDR=address and PORT=number
	C: XCLIENT ADDR=2001:db8::5 PORT=70000
	S: -ERR XCLIENT needs ADDR=address and PORT=number
	C: XCLIENT ADDR=2001:db8::5 PORT=4711 SESSION=abc TTL=5
	S: +OK client is known
	C: USER alice
	S: +OK send PASS
	C: PASS wrong
	S: -ERR [AUTH] authentication failed
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S: +OK maildrop has 2 messages (320 octets)
	C: XCLIENT ADDR=192.0.2.1
	S: -ERR you have logged in already`)
	require.Equal(t, []string{"[2001:db8::5]:4711", "[2001:db8::5]:4711"}, seen)
	// The proxy's own connections are not bounded, its clients' are.
	two := connectFrom(t, s.Config, "192.0.2.7")
	two.talk(`S~ \+OK .*
	C: XCLIENT ADDR=2001:db8::6
	S: -ERR [SYS/TEMP] too many connections
	S: <end>`)
	connectFrom(t, s.Config, "192.0.2.8").talk(`S~ \+OK .*
	C: XCLIENT ADDR=192.0.2.1
	S: -ERR you are not a trusted proxy`)
}

func TestNewest(t *testing.T) {
	s := pop3test.NewUnstartedServer(t, body(100), body(200), body(300))
	s.Config.Newest = 2
	connect(t, s.Config).talk(`S~ \+OK .*
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S: +OK maildrop has 2 messages (500 octets)
	C: UIDL
	S: +OK unique-id listing follows
	S: 1 0000000200000001
	S: 2 0000000300000001
	S: .
	C: DELE 1
	S: +OK message 1 deleted
	C: QUIT
	S: +OK goodbye (1 messages left)`)
	require.Equal(t, []string{body(100), body(300)}, s.Store.Messages("alice"))
}

func TestKeepAndMoveTo(t *testing.T) {
	s := twoMessages(t)
	s.Config.Delete = pop3.Keep
	connect(t, s.Config).talk(login + "C: DELE 1\nS: +OK message 1 deleted\nC: QUIT\nS: +OK goodbye (1 messages left)")
	require.Len(t, s.Store.Messages("alice"), 2)

	store := &maildir.Store{Path: t.TempDir() + "/%u"}
	a, err := store.Account(t.Context(), "alice")
	require.NoError(t, err)
	defer a.Close()
	inbox, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer inbox.Close()
	for range 2 { // the second time the folder is there
		ap, err := inbox.Append(t.Context())
		require.NoError(t, err)
		require.NoError(t, ap.Add(t.Context(), strings.NewReader(body(100)), nil))
		_, err = ap.Commit(t.Context())
		require.NoError(t, err)
		s.Config.Store, s.Config.Delete = store, pop3.MoveTo("Trash")
		connect(t, s.Config).talk(`S~ \+OK .*
		C: USER alice
		S: +OK send PASS
		C: PASS secret
		S: +OK maildrop has 1 messages (100 octets)
		C: DELE 1
		S: +OK message 1 deleted
		C: QUIT
		S: +OK goodbye (maildrop empty)`)
	}
	st, err := a.Status(t.Context(), "Trash")
	require.NoError(t, err)
	require.EqualValues(t, 2, st.Messages)
	for m, err := range a.Mailboxes(t.Context()) {
		require.NoError(t, err)
		if m.Name == "Trash" {
			require.Contains(t, m.Use, mail.UseTrash)
		}
	}
}
