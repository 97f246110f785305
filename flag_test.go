package mail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

func TestNewFlags(t *testing.T) {
	f := mail.NewFlags(`\seen`, "zeta", "$Junk", `\Deleted`, "ZETA", `\Unknown`, `\Recent`)
	require.Equal(t, []string{`\Seen`, `\Deleted`, "$Junk", "zeta"}, f.Names())
	require.True(t, f.Has(`\DELETED`))
	require.True(t, f.Has("$junk"), "keywords differ in more than case")
	require.False(t, f.Has(`\Draft`))
	require.False(t, f.Has(`\Recent`))
}

func TestFlagsApply(t *testing.T) {
	f := mail.NewFlags(`\Seen`, "a", "b")
	for _, tt := range []struct {
		op   mail.FlagOp
		with []string
		want string
	}{
		{mail.FlagsAdd, []string{`\Flagged`, "C", "A"}, `\Seen \Flagged a b C`},
		{mail.FlagsAdd, nil, `\Seen a b`},
		{mail.FlagsRemove, []string{`\Seen`, "B", "nothere"}, "a"},
		{mail.FlagsReplace, []string{`\Draft`, "x"}, `\Draft x`},
		{mail.FlagsReplace, nil, ""},
	} {
		got := f.Apply(tt.op, mail.NewFlags(tt.with...))
		require.Equal(t, tt.want, strings.Join(got.Names(), " "))
		require.Equal(t, `\Seen a b`, strings.Join(f.Names(), " "), "the operand is left as it was")
	}
	require.True(t, f.Equal(mail.NewFlags("B", `\seen`, "A")))
	require.False(t, f.Equal(mail.NewFlags("a", "b")))
}

// RFC 9051 section 9: flag-keyword = ... / atom, and atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials.
func TestValidKeyword(t *testing.T) {
	for _, ok := range []string{"$Forwarded", "NonJunk", "a+b", "x.y-z"} {
		require.True(t, mail.ValidKeyword(ok), ok)
	}
	for _, bad := range []string{"", `\Seen`, "a b", "a(b", "a)b", "a{b", "a%b", "a*b", `a"b`, "a]b", "a\x7fb", "a\nb", "thư", strings.Repeat("k", 256)} {
		require.False(t, mail.ValidKeyword(bad), bad)
	}
}

func ExampleFlags_Apply() {
	f := mail.NewFlags(`\Seen`, "$Forwarded")
	f = f.Apply(mail.FlagsAdd, mail.NewFlags(`\Flagged`))
	f = f.Apply(mail.FlagsRemove, mail.NewFlags("$forwarded"))
	fmt.Println(f.Names())
	// Output: [\Seen \Flagged]
}
