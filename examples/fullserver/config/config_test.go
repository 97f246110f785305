package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Read("main.cf", strings.NewReader(text), "mx1.example.net")
	require.NoError(t, err)
	return c
}

func readError(t *testing.T, text string) string {
	t.Helper()
	_, err := config.Read("main.cf", strings.NewReader(text), "mx1.example.net")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	return err.Error()
}

func TestDefaults(t *testing.T) {
	s := read(t, "").Settings
	require.Equal(t, "mx1.example.net", s.MyHostname)
	require.Equal(t, "example.net", s.MyDomain)
	require.Equal(t, "mx1.example.net", s.MyOrigin)
	require.Equal(t, []string{"mx1.example.net", "localhost.example.net", "localhost"}, config.Members(s.Addresses.MyDestination))
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, s.MyNetworks)
	require.EqualValues(t, 10240000, s.MessageSizeLimit)
	require.Equal(t, "mx1.example.net ESMTP", s.SMTPDBanner)
	require.True(t, s.DisablePlaintextAuth)
	require.Equal(t, 5*24*time.Hour, s.MaximalQueueLifetime)
	require.Equal(t, s.DataDirectory+"/queue", s.QueueDirectory)
	require.Equal(t, "maildir:"+s.DataDirectory+"/mail/%d/%n", s.MailLocation)
	require.Empty(t, s.SMTPListen)
	require.Equal(t, s.MyHostname, s.SMTPHeloName)
}

// The two names that Postfix works out from each other.
func TestHostAndDomain(t *testing.T) {
	for _, tt := range []struct{ machine, text, host, domain string }{
		{"mail", "", "mail.localdomain", "localdomain"},
		{"mail", "mydomain = example.org", "mail.example.org", "example.org"},
		{"MAIL.Example.ORG.", "", "mail.example.org", "example.org"},
		{"x", "myhostname = a.b.c", "a.b.c", "b.c"},
		{"x", "myhostname = lone", "lone", "localdomain"},
		{"x", "myhostname = mx.$mydomain\nmydomain = example.com", "mx.example.com", "example.com"},
	} {
		c, err := config.Read("main.cf", strings.NewReader(tt.text), tt.machine)
		require.NoError(t, err, tt)
		require.Equal(t, tt.host, c.Settings.MyHostname, tt)
		require.Equal(t, tt.domain, c.Settings.MyDomain, tt)
	}
	require.Contains(t, readError(t, "myhostname = mx.$mydomain"), "refers to itself")
}

// Files that other systems' editors wrote: CRLF, a byte order mark, no line end at the end. What would end up in a reply as a
// line of its own is refused, from a file and from the command line.
func TestForeignFiles(t *testing.T) {
	c := read(t, "\ufeffmyhostname = mail.example.test\r\nmydestination = a.test,\r\n\tb.test\r\n\r\nrelayhost = c.test")
	require.Equal(t, "mail.example.test", c.Settings.MyHostname)
	require.Equal(t, []string{"a.test", "b.test"}, config.Members(c.Settings.Addresses.MyDestination))
	require.Equal(t, "c.test", c.Settings.RelayHost)
	require.Equal(t, "main.cf, line 2: control character 0x0d in a configuration file", readError(t, "\nmyhostname = a.test\rsmtp_listen = :25\r"))
	require.Equal(t, "main.cf, line 1: control character 0x1b in a configuration file", readError(t, "smtpd_banner = $myhostname \x1b[2J"))
	require.Equal(t, "main.cf, line 1: control character 0x00 in a configuration file", readError(t, "myhostname = a.test\x00"))
	for _, value := range []string{"$myhostname hello\r\n250 injected", "$myhostname\n", "\x00"} {
		_, err := config.Load(config.Options{Overrides: []string{"smtpd_banner=" + value}, Hostname: "mx1.example.net"})
		require.ErrorContains(t, err, "smtpd_banner: control character 0x")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestSyntax(t *testing.T) {
	c := read(t, `# a comment
myhostname=mail.example.test
mydestination = $myhostname,
# a comment between a line and its continuation
   localhost

	example.test
 # so is this one
smtp_listen =
myorigin = first.test
myorigin = second.test
`)
	require.Equal(t, []string{"mail.example.test", "localhost", "example.test"}, config.Members(c.Settings.Addresses.MyDestination))
	require.Equal(t, "second.test", c.Settings.MyOrigin, "the last setting counts")
	require.True(t, c.Given("smtp_listen"))
	require.False(t, c.Given("imap_listen"))
}

func TestExpansion(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"$myhostname ESMTP", "mail.example.test ESMTP"},
		{"${myhostname}x", "mail.example.testx"},
		{"$(myhostname)x", "mail.example.testx"},
		{"a $$5 b", "a $5 b"},
		{"${relayhost?through $relayhost}", ""},
		{"${relayhost:direct}", "direct"},
		{"${myhostname?yes}", "yes"},
		{"${myhostname:no}", ""},
		{"${myhostname?{a b}:{c}}", "a b"},
		{"${relayhost?{a b}:{c $mydomain}}", "c example.test"},
		{"${relayhost ? {a} : {${mydomain}}}", "example.test"},
		{"${never_given?x}${never_given:y}", "y"},
		{"${{$mydomain} == {example.test} ? {same} : {other}}", "same"},
		{"${{9} < {10} ? {as numbers} : {as text}}", "as numbers"},
		{"${{9a} < {10a} ? {as numbers} : {as text}}", "as text"},
		{"${{a} != {b} ? {x${{1}>={2}?{y}:{z}}}}", "xz"},
		{"$mine!", "my own!"},
	} {
		c := read(t, "myhostname = mail.example.test\nmine = my own\nsmtpd_banner = "+tt.value+"\npostmaster_address = $mine")
		require.Equal(t, tt.want, c.Settings.SMTPDBanner, tt.value)
	}
}

func TestErrorsNameFileLineAndParameter(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"myhostname", `main.cf, line 1: missing '=' after "myhostname"`},
		{"my host = a", `main.cf, line 1: "my host" is not the name of a parameter`},
		{"  myhostname = a", "main.cf, line 1: a continuation line with nothing before it; a parameter begins in the first column"},
		{"message_size_limit = lots", `main.cf, line 1: message_size_limit: "lots" is not a size: octets, or a number and K, M, G or T`},
		{"message_size_limit = 9999999T", `main.cf, line 1: message_size_limit: "9999999T" is too large`},
		{"smtpd_recipient_limit = 0", "main.cf, line 1: smtpd_recipient_limit: 0 is not between 1 and 100000"},
		{"smtpd_recipient_limit = ten", `main.cf, line 1: smtpd_recipient_limit: "ten" is not a whole number`},
		{"smtpd_timeout = 5x", `main.cf, line 1: smtpd_timeout: "5x" is not a time: a whole number and s, m, h, d or w`},
		{"smtpd_timeout = 0", "main.cf, line 1: smtpd_timeout: 0s is not between 1s and 86400s"},
		{"minimal_backoff_time = 0", "main.cf, line 1: minimal_backoff_time: 0s is less than 1s"},
		{"maximal_queue_lifetime = 101", "main.cf, line 1: maximal_queue_lifetime: 101d is not between 0d and 100d"},
		{"maximal_queue_lifetime = 99999999999w", `main.cf, line 1: maximal_queue_lifetime: "99999999999w" is too long a time`},
		{"disable_plaintext_auth = maybe", `main.cf, line 1: disable_plaintext_auth: "maybe" is neither yes nor no`},
		{"smtp_tls_security_level = much", `main.cf, line 1: smtp_tls_security_level: "much" is not one of: none, may, encrypt, fingerprint, dane, dane-only, verify, secure`},
		{"auth_mechanisms = plain gssapi", `main.cf, line 1: auth_mechanisms: "gssapi" is not one of: plain, login, cram-md5, apop, scram-sha-1, scram-sha-256`},
		{"smtp_listen = 25", `main.cf, line 1: smtp_listen: "25" is not of the form host:port or unix:path`},
		{"smtp_listen = :99999", `main.cf, line 1: smtp_listen: ":99999": "99999" is neither a port from 0 to 65535 nor a service's name`},
		{"smtp_listen = bad_host!:25", `main.cf, line 1: smtp_listen: "bad_host!:25": "bad_host!" is neither an address nor a host name`},
		{"smtp_listen = :25, *:25", `main.cf, line 1: smtp_listen: "*:25" is listed twice`},
		{"smtp_listen = unix:", `main.cf, line 1: smtp_listen: "unix:": a socket's path has 1 to 100 characters`},
		{"mynetworks = 10.0.0.1/8", `main.cf, line 1: mynetworks: "10.0.0.1/8" has bits set behind its mask; did you mean 10.0.0.0/8?`},
		{"mynetworks = everyone", `main.cf, line 1: mynetworks: "everyone" is not a network like 192.0.2.0/24 or [2001:db8::]/32`},
		{"virtual_mailbox_domains = a..b", `main.cf, line 1: virtual_mailbox_domains: "a..b" is not a domain`},
		{"myhostname = two words", `main.cf, line 1: myhostname: "two words" is not a host name`},
		{"managesieve_listen = :4190", "main.cf, line 1: managesieve_listen: this build has no ManageSieve service; leave it empty"},
		{"myorigin = $myorigin", "main.cf, line 1: myorigin: its value refers to itself: myorigin -> myorigin"},
		{"a1 = $b1\nb1 = x${a1}", "refers to itself: "},
		{"smtpd_banner = $nosuchthing", "main.cf, line 1: smtpd_banner: $nosuchthing: there is no such parameter"},
		{"smtpd_banner = ${myhostname", `main.cf, line 1: smtpd_banner: missing '}'`},
		{"smtpd_banner = 5 $ a month", "main.cf, line 1: smtpd_banner: a '$' that no name follows; write $$ for the character itself"},
		{"smtpd_banner = ${{a} ~ {b} ? {c}}", "main.cf, line 1: smtpd_banner: "},
		{"smtpd_banner = ${myhostname!x}", `main.cf, line 1: smtpd_banner: "!x" where '?' or ':' belongs`},
		{"smtpd_banner = a\x00b", "main.cf, line 1: control character 0x00 in a configuration file"},
		{"smtpd_banner = " + strings.Repeat("x", 70000), "main.cf, line 1: line too long"},
	} {
		require.Contains(t, readError(t, tt.text), tt.want)
	}
}

// Each parameter names the one before it twice: without a bound the last would be 2^60 long.
func TestExpansionIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("p0 = x\n")
	for i := 1; i <= 60; i++ {
		prev := "$p" + string(rune('a'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		if i == 1 {
			prev = "$p0"
		}
		b.WriteString("p" + string(rune('a'+i/10)) + string(rune('0'+i%10)) + " = " + prev + prev + "\n")
	}
	b.WriteString("smtpd_banner = $pg0\n")
	require.Contains(t, readError(t, b.String()), "too long when expanded")
}

func TestOverrides(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = a.test\nsmtp_listen = 127.0.0.1:25\n"), 0o600))
	c, err := config.Load(config.Options{File: file, Overrides: []string{"myhostname = b.test", "imap_listen=[::1]:143 unix:/run/imap", "smtp_listen="}})
	require.NoError(t, err)
	require.Equal(t, "b.test", c.Settings.MyHostname)
	require.Empty(t, c.Settings.SMTPListen)
	require.Equal(t, []config.Address{{Network: "tcp", Address: "[::1]:143"}, {Network: "unix", Address: "/run/imap"}}, c.Settings.IMAPListen)
	require.Equal(t, "unix:/run/imap", c.Settings.IMAPListen[1].String())

	_, err = config.Load(config.Options{Overrides: []string{"x.test"}})
	require.ErrorContains(t, err, `"x.test" is not of the form name=value`)
	_, err = config.Load(config.Options{Overrides: []string{"smtpd_timeout=long"}})
	require.ErrorContains(t, err, "command line: smtpd_timeout: ")
	_, err = config.Load(config.Options{File: file + ".none"})
	require.ErrorContains(t, err, "main.cf.none: no such file")
	var e *config.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, file+".none", e.File)
}

func TestListenForms(t *testing.T) {
	s := read(t, "smtp_listen = :25, *:2525 localhost:smtp\n\t[2001:db8::1]:25 inet:127.0.0.1:0").Settings
	var got []string
	for _, a := range s.SMTPListen {
		got = append(got, a.String())
	}
	require.Equal(t, []string{":25", ":2525", "localhost:25", "[2001:db8::1]:25", "127.0.0.1:0"}, got)
}

func TestSizesAndTimes(t *testing.T) {
	s := read(t, "message_size_limit = 50M\nsmtpd_timeout = 2m\nmaximal_queue_lifetime = 3\nbounce_queue_lifetime=36h\ndelay_warning_time = 4").Settings
	require.EqualValues(t, 50<<20, s.MessageSizeLimit)
	require.Equal(t, 2*time.Minute, s.SMTPDTimeout)
	require.Equal(t, 72*time.Hour, s.MaximalQueueLifetime, "days unless said")
	require.Equal(t, 36*time.Hour, s.BounceQueueLifetime)
	require.Equal(t, 4*time.Hour, s.DelayWarningTime, "hours unless said")
}

func FuzzRead(f *testing.F) {
	f.Add("smtpd_banner = ${{$myhostname} == {a} ? {b} : {c}}\n  more\n# x\n")
	f.Add("a = $b\nb = $(a)\nmydestination = $a, $$x\n")
	f.Add("smtp_listen = unix:/x, [::1%eth0]:25\nmynetworks = [::1]/128 !1.2.3.4\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Read("f", strings.NewReader(text), "h.test")
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		// What was taken is written out so that it can be read again, and means the same.
		var b strings.Builder
		_, err = c.Print(&b, config.PrintOptions{OnlyGiven: true})
		require.NoError(t, err)
		again, err := config.Read("g", strings.NewReader(b.String()), "h.test")
		require.NoError(t, err, b.String())
		require.Equal(t, c.Settings, again.Settings)
	})
}

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	require.NoError(b, config.WriteCommented(&text, "x", map[string]string{"myhostname": "a.test", "mydestination": "$myhostname, b.test"}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := config.Read("main.cf", strings.NewReader(text.String()), "h.test"); err != nil {
			b.Fatal(err)
		}
	}
}

// $config_directory is where main.cf was read from, as with postfix -c; what the file says of it doesn't matter.
func TestConfigDirectory(t *testing.T) {
	file := write(t, "config_directory = /elsewhere\nvirtual_alias_maps = hash:$config_directory/virtual\n")
	c, err := config.Load(config.Options{File: file})
	require.NoError(t, err)
	require.Equal(t, "hash:"+filepath.Dir(file)+"/virtual", c.Settings.Addresses.VirtualAliasMaps)
	c, err = config.Load(config.Options{})
	require.NoError(t, err)
	dir, _ := c.Value("config_directory")
	require.Equal(t, "/etc/postfix", dir)
}
