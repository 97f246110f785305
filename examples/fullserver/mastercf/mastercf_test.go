package mastercf_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/stretchr/testify/require"
)

const sample = `# what a site may have
smtp      inet  n       -       y       -       -       smtpd
  -o smtpd_milters=inet:127.0.0.1:8891 -o { smtpd_banner = hello   world x }

submission inet n       -       y       -       2       smtpd -v
# a remark between a line and its continuation
  -o syslog_name=postfix/submission
127.0.0.1:10025 inet n - - 1000? 20 smtpd
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu   user=vmail argv=/usr/bin/maildrop -d ${recipient} -o x=y {a b}
qmgr      unix  n       -       n       300     1       qmgr
`

func TestRead(t *testing.T) {
	list, err := mastercf.Read("master.cf", strings.NewReader(sample))
	require.NoError(t, err)
	require.Len(t, list, 5)
	smtp := list[0]
	require.Equal(t, "smtp/inet", smtp.Key())
	require.Equal(t, []mastercf.Override{{Name: "smtpd_milters", Value: "inet:127.0.0.1:8891"}, {Name: "smtpd_banner", Value: "hello   world x"}}, smtp.Overrides)
	require.True(t, smtp.Chroot)
	require.False(t, smtp.Private)
	require.Equal(t, -1, smtp.Process)
	require.Equal(t, 2, smtp.Line)
	banner, ok := smtp.Override("smtpd_banner")
	require.True(t, ok)
	require.Equal(t, "hello   world x", banner)
	_, ok = smtp.Override("syslog_name")
	require.False(t, ok)
	require.Equal(t, 1, list[1].Verbose)
	require.Equal(t, 2, list[1].Process)
	require.Equal(t, 1000*time.Second, list[2].Wakeup)
	drop := list[3]
	require.True(t, drop.Private)
	require.False(t, drop.Unpriv)
	user, _ := drop.Option("user")
	require.Equal(t, "vmail", user)
	require.Equal(t, []string{"/usr/bin/maildrop", "-d", "${recipient}", "-o", "x=y", "a b"}, drop.Argv())
	require.Empty(t, drop.Overrides, "what the command of a pipe is told is not the pipe's")
}

// Postfix's own tool writes the same of it.
func TestAsPostconf(t *testing.T) {
	postconf, err := exec.LookPath("postconf")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("no postconf")
	}
	require.NoError(t, err)
	dist, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	require.NoError(t, err)
	for _, text := range []string{sample, string(dist)} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "main.cf"), []byte("compatibility_level = 3.6\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "master.cf"), []byte(text), 0o600))
		old := time.Now().Add(-time.Hour) // it waits until files have been left alone for a while
		require.NoError(t, os.Chtimes(filepath.Join(dir, "main.cf"), old, old))
		require.NoError(t, os.Chtimes(filepath.Join(dir, "master.cf"), old, old))
		want, err := exec.Command(postconf, "-c", dir, "-M").Output()
		require.NoError(t, err)
		list, err := mastercf.Read("master.cf", strings.NewReader(text))
		require.NoError(t, err)
		var got strings.Builder
		for _, s := range list {
			got.WriteString(s.String() + "\n")
		}
		require.Equal(t, string(want), got.String())
		want, err = exec.Command(postconf, "-c", dir, "-F").Output()
		require.NoError(t, err)
		got.Reset()
		for _, s := range list {
			for _, f := range s.Fields() {
				got.WriteString(s.Key() + "/" + f[0] + " = " + f[1] + "\n")
			}
		}
		require.Equal(t, string(want), got.String())
	}
}

func TestTwice(t *testing.T) {
	list, err := mastercf.Read("master.cf", strings.NewReader("a inet n - - - - smtpd\nb inet n - - - - smtpd\na inet n - - - 7 smtpd\na unix - - - - - smtp\n"))
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, 7, list[0].Process)
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a inet n - - - smtpd":                            "master.cf, line 1: has 7 fields, where a service has 8: name, type, private, unpriv, chroot, wakeup, maxproc, command",
		"\n\na inet n - - x - smtpd":                      `master.cf, line 3: wakeup is "x": write a number, or -`,
		"a inet n q - - - smtpd":                          `master.cf, line 1: unpriv is "q": write y, n or -`,
		"a inet n - - - -3 smtpd":                         `master.cf, line 1: maxproc is "-3": write a number, or -`,
		"a foo n - - - - smtpd":                           `master.cf, line 1: "foo" is no type of service: inet, unix, fifo, pass, unix-dgram`,
		"a inet y - - - - smtpd":                          "master.cf, line 1: a service of type inet can't be private: write n, or -",
		"a unix n - - - - smtpd -o x = y":                 "master.cf, line 1: -o wants name=value, without blanks around the equals sign or in { }",
		"a unix n - - - - smtpd -o":                       "master.cf, line 1: -o wants name=value, without blanks around the equals sign or in { }",
		"a unix n - - - - smtpd {a":                       "master.cf, line 1: missing '}'",
		"a unix n - - - - smtpd -o {}":                    "master.cf, line 1: { } with nothing in it",
		"a unix n - - - - smtpd {a}b":                     "master.cf, line 1: a blank must follow '}'",
		"a unix n - - - - /bin/x":                         `master.cf, line 1: "/bin/x" is not the name of a program`,
		"  a unix n - - - - x":                            "master.cf, line 1: a continuation line with nothing before it; a service begins in the first column",
		"a unix n - - - - x\x01":                          "master.cf, line 1: control character 0x01 in a configuration file",
		"a unix n - - - - " + strings.Repeat("x", 70<<10): "master.cf, line 1: line too long",
	} {
		_, err := mastercf.Read("master.cf", strings.NewReader(text))
		require.EqualError(t, err, want, text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("a unix n - - - - smtpd {a}b\n -o{ x = y } -vv argv= {}")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := mastercf.Read("m", strings.NewReader(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, s := range list {
			again.WriteString(s.String() + "\n")
		}
		back, err := mastercf.Read("m", strings.NewReader(again.String()))
		require.NoError(t, err, again.String())
		require.Len(t, back, len(list))
		for i := range list {
			require.True(t, slices.Equal(list[i].Overrides, back[i].Overrides), again.String())
			require.Equal(t, list[i].Args, back[i].Args)
		}
	})
}
