package lookup_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
)

// ruleKeys are asked of every rule table.
func ruleKeys() []string {
	keys := []string{"a", "A", "b", "ab", "abc", "ABC", "aab", "aa", "abab", "a b", "a.b", "a-b", "x", "", "foo@bar.com", "FOO@Bar.Com", "owner-list@x.example", "list-outgoing@x.example",
		"owner-list-outgoing@x.example", "user%host@x", "a!b@c", "Subject: make money fast", "Subject: Hello", "é", "É", "aé", "héllo", "\\", "a\\b", "[a]", "]", "-", "^", "$", "a$", "$a", "{", "a{2}", "a{", "+", "a+", "*", "(", ")", "a(b", "|", "a|b",
		"1", "12", "123", "1.2.3.4", "10.0.0.1", "foo.bar", "foobar", "foo bar", "foo_bar", "_", "word", "wo rd", "/", "a/b", "~", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcabc", "xyz", "xyzzy", "zz", "f", "h", "g", "gh", "end", "if", "\x01", "\x7f", "a\vb"}
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("u%d@h%d.example.com", i, i*7%11), fmt.Sprintf("%c%c%c", 'a'+i%3, 'a'+i/3%3, 'a'+i/9%3))
	}
	var clean []string
	for _, k := range keys {
		if k != "" {
			clean = append(clean, k)
		}
	}
	return clean
}

func TestRegexpAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	for i, rule := range []string{
		`/a/ x`, `/A/i x`, `/a/m x`, `/a/mm x`, `/^a.c$/ [$0]`, `/^(a)(b)?(c)?$/ 1=$1 2=${2} 3=$(3)`, `/a|ab|abc/ x`, `/(a|ab)(c|bcd)?(d*)/ $1-$2-$3`,
		`/^(.*)@(.*)$/ $2@$1`, `!/a/ no a`, `! /a/ no a`, `!!/a/ even`, `! ! /a/ even`, `/a/! !/b/ x`, `/a/!/b/ a but no b`, `/^owner-/!/outgoing/ owner`, `/[%!@].*[%!@]/ 550 routing`,
		"if /@/\n/^owner-/ owner\nif !/outgoing/\n/^(.*)@x/ in $1\nendif\n/^(.*)-outgoing@(.*)$/ 550 Use ${1}@${2} instead\nendif\n/./ any",
		"if /a/\nif /b/\n/c/ abc\n/./ ab\nendif\n/./ a\nENDIF\n/./ none", "if !/a/\n/b/ b only", "If /a/\n/./ a\nEndIf text\n/./ z",
		`/^[[:alpha:]]+$/ alpha`, `/^[[:digit:][:space:]]+$/ ds`, `/^[]a]$/ bracket`, `/^[^]a]$/ notbracket`, `/^[a\]+$/ backslash`, `/^[a-c]+$/ range`, `/^[a-]$/ dash`, `/^[-a]$/ dash`, `/^[[.a.]]$/ coll`, `/^[[=a=]-c]$/ equiv`, `/^[^a-z@. ]+$/ others`,
		`/^a{2}$/ two`, `/^a{2,}$/ twoplus`, `/^(ab){1,2}$/ abab $1`, `/^a{,2}$/ upto`, `/a{/ literal`, `/^a\{2\}$/ escaped`, `/^a{x}/ odd`,
		`/^\w+$/ word`, `/\W/ nonword`, `/\s/ space`, `/^\S+$/ nospace`, `/\bbar/ boundary`, `/\Bbar/ inside`, "/\\`a/ start", `/a\'/ end`,
		`/^.$/ one`, `/^..$/ two`, `/^h.{2}llo$/ bytes`, `/é/ accent`, `/É/ accent`, `/[é]/ either`, `/^[^é]$/ neither`, `/^([a-z])(.)$/ $2$1`,
		`/\./ dot`, `/\//  slash`, `~/~ slash`, `,a, comma`, `#a# none`, `/a\/b/ slash`, `|a\|b| pipe`, `"a" quote`, `[a[ bracket`, `/\$/ dollar`, `/$/ always`, `/^/ always`, `/^$/ empty`, `/a$b/ never`, `/a^b/ never`,
		`/a/ $$1 $$$$`, `/(a)/ $1$1 ${1}x $(1)y $$`, `/(a)(b)?/ [$2]`, `/((a)|(b))+/ $1 $2 $3`, `/(a*)(ab)*(b*)/ $1,$2,$3`, `/(a*)*/ <$1>`, `/(x?)y/ $1`,
		`/a**/ x`, `/a+?$/ y`, `/(ab)*?c/ z`, `/*a/ star`, `/(*a)/ star`, `/a|*b/ star`, `/+a/ plus`, `/()/ empty group`, `/(|a)b/ alt`, `/a||b/ alts`,
		"/a/\n  continued\n  lines", "/zz/ z\n# comment\n\n  /b/ not a rule\n/b/ b", "/a/ x\n/[/ y\n/(/ z\n/b/ b",
		`/^\(a\)\(b\)$/x $2$1`, `/a\|b/x x`, `/a+/x literal plus`, `/a\+b/x plus`, `/^a*$/x star`, `/a\{2\}/x two`, `/*a/x star`, `/\(*a\)/x`, `/^*a/x s`, `/a(b/x paren`, `/(a)/x $1`, `/^{$/x brace`, `/a^b|$c/x anchors`,
		"/a/ x$1\n/b/ ${1\n/(c)/ $2\n!/(c)/ $1\n/d/q x\n[/ x\n/e/ $a\n/f/ $\nfoo\nendif\n  lead\n/g/!/h/ y\n/z/ $0\nif /./ foo\n/(b)/ $1a\n/x/ a$(1\n/x/ $1000000000000\n/./ rest",
		`/A(?:b)/ x`, `/\d/ d`, `/\n/ n`, `/\D/ capital`, `/(a)\1/ ref`, `/\<a/ word`, `/b\>/ word`, `/a\tb/ t`, `/[\d]/ d`, `/[\w]/ w`, `/[a\]]/ b`, `/[[:foo:]]/ x`, `/[z-a]/ x`, `/[a/ x`, `/a)/ x`, `/\/ x`, `/a{2,1}/ x`, `/a{99999}/ x`, `/[[.hyphen.]]/ x`,
	} {
		t.Run(rule, func(t *testing.T) { compareRule(t, p, "regexp", i, rule, rejected[rule]) })
	}
}

// compareRule asks postmap and us for every key of a table with these rules. refused says that we refuse it and Postfix doesn't.
func compareRule(t *testing.T, p *postmap.Postfix, kind string, i int, rule string, refused bool) {
	t.Helper()
	spec := kind + ":" + p.Write(t, fmt.Sprintf("%s%d", kind, i), rule+"\n")
	keys := ruleKeys()
	if strings.Contains(rule, "[$1]") { // half a character is no answer, there and here
		keys = slices.DeleteFunc(keys, func(k string) bool { return strings.ContainsFunc(k, func(r rune) bool { return r >= 0x80 }) })
	}
	want := p.QueryAll(t, spec, keys)
	table, err := lookup.Open(context.Background(), spec, nil)
	if err != nil {
		if len(want) > 0 && !refused {
			t.Errorf("%v, postmap takes it", err)
		}
		return
	}
	require.False(t, refused, "it is compiled now")
	for _, key := range keys {
		value, found, err := table.Find(context.Background(), key)
		require.NoError(t, err)
		theirs, has := want[key]
		if found != has || value != theirs {
			t.Errorf("%q: %q %v, postmap: %q %v", key, value, found, theirs, has)
		}
	}
}

// rejected are patterns that Postfix's library understands, or takes for something else, and that we refuse by name.
var rejected = map[string]bool{
	`/\D/ capital`: true, // "d" to the GNU library; the author meant what is no digit
	`/(a)\1/ ref`:  true, // needs backtracking: in a pcre table
	`/\<a/ word`:   true, // \b is as good
	`/b\>/ word`:   true,
}
