//go:build unix

package maildir_test

import (
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// TestDovecotMetadata has Dovecot and us annotate in one file.
func TestDovecotMetadata(t *testing.T) {
	d := newDovecot(t)
	d.configure("mail_attribute_dict = file:" + d.mail + "/dovecot-attributes")
	theirs := func(mailbox, name string) string {
		return strings.TrimSuffix(d.run("", "mailbox", "metadata", "get", mailbox, name), "\n")
	}
	d.run("", "mailbox", "create", "Lists/go")
	d.run("", "mailbox", "metadata", "set", "Lists/go", "/private/comment", "tab\tand\nline \\ 1")
	d.run("", "mailbox", "metadata", "set", "Lists/go", "/shared/Vendor/X/y", "for all")

	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Poll: -1}
	a, err := s.Account(t.Context(), "alice")
	require.NoError(t, err)
	defer a.Close()
	require.Equal(t, []string{"/private/comment=tab\tand\nline \\ 1", "/shared/vendor/x/y=for all"}, annotations(t, a, "Lists/go"))
	set := func(mailbox string, notes ...mail.Annotation) {
		require.NoError(t, a.(mail.MetadataAccount).SetMetadata(t.Context(), mailbox, notes))
	}
	set("Lists/go", note("/private/comment", "ours:\r\n\t\x01"), note("/private/more", ""), mail.Annotation{Name: "/shared/vendor/x/y"})
	set("INBOX", note("/shared/comment", "inbox"))
	require.Equal(t, "ours:\r\n\t\x01", theirs("Lists/go", "/private/comment"))
	require.Equal(t, "inbox", theirs("INBOX", "/shared/comment"))
	list := d.run("", "mailbox", "metadata", "list", "Lists/go")
	require.Contains(t, list, "more")
	require.NotContains(t, list, "vendor/x/y")

	// They keep what we wrote when they write, and the other way round; a rename by either changes nothing.
	d.run("", "mailbox", "metadata", "unset", "Lists/go", "/private/more")
	require.NoError(t, a.Rename(t.Context(), "Lists/go", "Lists/rust"))
	require.Equal(t, []string{"/private/comment=ours:\r\n\t\x01"}, annotations(t, a, "Lists/rust"))
	d.run("", "mailbox", "rename", "Lists/rust", "Lists/c")
	require.Equal(t, []string{"/private/comment=ours:\r\n\t\x01"}, annotations(t, a, "Lists/c"))
	require.NoError(t, a.Delete(t.Context(), "Lists/c"))
	raw, err := os.ReadFile(d.mail + "/dovecot-attributes")
	require.NoError(t, err)
	require.NotContains(t, string(raw), "ours")
	require.Equal(t, "inbox", theirs("INBOX", "/shared/comment"))

	// The account's own are where Dovecot has those of its server.
	set("", note("/private/comment", "server"))
	in := openBox(t, a, "INBOX")
	raw, err = os.ReadFile(d.mail + "/dovecot-attributes")
	require.NoError(t, err)
	require.Contains(t, string(raw), "priv/"+string(in.Info().ID)+"/vendor/vendor.dovecot/pvt/server/comment\nserver\n")
}
