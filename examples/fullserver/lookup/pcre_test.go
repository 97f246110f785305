package lookup_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
)

func TestPCREAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "pcre")
	for i, rule := range []string{
		// pcre_table(5)
		`/a/ x`, `/A/i x`, `/A/ii x`, `/^a.c$/ [$$0]`, `/^(a)(b)?(c)?$/ 1=$1 2=${2} 3=$(3)`, `/a|ab|abc/ x`, `/^(.*)@(.*)$/ $2@$1`, `!/a/ no a`, `! /a/ no a`, `!!/a/ even`, `! ! /a/ even`,
		`/^owner-/!/outgoing/ owner`, `/^(?!owner-)(.*)-outgoing@(.*)/ 550 Use ${1}@${2} instead`, "if /@/\n/^owner-/ owner\nif !/outgoing/\n/^(.*)@x/ in $1\nendif\nendif\n/./ any",
		`/a.b/s x`, `/a.b/m x`, `/A B/x x`, `/a b # c/x x`, `/b/A x`, `/a$/E x`, `/(a+)/U $1`, `/(a+?)/U $1`, `/a/X x`, `/a/XAEUmsxi x`, `/a/q x`, `/a/ $1`, `/(a)(b)/ $3`, `!/(a)/ $1`, "/(/ x\n/b/ y", "if /a/\n/b/ c",
		`/(a|ab)(c|bcd)?(d*)/ $1-$2-$3`, `/(?:(a)|b)*/ [$1]`, `/(a*)*/ <$1>`, `/(a*)+b/ <$1>`, `/(|a)+b/ <$1>`, `/(a|(b))+/ $1 $2`, `/(?:(a)|(b)|(c))+?$/ $1 $2 $3`, `/((a)|b)*?c/ $1 $2`, `/(a?)*?b/ <$1>`,
		// quantifiers
		`/a**/ x`, `/^a{2}{3}$/ x`, `/a+*/ x`, `/^*a/ x`, `/\b+a/ x`, `/a$*/ x`, `/(?=a)*b/ x`, `/(?=a)+a/ x`, `/(?=a){0}b/ x`, `/(?!a)?b/ x`, `/a+ +/x x`, `/a+ + +/x x`, `/^a+(?#c)+a/ x`, `/^a+\E+a/ x`, `/^a+ ?(.*)/x $1`, `/^a+\Q+/ x`, `/(?i)+a/ x`, `/(?#c)*a/ x`, `/a(?#c)*$/ x`, `/a{65536}/ x`, `/a{65535}/ x`, `/a{3,2}/ x`, `/a{1001}/ x`, `/a{,2}b/ y`, `/{2}/ x`,
		`/{/ x`, `/a{2/ x`, `/a{x}/ x`, `/^a{2}$/ x`, `/^a{2,}$/ x`, `/^(ab){1,2}$/ $1`, `/a++b/ x`, `/a++a/ x`, `/a*+a/ x`, `/a?+a/ x`, `/(a|b)++c/ $1`, `/a{1,2}+b/ x`, `/(?>a+)b/ x`, `/(?>a|ab)c/ x`, `/a??b/ x`, `/(a)??b/ <$1>`, `/a+?+/ x`,
		// escapes
		`/\i/ x`, `/\_/ x`, `/\ / x`, `/\d/ d`, `/^\D+$/ D`, `/^\w+$/ w`, `/\W/ W`, `/\s/ s`, `/^\S+$/ S`, `/\h/ h`, `/^\H+$/ H`, `/\v/ v`, `/^\V+$/ V`, `/^\N+$/ N`, `/\R/ R`, `/\R+/ R`, `/\bbar/ x`, `/\Bbar/ x`, `/\Aa/ x`, `/a\z/ x`, `/a\Z/ x`, `/\Ga/ x`,
		`/\x61/ x`, `/\x{61}/ x`, `/\x{161}/ x`, `/\x/ x`, `/\x{}/ x`, `/\x{61/ x`, `/\o{141}/ x`, `/\o{400}/ x`, `/\141/ x`, `/\0141/ x`, `/\01/ x`, `/\400/ x`, `/\cA/ x`, `/\c/ x`, `/\a|\e|\f/ x`, `/\t/ x`, `/a\Q.\Eb/ x`, `/\Qa.b/ x`, `/\Qab\E+$/ x`, `/a\Q\E+$/ x`, `/\E+a/ x`, `/\Qa\Q/ x`,
		`/^\C\C$/ x`, `/\u0061/ x`, `/\L/ x`, `/\N{U+61}/ x`, `/\N{2}/ x`, `/\8/ x`, `/\18/ x`, `/\81/ x`, `/\/ x`,
		// classes
		`/^[[:alpha:]]+$/ x`, `/^[[:^alpha:]]+$/ x`, `/^[[:digit:][:space:]]+$/ x`, `/[[:foo:]]/ x`, `/[[.a.]]/ x`, `/[:alpha:]/ x`, `/[[:upper:]]/i x`, `/^[[:upper:]]+$/ x`, `/^[[:^upper:]]+$/ x`, `/^[[:punct:]]+$/ x`, `/^[[:word:]]+$/ x`, `/^[[:^word:]]+$/ x`, `/^[[:print:]]+$/ x`, `/^[[:graph:]]+$/ x`, `/[[:cntrl:]]/ x`, `/^[[:ascii:]]+$/ x`, `/^[[:xdigit:]]+$/ x`, `/[[:blank:]]/ x`,
		`/^[]a]$/ x`, `/^[^]a]$/ x`, `/^[a\]]$/ x`, `/^[a-c]+$/ x`, `/^[A-C]+$/i x`, `/^[A-C]+$/ x`, `/^[^A-C]+$/ x`, `/^[^A-C]+$/i x`, `/^[a-]$/ x`, `/^[-a]$/ x`, `/[b-a]/ x`, `/[a-\d]/ x`, `/[\d-z]/ x`, `/^[\d-]+$/ x`, `/^[+--]$/ x`, `/[\Qa-\E]$/ x`, `/[\Qa\E-c]$/ x`, `/[]/ x`, `/[a/ x`, `/[\b]/ x`, `/[\B]/ x`, `/[\N]/ x`, `/[\R]/ x`,
		`/[\x61-\x63]$/ x`, `/[\141]/ x`, `/[\w.]+$/ x`, `/^[\W]$/ x`, `/^[^\W]$/ x`, `/^[^\W_]$/ x`, `/[\i]/ x`, `/[\_]/ x`, `/[a[:digit:]-]$/ x`, `/^[é]+$/ x`, `/^[^é]+$/ x`, `/^[\x80-\xff]+$/ x`, `/[[:alpha:/ x`, `/[[:alpha/ x`, `/^[[:alpha]+$/ x`, `/[ a]/xx x`, `/(?xx)[ b]/ x`, `/(?xx)[^ b]/ x`, `/^[[]a]]$/ x`, `/[\]/ x`, `/[^\x00-\xff]/ x`, `/[\s\S]/ x`, `/[[:digit:]-z]/ x`,
		// groups
		`/(?<n>a)(b)/ $1$2`, `/(?P<n>a)(?P=n)/ $1`, `/(?'n'a)\k'n'/ $1`, `/(?<n>a)\k<n>/ x`, `/(?<n>a)\k{n}/ x`, `/(?<n>a)\g{n}/ x`, `/(a)\g1/ x`, `/(a)\g{1}/ x`, `/(a)(b)\g{-2}/ x`, `/\g{+1}(a)/ x`, `/(?:\1b|(a))+/ $1`, `/(?<n>a)(?<n>b)/ x`, `/(?<1>a)/ x`, `/(?<n/ x`, `/\k<m>(?<n>a)/ x`, `/\k<n>|(?<n>a)/ $1`, `/(a)\1/ ref`, `/(A)\1/ ref`, `/(A)\1/i ref`, `/(a)(b)(c)\3?$/ ref`, `/\2/ x`, `/(a)\10/ x`,
		`/(?=a)a/ x`, `/a(?=b)/ x`, `/a(?!b)/ x`, `/(?<=a)b/ x`, `/(?<!a)b/ x`, `/(?<=a+)b/ x`, `/(?<=a|bc)d/ x`, `/(?<=(?:a|bc))d/ x`, `/(?<=a{2})b/ x`, `/(?<=^a)b/ x`, `/(?<=(a))b/ $1`, `/(?=(a))./ $1`, `/(?<=\Ra)b/ x`, `/(?<=[ab])c/ x`, `/(?<=)a/ x`,
		`/(?i)a/i A`, `/(?-i)A/ x`, `/(?-i:A)b/ x`, `/((?-i)A|B)c/ x`, `/(?i:A)b/i x`, `/a(?s).b/s x`, `/(?-s)a.b/ x`, `/(?x) a b/ x`, `/(?x: a b)c/ x`, `/(?n)(a)(?<m>b)/ $1`, `/(?U)(a+)/ $1`, `/(?^)A/ x`, `/(?^i)A/ x`, `/(?-i-s)A/ x`, `/(?z)/ x`, `/(?/ x`, `/(?:/ x`, `/(?i/ x`, `/(?m)^b/ x`, `/(?im-sx)a/ x`, `/(?)a/ x`,
		`/(a)?(?(1)b|c)/ x`, `/(?<n>a)?(?(n)b|c)/ x`, `/(?<n>a)?(?(<n>)b|c)/ x`, `/(?<n>a)?(?('n')b|c)/ x`, `/(a)?(?(1)b)/ x`, `/(?(1)a|b|c)(d)/ x`, `/(?(2)a|b)/ x`, `/(a)?(?(1)b|c)+$/ x`, `/(?#comment)a/ x`, `/(?#comment/ x`, `/a)/ x`, `/()/ x`, `/(|a)b/ <$1>`, `/a||b/ x`, `/|/ x`,
		`/é/ x`, `/É/ x`, `/^.$/ x`, `/^..$/ x`, `/^h.{2}llo$/ x`, `/^(.+)l(.+)$/ $2,$1`, `/h(é)/ $1`, `/h(é)(?=l)/ $1`, `~/~ x`, `"a" x`, `/a\/b/ x`, `/$/ x`, `/^$/ x`, `/a$b/ x`, `/a^b/ x`, `/^/m x`, `/$/m x`,
		// what is refused
		`/\Ka/ x`, `/(?1)(a)/ x`, `/(a)(?R)?/ x`, `/(?|(a)|(b))/ $1`, `/\X/ x`, `/\p{L}/ x`, `/(*UCP)a/ x`, `/(?(DEFINE)a)b/ x`, `/(?(?=a)a|b)/ x`, `/(?C)a/ x`, `/(?J)a/ x`, `/(?<=(a)\1)b/ x`, `/(?P>n)(?<n>a)/ x`, `/(?&n)(?<n>a)/ x`, `/\g<1>(a)/ x`, `/(?+1)(a)/ x`, `/[[:<:]]bar/ x`, `/(*ANYCRLF)^a/ x`,
	} {
		t.Run(rule, func(t *testing.T) { compareRule(t, p, "pcre", i, rule, pcreRefused[rule]) })
	}
}

// pcreRefused are patterns of PCRE2 that we don't run. Each is an error that names the line and what to write.
var pcreRefused = map[string]bool{
	`/\Ka/ x`: true, `/(?1)(a)/ x`: true, `/(a)(?R)?/ x`: true, `/(?|(a)|(b))/ $1`: true, `/\X/ x`: true, `/\p{L}/ x`: true, `/(*UCP)a/ x`: true, `/(?(DEFINE)a)b/ x`: true,
	`/(?(?=a)a|b)/ x`: true, `/(?C)a/ x`: true, `/(?J)a/ x`: true, `/(?<=(a)\1)b/ x`: true, `/(?P>n)(?<n>a)/ x`: true, `/(?&n)(?<n>a)/ x`: true, `/\g<1>(a)/ x`: true, `/(?+1)(a)/ x`: true, `/[[:<:]]bar/ x`: true, `/(*ANYCRLF)^a/ x`: true,
}

// TestRandomPCREAgainstPostmap: patterns put together by chance.
func TestRandomPCREAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "pcre")
	pieces := strings.Fields(`a b c ab . \w \d [ab] [^a] [^@] \b ^ $ (a) (a|b) (b*) (?:a|bc) (a)? (.*) (.+?) (?=a) (?!b) (?<=a) (?<!b) \1 \2 (?>a+) a+ b* c? a{2} b{1,2} a++ .*? | | @ é \Q.\E (?i) (?-i) (?s-i:A) (?U) (?m) \S (?(1)a|b) \Z \B \x61 [[:alpha:]] u\d+ ( ) * + ?`)
	r := rand.New(rand.NewPCG(1, uint64(randomPCRE)))
	for i := range randomPCRE {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		rule := "/" + b.String() + "/" + []string{"", "", "i", "m", "x", "U", "s", "A"}[r.IntN(8)] + []string{" x", " [$1]", " [$1],$2"}[r.IntN(3)]
		t.Run(rule, func(t *testing.T) { compareRule(t, p, "pcre", i, rule, false) })
	}
}

// randomPCRE is how many; a process of postmap takes 10 ms.
var randomPCRE = 100

// TestPCRENewlines: "$" is before a newline that ends the key too, "^" with m isn't behind it (pcre2pattern(3), CIRCUMFLEX AND DOLLAR).
func TestPCRENewlines(t *testing.T) {
	for rule, want := range map[string]string{
		`/^a$/ x`: "a, a\n", `/^a$/E x`: "a", `/^a\Z/ x`: "a, a\n", `/^a\z/ x`: "a", `/^b/m x`: "a\nb, a\nb\n", `/\n^/m x`: "a\nb, a\nb\n", `/a$/m x`: "a, a\n, a\nb, a\nb\n", `/a.b/ x`: "a\nb, a\nb\n", `/a.b/s x`: "",
		`/(?<=\n)$/ x`: "a\n, a\nb\n",
	} {
		table, err := lookup.Open(context.Background(), "pcre:{{"+rule+"}}", nil)
		require.NoError(t, err)
		var got []string
		for _, key := range []string{"a", "a\n", "a\nb", "a\nb\n"} {
			_, found, err := table.Find(context.Background(), key)
			require.NoError(t, err)
			if found {
				got = append(got, key)
			}
		}
		require.Equal(t, want, strings.Join(got, ", "), rule)
	}
}

// TestPCRETimeout: a pattern that would take years is an error, where Postfix takes the rest of the table for an answer.
func TestPCRETimeout(t *testing.T) {
	table, err := lookup.Open(context.Background(), `pcre:{{/^(?=(a+)+$)\1/ x}, {/./ y}}`, &lookup.Options{Limits: lookup.Limits{Match: 50 * time.Millisecond}})
	require.NoError(t, err)
	key := strings.Repeat("a", 60)
	value, found, err := table.Find(context.Background(), key+"!")
	require.ErrorContains(t, err, "backtracking limit exceeded")
	require.False(t, found, value)
	value, _, err = table.Find(context.Background(), key)
	require.NoError(t, err)
	require.Equal(t, "x", value)
	// The same without what package regexp can't do takes no time at all.
	table, err = lookup.Open(context.Background(), `pcre:{{/^(a+)+$/ x}, {/./ y}}`, nil)
	require.NoError(t, err)
	value, _, err = table.Find(context.Background(), strings.Repeat(key, 100)+"!")
	require.NoError(t, err)
	require.Equal(t, "y", value)
}

// What can't be run is said by line, with what to write instead.
func TestPCRERefused(t *testing.T) {
	p := postmapDir(t)
	for rule, want := range map[string]string{
		`/(?1)(a)/ x`: `t:2: pattern "(?1)(a)": recursion into a group is not supported in pcre tables: write the group's pattern again`,
		`/\Ka/ x`:     `t:2: pattern "\\Ka": \K is not supported in pcre tables: it changes what is replaced, and a table replaces nothing: leave it out`,
	} {
		_, err := lookup.Open(context.Background(), "pcre:"+p("t", "# comment\n"+rule+"\n"), nil)
		require.ErrorContains(t, err, want)
	}
	problems, err := lookup.Check(context.Background(), "pcre:"+p("u", "/a(/ x\n/b/q y\n/(c)/ $2\n/d/ z\n"), nil)
	require.NoError(t, err)
	require.Equal(t, "[missing closing parenthesis unknown flag 'q' the result wants group 2]", fmt.Sprint(fragments(problems, "missing closing parenthesis", "unknown flag 'q'", "the result wants group 2")))
}
