//go:build unix

package maildir_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// sharers is Dovecot and us with the accounts alice and binh.
type sharers struct {
	*dovecot
	alice, binh mail.Account
}

func newSharers(t *testing.T) *sharers {
	d := newDovecot(t, `mail_location = maildir:@dir@/mail/%u
mail_home = @dir@/home/%u
mail_plugins = acl
protocol imap {
  mail_plugins = acl imap_acl
}
plugin {
  acl = vfile
  acl_anyone = allow
  acl_shared_dict = file:@dir@/shares
}
namespace {
  type = shared
  separator = /
  prefix = Users/%%u/
  location = maildir:@dir@/mail/%%u
  subscriptions = no
  list = children
}`)
	s := &maildir.Store{Path: d.mail + "/%u", Poll: -1, Sharing: &maildir.Sharing{Dict: d.dir + "/shares"}}
	open := func(name string) mail.Account {
		a, err := s.Account(t.Context(), name)
		require.NoError(t, err)
		t.Cleanup(func() { a.Close() })
		return a
	}
	return &sharers{d, open("alice"), open("binh")}
}

// as has Dovecot's imap work for a user; a command that ends with NO is an error to the test unless it may.
func (s *sharers) as(user, commands string) string {
	s.t.Helper()
	s.user = user
	defer func() { s.user = "alice" }()
	var b strings.Builder
	for i, c := range strings.Split(commands, "\n") {
		fmt.Fprintf(&b, "%c %s\r\n", 'a'+i, c)
	}
	return s.imap(b.String())
}

// theirs is MYRIGHTS as Dovecot answers it, "" for NO.
func (s *sharers) theirs(user, mailbox string) string {
	s.t.Helper()
	out := s.as(user, `MYRIGHTS "`+mailbox+`"`)
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "* MYRIGHTS "); ok {
			f := strings.Fields(rest)
			r, ok := mail.ParseRights(strings.Trim(f[len(f)-1], `"`))
			require.True(s.t, ok, line)
			return r.String()
		}
	}
	require.Contains(s.t, out, "a NO ", out)
	return ""
}

func (s *sharers) ours(a mail.Account, mailbox string) string {
	r, err := a.(mail.SharingAccount).Rights(s.t.Context(), mailbox)
	if err != nil {
		require.ErrorIs(s.t, err, mail.ErrNoMailbox)
	}
	return r.String()
}

func (s *sharers) names(a mail.Account) (out []string) {
	for info, err := range a.Mailboxes(s.t.Context()) {
		require.NoError(s.t, err)
		if !info.NoSelect && !info.NonExistent {
			out = append(out, info.Name)
		}
	}
	slices.Sort(out)
	return out
}

func (s *sharers) listed(user string) (out []string) {
	for line := range strings.Lines(s.as(user, `LIST "" "*"`)) {
		if strings.HasPrefix(line, "* LIST (") && !strings.Contains(line, `\Noselect`) {
			f := strings.Fields(line)
			name := strings.Trim(f[len(f)-1], `"`)
			if name == "Users/alice" {
				name += "/INBOX" // it answers to both
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestDovecotRights has one write access control lists and both say who may do what by them.
func TestDovecotRights(t *testing.T) {
	s := newSharers(t)
	ctx := t.Context()
	for _, name := range []string{"box", "box/sub", "other"} {
		_, err := s.alice.Create(ctx, name, nil)
		require.NoError(t, err)
	}
	agree := func(what string) {
		t.Helper()
		for _, box := range []string{"INBOX", "box", "box/sub", "other"} {
			require.Equal(t, s.theirs("alice", box), s.ours(s.alice, box), "%s: alice in %s", what, box)
			require.Equal(t, s.theirs("binh", "Users/alice/"+box), s.ours(s.binh, "Users/alice/"+box), "%s: binh in %s", what, box)
		}
		require.Equal(t, s.listed("binh"), s.names(s.binh), what)
		require.Equal(t, s.listed("alice"), s.names(s.alice), what)
	}
	agree("nothing is shared")
	own := s.alice.(mail.SharingAccount)
	for _, c := range []struct {
		box, identifier string
		op              mail.RightsOp
		rights          string
	}{
		{"box", "binh", mail.RightsReplace, "lr"},
		{"box", "binh", mail.RightsAdd, "swi"},
		{"box", "-binh", mail.RightsReplace, "w"},
		{"box", "anyone", mail.RightsReplace, "lp"},
		{"box/sub", "anyone", mail.RightsReplace, "lrk"},
		{"box", "-binh", mail.RightsReplace, ""},
		{"box", "binh", mail.RightsRemove, "i"},
		{"other", "binh", mail.RightsReplace, "lrswipkxtea"},
		{"box", "owner", mail.RightsReplace, "lrswipkxa"},
		{"box", "owner", mail.RightsRemove, "x"},
		{"other", "binh", mail.RightsReplace, ""},
		{"box", "anyone", mail.RightsReplace, ""},
		{"INBOX", "anyone", mail.RightsReplace, "lr"},
	} {
		// The same by us and by Dovecot, from the same beginning.
		r, ok := mail.ParseRights(c.rights)
		require.True(t, ok)
		what := fmt.Sprintf("%s: %s %d%s", c.box, c.identifier, c.op, c.rights)
		file := s.mail + "/alice/." + strings.ReplaceAll(c.box, "/", ".") + "/dovecot-acl"
		if c.box == "INBOX" {
			file = s.mail + "/alice/dovecot-acl"
		}
		before, _ := os.ReadFile(file)
		out := s.as("alice", fmt.Sprintf(`SETACL %s %s "%s"`, c.box, c.identifier, []string{"", "+", "-"}[c.op]+c.rights))
		require.Contains(t, out, "a OK", what)
		agree("Dovecot set " + what)
		theirs := s.theirs("binh", "Users/alice/"+c.box) + "; " + s.theirs("alice", c.box)
		require.NoError(t, os.WriteFile(file, before, 0o600))
		require.NoError(t, own.SetACL(ctx, c.box, c.identifier, c.op, r), what)
		agree("we set " + what)
		require.Equal(t, theirs, s.ours(s.binh, "Users/alice/"+c.box)+"; "+s.ours(s.alice, c.box), what)
	}
}

// TestDovecotEnforces has each work under a list that the other wrote.
func TestDovecotEnforces(t *testing.T) {
	s := newSharers(t)
	ctx := t.Context()
	_, err := s.alice.Create(ctx, "box", nil)
	require.NoError(t, err)
	box := openBox(t, s.alice, "box")
	require.NoError(t, add(t, box, letter(100), letter(200)))

	// We let binh read, and Dovecot lets him do that and nothing else.
	own := s.alice.(mail.SharingAccount)
	require.NoError(t, own.SetACL(ctx, "box", "binh", mail.RightsReplace, mail.RightLookup|mail.RightRead))
	out := s.as("binh", "SELECT Users/alice/box\nFETCH 1:* (UID RFC822.SIZE)\nSTORE 1 +FLAGS (\\Flagged)\nCOPY 1 Users/alice/box\nCREATE Users/alice/box/sub\nGETACL Users/alice/box\nDELETE Users/alice/box")
	require.Contains(t, out, "* 2 EXISTS")
	require.Contains(t, out, "* 1 FETCH (UID 1 RFC822.SIZE 100)")
	for _, refused := range []string{"d NO", "e NO", "f NO", "g NO"} {
		require.Contains(t, out, refused)
	}
	require.Equal(t, []string{"1", "2"}, s.dovecot.ours(box))

	// Dovecot lets him write keywords and put messages there, and we let him do that and nothing else.
	require.Contains(t, s.as("alice", "SETACL box binh lrwi"), "a OK")
	m := openBox(t, s.binh, "Users/alice/box")
	require.NoError(t, add(t, m, letter(300)))
	_, err = m.SetFlags(ctx, mail.UIDSetOf(1), mail.FlagChange{Flags: mail.NewFlags(`\Flagged`, `\Deleted`, "urgent")})
	require.NoError(t, err)
	require.Equal(t, []string{`1 \Flagged urgent`, "2", "3"}, s.fetch("box"))
	_, err = m.SetFlags(ctx, mail.UIDSetOf(1), mail.FlagChange{Flags: mail.NewFlags(`\Deleted`)})
	require.ErrorIs(t, err, mail.ErrPermission)
	_, err = m.Expunge(ctx, mail.UIDSetOf(1), nil)
	require.ErrorIs(t, err, mail.ErrPermission)
	require.ErrorIs(t, s.binh.Delete(ctx, "Users/alice/box"), mail.ErrPermission)
	_, err = s.binh.Create(ctx, "Users/alice/box/sub", nil)
	require.ErrorIs(t, err, mail.ErrPermission)

	// And when Dovecot takes it back, the open mailbox is gone for him.
	require.Contains(t, s.as("alice", "DELETEACL box binh"), "a OK")
	_, err = m.State(ctx)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	require.Equal(t, []string{"INBOX"}, s.names(s.binh))
	require.Equal(t, []string{"INBOX"}, s.listed("binh"))
}
