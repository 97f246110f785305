package mail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// RFC 4314 section 2.1.1: "c" and "d" are read as the rights that have taken their place.
func TestParseRights(t *testing.T) {
	for in, want := range map[string]string{"": "", "lrswipkxtea": "lrswipkxtea", "ael": "lea", "lrc": "lrk", "d": "xte"} {
		r, ok := mail.ParseRights(in)
		require.True(t, ok, in)
		require.Equal(t, want, r.String(), in)
	}
	for _, in := range []string{"L", "z", "l r", "0"} {
		_, ok := mail.ParseRights(in)
		require.False(t, ok, in)
	}
	require.True(t, mail.AllRights.Has(mail.RightAdmin|mail.RightLookup))
	require.False(t, mail.RightRead.Has(mail.RightRead|mail.RightLookup))
	require.Equal(t, "lrswipkxtea", mail.AllRights.String())
}

// RFC 4314 section 4: STORE changes the flags that the user may change, and should not fail if that is at least one.
func TestRightsFlags(t *testing.T) {
	was := mail.NewFlags(`\Answered`, `\Seen`, "old")
	want := mail.NewFlags(`\Deleted`, `\Flagged`, "new")
	for rights, names := range map[string][]string{
		"":    was.Names(),
		"lr":  was.Names(),
		"s":   {`\Answered`, "old"},
		"t":   {`\Seen`, `\Answered`, `\Deleted`, "old"},
		"w":   {`\Seen`, `\Flagged`, "new"},
		"stw": want.Names(),
	} {
		r, ok := mail.ParseRights(rights)
		require.True(t, ok)
		require.Equal(t, names, r.Flags(was, want).Names(), rights)
	}
	r := mail.RightSeen | mail.RightRead
	require.True(t, r.MayChange(mail.FlagChange{Flags: mail.NewFlags(`\Seen`, `\Deleted`)}))
	require.False(t, r.MayChange(mail.FlagChange{Flags: mail.NewFlags("k", `\Deleted`)}))
	require.True(t, r.MayChange(mail.FlagChange{}))
	require.True(t, r.MayChange(mail.FlagChange{Op: mail.FlagsReplace}))
	require.False(t, mail.RightRead.MayChange(mail.FlagChange{Op: mail.FlagsReplace}))
}
