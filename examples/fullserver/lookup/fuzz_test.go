package lookup

import (
	"bufio"
	"context"
	"strings"
	"testing"
)

// FuzzText: what a table lists it also finds, first entry first, and nothing else.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a b\n", "a b\n c\n", "\"q r\" s\n", "# c\n a\nA x\na y\n", "é é\nÉ f\n", "a\x00 b\n\xff c\n", "key: v", "a: b, c\n"} {
		f.Add(s, "a", false)
		f.Add(s, "É", true)
	}
	f.Fuzz(func(t *testing.T, text, key string, aliases bool) {
		o := (&Options{Aliases: aliases}).WithDefaults()
		table, err := parseText("t", text, o)
		if err != nil {
			t.Fatal(err)
		}
		entries := map[string]string{}
		for e := range table.All(context.Background()) {
			if _, dup := entries[e.Key]; dup {
				t.Fatalf("%q is there twice", e.Key)
			}
			entries[e.Key] = e.Value
			if v, ok := table.entries.find(e.Key); !ok || v != e.Value {
				t.Fatalf("%q: %q %v, listed as %q", e.Key, v, ok, e.Value)
			}
		}
		v, ok := table.find(key)
		if want, has := entries[fold(key, false)]; ok != has || v != want {
			t.Fatalf("%q: %q %v, listed as %q %v", key, v, ok, want, has)
		}
	})
}

// FuzzRules: any text makes a table of rules or an error, and any key is answered.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"/a/ x\n", "/^(.*)@(.)/i $1-$2\n", "if /a/\n/b/ c\nendif\n", "/[[:alpha:]]\\{1,2\\}/x y", "!/a/!/b/ c", "10.0.0.0/8 ten\n", "if !::1\n::/0 x\nendif", "/a{2,}|(b*)*/ $1"} {
		f.Add(s, "a@b", false)
		f.Add(s, "10.1.2.3\xff", true)
	}
	f.Fuzz(func(t *testing.T, text, key string, cidr bool) {
		o := new(Options).WithDefaults()
		parse := parseRegexp
		if cidr {
			parse = parseCIDR
		}
		if _, err := parsePCRE("t", text, o); cidr && err != nil && strings.Contains(err.Error(), "too much for us") {
			t.Fatal(err) // what was translated for regexp2 wasn't compiled
		}
		p, err := parse("t", text, o)
		if err != nil {
			return
		}
		if _, _, _, err := p.Find(key); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzReplies: a server's words are an answer or an error, and what is too long is not kept.
func FuzzReplies(f *testing.F) {
	for _, s := range []string{"200 a%20b\n", "500 no\n", "400 x\n", "5:OK ab,", "9:NOTFOUND ,", "7:TEMP x,", "0:,", "99999999:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if line, err := readLine(bufio.NewReader(strings.NewReader(s)), 100); err == nil {
			if len(line) > 100 {
				t.Fatal("too long")
			}
			if v, found, err := tcpReply(line); !found && v != "" || found && err != nil {
				t.Fatalf("%q %v %v", v, found, err)
			}
		}
		if reply, err := readNetstring(bufio.NewReader(strings.NewReader(s)), 100); err == nil {
			if len(reply) > 100 {
				t.Fatal("too long")
			}
			if v, found, err := socketmapReply(reply); !found && v != "" || found && err != nil {
				t.Fatalf("%q %v %v", v, found, err)
			}
		}
		if u, ok := unpercent(percent(s)); !ok || u != s {
			t.Fatalf("%q becomes %q", s, u)
		}
	})
}

// FuzzOpen: no table's name makes Open do anything but answer.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{"inline:{a=b,{c = d}}", "unionmap:{inline:{a=1},static:x}", "pipemap:{static:{a},inline:{a=b}}", "randmap:{a,b}", "regexp:{{/a/ b}}", "cidr:{{1.2.3.4 x}}", "proxy:proxy:static:x", "tcp:[::1]:1", "socketmap:unix:/x:y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if strings.Contains(spec, "/dev") || strings.Contains(spec, "/proc") || strings.Contains(spec, "/sys") || strings.Contains(spec, "./") {
			return // no files that never end
		}
		table, err := Open(context.Background(), spec, &Options{Limits: Limits{Depth: 5, File: 1 << 20}})
		if err == nil {
			Close(table)
		}
	})
}
