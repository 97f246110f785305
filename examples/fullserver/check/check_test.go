package check_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/check"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/stretchr/testify/require"
)

// dns is a Resolver with what the tests need.
type dns struct {
	hosts map[string]string
	mx    map[string]string
	names map[string]string
	texts map[string]string
}

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	if t, ok := d.texts[name]; ok {
		return []string{t}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func (d dns) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := d.hosts[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func (d dns) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if h, ok := d.mx[name]; ok {
		return []*net.MX{{Host: h}}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func (d dns) LookupAddr(_ context.Context, addr string) ([]string, error) {
	if n, ok := d.names[addr]; ok {
		return []string{n}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

var good = dns{
	hosts: map[string]string{"mail.example.org": "192.0.2.1"}, mx: map[string]string{"example.org": "mail.example.org."}, names: map[string]string{"192.0.2.1": "mail.example.org."},
}

// run checks a main.cf in a folder that has a user.
func run(t *testing.T, d dns, now time.Time, mainCF string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	mainCF = "data_directory = " + dir + "\nmyhostname = mail.example.org\nmydestination = $myhostname, localhost\n" + strings.ReplaceAll(mainCF, "$D", dir)
	if !strings.Contains(mainCF, "passwd_file") {
		require.NoError(t, os.WriteFile(dir+"/users", []byte("alice@example.org:{PLAIN}x\n"), 0o600))
	}
	require.NoError(t, os.WriteFile(dir+"/open", []byte("x@y.test z\n"), 0o600))
	require.NoError(t, tlscert.SelfSigned(dir+"/tls.pem", now, "mail.example.org"))
	var out strings.Builder
	e := check.Env{Out: &out, Resolver: d, Now: func() time.Time { return now }, Own: func(a netip.Addr) bool { return a.String() == "192.0.2.1" }}
	status := e.Run(t.Context(), func() (*config.Config, error) { return config.Read("main.cf", strings.NewReader(mainCF), "") })
	return strings.ReplaceAll(out.String(), dir, "$D"), status
}

func TestCheck(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := l.Addr().String()
	const listen = "smtp_listen = 127.0.0.1:0\n"
	now := time.Now()
	for _, tt := range []struct {
		mainCF, want string
		status       int
		d            dns
	}{
		{listen + "virtual_mailbox_domains = example.org", "no problems found\n", 0, good},
		{"", "error: nothing to serve: set smtp_listen = :25, imaps_listen = :993 or another of the ..._listen parameters, or have a master.cf\n", 1, good},
		{"smtp_listen = " + taken, "error: main.cf, line 4: smtp_listen: " + taken + " is in use by another program: find it with \"ss -ltnp\" and stop it\n", 1, good},
		{"virtual_transport = lmtp:unix:private/dovecot-lmtp\nqueue_directory = $D\nimap_listen = 127.0.0.1:0", "warning: main.cf, line 4: virtual_transport: nothing listens at $D/private/dovecot-lmtp: mail waits until something does; if this server's own mailboxes take Dovecot's place, take the line out\n", 0, good},
		{"smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:private/quota-status\nqueue_directory = $D\nimap_listen = 127.0.0.1:0", "warning: main.cf, line 4: smtpd_recipient_restrictions: nothing listens at $D/private/quota-status: mail is answered 4xx until something does; if it is Dovecot's quota-status, take it out: this server refuses who is full by itself\n", 0, good},
		{"quota_rule_maps = inline:{ {a@example.org=*:storage=1G}, {b@example.org=lots} }\nimap_listen = 127.0.0.1:0", "error: main.cf, line 4: quota_rule_maps: b@example.org: \"lots\" must begin with *: and a limit, like *:storage=1G\n", 1, good},
		{"domain_quota_rule_maps = inline:{ {example.org=*:mailboxes=1}, {example.com=*:users=1} }\nimap_listen = 127.0.0.1:0", "error: main.cf, line 4: domain_quota_rule_maps: example.com: \"users=1\" is no limit of a domain: there are storage=, bytes=, messages=, mailboxes=, aliases= and ignore\n", 1, good},
		{"smtp_listen = nonsense", "error: main.cf, line 4: smtp_listen: \"nonsense\" is not of the form host:port or unix:path\n", 1, good},
		{listen + "smtp_lisen = :25", "warning: main.cf, line 5: unused parameter: smtp_lisen=:25; did you mean smtp_listen?\n", 0, good},
		{listen + "virtual_alias_maps = hash:$D/none", "error: main.cf, line 5: virtual_alias_maps: $D/none: open: no such file or directory; write the file, or take the table out\n", 1, good},
		{listen + "transport_maps = hosh:/x", "error: main.cf, line 5: transport_maps: table \"hosh:/x\": unknown table type \"hosh\"", 1, good},
		{listen + "header_checks = regexp:$D/none", "error: main.cf, line 5: header_checks: $D/none: open: no such file or directory; write the file, or take the table out\n", 1, good},
		{listen + "smtpd_relay_restrictions = permit_mynetworks", "error: main.cf, line 5: smtpd_relay_restrictions: everybody could send anywhere", 1, good},
		{listen + "smtpd_relay_restrictions = permit, reject", "error: main.cf, line 5: smtpd_relay_restrictions: a stranger may send to <x@elsewhere.invalid> through this server: add reject_unauth_destination\n", 1, good},
		{listen + "mynetworks = 0.0.0.0/0", "error: main.cf, line 5: mynetworks: 0.0.0.0/0 is a large part of the Internet, and may send anywhere: name your own networks only\n", 1, good},
		{listen + "passwd_file = $D/nobody", "error: main.cf, line 5: passwd_file: $D/nobody: no such file; make it with lines that \"fullserver passwd user@domain\" prints\n", 1, good},
		{listen + "passwd_file = $D/open", "error: main.cf, line 5: passwd_file: $D/open, line 1: ", 1, good},
		{listen + "queue_directory = $D/open", "error: main.cf, line 5: queue_directory: $D/open is not a folder\n", 1, good},
		{listen + "smtpd_tls_cert_file = $D/open", "error: main.cf, line 5: smtpd_tls_cert_file: $D/open: tls: failed to find any PEM data in certificate input\n", 1, good},
		{listen + "tls_server_sni_maps = inline:{mail.example.org=$D/tls.pem}", "no problems found\n", 0, good},
		{listen + "tls_server_sni_maps = inline:{imap.example.org=$D/tls.pem}", "warning: main.cf, line 5: tls_server_sni_maps: imap.example.org: the certificate is not for that name\n", 0, good},
		{listen + "tls_server_sni_maps = inline:{imap.example.org=$D/open}", "error: main.cf, line 5: tls_server_sni_maps: imap.example.org: $D/open: there is no private key in PEM\n", 1, good},
		{listen + "smtpd_tls_chain_files = $D/tls.pem", "no problems found\n", 0, good},
		{listen + "smtpd_tls_chain_files = $D/none", "error: main.cf, line 5: smtpd_tls_chain_files: stat $D/none: no such file or directory\n", 1, good},
		{listen + "virtual_mailbox_domains = example.net", "warning: the DNS says of example.net that no mail goes here: add \"example.net. MX 10 mail.example.org.\"\n", 0, good},
		{listen, "error: main.cf, line 2: myhostname: the DNS has no address for mail.example.org: add an A record, and an AAAA record for IPv6\n", 1, dns{}},
		{listen, "warning: main.cf, line 2: myhostname: the name of 192.0.2.1 is not mail.example.org, for which others refuse mail: have your provider set its PTR record\n", 0, dns{hosts: good.hosts}},
		{listen, "warning: main.cf, line 2: myhostname: mail.example.org has none of this machine's addresses: mend the A record, or name the translator's address in proxy_interfaces\n", 0,
			dns{hosts: map[string]string{"mail.example.org": "192.0.2.8"}, names: map[string]string{"192.0.2.8": "mail.example.org"}}},
		{listen + "virtual_mailbox_domains = example.org", "warning: mail for example.org goes to other.test. and not here: add \"example.org. MX 10 mail.example.org.\", or take it out of main.cf\n", 0,
			dns{hosts: good.hosts, names: good.names, mx: map[string]string{"example.org": "other.test."}}},
	} {
		got, status := run(t, tt.d, now, tt.mainCF)
		require.Contains(t, got, tt.want, tt.mainCF)
		require.Equal(t, tt.status, status, "%s:\n%s", tt.mainCF, got)
		require.Equal(t, 1, strings.Count(got, "\n"), "one line a finding:\n%s", got)
	}
}

func TestCertificates(t *testing.T) {
	got, status := run(t, good, time.Now().AddDate(20, 0, 0), "smtp_listen = 127.0.0.1:0\nsmtpd_tls_cert_file = $D/tls.pem\nsmtpd_tls_key_file = $D/tls.pem")
	require.Zero(t, status, got)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/users", []byte("alice@example.org:{PLAIN}x\n"), 0o644))
	require.NoError(t, tlscert.SelfSigned(dir+"/tls.pem", time.Now(), "other.test"))
	for years, want := range map[int]string{0: "warning: main.cf, line 4: smtpd_tls_cert_file: " + dir + "/tls.pem is not for mail.example.org: get one", 100: "has expired on "} {
		var out strings.Builder
		e := check.Env{Out: &out, Resolver: good, Now: func() time.Time { return time.Now().AddDate(years, 0, 0) }, Own: func(netip.Addr) bool { return true }}
		e.Run(t.Context(), func() (*config.Config, error) {
			return config.Read("main.cf", strings.NewReader("data_directory = "+dir+"\nmyhostname = mail.example.org\nsmtp_listen = 127.0.0.1:0\nsmtpd_tls_cert_file = "+dir+"/tls.pem\n"), "")
		})
		require.Contains(t, out.String(), want)
		require.Contains(t, out.String(), "users may be read by everybody on this machine: chmod 600 ")
	}
}

// Tables in databases: one that can't be opened, one whose server is down.
func TestDatabases(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/pg.cf", []byte("hosts = "+nobody+"\ndbname = d\nuser = u\npassword = geheim\nquery = SELECT '%s'\n"), 0o644))
	out, status := run(t, good, time.Now(), "smtp_listen = 127.0.0.1:0\nvirtual_alias_maps = proxy:pgsql:"+dir+"/pg.cf\nrelay_recipient_maps = pgsql:"+dir+"/pg.cf\n")
	require.Equal(t, 1, status)
	require.Contains(t, out, "error: pgsql:"+dir+"/pg.cf: "+nobody+": ")
	require.Contains(t, out, "connection refused; mail that needs it is answered 4xx until it does")
	require.Equal(t, 1, strings.Count(out, "connection refused"), "once: %s", out)
	require.Contains(t, out, "warning: "+dir+"/pg.cf:4: password may be read by everybody on this machine: chmod 640 "+dir+"/pg.cf")
	require.NotContains(t, out, "geheim")
	out, status = run(t, good, time.Now(), "smtp_listen = 127.0.0.1:0\nvirtual_alias_maps = sqlite:$D/none.cf\n")
	require.Equal(t, 1, status)
	require.Contains(t, out, "/none.cf: open: no such file or directory")
	out, status = run(t, good, time.Now(), "smtp_listen = 127.0.0.1:0\nvirtual_alias_maps = nosuch:$D/none.cf\n")
	require.Equal(t, 1, status)
	require.Contains(t, out, `unknown table type "nosuch"; known are btree, cdb, cidr,`)
}

// MTA-STS: what the DNS has must be what is served (RFC 8461 section 3.1), and the policy must name the domain's servers (section 4.1).
func TestMTASTS(t *testing.T) {
	const mainCF = "smtp_listen = 127.0.0.1:0\nhttps_listen = 127.0.0.1:0\nmta_sts_domains = example.org\n"
	d := good
	d.hosts = map[string]string{"mail.example.org": "192.0.2.1", "mta-sts.example.org": "192.0.2.1"}
	got, status := run(t, d, time.Now(), mainCF)
	require.Zero(t, status)
	const begin = "warning: main.cf, line 6: mta_sts_domains: senders can't know of the policy: add _mta-sts.example.org. TXT \""
	require.True(t, strings.HasPrefix(got, begin), got)
	record := strings.TrimSuffix(strings.TrimPrefix(got, begin), "\"\n")
	d.texts = map[string]string{"_mta-sts.example.org": record}
	got, _ = run(t, d, time.Now(), mainCF)
	require.Equal(t, "no problems found\n", got)
	got, _ = run(t, d, time.Now(), mainCF+"mta_sts_mode = enforce\n")
	require.Contains(t, got, "senders can't know that the policy has changed: make it _mta-sts.example.org. TXT ")
	got, status = run(t, d, time.Now(), mainCF+"mta_sts_mx = other.example.org\n")
	require.Equal(t, 1, status)
	require.Contains(t, got, "error: main.cf, line 7: mta_sts_mx: example.org has the MX mail.example.org, which the policy doesn't name: senders won't deliver to it\n")
	d.hosts = good.hosts
	got, status = run(t, d, time.Now(), mainCF)
	require.Equal(t, 1, status)
	require.Contains(t, got, "the DNS has no address for mta-sts.example.org, where senders look for the policy: add mta-sts.example.org. CNAME mail.example.org.\n")
}

// Domains with more mailboxes than they may have are named; so is a limit that can't be counted because nobody can list users.
func TestDomainLimits(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/users", []byte("a@example.org:{PLAIN}x\nb@example.org:{PLAIN}x\nc@example.com:{PLAIN}x\n"), 0o600))
	say := func(more string) string {
		var out strings.Builder
		check.Env{Out: &out, Resolver: good, Now: time.Now}.Run(t.Context(), func() (*config.Config, error) {
			return config.Read("main.cf", strings.NewReader("data_directory = "+dir+"\nmyhostname = mail.example.org\nmydestination = localhost\nimap_listen = 127.0.0.1:0\ndomain_quota_rule_maps = inline:{ {example.org=*:mailboxes=1}, {example.com=*:mailboxes=1} }\n"+more), "")
		})
		return out.String()
	}
	require.Contains(t, say(""), "error: main.cf, line 5: domain_quota_rule_maps: example.org: it has 2 mailboxes and may have 1\n")
	require.NotContains(t, say(""), "example.com: it has")
	require.Contains(t, say("passdb = ldap:"+dir+"/ldap\n"), "passdb")
	require.NoError(t, os.WriteFile(dir+"/ldap", []byte("hosts = 127.0.0.1:1\nbase = ou=%d,dc=x\n"), 0o600))
	require.Contains(t, say("passdb = ldap:"+dir+"/ldap\n"), "the users of a domain can't be listed")
}

// ACME: names without a certificate, and why (RFC 8555).
func TestACME(t *testing.T) {
	const mainCF = "smtp_listen = 127.0.0.1:0\nhttp_listen = 127.0.0.1:0\nacme_names = mail.example.org\nacme_accept_terms = yes\n"
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	got, status := run(t, good, now, mainCF)
	require.Zero(t, status)
	require.Equal(t, "warning: main.cf, line 6: acme_names: there is no certificate for mail.example.org yet: the running server gets it\n", got)

	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/acme/ca.test/failed", 0o700))
	require.NoError(t, os.WriteFile(dir+"/acme/ca.test/failed/mail.example.org", []byte(`{"Count":1,"At":"2026-09-01T11:59:00Z","Again":"2026-09-01T12:04:00Z","Reason":"dns: no such name"}`), 0o600))
	require.NoError(t, os.WriteFile(dir+"/users", []byte("alice@example.org:{PLAIN}x\n"), 0o600))
	var out strings.Builder
	e := check.Env{Out: &out, Resolver: good, Now: func() time.Time { return now }, Own: func(netip.Addr) bool { return true }}
	e.Run(t.Context(), func() (*config.Config, error) {
		return config.Read("main.cf", strings.NewReader("data_directory = "+dir+"\nmyhostname = mail.example.org\n"+mainCF+"acme_directory = https://ca.test\n"), "")
	})
	require.Contains(t, out.String(), "acme_names: no certificate for mail.example.org could be got at 2026-09-01 11:59 UTC: dns: no such name; it is tried again at 2026-09-01 12:04 UTC\n")
}
