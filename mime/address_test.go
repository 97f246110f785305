package mime_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

type addr = mime.Address

func TestAddressList(t *testing.T) {
	group := func(name string) addr { return addr{Kind: mime.GroupStart, Name: name} }
	end := addr{Kind: mime.GroupEnd}
	for _, c := range []struct {
		in   string
		want []addr
	}{
		{"", nil},
		{" \t", nil},
		{",, ,", nil},
		{"(only a comment)", nil},
		// RFC 5322 appendix A.1.1 and A.1.2
		{"John Doe <jdoe@machine.example>", []addr{{Name: "John Doe", Mailbox: "jdoe", Host: "machine.example"}}},
		{`"Joe Q. Public" <john.q.public@example.com>`, []addr{{Name: "Joe Q. Public", Mailbox: "john.q.public", Host: "example.com"}}},
		{"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>", []addr{
			{Name: "Mary Smith", Mailbox: "mary", Host: "x.test"}, {Mailbox: "jdoe", Host: "example.org"}, {Name: "Who?", Mailbox: "one", Host: "y.test"}}},
		{`<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>`, []addr{
			{Mailbox: "boss", Host: "nil.test"}, {Name: `Giant; "Big" Box`, Mailbox: "sysservices", Host: "example.net"}}},
		// appendix A.1.3
		{"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", []addr{
			group("A Group"), {Name: "Ed Jones", Mailbox: "c", Host: "a.test"}, {Mailbox: "joe", Host: "where.test"}, {Name: "John", Mailbox: "jdoe", Host: "one.test"}, end}},
		{"Undisclosed recipients:;", []addr{group("Undisclosed recipients"), end}},
		// appendix A.5
		{`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, []addr{{Name: "Pete", Mailbox: "pete", Host: "silly.test"}}},
		{"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)", []addr{
			group("A Group"), {Name: "Chris Jones", Mailbox: "c", Host: "public.example"}, {Mailbox: "joe", Host: "example.org"}, {Name: "John", Mailbox: "jdoe", Host: "one.test"}, end}},
		{"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", []addr{group("Hidden recipients"), end}},
		// appendix A.6.1 and A.6.3, obsolete forms
		{"Joe Q. Public <john.q.public@example.com>", []addr{{Name: "Joe Q. Public", Mailbox: "john.q.public", Host: "example.com"}}},
		{"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", []addr{
			{Name: "Mary Smith", Route: "@node.test", Mailbox: "mary", Host: "example.net"}, {Mailbox: "jdoe", Host: "test.example"}}},
		{"Mary Smith\r\n                  \r\n          <mary@example.net>", []addr{{Name: "Mary Smith", Mailbox: "mary", Host: "example.net"}}},
		{"<@a.test,@b.test:c@d.test>", []addr{{Route: "@a.test,@b.test", Mailbox: "c", Host: "d.test"}}},
		{"<@a.test, , @b.test : c@d.test>", []addr{{Route: "@a.test,,@b.test", Mailbox: "c", Host: "d.test"}}},
		{"john . doe @ x . test", []addr{{Mailbox: "john.doe", Host: "x.test"}}},
		// the rest
		{`"quoted local"@x.test`, []addr{{Mailbox: "quoted local", Host: "x.test"}}},
		{`"a\"b@c"@x.test`, []addr{{Mailbox: `a"b@c`, Host: "x.test"}}},
		{`""@x.test`, []addr{{Mailbox: "", Host: "x.test"}}},
		{"user@[192.0.2.1], <u@[IPv6:2001:db8::1]>", []addr{{Mailbox: "user", Host: "[192.0.2.1]"}, {Mailbox: "u", Host: "[IPv6:2001:db8::1]"}}},
		{"user@x.test (Real Name)", []addr{{Name: "Real Name", Mailbox: "user", Host: "x.test"}}},
		{"=?utf-8?q?Th=C6=B0?= <a@b>", []addr{{Name: "Thư", Mailbox: "a", Host: "b"}}},
		{"=?utf-8?q?a?= =?utf-8?q?b?= c <a@b>", []addr{{Name: "ab c", Mailbox: "a", Host: "b"}}},
		{"Nguyễn <thư@ví-dụ.test>", []addr{{Name: "Nguyễn", Mailbox: "thư", Host: "ví-dụ.test"}}},
		{"a+b=c/d@x.test", []addr{{Mailbox: "a+b=c/d", Host: "x.test"}}},
		{"a@b <c@d>", []addr{{Name: "a@b", Mailbox: "c", Host: "d"}}},
	} {
		got, err := mime.ParseAddressList(c.in)
		require.Equal(t, c.want, got, "%q", c.in)
		if !strings.Contains(c.in, `""@`) {
			require.NoError(t, err, "%q", c.in)
		}
	}
}

// What is damaged is read as it was meant, and the error says that it is damaged.
func TestAddressListDamage(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []addr
	}{
		{"root", []addr{{Mailbox: "root"}}},
		{"John Doe", []addr{{Name: "John Doe"}}},
		{"John Doe john@x.test", []addr{{Name: "John Doe", Mailbox: "john", Host: "x.test"}}},
		{"a@b.test c@d.test", []addr{{Mailbox: "a", Host: "b.test"}, {Mailbox: "c", Host: "d.test"}}},
		{"<a@b.test> <c@d.test>", []addr{{Mailbox: "a", Host: "b.test"}, {Mailbox: "c", Host: "d.test"}}},
		{"A <a@b.test> C <c@d.test>", []addr{{Name: "A", Mailbox: "a", Host: "b.test"}, {Name: "C", Mailbox: "c", Host: "d.test"}}},
		{"a@b; c@d", []addr{{Mailbox: "a", Host: "b"}, {Mailbox: "c", Host: "d"}}},
		{"A <a@b", []addr{{Name: "A", Mailbox: "a", Host: "b"}}},
		{"A <a@b, C <c@d>", []addr{{Name: "A", Mailbox: "a", Host: "b"}, {Name: "C", Mailbox: "c", Host: "d"}}},
		{"A <<a@b>>", []addr{{Name: "A", Mailbox: "a", Host: "b"}}},
		{"a@b>", []addr{{Mailbox: "a", Host: "b"}}},
		{"<mailto:a@b>", []addr{{Mailbox: "a", Host: "b"}}},
		{"<a@b@c>", []addr{{Mailbox: "a@b", Host: "c"}}},
		{"a@b@c", []addr{{Mailbox: "a@b", Host: "c"}}},
		{"<>", []addr{{}}},
		{"<a b@c>", []addr{{Mailbox: "a b", Host: "c"}}},
		{`"John <a@b>`, []addr{{Name: `"John`, Mailbox: "a", Host: "b"}}},
		{"John (x <a@b>", []addr{{Name: "John (x", Mailbox: "a", Host: "b"}}},
		{"G: a@b", []addr{{Kind: mime.GroupStart, Name: "G"}, {Mailbox: "a", Host: "b"}, {Kind: mime.GroupEnd}}},
		{"=?utf-8?q?Doe,_John?= <a@b>", []addr{{Name: "Doe, John", Mailbox: "a", Host: "b"}}},
		{"@b", []addr{{Host: "b"}}},
		{"a@", []addr{{Mailbox: "a"}}},
	} {
		got, err := mime.ParseAddressList(c.in)
		require.Equal(t, c.want, got, "%q", c.in)
		if !strings.HasPrefix(c.in, "=?") {
			var syntax *mime.SyntaxError
			require.ErrorAs(t, err, &syntax, "%q", c.in)
			require.Contains(t, err.Error(), "octet")
		}
	}
}

func TestParseAddress(t *testing.T) {
	a, err := mime.ParseAddress("Bob <bob@example.test>")
	require.NoError(t, err)
	require.Equal(t, addr{Name: "Bob", Mailbox: "bob", Host: "example.test"}, a)
	for _, bad := range []string{"", "bob", "a@b, c@d", "G:a@b;", "<>", "@b", "a@", "a@b c"} {
		_, err := mime.ParseAddress(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestRawNames(t *testing.T) {
	p := mime.AddressParser{Raw: true, Max: 2}
	list, err := p.ParseList("=?utf-8?q?a?= <a@b>, c@d, e@f")
	require.Error(t, err)
	require.Equal(t, []addr{{Name: "=?utf-8?q?a?=", Mailbox: "a", Host: "b"}, {Mailbox: "c", Host: "d"}}, list)
	list, err = p.ParseList("G:a@b, c@d;")
	require.Error(t, err)
	require.Equal(t, []addr{{Kind: mime.GroupStart, Name: "G"}, {Mailbox: "a", Host: "b"}, {Kind: mime.GroupEnd}}, list)
}

func TestFormatAddress(t *testing.T) {
	for _, c := range []struct {
		a    addr
		want string
	}{
		{addr{Mailbox: "a", Host: "b"}, "a@b"},
		{addr{Name: "A B", Mailbox: "a", Host: "b"}, "A B <a@b>"},
		{addr{Name: "B, A.", Mailbox: "a", Host: "b"}, `"B, A." <a@b>`},
		{addr{Name: `a"b\`, Mailbox: "a", Host: "b"}, `"a\"b\\" <a@b>`},
		{addr{Name: "Thư", Mailbox: "a", Host: "b"}, "=?utf-8?q?Th=C6=B0?= <a@b>"},
		{addr{Mailbox: "a b", Host: "c"}, `"a b"@c`},
		{addr{Mailbox: ".a", Host: "c"}, `".a"@c`},
		{addr{Mailbox: "a..b", Host: "c"}, `"a..b"@c`},
		{addr{Mailbox: "", Host: "c"}, `""@c`},
		{addr{Mailbox: "thư", Host: "ví.test"}, "thư@ví.test"},
		{addr{Route: "@r", Mailbox: "a", Host: "b"}, "<@r:a@b>"},
		{addr{Name: "x", Mailbox: "postmaster"}, "x <postmaster>"},
		{addr{Mailbox: "a", Host: "b>\r\nRCPT TO:<c"}, "a@bRCPTTO:c"},
		{addr{Mailbox: "a>\r\nX", Host: "b"}, "\"a>  X\"@b"},
	} {
		require.Equal(t, c.want, c.a.String())
	}
	require.Equal(t, "a@b, G: c@d, e@f;, g@h", mime.FormatAddressList([]addr{
		{Mailbox: "a", Host: "b"}, {Kind: mime.GroupStart, Name: "G"}, {Mailbox: "c", Host: "d"}, {Mailbox: "e", Host: "f"}, {Kind: mime.GroupEnd}, {Mailbox: "g", Host: "h"}}))
}

// What is written is read back.
func TestAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab .,;:<>@()[]\"\\=?thư")))
		var list []addr
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			list = append(list, addr{
				Name:    strings.Join(strings.Fields(text.Draw(t, "name")), " "),
				Mailbox: text.Draw(t, "local"),
				Host:    rapid.SampledFrom([]string{"example.test", "ví-dụ.test", "[192.0.2.1]", "b"}).Draw(t, "host"),
			})
		}
		s := mime.FormatAddressList(list)
		got, _ := mime.ParseAddressList(s)
		require.Equal(t, list, got, "%s", s)
	})
}

// What net/mail accepts is read as net/mail reads it.
func TestAddressAgainstNetMail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab.@<>,; \"()"))).Draw(t, "list")
		want, err := mail.ParseAddressList(s)
		if err != nil {
			return
		}
		got, err := mime.ParseAddressList(s)
		require.NoError(t, err, "%q", s)
		var boxes []addr
		for a := range mime.Mailboxes(got) {
			boxes = append(boxes, a)
		}
		require.Len(t, boxes, len(want), "%q", s)
		for i, a := range boxes {
			at := strings.LastIndexByte(want[i].Address, '@')
			require.Equal(t, want[i].Address[:at], a.Mailbox, "%q", s)
			require.Equal(t, want[i].Address[at+1:], a.Host, "%q", s)
		}
	})
}

// CVE-2025-61725: a list that is read in quadratic time. Twice the input may take twice the time, with room for noise.
func TestHostileInputIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, piece := range []string{"(", "<", "\"", "a,", "a ", "a@b ", "<@a,", "<@a,<", "=?", "=?a?q?", "=?a?q?x?= ", "a.", "[", "a@[", "\\", "a:", "a;", "\"a\" ", "()", ";", "=?a?b?=?", "a=b ", ";a=b c=d", "a=b", "a= ", "a (", "*0=", "%"} {
		run := func(n int) time.Duration {
			s := strings.Repeat(piece, n/len(piece))
			best := time.Hour
			for range 2 {
				start := time.Now()
				list, _ := (&mime.AddressParser{Max: 1 << 30}).ParseList(s)
				mime.DecodeText(s)
				mime.ParseContentType("a/b;" + s)
				mime.ParseContentType(s)
				mime.ParseDate(s)
				mime.ParseMessageIDs(s)
				_ = list
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := run(8<<10), run(64<<10)
		require.Less(t, large, 30*small+500*time.Millisecond, "%q: %v for 8 KiB, %v for 64 KiB", piece, small, large)
	}
}

func FuzzAddressList(f *testing.F) {
	for _, s := range []string{"A <a@b>, G: c@d;", `"x\"y" <@r,@s:a@[1.2.3.4]> (c (d)), =?utf-8?q?a,b?= <a@b>`, "a@b c@d <e@f", "john . doe @ x . y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := mime.ParseAddressList(s)
		depth := 0
		for _, a := range list {
			switch a.Kind {
			case mime.GroupStart:
				depth++
			case mime.GroupEnd:
				depth--
			}
			require.True(t, depth == 0 || depth == 1)
		}
		require.Zero(t, depth)
		if err != nil {
			return
		}
		again, err := mime.ParseAddressList(mime.FormatAddressList(list))
		require.NoError(t, err)
		require.Len(t, again, len(list))
		for i := range list {
			require.Equal(t, list[i].Kind, again[i].Kind)
			if list[i].Kind == mime.AddressMailbox && utf8.ValidString(list[i].Mailbox) && !strings.ContainsFunc(list[i].Mailbox+list[i].Host, unicode.IsControl) {
				require.Equal(t, list[i].Mailbox, again[i].Mailbox)
			}
		}
	})
}
