package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// What sites have in their main.cf, written by Debian's installer, by a book for mail in databases, by a suite, by a hosting panel and by hand over the years, starts the
// server: what isn't here is told in warnings, by name, and no parameter is wrong.
func TestSites(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/mailname", []byte("example.com\n"), 0o600))
	files, err := filepath.Glob("testdata/sites/*.cf")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 5)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		c, err := config.Read(file, strings.NewReader(strings.ReplaceAll(string(text), "$D", dir)), "host.example.com")
		require.NoError(t, err)
		for _, w := range c.Warnings() {
			require.Regexp(t, `changes nothing here: |it is one of Postfix's that this server doesn't have|_destination_recipient_limit=`, w.Error())
		}
		if strings.HasSuffix(file, "debian.cf") {
			require.Equal(t, "example.com", c.Settings.MyOrigin)
		}
	}
	for text, want := range map[string]string{
		"myorigin = /nonexistent":           "main.cf, line 1: myorigin: /nonexistent: no such file",
		"myorigin = /dev/null":              "main.cf, line 1: myorigin: /dev/null has no name in its first line",
		"smtpd_banner = $smtp_host_lookupx": "$smtp_host_lookupx: there is no such parameter",
	} {
		_, err := config.Read("main.cf", strings.NewReader(text), "host.example.com")
		require.ErrorContains(t, err, want)
	}
	c, err := config.Read("main.cf", strings.NewReader("smtpd_banner = x${lmtp_generic_maps}y\n"), "host.example.com")
	require.NoError(t, err)
	require.Equal(t, "xy", c.Settings.SMTPDBanner, "Postfix's own, which isn't set")
}
