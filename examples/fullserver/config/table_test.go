package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

func TestTableIsSound(t *testing.T) {
	last := ""
	for _, p := range config.Table() {
		require.Greater(t, p.Name, last, "sorted and unique")
		last = p.Name
		require.NotEmpty(t, p.Help, p.Name)
		require.NotEmpty(t, p.Group, p.Name)
		require.NotEmpty(t, p.Kind, p.Name)
		require.True(t, strings.HasSuffix(p.Help, "."), "%s: a description is a sentence", p.Name)
		require.Equal(t, p.Kind == config.Listen, strings.HasSuffix(p.Name, "_listen"), p.Name)
	}
	require.Len(t, config.Groups(), len(config.Table()))
}

// The names that other programs rely on.
func TestContractNames(t *testing.T) {
	c := read(t, "")
	for _, name := range strings.Fields(`myhostname mydomain myorigin mydestination mynetworks relayhost
		virtual_mailbox_domains message_size_limit data_directory queue_directory maillog_file mail_location passwd_file
		smtpd_banner disable_plaintext_auth smtp_listen submission_listen submissions_listen lmtp_listen imap_listen
		imaps_listen pop3_listen pop3s_listen pop2_listen managesieve_listen http_listen https_listen metrics_listen`) {
		_, ok := c.Value(name)
		require.True(t, ok, name)
	}
}

func TestPrint(t *testing.T) {
	c := read(t, "smtpd_banner = $myhostname   hello\nmine = x\nmyorigin = $mine.test\nrelayhost =\nnobodys = 1\n")
	var b strings.Builder
	print := func(o config.PrintOptions, names ...string) string {
		b.Reset()
		unknown, err := c.Print(&b, o, names...)
		require.NoError(t, err)
		for _, u := range unknown {
			b.WriteString("? " + u + "\n")
		}
		return b.String()
	}
	require.Equal(t, "mine = x\nmyorigin = $mine.test\nrelayhost =\nsmtpd_banner = $myhostname hello\n", print(config.PrintOptions{OnlyGiven: true}))
	require.Equal(t, "smtpd_banner = $myhostname hello\nmyhostname = mx1.example.net\nmydomain = example.net\nmessage_size_limit = 10240000\n",
		print(config.PrintOptions{}, "smtpd_banner", "myhostname", "mydomain", "message_size_limit"))
	require.Equal(t, "mx1.example.net hello\nx.test\n", print(config.PrintOptions{Expanded: true, ValuesOnly: true}, "smtpd_banner", "myorigin"))
	require.Equal(t, "smtpd_banner = $myhostname ESMTP\n? mine: unknown parameter\n", print(config.PrintOptions{Defaults: true}, "smtpd_banner", "mine"))
	require.Equal(t, "relayhost\n? nonesuch: unknown parameter\n", print(config.PrintOptions{NamesOnly: true}, "relayhost", "nonesuch"))
	require.Equal(t, len(config.Table())+1, strings.Count(print(config.PrintOptions{}), "\n"), "and mine")
	require.Equal(t, len(config.Table()), strings.Count(print(config.PrintOptions{Defaults: true}), "\n"))
}

// A commented main.cf is a main.cf: it reads back, comments and all, and says what it was told to.
func TestCommented(t *testing.T) {
	var b strings.Builder
	require.NoError(t, config.WriteCommented(&b, "First line.\nDòng thứ hai.", map[string]string{
		"myhostname": "mail.example.test", "smtp_listen": "127.0.0.1:2525", "data_directory": "/x y"}))
	require.True(t, strings.HasPrefix(b.String(), "# First line.\n# Dòng thứ hai.\n"))
	c := read(t, b.String())
	require.Equal(t, "/x y/queue", c.Settings.QueueDirectory)
	require.True(t, c.Given("smtp_listen"))
	require.False(t, c.Given("imap_listen"))
	for line := range strings.SplitSeq(b.String(), "\n") {
		if strings.HasPrefix(line, "# ") {
			require.LessOrEqual(t, len(line), 110, line)
		}
	}
	// With every parameter's comment sign taken away it reads too: what stands there is the default.
	var all strings.Builder
	for line := range strings.SplitSeq(b.String(), "\n") {
		if s, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(s, " ") && strings.Contains(s, "_") && !strings.HasPrefix(s, "my") {
			line = s
		}
		all.WriteString(line + "\n")
	}
	require.True(t, read(t, all.String()).Given("queue_directory"))
}

func TestErrorForNamesThePlace(t *testing.T) {
	c := read(t, "\nsmtp_listen = :25\n")
	require.EqualError(t, c.ErrorFor("smtp_listen", os.ErrPermission), "main.cf, line 2: smtp_listen: permission denied")
	require.EqualError(t, c.ErrorFor("passwd_file", os.ErrNotExist), "passwd_file: no such file")
}
