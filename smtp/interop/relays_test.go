package interop_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// relays runs the mail server as a client of ours: a message goes in by our client and comes out at our servers.
func (m *mta) relays(t *testing.T, r *routes) {
	t.Run("SMTP", func(t *testing.T) { m.relaysPlain(t, r.plain) })
	t.Run("TLS and AUTH", func(t *testing.T) { m.relaysSecure(t, r.secure) })
	t.Run("LMTP", func(t *testing.T) { m.relaysLMTP(t, r.lmtp) })
	t.Run("refused recipients", func(t *testing.T) { m.relaysRefused(t, r.plain) })
	t.Run("SMTPUTF8", func(t *testing.T) { m.relaysUTF8(t, r.plain) })
	t.Run("DSN", func(t *testing.T) { m.relaysDSN(t, r.plain) })
}

// relayed asserts that a letter came through the server as it was, behind the trace fields that it added.
func (m *mta) relayed(t *testing.T, c *catcher, l letter) caught {
	t.Helper()
	got := c.wait(t, l)
	start := strings.Index(got.data, "From: Sender <")
	require.GreaterOrEqual(t, start, 0)
	require.Contains(t, got.data[:start], "Received: ")
	same(t, l.text, got.data[start:])
	require.Equal(t, "mx.example.test", got.hello)
	return got
}

func addresses(rs []mail.Recipient) (out []string) {
	for _, r := range rs {
		out = append(out, r.Address)
	}
	return out
}

func (m *mta) relaysPlain(t *testing.T, c *catcher) {
	client := m.dial(t, smtp.ClientOptions{})
	for _, size := range []int{0, 5 << 20} {
		l := newLetter(size)
		results, err := client.Send(t.Context(), envelope(sender, "one@smtp.test", "two@smtp.test"), l.reader())
		require.NoError(t, err)
		require.True(t, results[0].Reply.OK() && results[1].Reply.OK(), results)
		got := m.relayed(t, c, l)
		require.Equal(t, sender, got.From)
		require.Subset(t, []string{"one@smtp.test", "two@smtp.test"}, addresses(got.Recipients))
		require.Equal(t, "ESMTP", got.protocol)
		require.Empty(t, got.user)
	}
}

func (m *mta) relaysSecure(t *testing.T, c *catcher) {
	client := m.dial(t, smtp.ClientOptions{})
	l := newLetter(100 << 10)
	send(t, client, l, "one@tls.test")
	got := m.relayed(t, c, l)
	require.Equal(t, "ESMTPSA", got.protocol)
	require.Equal(t, caughtUser, got.user)
	require.NotContains(t, c.dialogue(), caughtPassword, "the trace shows no secrets")
}

// LMTP's answers, one a recipient: who was taken isn't bothered again, who wasn't is told to the sender.
func (m *mta) relaysLMTP(t *testing.T, c *catcher) {
	groups := [][]string{{"one@lmtp.test", "full@lmtp.test", "refused@lmtp.test", "two@lmtp.test"}}
	if m.alone {
		groups = [][]string{{"one@lmtp.test"}, {"full@lmtp.test"}, {"refused@lmtp.test"}, {"two@lmtp.test"}}
	}
	for _, to := range groups {
		l := newLetter(0)
		results, err := m.dial(t, smtp.ClientOptions{}).Send(t.Context(), envelope("other@example.test", to...), l.reader())
		require.NoError(t, err)
		for _, r := range results {
			require.True(t, r.Reply.OK(), r.Detail)
		}
		if to[0] == "refused@lmtp.test" {
			continue
		}
		got := m.relayed(t, c, l)
		require.Equal(t, "LMTP", got.protocol)
		require.Equal(t, "other@example.test", got.From)
	}
	m.find(t, "other", "refused@lmtp.test")
	m.find(t, "other", "full@lmtp.test")
	for _, text := range []string{"The mailbox is full", "No such user here"} {
		require.NotEmpty(t, m.search("other", text))
	}
	require.Empty(t, m.search("other", "one@lmtp.test>: "), "who has got the message isn't reported")
	taken := map[string]int{}
	for _, got := range c.all() {
		for _, a := range addresses(got.Recipients) {
			taken[a]++
		}
	}
	require.Equal(t, 1, taken["one@lmtp.test"])
	require.Equal(t, 1, taken["two@lmtp.test"])
	require.Zero(t, taken["refused@lmtp.test"])
}

// A recipient who is refused among others is returned to the sender with our words.
func (m *mta) relaysRefused(t *testing.T, c *catcher) {
	l := newLetter(0)
	_, err := m.dial(t, smtp.ClientOptions{}).Send(t.Context(), envelope("other@example.test", "refused@smtp.test", "three@smtp.test", "later@smtp.test"), l.reader())
	require.NoError(t, err)
	got := m.relayed(t, c, l)
	require.Equal(t, []string{"three@smtp.test"}, addresses(got.Recipients))
	bounce := m.find(t, "other", "refused@smtp.test")
	require.Contains(t, bounce, "550")
	require.Contains(t, bounce, "No such user here")
	require.NotContains(t, bounce, "Come back later", "a temporary failure is no reason to return anything")
}

func (m *mta) relaysUTF8(t *testing.T, c *catcher) {
	if !m.has.Has(smtp.SMTPUTF8) {
		t.Skip("it can't do SMTPUTF8")
	}
	l := newLetter(0)
	env := envelope("người@client.example", "thư@smtp.test")
	env.Options.UTF8 = true
	results, err := m.dial(t, smtp.ClientOptions{}).Send(t.Context(), env, l.reader())
	require.NoError(t, err)
	require.True(t, results[0].Reply.OK(), results[0].Detail)
	got := m.relayed(t, c, l)
	require.Equal(t, "người@client.example", got.From)
	require.Equal(t, []string{"thư@smtp.test"}, addresses(got.Recipients))
	require.True(t, got.Options.UTF8)
	require.Equal(t, "UTF8SMTP", got.protocol)
}

// RFC 3461 section 5.2.1: a relay hands the parameters on.
func (m *mta) relaysDSN(t *testing.T, c *catcher) {
	l := newLetter(0)
	env := envelope(sender, "one@smtp.test")
	env.Options.EnvelopeID, env.Options.Return = l.id, mail.ReturnHeaders
	env.Recipients[0].Options = mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyFailure, OriginalRecipient: "rfc822;old+name@example.test"}
	_, err := m.dial(t, smtp.ClientOptions{}).Send(t.Context(), env, l.reader())
	require.NoError(t, err)
	got := m.relayed(t, c, l)
	t.Logf("%+v", got.Envelope)
	require.Equal(t, mail.ReturnHeaders, got.Options.Return)
	require.Equal(t, mail.NotifySuccess|mail.NotifyFailure, got.Recipients[0].Options.Notify)
	require.Equal(t, l.id, strings.NewReplacer("+2B", "+", "+3D", "=").Replace(got.Options.EnvelopeID))
	require.Equal(t, "rfc822;old+name@example.test", strings.Replace(got.Recipients[0].Options.OriginalRecipient, "+2B", "+", 1))
}
