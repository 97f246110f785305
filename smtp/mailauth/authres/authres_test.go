package authres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
)

func method(name string, code authres.Code, props ...string) authres.Method {
	m := authres.Method{Name: name, Result: code}
	for i := 0; i < len(props); i += 3 {
		m.Props = append(m.Props, authres.Property{Type: props[i], Name: props[i+1], Value: props[i+2]})
	}
	return m
}

func with(m authres.Method, comment, reason string) authres.Method {
	m.Comment, m.Reason = comment, reason
	return m
}

// RFC 8601: section 2.2's grammar, appendix B's examples, and what others write.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		clause, in string
		want       *authres.Results // nil: an error
	}{
		{"B.2 Nearly Trivial Case", " example.org 1; none", &authres.Results{ServID: "example.org", Version: 1}},
		{"B.3 Authentication Done", " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
			&authres.Results{ServID: "example.com", Methods: []authres.Method{method("spf", "pass", "smtp", "mailfrom", "example.net")}}},
		{"B.4 Several Authentications Done", " example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
			&authres.Results{ServID: "example.com", Methods: []authres.Method{
				with(method("auth", "pass", "smtp", "auth", "sender@example.net"), "cram-md5", ""), method("spf", "pass", "smtp", "mailfrom", "example.net")}}},
		{"B.4, the second", " example.com; iprev=pass\r\n policy.iprev=192.0.2.200",
			&authres.Results{ServID: "example.com", Methods: []authres.Method{method("iprev", "pass", "policy", "iprev", "192.0.2.200")}}},
		{"B.5 Different MTAs", " example.com;\r\n dkim=pass (good signature) header.d=example.com",
			&authres.Results{ServID: "example.com", Methods: []authres.Method{with(method("dkim", "pass", "header", "d", "example.com"), "good signature", "")}}},
		{"B.6 Multi-tiered", " example.com;\r\n dkim=pass reason=\"good signature\"\r\n header.i=@mail-router.example.net;\r\n dkim=fail reason=\"bad signature\"\r\n header.i=@newyork.example.com",
			&authres.Results{ServID: "example.com", Methods: []authres.Method{
				with(method("dkim", "pass", "header", "i", "@mail-router.example.net"), "", "good signature"),
				with(method("dkim", "fail", "header", "i", "@newyork.example.com"), "", "bad signature")}}},
		{"B.7 Comment-Heavy Example", " foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n" +
			" policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
			&authres.Results{ServID: "foo.example.net", Version: 1, Methods: []authres.Method{
				{Name: "dkim", Version: 1, Result: "fail", Props: []authres.Property{{Type: "policy", Name: "expired", Value: "1362471462"}}}}}},
		{"2.2 authserv-id = value: a quoted string", ` "mail server" ; none`, &authres.Results{ServID: "mail server"}},
		{"2.2 CFWS nests", " (a(b)\\)c) x (;) ; (d) none", &authres.Results{ServID: "x"}},
		{"2.2 result and method are Keywords: without case", " x; SPF=Pass", &authres.Results{ServID: "x", Methods: []authres.Method{method("SPF", "pass")}}},
		{"2.2 reasonspec = \"reason\" \"=\" value: a token", " x; spf=fail reason=because", &authres.Results{ServID: "x", Methods: []authres.Method{with(method("spf", "fail"), "", "because")}}},
		{"2.2 pvalue = [ [ local-part ] \"@\" ] domain-name", " x; dkim=pass header.i=\"joe doe\"@example.com", &authres.Results{ServID: "x", Methods: []authres.Method{method("dkim", "pass", "header", "i", "joe doe@example.com")}}},
		{"2.2 pvalue = value: a quoted string", ` x; spf=pass smtp.mailfrom="a;b\"c"`, &authres.Results{ServID: "x", Methods: []authres.Method{method("spf", "pass", "smtp", "mailfrom", `a;b"c`)}}},
		{"2.2 no resinfo at all is not in the grammar, and read", " example.org", &authres.Results{ServID: "example.org"}},
		{"2.2 a \";\" at the end is not in the grammar, and read", " x; spf=none;", &authres.Results{ServID: "x", Methods: []authres.Method{method("spf", "none")}}},
		{"2.2 an IPv6 address without quotes, as others write it", " x; iprev=fail policy.iprev=2001:db8::1", &authres.Results{ServID: "x", Methods: []authres.Method{method("iprev", "fail", "policy", "iprev", "2001:db8::1")}}},
		{"RFC 6008: header.b with \"/\" and \"=\", as others write it", " x; dkim=pass header.b=a/b+c=", &authres.Results{ServID: "x", Methods: []authres.Method{method("dkim", "pass", "header", "b", "a/b+c=")}}},
		{"RFC 6532: UTF-8", " x; spf=pass smtp.mailfrom=jürgen@bücher.example", &authres.Results{ServID: "x", Methods: []authres.Method{method("spf", "pass", "smtp", "mailfrom", "jürgen@bücher.example")}}},
		{"2.2 authserv-id is there", " ; spf=pass", nil},
		{"2.2 authres-version = 1*DIGIT", " x y; none", nil},
		{"2.2 methodspec = method \"=\" result", " x; spf", nil},
		{"2.2 result is there", " x; spf=", nil},
		{"2.2 propspec = ptype \".\" property \"=\" pvalue", " x; spf=pass smtp=1", nil},
		{"2.2 propspec", " x; spf=pass smtp.mailfrom", nil},
		{"2.2 propspec", " x; spf=pass smtp.mailfrom=", nil},
		{"2.2 method-version = 1*DIGIT", " x; spf/a=pass", nil},
		{"2.2 a quoted string ends", ` x; spf=pass reason="oops`, nil},
		{"2.2 nothing else", " x; spf=pass !", nil},
		{"too many methods", " x" + strings.Repeat("; a=b", 101), nil},
		{"too many properties", " x; a=b" + strings.Repeat(" c.d=e", 101), nil},
	} {
		got, err := authres.Parse(c.in)
		if c.want == nil {
			require.ErrorIs(t, err, authres.ErrSyntax, c.clause)
			continue
		}
		require.NoError(t, err, c.clause)
		require.Equal(t, c.want, got, c.clause)
		again, err := authres.Parse(got.Value())
		require.NoError(t, err, "%s: %q", c.clause, got.Value())
		require.Equal(t, got, again, c.clause)
	}
}

// Section 5: "MUST delete any discovered instance of this header field that claims, by virtue of its authentication service
// identifier, to have been added within its trust boundary".
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		clause, in string
		want       bool
	}{
		{"ours", " mx.example.org; spf=pass", true},
		{"without case", " MX.Example.ORG; spf=pass", true},
		{"another's", " mx.example.net; spf=pass", false},
		{"one below ours is another's", " a.mx.example.org; spf=pass", false},
		{"one that ends in the same letters", " amx.example.org; spf=pass", false},
		{"one that begins with the same letters", " mx.example.org.example.net; spf=pass", false},
		{"with a version, of which none is supported but 1: it is ours all the same", " mx.example.org 99; spf=pass", true},
		{"behind a comment", " (hello) mx.example.org ; spf=pass", true},
		{"behind nested comments", " (a(b\\)c)) mx.example.org(x); spf=pass", true},
		{"in quotes", " \"mx.example.org\"; spf=pass", true},
		{"in quotes, with a quoted-pair", " \"mx\\.example.org\"; spf=pass", true},
		{"folded", "\r\n\tmx.example.org;\r\n\tspf=pass", true},
		{"with a dot at the end", " mx.example.org.; spf=pass", true},
		{"without results", " mx.example.org", true},
		{"with something that is no result", " mx.example.org; ???", true},
		{"what can't be read and begins with ours", " \"mx.example.org; spf=pass", true},
		{"behind what looks like nothing", " \u00a0\ufeff\u200bmx.exam\u00adple.org; spf=pass", true},
		{"before what isn't seen", " mx.example.org\x00; spf=pass", true},
		{"nothing", "", false},
		{"in the case of EAI, after converting A-labels into U-labels", " xn--bcher-kva.example; spf=pass", true},
		{"in the case of EAI", " bücher.example; spf=pass", true},
		{"in the case of EAI, without case", " BÜCHER.example; spf=pass", true},
		{"another name of ours", " other; none", true},
	} {
		require.Equal(t, c.want, authres.Claims(c.in, "mx.example.org", "bücher.example", "other"), "%s: %q", c.clause, c.in)
	}
	require.False(t, authres.Claims(" mx.example.org; none"))
}

// Nothing that a sender chooses can add a line, a method or a property to the field.
func TestWrite(t *testing.T) {
	r := &authres.Results{ServID: "mx.example.org", Methods: []authres.Method{
		{Name: "spf", Result: "pass", Comment: "a) b (c\\", Reason: "x\r\n y; dmarc=pass\"", Props: []authres.Property{
			{Type: "smtp", Name: "mailfrom", Value: "a; dmarc=pass\r\nBcc: x"}, {Type: "smtp", Name: "helo", Value: ""}, {Type: "", Name: "a b", Value: strings.Repeat("y", 2000)}}},
	}}
	s := r.String()
	require.True(t, strings.HasPrefix(s, "Authentication-Results: mx.example.org;\r\n\tspf=pass (a\\) b \\(c\\\\)"), s)
	for i, line := range strings.Split(strings.TrimSuffix(s, "\r\n"), "\r\n") {
		require.LessOrEqual(t, len(line), 998)
		require.True(t, i == 0 || line[0] == '\t', line)
	}
	got, err := authres.Parse(strings.TrimPrefix(s, "Authentication-Results:"))
	require.NoError(t, err)
	require.Len(t, got.Methods, 1)
	m := got.Methods[0]
	require.Equal(t, "a) b (c\\", m.Comment)
	require.Equal(t, "x y; dmarc=pass\"", m.Reason)
	require.Equal(t, "a; dmarc=passBcc: x", m.Prop("SMTP", "MailFrom"))
	require.Equal(t, "", m.Prop("smtp", "helo"))
	require.Equal(t, "Authentication-Results: x; none\r\n", (&authres.Results{ServID: "x"}).String()) // section 2.2, no-result
	require.Equal(t, "x 1; none", (&authres.Results{ServID: "x", Version: 1}).Value())
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{" example.org 1; none", " x; dkim=pass (good) reason=\"a b\" header.i=@a.example; spf=fail smtp.mailfrom=\"a b\"@c",
		" foo.example.net (foobar) 1 (baz);\r\n dkim (I) / 1 (One) = (wait) fail\r\n policy (A) . (b) expired\r\n (c) = (d) 1362471462", ` "mx\.example.org"; a=b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		claimed := authres.Claims(s, "mx.example.org")
		r, err := authres.Parse(s)
		if err != nil {
			return
		}
		if strings.EqualFold(r.ServID, "mx.example.org") {
			require.True(t, claimed, "%q", s)
		}
		v := r.Value()
		for i, line := range strings.Split(v, "\r\n") {
			if i > 0 && line[0] != '\t' || strings.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("%q", v)
			}
		}
		again, err := authres.Parse(v)
		require.NoError(t, err, "%q", v)
		require.Len(t, again.Methods, len(r.Methods))
		for i := range r.Methods {
			require.Equal(t, r.Methods[i].Result, again.Methods[i].Result)
			require.Len(t, again.Methods[i].Props, len(r.Methods[i].Props))
		}
	})
}

var sample = &authres.Results{ServID: "mx.example.org", Methods: []authres.Method{
	method("spf", "pass", "smtp", "mailfrom", "joe@example.com"),
	method("dkim", "pass", "header", "d", "example.com", "header", "s", "2026", "header", "a", "rsa-sha256", "header", "b", "abcdef12"),
	method("dmarc", "pass", "header", "from", "example.com"),
}}

func BenchmarkString(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = sample.String()
	}
}

func BenchmarkParse(b *testing.B) {
	s := sample.Value()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := authres.Parse(s); err != nil {
			b.Fatal(err)
		}
	}
}
