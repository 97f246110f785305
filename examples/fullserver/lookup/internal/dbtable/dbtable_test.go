package dbtable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParams(t *testing.T) {
	p, err := ParseParams("t.cf", "# comment\nuser = me\npassword = a $b = c  \nquery = SELECT x\n  FROM y\n# z\n  WHERE '%s'\nempty =\nuser = you\nhosts = a, b\n\tc\nyes = YES\nn = 7\nquerry = x\n")
	require.NoError(t, err)
	require.Equal(t, "you", p.String("user", ""))
	require.Equal(t, "a $b = c", p.String("password", ""))
	require.Equal(t, "SELECT x  FROM y  WHERE '%s'", p.String("query", ""))
	require.Equal(t, "", p.String("empty", "x"))
	require.Equal(t, "x", p.String("none", "x"))
	require.True(t, p.Given("empty"))
	require.Equal(t, []string{"a", "b", "c"}, p.List("hosts", ""))
	yes, err := p.Bool("yes", false)
	require.NoError(t, err)
	require.True(t, yes)
	n, err := p.Int("n", 1, 0)
	require.NoError(t, err)
	require.Equal(t, 7, n)
	require.Equal(t, "[t.cf:14: unknown parameter \"querry\" is ignored; did you mean query?]", fmt.Sprint(p.Unknown()))
	_, err = p.Bool("n", false)
	require.EqualError(t, err, `t.cf:13: n = "7": write yes or no`)
	_, err = p.Int("user", 0, 0)
	require.EqualError(t, err, `t.cf:9: user = "you": is no whole number of 0 or more`)
	for text, want := range map[string]string{"password geheim\n": `t.cf:1: expected name = value at "password"`, " a = b\n": "t.cf:1: the first line begins", "= x\n": "t.cf:1: expected"} {
		_, err := ParseParams("t.cf", text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "geheim")
	}
}

// pgsql_table(5), query: what the places are, and when nothing is asked.
func TestTemplates(t *testing.T) {
	for _, tt := range []struct{ query, key, want string }{
		{"%s", "u@d", "<u@d>"}, {"%u", "u@d", "<u>"}, {"%d", "u@d", "<d>"}, {"%S%U%D", "u@d", "<u@d><u><d>"}, {"100%%", "u", "100%"}, {"%3.%2.%1", "u@mail.example.com", "<mail>.<example>.<com>"},
		{"%u", "u", "<u>"},   // "Otherwise, %u is replaced by the entire search string."
		{"%u", "@d", "-"},    // "If the localpart is empty, the query is suppressed and returns no results."
		{"%d", "u", "-"},     // "Otherwise, the query is suppressed and returns no results."
		{"%d", "u@", "-"},    // no domain either
		{"%3", "u@a.b", "-"}, // "does not have enough domain components"
		{"%u", "a@b@c", "<a@b>"}, {"%s", "", "-"}, {"%s", "@d", "<@d>"},
	} {
		var ts Templates
		q, err := ts.AddQuery(tt.query)
		require.NoError(t, err)
		require.NoError(t, ts.SetResult("%s"))
		got, ok, err := ts.Expand(&q, tt.key, func(s string) (string, error) { return "<" + s + ">", nil })
		require.NoError(t, err)
		if !ok {
			got = "-"
		}
		require.Equal(t, tt.want, got, "%s %s", tt.query, tt.key)
	}
	for _, tt := range []struct{ format, value, key, want string }{
		{"%s", "v", "k", "v"}, {"%s", "", "k", "-"}, {"smtp:[%s]", "h", "k", "smtp:[h]"}, {"%u at %d", "a@b", "k", "a at b"}, {"%d", "a", "k", "-"}, {"%u", "a", "k", "a"}, {"%u", "@b", "k", "-"},
		{"%s %S %U %D %2", "v", "u@x.y", "v u@x.y u x.y x"}, {"%D", "v", "u", "-"}, {"%%", "v", "u", "%"},
	} {
		var ts Templates
		require.NoError(t, ts.SetResult(tt.format))
		got, ok := ts.Format(tt.value, tt.key)
		if !ok {
			got = "-"
		}
		require.Equal(t, tt.want, got, "%v", tt)
	}
	var ts Templates
	for _, bad := range []string{"%", "a%x", "%0", "%"} {
		_, err := ts.AddQuery(bad)
		require.Error(t, err, bad)
	}
}

// FuzzTemplates: what comes of a key stands in the query quoted, and in no other way.
func FuzzTemplates(f *testing.F) {
	f.Add("SELECT '%s' '%u%%' %d%1", "%s %U", "a@b.c", "v@w")
	f.Add("%3", "%d%2", "a@b..c", "@")
	f.Fuzz(func(t *testing.T, query, format, key, value string) {
		var ts Templates
		q, err := ts.AddQuery(query)
		if err != nil || ts.SetResult(format) != nil {
			return
		}
		const mark = "\x00"
		text, ok, err := ts.Expand(&q, key, func(s string) (string, error) {
			if !strings.Contains(key, s) {
				t.Fatalf("%q is not of the key %q", s, key)
			}
			return mark, nil
		})
		if err != nil || strings.Contains(query, mark) {
			return
		}
		if ok != ts.Applies(key) {
			t.Fatal("asked and not asked")
		}
		if plain := strings.ReplaceAll(text, mark, ""); ok && strings.Count(text, mark) > strings.Count(query, "%") || len(plain) > len(query) {
			t.Fatalf("%q from %q", text, query)
		}
		ts.Format(value, key)
	})
}

func FuzzParams(f *testing.F) {
	f.Add("a = b\n c\n# d\nhosts = x, y\n", "hosts")
	f.Add(" x\n=\n", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := ParseParams("f", text)
		if err != nil {
			return
		}
		p.List(name, "")
		p.Bool(name, true)
		p.Int(name, 0, 0)
		p.Unknown()
	})
}
