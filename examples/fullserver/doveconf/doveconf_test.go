package doveconf_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/doveconf"
	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) (*doveconf.File, error) {
	t.Helper()
	return doveconf.Parse("n.txt", strings.NewReader(text), doveconf.Limits{})
}

func kept(t testing.TB, version, name string) *doveconf.File {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", version, name+".txt"))
	require.NoError(t, err)
	defer f.Close()
	file, err := doveconf.Parse(name, f, doveconf.Limits{})
	require.NoError(t, err)
	return file
}

// flat writes all settings with their sections, one a line, without line numbers.
func flat(f *doveconf.File) (out []string) {
	for in, s := range f.Root.All() {
		out = append(out, strings.Join(append(slices.Clone(in), s.Name), " / ")+" = "+s.Value)
	}
	return out
}

// What doveconf 2.3 prints of the files in testdata/conf is read as what they say.
func TestInstalled(t *testing.T) {
	version, err := exec.Command("dovecot", "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "2.3.") {
		if os.Getenv("CI") == "true" {
			t.Fatal("Debian's dovecot-core is missing")
		}
		t.Skip("needs Debian's dovecot-core 2.3")
	}
	files, err := filepath.Glob("testdata/conf/*.conf")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		abs, err := filepath.Abs(file)
		require.NoError(t, err)
		f, err := doveconf.Run(context.Background(), abs)
		require.NoError(t, err)
		require.Equal(t, abs, f.Path)
		require.True(t, f.At(2, 3))
		require.False(t, f.At(2, 4))
		require.Equal(t, flat(kept(t, "2.3", strings.TrimSuffix(filepath.Base(file), ".conf"))), flat(f), file)
	}
	_, err = doveconf.Run(context.Background(), "/nowhere/dovecot.conf")
	require.ErrorContains(t, err, "nowhere")
}

// What Debian's doveconf 2.4 prints of those in testdata/conf24, if .ci/dovecot24 has fetched it, is what is kept of it.
func TestInstalled24(t *testing.T) {
	root, err := filepath.Abs("../../../.cache/dovecot24")
	require.NoError(t, err)
	if _, err := os.Stat(root + "/usr/bin/doveconf"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root, and .ci/dovecot24 to have been called")
	}
	files, err := filepath.Glob("testdata/conf24/*.conf")
	require.NoError(t, err)
	require.Len(t, files, 8)
	// Nobody has written dovecot.conf: it is what the packages put there.
	text, err := exec.Command("cp", "-r", root+"/usr/share/dovecot/dovecot.conf", root+"/usr/share/dovecot/conf.d", root+"/etc/dovecot").CombinedOutput()
	require.NoError(t, err, "%s", text)
	for _, file := range append(files, "installed.conf") {
		name := filepath.Base(file)
		if text, err := os.ReadFile(file); err == nil {
			require.NoError(t, os.WriteFile(root+"/etc/dovecot/"+name, text, 0o600))
		} else {
			require.NoError(t, os.Rename(root+"/etc/dovecot/dovecot.conf", root+"/etc/dovecot/"+name))
		}
		out, err := exec.Command("chroot", root, "/usr/bin/doveconf", "-N", "-P", "-c", "/etc/dovecot/"+name).Output()
		require.NoError(t, err)
		f, err := parse(t, string(out))
		require.NoError(t, err)
		require.True(t, f.At(2, 4))
		require.Equal(t, flat(kept(t, "2.4", strings.TrimSuffix(name, ".conf"))), flat(f), file)
	}
}

func TestValues(t *testing.T) {
	f := kept(t, "2.3", "odd")
	plugin := f.Root.Find("plugin", "")
	require.NotNil(t, plugin)
	for name, want := range map[string]string{"a": "b{", "c": "x }", "d": `back\slash`, "e": "", "f": "ends with blank ", "h": `has # a sign and "quotes" and a \`} {
		got, ok := plugin.Get(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	require.Equal(t, `"hi" there`, f.Root.Value("login_greeting"))
	var names []string
	for s := range f.Root.Find("namespace", "").Of("mailbox") {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"Thư đã gửi", "a {b"}, names)
	require.Equal(t, "24", f.Root.Find("service", "lmtp").Find("inet_listener", "lmtp").Value("port"))
}

func TestVersion24(t *testing.T) {
	f := kept(t, "2.4", "virtual")
	require.Equal(t, "2.4.1-4", f.Version)
	require.Equal(t, "/etc/dovecot/virtual.conf", f.Path)
	require.True(t, f.At(2, 4))
	require.False(t, f.At(2, 5))
	require.False(t, f.At(3, 0))
	require.Equal(t, "imap pop3 lmtp sieve", f.Root.Value("protocols"))
	require.Equal(t, "Welcome # to us", f.Root.Value("login_greeting"))
	require.Equal(t, "/var/vmail/%{user | domain}/%{user | username}", f.Root.Find("userdb", "passwd-file").Find("fields", "").Value("home:default"))
	inbox := f.Root.Find("namespace", "inbox")
	require.Equal(t, `\Trash`, inbox.Find("mailbox", "Trash").Value("special_use"))
	require.NotNil(t, inbox.Find("mailbox", "Sent Messages"))

	debian := kept(t, "2.4", "debian")
	require.Equal(t, "yes", debian.Root.Find("protocols", "").Value("imap"))
	require.NotNil(t, debian.Root.Find("passdb", "pam"))
	require.Equal(t, `5ec#ret"`, kept(t, "2.4", "odd").Root.Value("ldap_auth_dn_password"))
	require.Equal(t, "fs", kept(t, "2.4", "fs").Root.Value("mailbox_list_layout"), "which doveconf -n doesn't print")
	hidden, err := parse(t, "mysql db.an.example {\n  password = # hidden, use -P to show it\n}\n") // as it does without -P
	require.NoError(t, err)
	require.True(t, hidden.Root.Find("mysql", "db.an.example").Settings[0].Hidden)
	require.Empty(t, hidden.Root.Find("mysql", "db.an.example").Value("password"))

	g, err := parse(t, "dovecot_config_version = 2.4.0\n")
	require.NoError(t, err)
	require.True(t, g.At(2, 4), "the file alone tells")
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a = b\nplugin {\n  c = d\n":      `n.txt, line 3: "plugin" of line 2 has no }`,
		"}\n":                             "n.txt, line 1: a } without a {",
		"a = b\n!include conf.d/*.conf\n": "a person wrote",
		"a = b\njust words\n":             `"just words" is neither`,
		"a = b\x00\n":                     "control character 0x00",
		"":                                "doveconf -N -P",
		"# a comment\n":                   "doveconf -N -P",
		"{\n}\n":                          "is not how a section begins",
		strings.Repeat("a {\n", 40):       "more than 16 sections",
	} {
		_, err := parse(t, text)
		require.ErrorContains(t, err, want, "%q", text)
	}
	small := doveconf.Limits{Size: 20, Line: 10, Settings: 2}
	for text, want := range map[string]string{
		"a = b\nc = d\ne = f\n":  "more than 2 settings",
		strings.Repeat("\n", 30): "more than 20 octets",
		"a = 123456789012":       "line 1: longer than 10 octets",
	} {
		_, err := doveconf.Parse("n.txt", strings.NewReader(text), small)
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/2.*/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add("a = \"\\\"\nb \"c\" {\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := doveconf.Parse("fuzz", strings.NewReader(text), doveconf.Limits{Size: 1 << 16, Line: 1 << 10, Depth: 4, Settings: 100})
		if err != nil {
			return
		}
		n := 0
		for in, s := range file.Root.All() {
			n++
			require.LessOrEqual(t, len(in), 4)
			require.NotEmpty(t, s.Name)
			require.NotContains(t, s.Value, "\n")
			require.Positive(t, s.Line)
		}
		require.LessOrEqual(t, n, 100)
		file.At(2, 4)
	})
}
