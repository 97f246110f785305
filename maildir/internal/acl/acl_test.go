package acl

import (
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func parse(t require.TestingT, lines ...string) List {
	l, err := Parse([]byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	return l
}

func TestRights(t *testing.T) {
	binh := Who{User: "binh", Groups: []string{"a", "b"}}
	alice := Who{User: "alice", Owner: true}
	all := mail.AllRights.String()
	for _, c := range []struct {
		who   Who
		lines []string
		want  string
	}{
		{binh, nil, ""},
		{alice, nil, all},
		{binh, []string{"anyone lr"}, "lr"},
		{binh, []string{"anyone lr", "authenticated i"}, "i"}, // the most specific one counts, not the sum
		{binh, []string{"anyone lr", "group=a s", "group=b w", "group=c t"}, "sw"},
		{binh, []string{"group=a lrs", "user=binh l"}, "l"},
		{binh, []string{"group=a lrs", "user=binh "}, ""},
		{binh, []string{"user=binh lrs", "group-override=b "}, ""},
		{binh, []string{"user=binh lrs", "-user=binh s"}, "lr"},
		{binh, []string{"group=a lrsw", "-user=binh w"}, "lrs"},
		{binh, []string{"-anyone w", "user=binh lrw"}, "lr"},
		{binh, []string{"-anyone w", "user=binh lrw", "-user=binh r"}, "lw"},
		{binh, []string{"owner lr", "user=alice lr"}, ""},
		{alice, []string{"anyone lr", "group=x l"}, all},
		{alice, []string{"owner lra"}, "lra"},
		{alice, []string{"owner r"}, "lra"}, // ours: an owner can always get the rest back
		{alice, []string{"owner r", "user=alice lrs"}, "lrsa"},
		{alice, []string{"-owner x"}, strings.Replace(all, "x", "", 1)},
	} {
		require.Equal(t, c.want, parse(t, c.lines...).Rights(c.who).String(), "%q", c.lines)
	}
}

// Global entries go before local ones, of the owner too.
func TestGlobal(t *testing.T) {
	g, err := ParseGlobal([]byte("# all\n* user=boss lr\n\"Public/with space\" anyone lr\nTrash owner lrwstek\n*/Spam -user=binh r\n"))
	require.NoError(t, err)
	local := parse(t, "user=boss lrwstipekxa", "-user=binh w", "user=binh lrw")
	rights := func(mailbox string, w Who) string { return local.With(g.For(mailbox)).Rights(w).String() }
	require.Equal(t, "lr", rights("INBOX", Who{User: "boss"}))
	require.Equal(t, "lr", rights("a/INBOX", Who{User: "boss"}))
	require.Equal(t, "lr", rights("Public/with space", Who{User: "x"}))
	require.Equal(t, "", rights("Public/with", Who{User: "x"}))
	require.Equal(t, "lrswkte", rights("Trash", Who{User: "alice", Owner: true}))
	require.Equal(t, "lr", rights("a", Who{User: "binh"}))
	require.Equal(t, "lw", rights("a/Spam", Who{User: "binh"})) // the local negative right is void
	require.Equal(t, "user=binh lrw\n-user=binh w\nuser=boss lrwstipekxa\n", string(local.With(g.For("a/Spam")).Format()))
}

func TestMatch(t *testing.T) {
	for pattern, names := range map[string][2][]string{
		"*":   {{"", "a", "a/b"}, nil},
		"a*b": {{"ab", "axb", "a/b/b"}, {"a", "abc", "ba"}},
		"a?":  {{"ab"}, {"a", "abc"}},
		"**a": {{"a", "aa"}, {"", "ab"}},
		"":    {{""}, {"a"}},
	} {
		for _, n := range names[0] {
			require.True(t, match(pattern, n), "%q %q", pattern, n)
		}
		for _, n := range names[1] {
			require.False(t, match(pattern, n), "%q %q", pattern, n)
		}
	}
	require.False(t, match(strings.Repeat("*a", 500), strings.Repeat("a", 499)))
}

func TestParseErrors(t *testing.T) {
	for _, s := range []string{"somebody lr", "anyone lrz", "user=x lr extra", `"user=x lr`, `"user=x"lr`, "=x l", "user x l"} {
		_, err := Parse([]byte(s))
		require.Error(t, err, s)
	}
	l := parse(t, "", "# comment", `"user=with space" lr`, `"group=quo\"te\\" l :lookup custom, other`, "anonymous r", "user=x", "user=y \tl ")
	require.Equal(t, "anyone r\n\"group=quo\\\"te\\\\\" l :custom other\n\"user=with space\" lr\nuser=x \nuser=y l\n", string(l.Format()))
	require.Equal(t, []mail.ACLEntry{{Identifier: "anyone", Rights: mail.RightRead}, {Identifier: `$quo"te\`, Rights: mail.RightLookup},
		{Identifier: "with space", Rights: mail.RightLookup | mail.RightRead}, {Identifier: "y", Rights: mail.RightLookup}}, l.Entries())
}

func TestSet(t *testing.T) {
	var l List
	set := func(id string, op mail.RightsOp, letters string) error {
		r, _ := mail.ParseRights(letters)
		next, err := l.Set(id, op, r, 3)
		if err == nil {
			l = next
		}
		return err
	}
	require.NoError(t, set("binh", mail.RightsReplace, "lr"))
	require.NoError(t, set("-binh", mail.RightsAdd, "w"))
	require.NoError(t, set("$g", mail.RightsAdd, "w"))
	require.NoError(t, set("binh", mail.RightsRemove, "r"))
	require.NoError(t, set("anyone", mail.RightsAdd, "l"))
	require.ErrorIs(t, set("chi", mail.RightsAdd, "l"), mail.ErrLimit)
	require.NoError(t, set("anyone", mail.RightsRemove, "l"))
	require.Equal(t, "group=g w\nuser=binh l\n-user=binh w\n", string(l.Format()))
	require.NoError(t, set("binh", mail.RightsReplace, ""))
	require.Equal(t, "group=g w\n-user=binh w\n", string(l.Format()))
	for _, id := range []string{"", "-", "$", "!$", "-$", "a\nb", "a\x7f", "\xff", strings.Repeat("x", 256)} {
		require.ErrorIs(t, set(id, mail.RightsAdd, "l"), mail.ErrBadName, "%q", id)
	}
}

// What is read is written again so that it reads the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"anyone lr\n", "-user=x lrwstipekxa\n\"group=a b\" l :custom", "owner\n", `"user=\"` + "\n", "group-override=x :lookup,read z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse([]byte(s))
		if err != nil {
			return
		}
		again, err := Parse(l.Format())
		require.NoError(t, err, "%q from %q", l.Format(), s)
		require.Equal(t, l, again)
		l.Rights(Who{User: "x", Groups: []string{"a b"}})
		if g, err := ParseGlobal([]byte("* " + s)); err == nil {
			g.For(s)
		}
	})
}
