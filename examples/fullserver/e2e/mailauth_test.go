package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// Two servers and a name server: what a user of one sends is signed with the keys of its table, and what the other receives is
// checked, marked, and filed as junk or refused as its authors' domains want.
func TestMailAuthentication(t *testing.T) {
	need(t, "swaks", "openssl")
	dir := t.TempDir()
	zone := `
		sender.test          TXT  v=spf1 -all
		_dmarc.sender.test   TXT  v=DMARC1; p=reject
		forged.test          TXT  v=spf1 -all
		_dmarc.forged.test   TXT  v=DMARC1; p=reject; rua=mailto:u1@example.test
		forged.test._report._dmarc.example.test  TXT  v=DMARC1`
	table := ""
	key := func(selector string, args ...string) {
		file := filepath.Join(dir, selector)
		run(t, nil, "openssl", append([]string{"genpkey", "-out", file}, args...)...)
		public := run(t, nil, "openssl", "pkey", "-in", file, "-pubout", "-outform", "PEM")
		lines := strings.Split(strings.TrimSpace(public), "\n")
		p, kind := strings.Join(lines[1:len(lines)-1], ""), "rsa"
		if strings.HasPrefix(selector, "ed") { // RFC 8463 section 4.2: the key alone, the last 32 of 44 octets
			p, kind = p[16:], "ed25519"
		}
		zone += "\n" + selector + "._domainkey.sender.test TXT v=DKIM1; k=" + kind + "; p=" + p
		table += "sender.test " + selector + " " + selector + "\n"
		require.NoError(t, os.WriteFile(dir+"/keys", []byte(table), 0o600))
	}
	key("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
	server, err := nameserver.Start(mailauthtest.MustParse(zone))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	checking := append([]string{"mail_auth_check", "yes", "mail_auth_servers", server.Addr}, elsewhere...)
	in := start(t, 2, append([]string{"dmarc_report_from", "dmarc@example.test"}, checking...)...)
	strict := start(t, 1, append([]string{"mail_auth_failed", "reject"}, checking...)...)
	require.NoError(t, os.WriteFile(dir+"/users", []byte("u0@sender.test:{PLAIN}secret0\n"), 0o600))
	out := start(t, 1, append([]string{"myhostname", "mail.sender.test", "mydomain", "sender.test", "virtual_mailbox_domains", "sender.test",
		"passwd_file", dir + "/users", "dkim_key_table", dir + "/keys", "relayhost", "[127.0.0.1]:" + port(in.smtp)}, elsewhere...)...)

	// What a user sends is signed, and holds where it comes in: by DKIM alone, for SPF has no host that may send.
	send := func(body string) {
		t.Helper()
		run(t, nil, "swaks", "--server", out.submission, "--auth", "PLAIN", "--auth-user", "u0@sender.test", "--auth-password", "secret0", "--helo", "client.sender.test",
			"--from", "u0@sender.test", "--to", "u0@example.test", "--body", body)
	}
	find := func(user, text string) (message, path string) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			for file, b := range in.maildir(user) {
				if bytes.Contains(b, []byte(text)) {
					message, path = string(b), file
					return nil
				}
			}
			return errors.New("no message with " + text)
		})
		return message, path
	}
	send("first letter")
	m, path := find("u0", "first letter")
	require.NotContains(t, path, "Junk")
	require.Regexp(t, `(?s)^Return-Path: <u0@sender\.test>\s+Delivered-To: u0@example\.test\s+Authentication-Results: mail\.example\.test;\s+spf=fail smtp\.mailfrom=u0@sender\.test;`+
		`\s+dkim=pass header\.d=sender\.test header\.s=rsa header\.a=rsa-sha256\s+header\.b="?[A-Za-z0-9+/]{8}"?;\s+dmarc=pass \(p=reject\) header\.from=sender\.test policy\.dmarc=none;\s+arc=none\s+Received: from mail\.sender\.test `, m)
	require.NoError(t, match(`postfix/cleanup\[\d+\]: [0-9A-F]+: DKIM-Signature added\n`, out.log()))
	require.NoError(t, match(`postfix/cleanup\[\d+\]: [0-9A-F]+: spf=fail dkim=pass dmarc=pass arc=none\n`, in.log()))

	// Rotation: a second key signs beside the first once the table is read again.
	key("ed", "-algorithm", "ED25519")
	server.SetZone(mailauthtest.MustParse(zone))
	require.NoError(t, out.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, time.Minute, func() error { return match(`postfix/master\[\d+\]: reloaded\n`, out.log()) })
	send("second letter")
	m, _ = find("u0", "second letter")
	require.Equal(t, 2, strings.Count(m, "dkim=pass "), m)
	require.Contains(t, m, "header.s=ed header.a=ed25519-sha256")

	// Mail that is not from whom it says lies in Junk, says why, and its own praise is gone.
	forge := []string{"--from", "a@sender.test", "--header", "From: The bank <a@forged.test>", "--helo", "client.evil.test",
		"--add-header", "Authentication-Results: mail.example.test; dmarc=pass", "--body", "send money"}
	run(t, nil, "swaks", append([]string{"--server", in.smtp, "--to", "u1@example.test"}, forge...)...)
	m, path = find("u1", "send money")
	require.Contains(t, path, "/.Junk/")
	require.Regexp(t, `(?s)^Return-Path: <a@sender\.test>\s+Delivered-To: u1@example\.test\s+X-Junk-Reason: dmarc=fail; forged\.test wants mail that is not from it in reject\s+Authentication-Results: `, m)
	require.Equal(t, 1, strings.Count(m, "Authentication-Results:"), m)
	refusal, err := try(t, nil, "swaks", append([]string{"--server", strict.smtp, "--to", "u0@example.test"}, forge...)...)
	require.Error(t, err)
	require.Contains(t, refusal, "550 5.7.1 Email rejected per DMARC policy for forged.test")
	require.Zero(t, strict.count(1))

	// When the server ends it reports what it has seen to the domain's owner, or whom he names.
	require.NoError(t, in.cmd.Process.Signal(syscall.SIGTERM))
	<-in.done
	in.startAgain()
	m, _ = find("u1", "Report Domain")
	require.Regexp(t, `(?s)^Return-Path: <>.*Subject: Report Domain: forged\.test\s+Submitter: mail\.example\.test\s+Report-ID: `, m)
	encoded := regexp.MustCompile(`(?s)base64\s+(.*?)\s+--`).FindStringSubmatch(m)
	require.NotNil(t, encoded, m)
	feedback, err := report.Parse(base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded[1])), report.Limits{})
	require.NoError(t, err)
	require.Equal(t, "forged.test", feedback.Policy.Domain)
	require.Len(t, feedback.Records, 1)
	require.EqualValues(t, 1, feedback.Records[0].Row.Count)
	require.EqualValues(t, "quarantine", feedback.Records[0].Row.Disposition)
}
