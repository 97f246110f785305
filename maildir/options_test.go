package maildir_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
	"github.com/stretchr/testify/require"
)

func addToken(t *testing.T, m mail.Mailbox, token string) mail.UID {
	t.Helper()
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Add(t.Context(), strings.NewReader("x\r\n"), &mail.AppendOptions{Token: token}))
	got, err := a.Commit(t.Context())
	require.NoError(t, err)
	return got.UIDs[0]
}

// A token holds for a day, through restarts, and not for ever.
func TestTokenLife(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	require.Equal(t, mail.UID(1), addToken(t, m, "a"))
	r.tick(24 * time.Hour)
	require.Equal(t, mail.UID(1), addToken(t, m, "a"))
	r.restart()
	m = r.open("INBOX")
	require.Equal(t, mail.UID(1), addToken(t, m, "a"))
	require.Equal(t, mail.UID(2), addToken(t, m, "b"))
	_, err := m.Expunge(t.Context(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	require.Equal(t, mail.UID(1), addToken(t, m, "a")) // it was there, and somebody has read and removed it
	r.tick(26 * time.Hour)
	require.Equal(t, mail.UID(3), addToken(t, m, "a"))
	require.Empty(t, r.files("tmp"))
}

// With Store.LF files have LF, S= their length and W= that with CRLF.
func TestLF(t *testing.T) {
	r := newRig(t)
	r.s.LF = true
	m := r.open("INBOX")
	addTo(t, m, "a: b\r\n\r\nx\r\n")
	name := r.files("new")[0]
	require.Contains(t, name, ",S=8,W=11")
	require.Equal(t, "a: b\n\nx\n", r.read("new/"+name))
	require.Equal(t, []string{`1 : "a: b\r\n\r\nx\r\n"`}, r.show(m))
}

// Without Store.LF a file is the message, octet for octet.
func TestCRLFAsItCame(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	addTo(t, m, "a: b\r\n\r\nx\r\n")
	name := r.files("new")[0]
	require.Contains(t, name, ",S=11,W=11")
	require.Equal(t, "a: b\r\n\r\nx\r\n", r.read("new/"+name))
}

// Where hard links can't be had, copies are copies.
func TestCopyWithoutLinks(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	when := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Add(t.Context(), strings.NewReader("x\r\n"), &mail.AppendOptions{InternalDate: when}))
	_, err = a.Commit(t.Context())
	require.NoError(t, err)
	r.fs.Fail = func(op, _ string) error {
		if op == "link" {
			return errors.New("operation not supported")
		}
		return nil
	}
	got, err := m.Copy(t.Context(), mail.AllUIDs(), m.Info().ID, nil)
	require.NoError(t, err)
	require.Equal(t, []mail.UID{2}, got.To)
	require.Equal(t, []string{`1 : "x\r\n"`, `2 : "x\r\n"`}, r.show(m))
	r.remove("buuta.index.log") // dates then come from the files
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldDate) {
		require.NoError(t, err)
		require.True(t, msg.InternalDate.Equal(when), msg.InternalDate)
	}
}

// Flags go into cur, what is new stays in new until somebody was told of it, as Maildir wants.
func TestNewAndCur(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	addTo(t, m, "1\r\n")
	addTo(t, m, "2\r\n")
	require.Len(t, r.files("new"), 2)
	_, err := m.SetFlags(t.Context(), mail.UIDSetOf(1), mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
	require.NoError(t, err)
	require.Len(t, r.files("new"), 1)
	require.True(t, strings.HasSuffix(r.files("cur")[0], ":2,S"))
	require.Equal(t, uint32(2), r.state(m).Recent)
	high := r.state(m).HighestModSeq
	got, err := m.(mail.RecentTaker).TakeRecent(t.Context())
	require.NoError(t, err)
	require.Equal(t, "1:2", got.String())
	require.Empty(t, r.files("new"))
	require.True(t, strings.HasSuffix(r.files("cur")[1], ":2,"))
	require.Equal(t, high, r.state(m).HighestModSeq)
	r.restart()
	require.Equal(t, uint32(0), r.state(r.open("INBOX")).Recent)
}

// Special-use names, and one given at Create that goes before them (RFC 6154).
func TestUseByName(t *testing.T) {
	r := newRig(t)
	a, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	for _, name := range []string{"Sent", "Drafts", "Junk", "Trash", "Archive", "x/Sent"} {
		_, err := a.Create(t.Context(), name, nil)
		require.NoError(t, err)
	}
	uses := func() map[string]mail.SpecialUse {
		out := map[string]mail.SpecialUse{}
		for info, err := range a.Mailboxes(t.Context()) {
			require.NoError(t, err)
			for _, u := range info.Use {
				out[info.Name] = u
			}
			if !info.NoSelect {
				m, err := a.Open(t.Context(), info.Name)
				require.NoError(t, err)
				require.Equal(t, info, m.Info())
				m.Close()
			}
		}
		return out
	}
	require.Equal(t, map[string]mail.SpecialUse{"Sent": mail.UseSent, "Drafts": mail.UseDrafts, "Junk": mail.UseJunk, "Trash": mail.UseTrash, "Archive": mail.UseArchive}, uses())
	_, err = a.Create(t.Context(), "Gesendet", &mail.CreateOptions{Use: []mail.SpecialUse{mail.UseSent}})
	require.NoError(t, err)
	require.Equal(t, mail.UseSent, uses()["Gesendet"])
	require.Empty(t, uses()["Sent"])
	_, err = a.Create(t.Context(), "everything", &mail.CreateOptions{Use: []mail.SpecialUse{mail.UseAll}})
	require.ErrorIs(t, err, mail.ErrBadName)
}

// What is found damaged is said in the log, and nothing else is.
func TestLogger(t *testing.T) {
	r, _, _ := filled(t)
	var out bytes.Buffer
	r.s.Logger = slog.New(slog.NewTextHandler(&out, nil))
	r.state(r.open("INBOX"))
	require.Empty(t, out.String())
	raw := r.read("buuta.index.log")
	r.write("buuta.index.log", raw[:len(raw)-3])
	r.state(r.open("INBOX"))
	require.Contains(t, out.String(), "index ends torn")
}

// Previews are in the charset that the message says, where the site makes it known: of messages that we store, and of those that others
// have left there.
func TestIndexCharset(t *testing.T) {
	const letter = "Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4\r\n"
	for want, set := range map[string]mime.CharsetReader{"Привет": charset.NewReader, "ðÒÉ×ÅÔ": nil} {
		r := newRig(t)
		r.s.CharsetReader = set
		r.write("new/1.x.h", letter)
		m := r.open("INBOX")
		addTo(t, m, letter)
		n := 0
		for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
			require.NoError(t, err)
			x, err := mime.DecodeIndex(msg.Index)
			require.NoError(t, err)
			require.Equal(t, want, x.Preview, "UID %d", msg.UID)
			n++
		}
		require.Equal(t, 2, n)
	}
}
