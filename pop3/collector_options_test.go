package pop3_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// What is left on the server goes once its time is over, in a later run; so many messages a run; some not yet; with a field above them.
func TestCollectorOptions(t *testing.T) {
	s := pop3test.NewServer(t, numbered(5)...)
	local, state := new(pop3test.Store), &memory{set: map[string]bool{}}
	expired := map[string]bool{}
	f := &pop3.Collector{Mailbox: inboxOf(t, local), Source: "x", Keep: true, State: state, MaxMessages: 2, MaxSize: 100,
		Expired: func(uidl string) bool { return expired[uidl] },
		Skip:    func(uidl string) bool { return strings.HasPrefix(uidl, "00000002") },
		Change: func(uidl string, m io.Reader) (io.Reader, error) {
			return io.MultiReader(strings.NewReader("X-From: "+uidl+"\r\n"), m), nil
		}}
	r, err := f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Filed: 2, Skipped: 1, Left: 2}, r)
	require.Equal(t, []string{"X-From: 0000000100000001\r\n" + numbered(5)[0], "X-From: 0000000300000001\r\n" + numbered(5)[2]}, local.Messages("local"))
	expired["0000000100000001"], expired["0000000400000001"] = true, true
	r, err = f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Known: 2, Filed: 2, Skipped: 1}, r)
	require.Equal(t, numbered(5)[1:], s.Store.Messages("alice"), "what wasn't known yet stays")

	f.Skip = nil
	f.Change = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("no") }
	r, err = f.Run(t.Context(), dial(t, s))
	require.NoError(t, err)
	require.Equal(t, pop3.Collected{Known: 3, Failed: 1}, r)
	require.Equal(t, []string{numbered(5)[1], numbered(5)[2], numbered(5)[4]}, s.Store.Messages("alice"))
	f.MaxListed = 2
	_, err = f.Run(t.Context(), dial(t, s))
	require.EqualError(t, err, "pop3: server lists more than 2 messages")
}

// liar answers as a server with messages that are larger than it says.
func liar(octets int) string {
	return "+OK\nC: CAPA\n-ERR\nC: USER a\n+OK\nC: PASS b\n+OK\nC: LIST\n+OK\n1 10\n2 10\n.\nC: UIDL\n+OK\n1 a\n2 b\n.\nC: RETR 1\n+OK\n" +
		strings.Repeat("x", octets) + "\n.\n"
}

// A message that is larger than its server has said stays there, and one without end ends the session.
func TestCollectorLiar(t *testing.T) {
	for octets, rest := range map[int]string{
		150: "C: RETR 2\n+OK\ny\n.\nC: DELE 2\n+OK\nC: QUIT\n+OK\n",
		250: "",
	} {
		local := new(pop3test.Store)
		c, err := pop3.NewClient(t.Context(), fake(t, liar(octets)+rest), &pop3.ClientOptions{TLS: pop3.TLSNone,
			Auth: &mail.Credentials{Username: "a", Password: "b", AllowPlaintext: true}})
		require.NoError(t, err)
		r, err := (&pop3.Collector{Mailbox: inboxOf(t, local), Source: "x", MaxSize: 100}).Run(t.Context(), c)
		if rest == "" {
			require.ErrorIs(t, err, mail.ErrTooLarge)
			require.Empty(t, local.Messages("local"))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, pop3.Collected{Filed: 1, Failed: 1}, r)
		require.Equal(t, []string{"y\r\n"}, local.Messages("local"))
	}
}

// Of two messages with one unique-id the second stays until the first has been filed.
func TestCollectorCopies(t *testing.T) {
	script := "+OK\nC: CAPA\n-ERR\nC: USER a\n+OK\nC: PASS b\n+OK\nC: UIDL\n+OK\n1 a\n2 a\n.\nC: RETR 1\n"
	for answer, r := range map[string]pop3.Collected{"-ERR\nC: QUIT\n+OK\n": {Known: 1, Failed: 1}, "+OK\ny\n.\nC: DELE 1\n+OK\nC: QUIT\n+OK\n": {Known: 1, Filed: 1}} {
		c, err := pop3.NewClient(t.Context(), fake(t, script+answer), &pop3.ClientOptions{TLS: pop3.TLSNone,
			Auth: &mail.Credentials{Username: "a", Password: "b", AllowPlaintext: true}})
		require.NoError(t, err)
		got, err := (&pop3.Collector{Mailbox: inboxOf(t, new(pop3test.Store)), Source: "x"}).Run(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
}
