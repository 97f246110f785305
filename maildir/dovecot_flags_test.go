//go:build unix

package maildir_test

import (
	"fmt"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// TestDovecotFlagsAtOnce has both change flags of the same messages at the same time: both rename the same files, and neither may undo
// what the other did. What we set, Dovecot sees at its next look, and the other way round.
func TestDovecotFlagsAtOnce(t *testing.T) {
	d := newDovecot(t)
	if d.asNobody() {
		return
	}
	ctx := t.Context()
	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Poll: -1}
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	m, err := a.Open(ctx, "INBOX")
	require.NoError(t, err)
	defer m.Close()
	const messages = 60
	for i := range messages {
		addTo(t, m, fmt.Sprintf("Subject: %d\r\n\r\n", i))
	}
	for round := range 12 {
		op, verb, want := mail.FlagsAdd, "add", ` \Answered \Flagged \Seen ours theirs`
		if round%2 == 1 {
			op, verb, want = mail.FlagsRemove, "remove", ""
		}
		done := make(chan error, 1)
		go func() {
			for i := range messages {
				r, err := m.SetFlags(ctx, mail.UIDSetOf(mail.UID(i+1)), mail.FlagChange{Op: op, Flags: mail.NewFlags(`\Seen`, `\Answered`, "ours")})
				if err == nil && !r.Changed.Contains(mail.UID(i+1)) {
					err = fmt.Errorf("round %d: UID %d was not changed: %+v", round, i+1, r)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		d.run("", "flags", verb, `\Flagged theirs`, "mailbox", "INBOX", "all")
		require.NoError(t, <-done)
		var all []string
		for i := range messages {
			all = append(all, fmt.Sprint(i+1, want))
		}
		require.Equal(t, all, d.fetch("INBOX"))
		d.same("INBOX", m)
	}
}
