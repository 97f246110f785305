package lookup_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
)

// compare asks postmap and us for all keys, and lists what differs.
func compare(t *testing.T, p *postmap.Postfix, spec string, keys []string, o *lookup.Options, flags ...string) {
	t.Helper()
	want := p.QueryAll(t, spec, keys, flags...)
	if o == nil {
		o = &lookup.Options{}
	}
	table, err := lookup.Open(context.Background(), spec, o)
	require.NoError(t, err, spec)
	defer lookup.Close(table)
	found := 0
	for _, key := range keys {
		value, ok, err := table.Find(context.Background(), key)
		require.NoError(t, err, "%s %q", spec, key)
		theirs, has := want[key]
		if ok != has || value != theirs {
			t.Errorf("%s: %q: %q %v, postmap: %q %v", spec, key, value, ok, theirs, has)
		}
		if ok {
			found++
		}
	}
	require.Positive(t, found, "%s: none of the keys is in it", spec)
	require.Less(t, found, len(keys)+1)
}

// text is a table with everything that postmap takes, or leaves out with a warning.
func text() string {
	var b strings.Builder
	for i := range 150 {
		fmt.Fprintf(&b, "user%d@Example.COM\tbox%d, box%d@b.example\n", i, i, i)
	}
	b.WriteString("# a comment\n   # another\n\n")
	b.WriteString("continued a\n\n  b\n# between\n\tc  \nnext  x\r\n crlf-continued\r\n")
	b.WriteString("UPPER Value With Case\nnovalue\nnovalue2   \n\"quoted key\" v\n\"unbalanced v\nback\\ slash v\n\"in\\\" quote\" w\nmid\"dle q\"uote z\n\"q\"@x.example q\n")
	b.WriteString("dup first\ndup second\nDUP third\nalias: a\ntab\t\t v\ttab \n")
	b.WriteString("é@x.example accented\nÖ@X.example umlaut\nß sharp\nİ dotted\nﬁ ligature\nǅ title\nΣΑΣ sigma\n\xe9 latin1\nbad \xff\n")
	b.WriteString("v\vt vertical\nf\ff feed\n$dollar $1 $$ ${x}\n%s %u\n@example.com everyone\n.example.com parent\nnbsp\u00a0x y\na\x01b ctrl\n")
	b.WriteString(strings.Repeat("k", 300) + " long\nbig " + strings.Repeat("v", 3000) + "\nlast line without end")
	return b.String()
}

func textKeys() []string {
	keys := []string{"continued", "next", "UPPER", "upper", "Upper", "novalue", "novalue2", "\"quoted", "\"quoted key\"", "\"q\"@x.example", "\"unbalanced", "back\\", "back\\ slash", "\"in\\\" quote\"", "mid\"dle", "mid\"dle q\"uote", "dup", "Dup",
		"alias:", "alias", "tab", "é@x.example", "É@X.EXAMPLE", "ö@x.example", "ß", "ss", "SS", "ẞ", "i̇", "İ", "i", "ı", "fi", "ﬁ", "FI", "ǆ", "Ǆ", "σας", "ΣΑΣ", "σασ", "\xe9", "bad",
		"v\vt", "v", "f\ff", "$dollar", "%s", "%S", "@example.com", "@EXAMPLE.com", ".example.com", "nbsp\u00a0x", "nbsp", "a\x01b",
		strings.Repeat("k", 300), strings.Repeat("K", 300), "big", "last", "#", "# a comment", "between", "K", "K", " ", "\t", " upper", "upper ", "user1@example.com\r"}
	for i := range 160 {
		keys = append(keys, fmt.Sprintf("user%d@example.com", i), fmt.Sprintf("USER%d@Example.Com", i))
	}
	return keys
}

func TestTextAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	for _, kind := range []string{"hash", "btree", "lmdb", "cdb", "texthash"} {
		t.Run(kind, func(t *testing.T) {
			p.Need(t, kind)
			name := p.Write(t, kind, text())
			if kind != "texthash" {
				p.Build(t, "postmap", kind+":"+name)
			}
			compare(t, p, kind+":"+name, textKeys(), nil)
			if kind != "texthash" {
				p.Build(t, "postmap", kind+":"+name, "-u")
			}
			compare(t, p, kind+":"+name, textKeys(), &lookup.Options{NoUTF8: true}, "-u")
			if kind != "texthash" {
				p.Build(t, "postmap", kind+":"+name, "-f")
			}
			compare(t, p, kind+":"+name, textKeys(), &lookup.Options{NoFold: true}, "-f")
		})
	}
}

func TestSequenceAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	name := p.Write(t, "table", text())
	got := map[string]string{}
	for e, err := range lookup.Sequence(context.Background(), "texthash:"+name, nil) {
		require.NoError(t, err)
		got[e.Key] = e.Value
	}
	require.Equal(t, p.List(t, "texthash:"+name), got)
}

// TestWarningsAgainstPostmap: Check names the lines that postmap warns of.
func TestWarningsAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	name := p.Write(t, "table", text())
	problems, err := lookup.Check(context.Background(), "hash:"+name, nil)
	require.NoError(t, err)
	var ours []string
	for _, e := range problems {
		ours = append(ours, e.Error())
	}
	theirs := strings.Count(p.Build(t, "postmap", "hash:"+name), "warning:")
	require.Len(t, ours, theirs, strings.Join(ours, "\n"))
	_, err = lookup.Check(context.Background(), "hash:"+name+".nosuch", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSmallTypesAgainstPostmap(t *testing.T) {
	p := postmap.New(t)
	keys := []string{"a", "A", "b", "B", "c", "x y", "é", "É", "root", "daemon", "ROOT", "nobody", "PATH", "path", "lower_case", "{", "}", "a=b", "1"}
	t.Setenv("lower_case", "v")
	for _, spec := range []string{
		"inline:{a=1,a=2}", "inline:{ A=1, b=2 }", "inline:{ {a = 1, 2 3}, { x = y } B=4 }", "inline:{a={x},b=y=z}", "inline:{É=1, a=1}",
		"static:x", "static:{ two words }", "static:a:b:c", "static:$1",
		"unionmap:{inline:{a=1},inline:{b=2},static:x}", "unionmap:{inline:{a=1},inline:{a=2,b=3}}", "unionmap:{ inline:{a={1}} , inline:{a=x y=z} }",
		"pipemap:{inline:{a=b,b=c},inline:{b=c}}", "pipemap:{static:A,inline:{a=z}}", "pipemap:{inline:{A=B},unionmap:{inline:{b=1},static:2}}",
		"randmap:{only}", "environ:x", "unix:passwd.byname", "unix:group.byname",
	} {
		t.Run(spec, func(t *testing.T) { compare(t, p, spec, keys, nil) })
	}
	_, _, failed := p.Query(t, "fail:x", "a")
	require.True(t, failed)
	_, _, err := lookup.Query(context.Background(), "fail:x", "a", nil)
	require.Error(t, err)
}

// TestRefusedAgainstPostmap: what postmap can't open we can't either, and we say what would be right.
func TestRefusedAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	var wg sync.WaitGroup // at once: postmap sleeps a second before it gives up
	defer wg.Wait()
	for spec, want := range map[string]string{
		"a": "type:name", "environ:": "type:name", "nosuch:x": "known are btree", "memcache:x": "socketmap:", "inline:{}": "need inline:{name=value",
		"inline:{a}": "missing '='", "inline:{a=1": "missing '}'", "inline:a": "expected '{'", "inline:{{a=1}x}": "after '}'", "inline:{{=1}}": "missing",
		"unionmap:{}": "nothing between", "unionmap:{a}": "type:name", "pipemap:x": "need pipemap:{", "randmap:{}": "nothing between",
		"regexp:{x}": "expected '{'", "texthash:/nonexistent/x": "no such file", "hash:{a}": "inline:", "unix:x": "passwd.byname",
		"tcp:x": "host:port", "socketmap:x": "socketmap:inet:", "cidr:/nonexistent/y": "no such file",
	} {
		_, err := lookup.Open(context.Background(), spec, nil)
		require.ErrorContains(t, err, want, spec)
		if slices.Contains([]string{"memcache:x", "tcp:x", "inline:{{=1}}"}, spec) {
			continue // postmap is asked only for what needs no network
		}
		wg.Go(func() {
			if _, _, failed := p.Query(t, spec, "k"); !failed {
				t.Errorf("postmap opens %s", spec)
			}
		})
	}
}

func TestCIDRAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	name := p.Write(t, "cidr", `# comment
192.168.1.1             OK
192.168.0.0/16          REJECT two  words
!10.0.0.0/8             not ten $1 $$
if 10.1.0.0/16
10.1.2.0/24 inner
if !10.1.3.0/24
10.1.0.0/16 not three
endif
10.1.3.3 three three
endif
2001:db8::1             six
2001:db8::/32           six net
::ffff:1.2.3.0/120      mapped
010.1.2.3               octal
1.2.3.4/24              host bits
1.2.3/24                short
1.2.3.0/33              long
[2001:db9::]/32         brackets
[2001:dba::/32]         brackets round all
[fe80::1]               bracketed
10.9.9.9
nonsense x
endif
if 10.8.0.0/16 text
10.8.8.8 eights
`)
	keys := []string{"192.168.1.1", "192.168.1.2", "8.8.8.8", "10.1.2.3", "10.1.3.3", "10.1.3.4", "10.1.4.4", "10.2.2.2", "2001:db8::1", "2001:DB8:0:0::1", "2001:db8::2",
		"2001:db9::1", "2001:dba::1", "fe80::1", "[fe80::1]", "fe80::1%lo", "::ffff:1.2.3.4", "::ffff:10.1.2.3", "1.2.3.4", "010.1.2.3", "10.1.2.03", "10.1.2", "10.8.8.8", "10.9.9.9",
		"x", "10.1.2.3 ", "0.0.0.0", "255.255.255.255", "::", "1.2.3.4.5", "0x0a010203", "167838211"}
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("10.1.%d.%d", i%5, i), fmt.Sprintf("2001:db%x::%x", i%16, i))
	}
	compare(t, p, "cidr:"+name, keys, nil)
	compare(t, p, "cidr:{{10.0.0.0/8 ten}, {0.0.0.0/0 $1}, {::/0 six}}", keys, nil)
	compare(t, p, "cidr:{{0.0.0.0/00 four}}", keys, nil)
	compare(t, p, "cidr:{{! 1.2.3.5 x}}", keys, nil)
	compare(t, p, "cidr:{{if! 1.2.3.5}, {1.2.3.4 y},{EndIf}}", keys, nil)
}

func TestAliasesAgainstPostalias(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	name := p.Write(t, "aliases", "root: a, b\n\"a b\": c\na.b : d\n\"q\\\"x\": e\n\"q:y\": f\nnoc\nfoo:\nPostmaster: g@x\na@b: c\n\"\": e\nh#i: j\n\"h#k\": l,\n cont\nRoot: again\n")
	p.Build(t, "postalias", "hash:"+name)
	want := p.List(t, "hash:"+name)
	maps.DeleteFunc(want, func(key, _ string) bool { return key == "@" || strings.HasPrefix(key, "YP_") || key == "" })
	got := map[string]string{}
	for e, err := range lookup.Sequence(context.Background(), "hash:"+name, &lookup.Options{Aliases: true}) {
		require.NoError(t, err)
		got[e.Key] = e.Value
	}
	require.Equal(t, want, got)
}
