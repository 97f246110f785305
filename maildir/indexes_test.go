package maildir_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// subjects lists messages with their indexes, at most so many.
func subjects(t *testing.T, m mail.Mailbox, most int) (out []string) {
	t.Helper()
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
		require.NoError(t, err)
		subject := "gone"
		if msg.Index != nil {
			x, err := mime.DecodeIndex(msg.Index)
			require.NoError(t, err)
			subject = x.Root.Envelope.Subject.Value
		}
		out = append(out, fmt.Sprint(msg.UID, " ", subject))
		if len(out) == most {
			break
		}
	}
	return out
}

// Messages that other programs have delivered, small, large and with bare LFs, come in their order with the index of each, whatever part of
// them was asked for before; what was made is kept, and what has gone meanwhile has none.
func TestIndexesOfForeignMessages(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 600 {
		body := "x\n"
		if i%100 == 50 {
			body = letter(70 << 10)
		}
		r.write(fmt.Sprintf("new/%d.M1P1Q%d.h", 1761234567+i, i), fmt.Sprintf("Subject: number %d\n\n%s", i, body))
		want = append(want, fmt.Sprintf("%d number %d", i+1, i))
	}
	m := r.open("INBOX")
	for _, most := range []int{1, 5, 150, 300} {
		require.Equal(t, want[:most], subjects(t, m, most))
	}
	kept := len(r.read("buuta.index.cache"))
	require.Equal(t, want[:300], subjects(t, m, 300))
	require.Len(t, r.read("buuta.index.cache"), kept, "nothing is made twice")

	const gone = 590
	require.NoError(t, r.fs.Remove(fmt.Sprintf("%s/new/%d.M1P1Q%d.h", root, 1761234567+gone, gone)))
	want[gone] = fmt.Sprint(gone+1, " gone")
	require.Equal(t, want, subjects(t, m, 0))
	r.restart()
	m = r.open("INBOX")
	require.Equal(t, append(want[:gone:gone], want[gone+1:]...), subjects(t, m, 0))
}

// An error comes where the message would, behind those before it; who is no longer interested ends it.
func TestIndexesEnd(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.write(fmt.Sprintf("new/%d.M1P1Q%d.h", 1761234567+i, i), fmt.Sprintf("Subject: number %d\n\n%s", i, letter(70<<10)))
	}
	m := r.open("INBOX")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for msg, err := range m.Messages(ctx, mail.AllUIDs(), mail.FieldIndex) {
		if last = err; err != nil {
			break
		}
		n++
		require.EqualValues(t, n, msg.UID)
		require.NotNil(t, msg.Index)
		cancel()
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Less(t, n, 100)
	broken := fmt.Sprintf("%s/new/%d.M1P1Q%d.h", root, 1761234567+70, 70)
	require.NoError(t, r.fs.Remove(broken))
	require.NoError(t, r.fs.Mkdir(broken, os.ModePerm))
	n = 0
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
		if last = err; err != nil {
			break
		}
		n++
		require.EqualValues(t, n, msg.UID)
	}
	require.Error(t, last)
	require.Equal(t, 70, n)
}
