package config_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// others are parameters whose default is not Postfix's, and why.
var others = map[string]string{
	"alias_maps":                     "nothing of the machine is used unless main.cf says so",
	"compatibility_level":            "0 is for main.cf files older than 2015",
	"data_directory":                 "ours, not Postfix's",
	"queue_directory":                "ours, not Postfix's",
	"default_process_limit":          "sessions are not processes",
	"mail_owner":                     "no user of another program's is taken unless main.cf says so",
	"mynetworks":                     "this machine's other addresses can be a proxy's",
	"smtpd_banner":                   "this is not Postfix",
	"smtpd_forbid_bare_newline":      "later versions of Postfix have it",
	"smtpd_forbid_unauth_pipelining": "later versions of Postfix have it",
	"smtpd_timeout":                  "there is no stress",
	"smtpd_relay_restrictions":       "an open relay's tests want 5yz",
	"smtpd_sasl_auth_enable":         "users are here",
	"smtpd_sender_restrictions":      "users are here",
	"smtpd_tls_cert_file":            "a certificate is made",
	"smtpd_tls_security_level":       "a certificate is made",
	"smtp_tls_security_level":        "later versions of Postfix have it",
}

// debian runs Debian's postconf.
func debian(t *testing.T, mainCF string, args ...string) (out, warnings string) {
	t.Helper()
	if _, err := exec.LookPath("postconf"); err != nil {
		t.Skip("Postfix isn't installed")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.cf"), []byte(mainCF), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "master.cf"), nil, 0o644))
	for _, name := range []string{"main.cf", "master.cf"} { // it waits until files have been left alone for a while
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Now().Add(-time.Hour)))
	}
	var o, e bytes.Buffer
	cmd := exec.Command("postconf", append([]string{"-c", dir}, args...)...)
	cmd.Stdout, cmd.Stderr = &o, &e
	require.NoError(t, cmd.Run(), e.String())
	return strings.ReplaceAll(o.String(), "config_directory = "+dir+"\n", ""), strings.ReplaceAll(e.String(), dir+"/", "")
}

// postconf -d says of every parameter that both have what Debian's says.
func TestDefaultsArePostfixs(t *testing.T) {
	out, _ := debian(t, "", "-d")
	theirs := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		theirs[name] = strings.TrimSpace(value)
	}
	require.Greater(t, len(theirs), 800)
	hostname := theirs["myhostname"]
	c, err := config.Read("main.cf", strings.NewReader(""), hostname)
	require.NoError(t, err)
	compared := 0
	for _, p := range config.Table() {
		want, known := theirs[p.Name]
		if !known {
			continue
		}
		var b strings.Builder
		_, err := c.Print(&b, config.PrintOptions{Defaults: true, ValuesOnly: true}, p.Name)
		require.NoError(t, err)
		if reason := others[p.Name]; reason != "" {
			require.NotEqual(t, want, strings.TrimSpace(b.String()), "%s is Postfix's by now", p.Name)
			continue
		}
		require.Equal(t, want, strings.TrimSpace(b.String()), p.Name)
		compared++
	}
	require.Greater(t, compared, 200)
	for name := range theirs { // a name is in the table or in the list of names, and in one of them alone
		_, ours := c.Value(name)
		require.Equal(t, !ours, config.PostfixKnows(name), name)
	}
}

// postconf -n, -h, -x and postconf name print what Debian's prints for the same file.
func TestPostconfIsDebians(t *testing.T) {
	for _, text := range []string{
		"myhostname = a.test\nmydestination = x.test,\n   y.test\n# c\n\tz.test   \n\nmine=$myhostname  b\nsmtpd_banner =   $mine\nrelayhost =\n",
		"myhostname=mail.example.org\nrelayhost = [smart.example.org]:587\nmynetworks = 127.0.0.0/8,\n\t[::1]/128\nsmtpd_banner = $myhostname ESMTP ${relayhost?{via $relayhost}:{direct}} ${{a}=={b}?{x}:{y}}",
		"myhostname = a.d.test\na = 1\nb = $a\nsmtpd_banner = x $b\nnobody = 3\n  4\nbiff = no\nappend_dot_mydomain = no\nmyorigin = $mydomain\nmydomain = d.test",
		"myhostname = a.test\nrecipient_delimiter = +\nvirtual_alias_maps = hash:/a, inline:{ {x = y z}, b=c }\ntransport_maps=\n  texthash:/t\ncompatibility_level=3.6\nmaximal_queue_lifetime = 3d",
	} {
		c, err := config.Load(config.Options{File: write(t, text), Hostname: "vm.localdomain", Unchecked: true})
		require.NoError(t, err)
		for _, args := range []struct {
			o     config.PrintOptions
			words string
		}{
			{config.PrintOptions{OnlyGiven: true}, "-n"},
			{config.PrintOptions{OnlyGiven: true, ValuesOnly: true}, "-nh"},
			{config.PrintOptions{OnlyGiven: true, Expanded: true}, "-nx"},
			{config.PrintOptions{NamesOnly: true, OnlyGiven: true}, "-nH"},
			{config.PrintOptions{}, "mydestination relayhost myorigin smtpd_helo_required"},
			{config.PrintOptions{Expanded: true}, "-x mydestination relayhost smtp_helo_name biff"},
			{config.PrintOptions{Defaults: true}, "-d mydestination relayhost smtp_helo_name biff"},
		} {
			all := strings.Fields(args.words)
			theirs, warnings := debian(t, text, all...)
			var names []string
			for _, w := range all {
				if w[0] != '-' {
					names = append(names, w)
				}
			}
			var b strings.Builder
			_, err := c.Print(&b, args.o, names...)
			require.NoError(t, err)
			require.Equal(t, withoutDir(theirs, args.words), b.String(), "%s with\n%s", args.words, text)
			if args.o.OnlyGiven {
				require.Equal(t, strings.Contains(text, "nobody"), strings.Contains(warnings, "unused parameter: nobody=3"), warnings)
			}
		}
	}
}

// withoutDir leaves out config_directory, which Debian's postconf lists because of -c.
func withoutDir(out, words string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "config_directory") || strings.HasPrefix(words, "-nh") && strings.HasPrefix(line, os.TempDir()) {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.cf")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}
