package interop_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// dial connects to the mail server. opts may lack everything that all dialogues have.
func (m *mta) dial(t *testing.T, opts smtp.ClientOptions) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(t.Context(), m.addr, m.options(opts))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func (m *mta) options(opts smtp.ClientOptions) *smtp.ClientOptions {
	if opts.TLS == smtp.TLSAuto && !m.has.Has(smtp.StartTLS) {
		opts.TLS = smtp.TLSNone
	}
	opts.LocalName, opts.ServerName, opts.TLSConfig = "client.example", "localhost", m.id.client
	return &opts
}

func envelope(from string, to ...string) *mail.Envelope {
	e := &mail.Envelope{From: from, Options: mail.MailOptions{Body: mail.Body8BitMIME}}
	for _, a := range to {
		e.Recipients = append(e.Recipients, mail.Recipient{Address: a})
	}
	return e
}

const sender = "sender@client.example"

// send sends one letter to one recipient who must be accepted.
func send(t *testing.T, c *smtp.Client, l letter, to string) {
	t.Helper()
	results, err := c.Send(t.Context(), envelope(sender, to), l.reader())
	require.NoError(t, err)
	require.Len(t, results, 1)
	require.True(t, results[0].Reply.OK(), results[0].Detail)
}

// landed asserts that a letter is in a mailbox as it was sent.
func (m *mta) landed(t *testing.T, user string, l letter) {
	t.Helper()
	_, text := m.delivered(t, user, l)
	same(t, l.unix(), text)
}

// same is require.Equal for texts that are too long to be shown.
func same(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	n := 0
	for n < min(len(want), len(got)) && want[n] == got[n] {
		n++
	}
	show := func(s string) string { return s[max(0, n-40):min(len(s), n+80)] }
	t.Fatalf("%d octets were sent and %d came; they differ at %d: %q, %q", len(want), len(got), n, show(want), show(got))
}

// takes runs our client against the mail server.
func (m *mta) takes(t *testing.T) {
	t.Run("capabilities", m.takesCapabilities)
	t.Run("ways", m.takesWays)
	t.Run("refused recipients", m.takesRefused)
	t.Run("many recipients", m.takesMany)
	t.Run("too large", m.takesLarge)
	t.Run("SMTPUTF8", m.takesUTF8)
	t.Run("DSN", m.takesDSN)
	t.Run("transport", m.takesTransport)
	t.Run("in one call", m.takesSend)
	t.Run("abort", m.takesAbort)
}

func (m *mta) takesCapabilities(t *testing.T) {
	c := m.dial(t, smtp.ClientOptions{TLS: smtp.TLSNone})
	for keyword := range c.Capabilities().All() {
		t.Log(keyword)
	}
	require.Truef(t, c.Capabilities().Has(m.has), "it offers less than %s", m.has)
	require.EqualValues(t, sizeLimit, c.Capabilities().MaxSize())
	require.Equal(t, 220, c.Greeting().Code)
	require.NoError(t, c.Quit(t.Context()))
}

// Every way to hand over a message ends with the same octets in the mailbox.
func (m *mta) takesWays(t *testing.T) {
	for name, opts := range map[string]smtp.ClientOptions{
		"command by command":    {TLS: smtp.TLSNone, NoPipelining: true, NoChunking: true},
		"pipelined DATA":        {TLS: smtp.TLSNone, NoChunking: true},
		"BDAT":                  {TLS: smtp.TLSNone},
		"BDAT, small chunks":    {TLS: smtp.TLSNone, Limits: smtp.ClientLimits{ChunkSize: 1000}},
		"BDAT, not pipelined":   {TLS: smtp.TLSNone, NoPipelining: true},
		"STARTTLS":              {TLS: smtp.TLSStartTLS},
		"STARTTLS, DATA":        {TLS: smtp.TLSStartTLS, NoChunking: true},
		"STARTTLS, slow and 7.": {TLS: smtp.TLSStartTLS, NoChunking: true, NoPipelining: true},
	} {
		if opts.TLS == smtp.TLSStartTLS && !m.has.Has(smtp.StartTLS) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := m.dial(t, opts)
			require.Equal(t, opts.TLS == smtp.TLSStartTLS, c.TLS() != nil)
			var sent []letter
			for _, size := range []int{0, 100 << 10, 0} {
				l := newLetter(size)
				send(t, c, l, "reader@example.test")
				sent = append(sent, l)
			}
			require.NoError(t, c.Quit(t.Context()))
			for _, l := range sent {
				m.landed(t, "reader", l)
			}
		})
	}
	for name, opts := range map[string]smtp.ClientOptions{"5 MiB": {}, "5 MiB by DATA": {TLS: smtp.TLSNone, NoChunking: true}} {
		t.Run(name, func(t *testing.T) {
			c := m.dial(t, opts)
			l := newLetter(5 << 20)
			send(t, c, l, "reader@example.test")
			m.landed(t, "reader", l)
		})
	}
	if m.auth {
		t.Run("AUTH", m.takesAuth)
	}
}

func (m *mta) takesAuth(t *testing.T) {
	c := m.dial(t, smtp.ClientOptions{Auth: &mail.Credentials{Username: "reader", Password: "secret"}})
	l := newLetter(0)
	send(t, c, l, "reader@example.test")
	trace, _ := m.delivered(t, "reader", l)
	t.Log(trace)
	_, err := smtp.Dial(t.Context(), m.addr, m.options(smtp.ClientOptions{Auth: &mail.Credentials{Username: "reader", Password: "wrong"}}))
	var reply *smtp.Reply
	require.ErrorAs(t, err, &reply)
	require.Equal(t, 535, reply.Code, err)
}

// Who is accepted gets the message, who isn't gets the server's words; one at a time and pipelined, by DATA and BDAT.
func (m *mta) takesRefused(t *testing.T) {
	for name, opts := range map[string]smtp.ClientOptions{
		"pipelined": {TLS: smtp.TLSNone}, "plain": {TLS: smtp.TLSNone, NoPipelining: true}, "DATA": {TLS: smtp.TLSNone, NoChunking: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := m.dial(t, opts)
			l := newLetter(0)
			results, err := c.Send(t.Context(), envelope(sender, "nobody@example.test", "reader@example.test", "noone@example.test", "other@example.test"), l.reader())
			require.NoError(t, err)
			require.Len(t, results, 4)
			for i, ok := range []bool{false, true, false, true} {
				require.Equal(t, ok, results[i].Reply.OK(), results[i].Detail)
			}
			require.True(t, results[0].Reply.Permanent())
			require.Contains(t, results[0].Detail, "(in reply to RCPT TO command)")
			m.landed(t, "reader", l)
			m.landed(t, "other", l)

			// Nobody is accepted, and the connection goes on.
			results, err = c.Send(t.Context(), envelope(sender, "nobody@example.test", "noone@example.test"), newLetter(0).reader())
			require.NoError(t, err)
			require.Len(t, results, 2)
			require.True(t, results[0].Reply.Permanent())
			require.True(t, results[1].Reply.Permanent())
			l = newLetter(0)
			send(t, c, l, "reader@example.test")
			m.landed(t, "reader", l)
			require.NoError(t, c.Quit(t.Context()))
		})
	}
}

// More recipients than are pipelined at a time.
func (m *mta) takesMany(t *testing.T) {
	c := m.dial(t, smtp.ClientOptions{TLS: smtp.TLSNone})
	l := newLetter(0)
	var to []string
	for i := range 250 {
		to = append(to, []string{"reader@example.test", "other@example.test"}[i%2])
		if i%60 == 59 {
			to[i] = "nobody@example.test"
		}
	}
	results, err := c.Send(t.Context(), envelope(sender, to...), l.reader())
	require.NoError(t, err)
	require.Len(t, results, len(to))
	for i, r := range results {
		require.Equal(t, i%60 != 59, r.Reply.OK(), "%d %s", i, r.Detail)
		require.Equal(t, to[i], r.Recipient)
	}
	m.landed(t, "reader", l)
	m.landed(t, "other", l)
}

// unsized hides how long a message is.
type unsized struct{ io.Reader }

func (m *mta) takesLarge(t *testing.T) {
	for name, opts := range map[string]smtp.ClientOptions{"BDAT": {TLS: smtp.TLSNone}, "DATA": {TLS: smtp.TLSNone, NoChunking: true}} {
		t.Run(name, func(t *testing.T) {
			// Declared: refused before it is sent.
			c := m.dial(t, opts)
			huge := newLetter(sizeLimit + 1<<20)
			_, err := c.Send(t.Context(), envelope(sender, "reader@example.test"), huge.reader())
			require.Equal(t, 552, reply(t, err).Code, err)
			l := newLetter(0)
			send(t, c, l, "reader@example.test")
			m.landed(t, "reader", l)

			// Not declared: refused when the server has seen enough of it. Some cut the connection then.
			results, err := c.Send(t.Context(), envelope(sender, "reader@example.test"), unsized{huge.reader()})
			if err == nil {
				err = results[0].Reply
			}
			require.Contains(t, []int{552, 554, 421}, reply(t, err).Code, err)
			t.Log(err)
			c = m.dial(t, opts)
			l = newLetter(0)
			send(t, c, l, "reader@example.test")
			m.landed(t, "reader", l)
		})
	}
}

func reply(t *testing.T, err error) *smtp.Reply {
	t.Helper()
	r, ok := errors.AsType[*smtp.Reply](err)
	require.Truef(t, ok, "%v", err)
	return r
}

// RFC 6531 section 3.2: an address that needs SMTPUTF8 doesn't go to a server that hasn't got it.
func (m *mta) takesUTF8(t *testing.T) {
	c := m.dial(t, smtp.ClientOptions{TLS: smtp.TLSNone})
	l := newLetter(0)
	env := envelope(sender, "reader@example.test", "thư@example.test")
	env.Options.UTF8 = m.has.Has(smtp.SMTPUTF8)
	results, err := c.Send(t.Context(), env, l.reader())
	require.NoError(t, err)
	require.True(t, results[0].Reply.OK(), results[0].Detail)
	m.landed(t, "reader", l)
	if env.Options.UTF8 {
		require.True(t, results[1].Reply.OK(), results[1].Detail)
		m.landed(t, "thư", l)
		return
	}
	require.Equal(t, smtp.EnhancedCode{5, 6, 7}, results[1].Reply.Enhanced, results[1].Reply)
	require.Contains(t, results[1].Reply.Error(), "thư@example.test")
}

// RFC 3461: the server tells the sender, with the parameters as we wrote them.
func (m *mta) takesDSN(t *testing.T) {
	c := m.dial(t, smtp.ClientOptions{TLS: smtp.TLSNone})
	require.True(t, c.Capabilities().Has(smtp.DSN))
	l := newLetter(0)
	env := envelope("other@example.test", "reader@example.test")
	env.Options.EnvelopeID, env.Options.Return = l.id+"+=", mail.ReturnHeaders
	env.Recipients[0].Options = mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyFailure, OriginalRecipient: "rfc822;old+name@example.test"}
	results, err := c.Send(t.Context(), env, l.reader())
	require.NoError(t, err)
	require.True(t, results[0].Reply.OK(), results[0].Detail)
	require.True(t, results[0].Notifies, "a server with DSN takes over the notifications")
	m.landed(t, "reader", l)
	report := strings.ToLower(m.find(t, "other", l.id))
	if !strings.Contains(report, "report-type=delivery-status") {
		return // OpenSMTPD writes a letter, not a report
	}
	report = strings.NewReplacer("+2b", "+", "+3d", "=").Replace(report) // Exim leaves the decoding to the reader
	require.Contains(t, report, "original-envelope-id: "+l.id+"+=")
	require.Contains(t, report, "original-recipient: rfc822;old+name@example.test")
}

// Many at once, over connections that are used again.
func (m *mta) takesTransport(t *testing.T) {
	tr := &smtp.Transport{Options: *m.options(smtp.ClientOptions{}), MaxConns: 3}
	defer tr.Close()
	sent := make([]letter, 12)
	for i := range sent {
		sent[i] = newLetter(i * 3000)
	}
	var wg sync.WaitGroup
	for _, l := range sent {
		wg.Go(func() {
			results, err := tr.Send(t.Context(), m.addr, envelope(sender, "reader@example.test"), l.reader())
			if err != nil || !results[0].Reply.OK() {
				t.Errorf("%v %v", results, err)
			}
		})
	}
	wg.Wait()
	for _, l := range sent {
		m.landed(t, "reader", l)
	}
}

func (m *mta) takesSend(t *testing.T) {
	l := newLetter(0)
	err := smtp.Send(t.Context(), m.addr, m.options(smtp.ClientOptions{}), sender, []string{"reader@example.test", "other@example.test"}, l.reader())
	require.NoError(t, err)
	m.landed(t, "reader", l)
	m.landed(t, "other", l)
	err = smtp.Send(t.Context(), m.addr, m.options(smtp.ClientOptions{}), sender, []string{"reader@example.test", "nobody@example.test"}, newLetter(0).reader())
	failed, ok := errors.AsType[*smtp.SendError](err)
	require.True(t, ok, "%v", err)
	require.True(t, failed.Results[0].Reply.OK())
	require.True(t, failed.Results[1].Reply.Permanent())
}

// A message that breaks off is nobody's.
func (m *mta) takesAbort(t *testing.T) {
	for name, opts := range map[string]smtp.ClientOptions{"BDAT": {TLS: smtp.TLSNone, Limits: smtp.ClientLimits{ChunkSize: 1 << 10}}, "DATA": {TLS: smtp.TLSNone, NoChunking: true}} {
		t.Run(name, func(t *testing.T) {
			c := m.dial(t, opts)
			lost := newLetter(100 << 10)
			gone := errors.New("the disk is gone")
			_, err := c.Send(t.Context(), envelope(sender, "reader@example.test"), io.MultiReader(strings.NewReader(lost.text[:50<<10]), failing{gone}))
			require.ErrorIs(t, err, gone)

			tx, err := m.dial(t, opts).Begin(t.Context(), sender, &mail.MailOptions{})
			require.NoError(t, err)
			require.NoError(t, tx.Recipient(t.Context(), "reader@example.test", &mail.RcptOptions{}))
			require.NoError(t, tx.Abort())

			kept := newLetter(0)
			send(t, m.dial(t, opts), kept, "reader@example.test")
			m.landed(t, "reader", kept)
			require.Empty(t, m.search("reader", lost.id))
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
