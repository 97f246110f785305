package maildir_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

func note(name, value string) mail.Annotation {
	return mail.Annotation{Name: name, Value: []byte(value)}
}

func annotations(t *testing.T, a mail.Account, mailbox string) []string {
	t.Helper()
	all, err := a.(mail.MetadataAccount).Metadata(t.Context(), mailbox, nil)
	require.NoError(t, err)
	var out []string
	for _, n := range all {
		out = append(out, n.Name+"="+string(n.Value))
	}
	return out
}

// Limits count per mailbox and over all, and let whoever is beyond them remove.
func TestMetadataLimits(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true, Limits: maildir.Limits{Metadata: 3, MetadataValue: 10, MetadataSize: 500}}
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	_, err = a.Create(t.Context(), "box", nil)
	require.NoError(t, err)
	set := func(mailbox string, notes ...mail.Annotation) error {
		return a.(mail.MetadataAccount).SetMetadata(t.Context(), mailbox, notes)
	}
	require.NoError(t, set("", note("/private/a", "0123456789"), note("/private/b", ""), note("/shared/a", "")))
	require.ErrorIs(t, set("", note("/private/a", "0123456789x")), mail.ErrTooLarge)
	require.ErrorIs(t, set("", note("/private/c", "")), mail.ErrLimit)
	require.NoError(t, set("", note("/private/c", ""), mail.Annotation{Name: "/private/b"}))
	require.NoError(t, set("INBOX", note("/private/c", "")))
	require.ErrorIs(t, set("box", note("/private/"+strings.Repeat("x", 500), "")), mail.ErrLimit)
	require.Equal(t, []string{"/private/a=0123456789", "/private/c=", "/shared/a="}, annotations(t, a, ""))

	// What Dovecot hides, we hide too: "vendor/vendor.dovecot/pvt".
	require.ErrorIs(t, set("INBOX", note("/private/vendor/vendor.dovecot/pvt/server/a", "x")), mail.ErrBadName)
	require.Equal(t, []string{"/private/c="}, annotations(t, a, "INBOX"))

	// Under a limit that is lower now.
	s2 := &maildir.Store{Path: dir + "/%u", NoSync: true, Limits: maildir.Limits{Metadata: 1}}
	a2, err := s2.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a2.Close()
	m := a2.(mail.MetadataAccount)
	require.ErrorIs(t, m.SetMetadata(t.Context(), "", []mail.Annotation{note("/private/a", "0123456789!")}), mail.ErrLimit)
	require.NoError(t, m.SetMetadata(t.Context(), "", []mail.Annotation{{Name: "/private/a"}}))
}

// What was set is there after a power cut at any moment, or the state before; deleting a mailbox leaves nothing of it.
func TestMetadataCrash(t *testing.T) {
	for n := 1; ; n++ {
		fs := vfs.NewCrash()
		fs.CrashAt(n)
		var done []string
		err := func() error {
			a, err := storeOn(fs).Account(t.Context(), "u")
			if err != nil {
				return err
			}
			defer a.Close()
			for i := range 3 {
				text := fmt.Sprint(i)
				if err := a.(mail.MetadataAccount).SetMetadata(t.Context(), "INBOX", []mail.Annotation{note("/private/a", text), note("/shared/b", text)}); err != nil {
					return err
				}
				done = []string{"/private/a=" + text, "/shared/b=" + text}
			}
			return nil
		}()
		disk := fs.Recover(rand.New(rand.NewPCG(1, uint64(n))))
		s := storeOn(disk)
		s.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } // locks without a living owner are stale then
		a, aerr := s.Account(t.Context(), "u")
		require.NoError(t, aerr)
		got := annotations(t, a, "INBOX")
		a.Close()
		if err == nil {
			require.Equal(t, done, got)
			require.Greater(t, n, 20)
			return
		}
		if len(done) > 0 && fmt.Sprint(got) != fmt.Sprint(done) {
			next := string(done[0][len(done[0])-1] + 1)
			done = []string{"/private/a=" + next, "/shared/b=" + next} // the one that was under way
		}
		if len(done) > 0 || len(got) > 0 && got[0] != "/private/a=0" {
			require.Equal(t, done, got, "crash at %d", n)
		}
	}
}

func TestMetadataOfDeleted(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true}
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	for _, name := range []string{"one", "two"} {
		_, err = a.Create(t.Context(), name, nil)
		require.NoError(t, err)
		require.NoError(t, a.(mail.MetadataAccount).SetMetadata(t.Context(), name, []mail.Annotation{note("/private/comment", "of "+name)}))
	}
	require.NoError(t, a.Delete(t.Context(), "one"))
	raw, err := os.ReadFile(dir + "/u/dovecot-attributes")
	require.NoError(t, err)
	require.NotContains(t, string(raw), "of one")
	require.Contains(t, string(raw), "of two")
}
