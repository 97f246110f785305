package accounts

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
)

var discard = slog.New(slog.DiscardHandler)

func TestSettings(t *testing.T) {
	s, err := parseSettings("f", "# c\ndriver = sqlite # no\nconnect = host=h password=a#b\nq = SELECT \\\n  x \\\n y\nquoted = \"a # b\"\nsingle = 'it\\'s'\nempty =\n")
	require.NoError(t, err)
	for name, want := range map[string]string{"driver": "sqlite", "connect": "host=h password=a#b", "q": "SELECT x y", "quoted": "a # b", "single": "it's", "empty": ""} {
		require.Equal(t, want, s.get(name, "x"), name)
	}
	require.NoError(t, s.unknown())
	for text, want := range map[string]string{"password geheim\n": `f:1: expected name = value at "password"`, "a = b \\\n": "f:1: the last line ends"} {
		_, err := parseSettings("f", text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "geheim")
	}
}

// What is wrong is said with file and line.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		name := filepath.Join(dir, "x")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	ldap := "uris = ldap://h\nbase = dc=x\n"
	for _, tt := range []struct{ spec, text, want string }{
		{"sql:", "driver = oracle\nconnect = host=h dbname=d\n", `:2: unknown driver "oracle"`},
		{"sql:", "driver = pgsql\nconnect = host=h\n", ":2: the connect line has no dbname"},
		{"sql:", "driver = mysql\nconnect = host=h dbname=d oops=1\n", ":2: oops is not known in a connect line"},
		{"sql:", "driver = sqlite\nconnect = /nonexistent/db\n", ":2: stat /nonexistent/db"},
		{"sql:", "driver = pgsql\nconnect = host=h dbname=d\npassword_query = SELECT '%q'\n", ":3: password_query: %q is not known here"},
		{"sql:", "driver = pgsql\nconnect = host=h dbname=d\nuser_query = SELECT '%w'\n", ":3: user_query: %w is not known here"},
		{"sql:", "driver = pgsql\nconnect = host=h dbname=d\npassword_querry = x\n", `:3: unknown setting "password_querry"; did you mean password_query?`},
		{"ldap:", "base = dc=x\n", "neither uris nor hosts"},
		{"ldap:", "uris = ldap://h\n", "there is no base"},
		{"ldap:", ldap + "pass_filter = (uid=%u\n", ":3: pass_filter: "},
		{"ldap:", ldap + "pass_attrs = =x\n", `:3: pass_attrs: "=x" is neither`},
		{"ldap:", ldap + "pass_attrs = @a=b\n", "not supported"},
		{"ldap:", ldap + "user_attrs = =home=/x/%{ldap::}\n", ":3: user_attrs: "},
		{"ldap:", ldap + "scope = tree\n", ":3: scope is base"},
		{"ldap:", ldap + "sasl_bind = yes\n", ":3: sasl_bind is not supported: write dn and dnpass"},
		{"ldap:", ldap + "auth_bind = perhaps\n", ":3: auth_bind is yes or no"},
		{"passwd-file:", "nobody", "has no domain"},
		{"{ sql:", "}", "unknown option"},
	} {
		spec := tt.spec + write(tt.text)
		if tt.text == "}" {
			spec = "{ passwd-file:" + write("") + " deny=yes oops=1 }"
		}
		pools, dirs := new(sqldb.Pools), new(directory.Directories)
		_, err := Open(Options{Passdbs: spec, Databases: pools, Directories: dirs})
		require.ErrorContains(t, err, tt.want, "%v", tt)
		pools.Close()
		dirs.Close()
	}
	users := "passwd-file:" + write("u@d:{PLAIN}x\n")
	for list, want := range map[string]string{
		"": "no passdb says who may log in", "{ " + users + " deny=yes": "a { has no }", "{}": "nothing between", "nosuch:x": `unknown driver "nosuch"`, "{ " + users + " deny=perhaps }": "deny is yes or no",
		"{ " + users + " result_success=maybe }": "there are return", "{ " + users + " skip=x }": "skip is never", "{ " + users + " deny=yes }": "no userdb says who there is", "passwd-file:/nonexistent": "no such file",
		"{ " + users + " master=yes }, " + users: "auth_master_user_separator is empty", "sql:/nonexistent": "no such file", users + " static:home": "expected name=value",
	} {
		_, err := Open(Options{Passdbs: list})
		require.ErrorContains(t, err, want, list)
	}
}

func TestStatic(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte("u@d:{PLAIN}x\n"), 0o600))
	for all, known := range map[string]bool{"": false, " allow_all_users=yes": true} {
		a, err := Open(Options{Passdbs: "passwd-file:" + file, Userdbs: "{ static:home=/var/mail/%d/%Un quota_rule=*:storage=1G" + all + " }", Domain: "d"})
		require.NoError(t, err)
		u, err := a.Lookup(t.Context(), "u")
		require.NoError(t, err)
		require.Equal(t, "/var/mail/d/U", u.Home)
		require.Equal(t, "*:storage=1G", u.Extra("userdb_quota_rule"))
		u, err = a.Lookup(t.Context(), "n")
		require.NoError(t, err)
		require.Equal(t, known, u != nil)
	}
}

// FuzzTemplate: what comes of a user stands in a query quoted, and in no other way.
func FuzzTemplate(f *testing.F) {
	f.Add("SELECT '%u' '%Ln' %{domain} 100%%", "Alice@d")
	f.Add("(&(uid=%n)(x=%U{user}))", "*)(@x")
	f.Fuzz(func(t *testing.T, text, user string) {
		tm, err := parseTemplate(text, "und")
		if err != nil || !strings.Contains(user, "@") || strings.Contains(text, "\x00") {
			return
		}
		out, err := tm.expand(newRequest(user), func(string) (string, error) { return "\x00", nil })
		if err != nil || strings.Count(out, "\x00") != len(tm.variables()) || len(strings.ReplaceAll(out, "\x00", "")) > len(text) {
			t.Fatalf("%q becomes %q", text, out)
		}
	})
}

// FuzzFiles: settings, lists and attributes are understood or refused.
func FuzzFiles(f *testing.F) {
	f.Add("a = \"b # c\" # d\ne = f \\\n g\n", "{ sql:/x deny=yes }, ldap:/y", "uid=user,=x=%{ldap:y:z},a=b=%$@c")
	f.Add("0", "0", "=0=%{ldap::}0")
	f.Fuzz(func(t *testing.T, text, list, attrs string) {
		if s, err := parseSettings("f", text); err == nil {
			s.unknown()
		}
		if members, err := split(list); err == nil {
			for _, m := range members {
				if len(m) == 0 {
					t.Fatal("nothing in a member")
				}
			}
		}
		if fields, err := parseFields(attrs); err == nil {
			attributesOf(fields)
			fieldsOf(fields, &directory.Entry{Attributes: []directory.Attribute{{Name: "uid", Values: []string{"v"}}}}, newRequest("u@d"))
		}
	})
}
