package queue

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// A message that is kept in memory is the one that stands in its file, whatever its envelope holds; what can't be kept isn't.
func TestFreshIsWhatTheFileSays(t *testing.T) {
	auth, priority := "a@example.org", -3
	for name, tt := range map[string]struct {
		change func(m *Message)
		kept   bool
	}{
		"plain": {func(*Message) {}, true},
		"options": {func(m *Message) {
			m.Options = mail.MailOptions{
				Size: 5000, Body: mail.Body8BitMIME, UTF8: true, RequireTLS: true, Plaintext: true, Return: mail.ReturnFull, EnvelopeID: "a b", Auth: &auth,
				Priority: &priority, Origin: mail.OriginVerified,
			}
			m.Recipients[0].Options = mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyDelay, OriginalRecipient: "rfc822;x@example.net"}
		}, true},
		"a recipient in another state": {func(m *Message) { m.Recipients[1].State, m.Recipients[1].Owed = 0, true }, true},
		"deliver by":                   {func(m *Message) { m.Options.DeliverBy = &mail.DeliverBy{Time: time.Hour} }, false},
		"parameters":                   {func(m *Message) { m.Options.Extra = []mail.Parameter{{Name: "X"}} }, false},
		"a recipient's parameters":     {func(m *Message) { m.Recipients[2].Options.Extra = []mail.Parameter{{Name: "X"}} }, false},
		"valid since":                  {func(m *Message) { m.Recipients[2].Options.ValidSince = time.Now() }, false},
		"many recipients": {func(m *Message) {
			for range 10 {
				m.Recipients = append(m.Recipients, m.Recipients[0])
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Spool{Dir: t.TempDir()}
			defer s.Close()
			d, err := s.Create(t.Context())
			require.NoError(t, err)
			m := testMessage()
			tt.change(m)
			content := "Subject: x\r\n\r\nhello\r\n"
			require.NoError(t, d.Write(t.Context(), m, strings.NewReader(content)))
			require.NoError(t, d.Commit(t.Context(), Placement{}))
			require.Equal(t, tt.kept, s.fresh[d.ID()] != nil)
			l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 1})
			require.NoError(t, err)
			require.Len(t, l, 1)
			q, err := s.readFile(Active, d.ID())
			require.NoError(t, err)
			require.Equal(t, q.msg, l[0].Message)
			require.Equal(t, q, s.held[d.ID()].file)
			require.Equal(t, tt.kept, s.held[d.ID()].content != nil)
			c, err := s.Content(t.Context(), l[0])
			require.NoError(t, err)
			require.EqualValues(t, len(content), c.Size())
			for range 2 { // and again from the beginning
				b, err := io.ReadAll(c)
				require.NoError(t, err)
				require.Equal(t, content, string(b))
				_, err = c.(io.Seeker).Seek(0, io.SeekStart)
				require.NoError(t, err)
			}
			require.NoError(t, c.Close())
			require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
			require.Zero(t, s.freshSize)
			require.Empty(t, s.fresh)
		})
	}
}

// What is kept is bounded, and gone when an operator has laid hands on the message.
func TestFreshIsBounded(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Fresh: 3000}
	defer s.Close()
	put := func(size int) string {
		d, err := s.Create(context.Background())
		require.NoError(t, err)
		require.NoError(t, d.Write(context.Background(), testMessage(), strings.NewReader(strings.Repeat("x", size))))
		require.NoError(t, d.Commit(context.Background(), Placement{}))
		return d.ID()
	}
	id := put(1000)
	put(1000)
	put(1001)
	put(freshLimit + 1)
	require.Len(t, s.fresh, 2)
	require.Equal(t, 2000, s.freshSize)
	_, err := s.Order(t.Context(), Filter{IDs: []string{id}}, Order{Expire: true})
	require.NoError(t, err)
	require.Equal(t, 1000, s.freshSize)
	seen := 0
	for seen < 4 {
		l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 10})
		require.NoError(t, err)
		for _, l := range l {
			seen++
			require.Equal(t, l.ID == id, l.Message.Order.Expire)
			require.NoError(t, s.Finish(t.Context(), l, Finish{Done: true}))
		}
	}
	require.Zero(t, s.freshSize)
}
