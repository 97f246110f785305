package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// Postfix's "unused parameter: x=y", with the place and with what may have been meant.
func TestWarnings(t *testing.T) {
	c := read(t, `mydestination = a.test
smtp_lisen = :25
sitename = Chợ Lớn
smtpd_banner = $myhostname $sitename
mailbox_size_limit = 0
biff = yes
relayhost = [a.test]
lmtp_connection_cache_destinations = x
relayhost = [b.test]
`)
	var got []string
	for _, w := range c.Warnings() {
		got = append(got, w.Error())
	}
	require.Equal(t, []string{
		"main.cf, line 2: unused parameter: smtp_lisen=:25; did you mean smtp_listen?",
		"main.cf, line 5: mailbox_size_limit: changes nothing here: mailboxes are Maildirs, one file a message; quotas bound them",
		"main.cf, line 8: unused parameter: lmtp_connection_cache_destinations=x; it is one of Postfix's that this server doesn't have",
		`main.cf, line 9: relayhost: overrides what line 7 says: "[a.test]"`,
	}, got)

	_, err := config.Load(config.Options{Overrides: []string{"smtp_lisen=:25"}, Hostname: "a.test"})
	require.EqualError(t, err, "command line: smtp_lisen: unknown parameter; did you mean smtp_listen?")
}

// What Postfix has and we haven't is refused by name, unless it asks for what is so anyway.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"milter_header_checks = regexp:/x", "main.cf, line 1: milter_header_checks: use header_checks, which sees the message before milters do"},
		{"lmtp_header_checks = regexp:/x", "main.cf, line 1: lmtp_header_checks: use header_checks, which sees the message when it comes in"},
		{"mydestination = a.test, hash:/x, [1.2.3]", `main.cf, line 1: mydestination: "[1.2.3]" is no address in brackets`},
	} {
		_, err := config.Read("main.cf", strings.NewReader(tt.text), "a.test")
		require.ErrorContains(t, err, tt.want)
	}
	for _, text := range []string{"smtpd_milters =", "smtpd_tls_protocols = !SSLv2,\n  !SSLv3", "smtputf8_enable = yes", "smtpd_delay_reject = yes", "compatibility_level = 2"} {
		read(t, text)
	}
	c, err := config.Load(config.Options{Overrides: []string{"lmtp_header_checks=regexp:/x"}, Unchecked: true, Hostname: "a.test"})
	require.NoError(t, err)
	require.Len(t, c.Warnings(), 1)
}

// RFC-less, but Postfix's: "3.10" is a higher level than "3.6", and the <level operators know it.
func TestCompatibilityLevels(t *testing.T) {
	for _, tt := range []struct{ level, expression, want string }{
		{"0", "${{$compatibility_level} <level {1} ? {yes} : {no}}", "yes"},
		{"3.6", "${{$compatibility_level} <level {1} ? {yes} : {no}}", "no"},
		{"3.10", "${{$compatibility_level} >level {3.6} ? {yes} : {no}}", "yes"},
		{"3.10", "${{$compatibility_level} > {3.6} ? {yes} : {no}}", "no"},
		{"3.6", "${{$compatibility_level} ==level {3.6.0} ? {yes} : {no}}", "yes"},
		{"2", "${{$compatibility_level}<=level{2}?{yes}:{no}}", "yes"},
	} {
		c := read(t, "compatibility_level = "+tt.level+"\nsmtpd_banner = "+tt.expression)
		require.Equal(t, tt.want, c.Settings.SMTPDBanner, tt)
	}
	require.Contains(t, readError(t, "smtpd_banner = ${{x} <level {1} ? {yes} : {no}}"), "is no compatibility level")
}

func TestMyNetworksStyle(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("192.0.2.2/24"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fd00::2/64")}
	for style, want := range map[string]string{
		"host":   "127.0.0.1/32 192.0.2.2/32 [::1]/128 [fd00::2]/128",
		"subnet": "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64",
		"class":  "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64",
	} {
		c, err := config.Load(config.Options{Overrides: []string{"mynetworks_style=" + style}, Hostname: "a.test", Interfaces: own})
		require.NoError(t, err)
		got, _ := c.Value("mynetworks")
		require.Equal(t, want, got, style)
	}
}
