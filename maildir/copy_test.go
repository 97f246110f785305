package maildir_test

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// restless is a file system on which somebody gives a file another name whenever it is about to be linked, so many times.
type restless struct {
	maildir.FS
	times int
}

func (r *restless) Link(from, to string) error {
	if strings.Contains(from, "/cur/") && r.times > 0 {
		r.times--
		base, flags, _ := strings.Cut(path.Base(from), ":2,")
		other := base + ":2,S"
		if flags == "S" {
			other = base + ":2,FS"
		}
		if err := r.Rename(from, path.Dir(from)+"/"+other); err != nil {
			return err
		}
	}
	return r.FS.Link(from, to)
}

// A copy doesn't hold the mailbox that it reads from, where others change flags, which are in the files' names, all the while. It
// goes on looking, and takes no message for gone because it has moved.
func TestCopyWhileNamesChange(t *testing.T) {
	for times := range 7 {
		r := newRig(t)
		r.s.FS = &restless{r.fs, 0}
		a, err := r.s.Account(t.Context(), "u")
		require.NoError(t, err)
		defer a.Close()
		to, err := a.Create(t.Context(), "Other", nil)
		require.NoError(t, err)
		inbox := r.open("INBOX")
		app, err := inbox.Append(t.Context())
		require.NoError(t, err)
		require.NoError(t, app.Add(t.Context(), strings.NewReader("Subject: x\r\n\r\n"), &mail.AppendOptions{Flags: mail.Flags{System: mail.Flagged}}))
		_, err = app.Commit(t.Context())
		require.NoError(t, err)
		r.s.FS.(*restless).times = times
		copied, err := inbox.Copy(t.Context(), mail.AllUIDs(), to.ID, nil)
		require.NoError(t, err, times)
		require.Len(t, copied.To, 1)
		require.Zero(t, r.s.FS.(*restless).times)
	}
}
