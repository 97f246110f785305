package server_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// file writes a file into a folder of the test's own and returns its name.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// rcpt says RCPT to a server and returns the reply.
func (r *running) rcpt(from, to string) string {
	r.t.Helper()
	m := r.dial("smtp_listen")
	defer m.c.Close()
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<"+from+">", "250 ")
	return m.say("RCPT TO:<"+to+">", "2", "4", "5")
}

// sent waits for n messages that a server elsewhere got.
func sent(t *testing.T, f *smtptest.Server, n int) []*smtptest.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := f.Wait(ctx, n)
	require.NoError(t, err)
	return got
}

func recipients(messages []*smtptest.Message) (out []string) {
	for _, m := range messages {
		for _, r := range m.Recipients {
			out = append(out, r.Address)
		}
	}
	return out
}

// mailq is what mailq prints.
func (r *running) mailq() string {
	r.t.Helper()
	var out, errs strings.Builder
	require.Zero(r.t, queuecmd.Run(r.t.Context(), r.dir, r.dir+"/queue", "mailq", nil, strings.NewReader(""), &out, &errs), errs.String())
	return out.String()
}

const note = "Subject: note\r\n\r\nhello\r\n"

// A virtual alias may stand for several, here and elsewhere; each gets the message once, and who sent it hears "250" once.
func TestVirtualAliases(t *testing.T) {
	f, relay := far(t)
	v := file(t, "virtual", "all@alias.test alice@example.test, bob@example.test, Alice@example.test, x@far.test\n@catch.test alice@example.test\nloop@alias.test loop2@alias.test\nloop2@alias.test loop@alias.test\nalias.test -\ncatch.test -\n")
	r := start(t, relay, "virtual_alias_maps=texthash:"+v, "recipient_delimiter=+", "always_bcc=bob+archive@example.test")
	require.Equal(t, "250 2.1.5 Ok", r.rcpt("s@far.test", "All+x@alias.test"))
	require.Equal(t, "550 5.1.1 <none@alias.test>: Recipient address rejected: User unknown in virtual alias table", r.rcpt("s@far.test", "none@alias.test"))
	require.Equal(t, "451 4.6.0 Alias expansion error", r.rcpt("s@far.test", "loop@alias.test"))
	r.send("s@far.test", "all+x@alias.test", note)
	r.send("s@far.test", "anybody@catch.test", note)
	alice := r.inbox("alice", "secret", 2)
	require.Contains(t, alice, "Delivered-To: alice+x@example.test")
	require.Contains(t, alice, "Delivered-To: alice@example.test")
	bob := r.inbox("bob@example.test", "geheim", 3)
	require.Contains(t, bob, "Delivered-To: bob+x@example.test")
	require.Equal(t, 2, strings.Count(bob, "Delivered-To: bob+archive@example.test"))
	require.Equal(t, []string{"x+x@far.test"}, recipients(sent(t, f, 1)))
	r.logged(`virtual_alias_maps: loop@alias.test -> loop2@alias.test -> loop@alias.test has no end`)
}

// aliases(5), with what it knows: lists with an owner, commands, files, :include:, a user's .forward, and names that lead back to themselves.
func TestAliases(t *testing.T) {
	f, relay := far(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	out, mbox := filepath.Join(dir, "out"), filepath.Join(dir, "mbox")
	members := file(t, "members", "# members\nalice, bob@example.test\nx@far.test\n")
	aliases := file(t, "aliases", `root: alice
team: ":include:`+members+`"
owner-team: bob
prog: "|cat > `+out+`"
archive: `+mbox+`
me: me, alice
a: b
b: a
fail: "|exit 75"
refuse: "|exit 67"
`)
	r := start(t, relay, "alias_maps=hash:"+aliases, "recipient_delimiter=+", "default_privs=root")
	for _, to := range []string{"root", "team", "prog", "archive", "me"} {
		require.Contains(t, r.send("s@far.test", to+"@localhost", note), "250 2.0.0 Ok: queued as ", to)
	}
	alice := r.inbox("alice", "secret", 3)
	require.Contains(t, alice, "Subject: note")
	require.Equal(t, 1, strings.Count(r.inbox("bob@example.test", "geheim", 1), "Subject: note"))
	got := sent(t, f, 1)
	require.Equal(t, []string{"x@far.test"}, recipients(got))
	require.Equal(t, "owner-team@mail.example.test", got[0].From, "the owner hears of what members bounce")
	require.Contains(t, string(got[0].Data), "Delivered-To: team@localhost\r\n")
	r.logged(`postfix/local\[\d+\]: [0-9A-F]+: to=<prog@localhost>, .*status=sent \(delivered to command: cat > `)
	r.logged(`postfix/local\[\d+\]: [0-9A-F]+: to=<archive@localhost>, .*status=sent \(delivered to file: `)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "Return-Path: <s@far.test>\nDelivered-To: prog@localhost\n"), string(text))
	text, err = os.ReadFile(mbox)
	require.NoError(t, err)
	require.Regexp(t, "^From s@far.test  .* 20\\d\\d\nReturn-Path: <s@far.test>\nDelivered-To: archive@localhost\n(.*\n)+\nhello\n\n$", string(text))

	// A circle has nobody at its end; a command says for itself what becomes of the mail.
	r.send("alice@example.test", "fail@localhost", note)
	r.logged(`to=<fail@localhost>, .*dsn=4\.\d\.\d, status=deferred \(temporary failure\)`)
	r.send("alice@example.test", "refuse@localhost", note)
	r.logged(`to=<refuse@localhost>, .*dsn=5\.1\.1, status=bounced \(user unknown\)`)
	r.inbox("alice", "secret", 4)
	require.Equal(t, "550 5.1.1 <nobody@localhost>: Recipient address rejected: User unknown in local recipient table", r.rcpt("s@far.test", "nobody@localhost"))
	require.Equal(t, "250 2.1.5 Ok", r.rcpt("s@far.test", "TEAM+anything@localhost"))
}

// A user's own .forward: \user is the mailbox itself, whoever stands beside it gets a copy; a loop between two users ends with a report.
func TestForward(t *testing.T) {
	f, relay := far(t)
	home := t.TempDir()
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret::::"+home+"::\nbob@example.test:{PLAIN}geheim\n")
	require.NoError(t, os.WriteFile(filepath.Join(home, ".forward"), []byte("# where I am\n\\alice, x@far.test\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".forward+lists"), []byte("bob@example.test\n"), 0o600))
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), relay, "recipient_delimiter=+")...)
	r.send("s@far.test", "alice@localhost", note)
	require.Contains(t, r.inbox("alice", "secret", 1), "Delivered-To: alice@mail.example.test")
	got := sent(t, f, 1)
	require.Equal(t, []string{"x@far.test"}, recipients(got))
	require.Equal(t, "s@far.test", got[0].From)
	require.Contains(t, string(got[0].Data), "Delivered-To: alice@localhost\r\n")

	r.send("s@far.test", "alice+lists@localhost", note)
	require.Contains(t, r.inbox("bob@example.test", "geheim", 1), "Delivered-To: alice+lists@localhost")

	// He sends as himself all the same, and as nobody else.
	m := r.dial("submission_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("AUTH PLAIN "+plain("alice", "secret"), "235 ")
	for from, want := range map[string]string{"alice@localhost": "250 ", "alice+lists@localhost": "250 ", "bob@example.test": "553 5.7.1 ", "x@far.test": "553 5.7.1 "} {
		m.say("MAIL FROM:<"+from+">", "250 ")
		m.say("RCPT TO:<bob@example.test>", want)
		m.say("RSET", "250 ")
	}

	// What comes back to where it was forwarded from is a loop (RFC 5321 section 6.3 counts hops; Delivered-To finds it at once).
	r.send("bob@example.test", "alice@localhost", "Delivered-To: alice@localhost\r\nSubject: again\r\n\r\nx\r\n")
	r.logged(`status=bounced \(mail forwarding loop for alice@localhost\)`)
	require.Contains(t, r.inbox("bob@example.test", "geheim", 2), "mail forwarding loop for alice@localhost")
}

// Classes, transports and checks of recipients: mail for relay_domains is taken from everybody and goes where transport_maps says.
func TestRelayDomainsAndTransports(t *testing.T) {
	f, relay := far(t)
	hop := strings.TrimPrefix(relay, "relayhost=")
	transport := file(t, "transport", "inside.test smtp:"+hop+"\n.inside.test smtp:"+hop+"\nclosed.test error:5.7.1 this domain is closed\nquiet.test discard:\n")
	r := start(t, "transport_maps=texthash:"+transport, "relay_domains=inside.test, closed.test, quiet.test", "relay_recipient_maps=inline:{carol@inside.test=x, @sub.inside.test=x, @quiet.test=x}",
		"relocated_maps=inline:{gone@example.test=new@far.test}", "mynetworks=192.0.2.0/24", "smtpd_relay_restrictions=permit_mynetworks, defer_unauth_destination",
		"sender_canonical_maps=inline:{s@old.test=s@new.test}")
	for to, want := range map[string]string{
		"carol@inside.test":            "250 2.1.5 Ok",
		"x@sub.inside.test":            "250 2.1.5 Ok",
		"dave@inside.test":             "550 5.1.1 <dave@inside.test>: Recipient address rejected: User unknown in relay recipient table",
		"x@closed.test":                "550 5.7.1 <x@closed.test>: Recipient address rejected: this domain is closed",
		"x@quiet.test":                 "250 2.1.5 Ok",
		"gone@example.test":            "550 5.1.6 <gone@example.test>: Recipient address rejected: User has moved to new@far.test",
		"x@elsewhere.test":             "454 4.7.1 <x@elsewhere.test>: Relay access denied",
		"x%elsewhere.test@inside.test": "454 4.7.1 <x%elsewhere.test@inside.test>: Relay access denied",
		"x@elsewhere.test@inside.test": "5",
		`"x@elsewhere.test"@localhost`: "454 4.7.1 <x@elsewhere.test@localhost>: Relay access denied",
		"x%elsewhere.test@localhost":   "454 4.7.1 <x%elsewhere.test@localhost>: Relay access denied",
		"elsewhere.test!x@localhost":   "454 4.7.1 <elsewhere.test!x@localhost>: Relay access denied",
		"nobody@example.test":          "550 5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in virtual mailbox table",
		"-alice@example.test":          "501 5.1.3 Bad recipient address syntax",
	} {
		require.Contains(t, r.rcpt("s@far.test", to), want, to)
	}
	r.send("s@old.test", "carol@inside.test", note)
	got := sent(t, f, 1)
	require.Equal(t, "s@new.test", got[0].From)
	require.Contains(t, r.send("s@far.test", "x@quiet.test", note), "250 2.0.0 Ok")
	r.logged(`to=<x@quiet.test>, .*status=sent`)
}

// A table that can't be asked means that nobody knows, now: 451.
func TestTablesThatFail(t *testing.T) {
	r := start(t, "virtual_alias_maps=fail:x")
	require.Equal(t, "451 4.3.0 <alice@example.test>: Temporary lookup failure", r.rcpt("s@far.test", "alice@example.test"))
	r = start(t, "relay_domains=fail:x")
	require.Equal(t, "451 4.3.0 <x@y.test>: Temporary lookup failure", r.rcpt("s@far.test", "x@y.test"))
}

// What can't be opened is told in one line that names the parameter.
func TestTablesThatArentThere(t *testing.T) {
	for param, want := range map[string]string{
		"virtual_alias_maps=hash:/nonexistent/virtual": "command line: virtual_alias_maps: ",
		"transport_maps=hosh:/x":                       `command line: transport_maps: table "hosh:/x": unknown table type "hosh"`,
		"relay_domains=/nonexistent":                   "command line: relay_domains: ",
		"smtpd_relay_restrictions=permit_mynetworks":   "command line: smtpd_relay_restrictions: everybody could send anywhere through this server: add reject_unauth_destination",
		"default_transport=uucp:x":                     `command line: default_transport: there is no transport "uucp": there are discard, error, lmtp, local, relay, retry, smtp, virtual`,
		"mailbox_transport=uucp:x":                     `command line: mailbox_transport: there is no transport "uucp"`,
	} {
		dir := t.TempDir()
		users(t, dir, "alice:{PLAIN}secret\n")
		c, err := config.Load(config.Options{Overrides: append(base(dir), param)})
		require.NoError(t, err)
		_, err = server.Open(c, server.Options{})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
}

// smtp_sasl_password_maps: the server that mail goes through is logged in at; one whose table fails gets nothing.
func TestPasswordsOfRelays(t *testing.T) {
	f := smtptest.NewServer(t)
	f.Config.Authenticator = imaptest.Users{"site": "geheim"}
	f.Config.RequireAuth = true
	f.Config.AllowPlaintext = func(*smtp.Conn) bool { return true }
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	hop := "[" + host + "]:" + port
	r := start(t, "relayhost="+hop, "smtp_sasl_auth_enable=yes", "smtp_sasl_password_maps=inline:{ {"+hop+" = site:geheim} }")
	r.send("alice@example.test", "x@far.test", note)
	require.Equal(t, "site", sent(t, f, 1)[0].User)
	require.NotContains(t, r.log(), "geheim")

	r = start(t, "relayhost="+hop, "smtp_sasl_auth_enable=yes", "smtp_sasl_password_maps=fail:x")
	r.send("alice@example.test", "x@far.test", note)
	r.logged(`to=<x@far.test>, .*dsn=4\.3\.0, status=deferred \(smtp_sasl_password_maps lookup failure\)`)
	require.Len(t, f.Messages(), 1)
}

// What main.cf says of smtp_listen: HELO first, no VRFY, no AUTH, TLS or nothing.
func TestSMTPDParameters(t *testing.T) {
	r := start(t, "smtpd_helo_required=yes", "disable_vrfy_command=yes", "smtpd_sasl_auth_enable=no", "smtpd_tls_security_level=none", "strict_rfc821_envelopes=yes")
	m := r.dial("smtp_listen")
	m.until("220 ")
	require.Contains(t, m.say("MAIL FROM:<s@far.test>", "5", "2"), "503 5.5.1 Error: send HELO/EHLO first")
	hello := m.say("EHLO c.test", "250 ")
	require.NotContains(t, hello, "AUTH")
	require.NotContains(t, hello, "STARTTLS")
	require.Contains(t, m.say("VRFY alice", "5", "2"), "502 5.5.1 VRFY command is disabled")
	require.Contains(t, m.say("MAIL FROM:s@far.test", "5", "2"), "501 5.1.7 Bad sender address syntax")
	r = start(t, "smtpd_tls_security_level=encrypt")
	m = r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	require.Contains(t, m.say("MAIL FROM:<s@far.test>", "5", "2"), "530 5.7.0 Must issue a STARTTLS command first")
}

// A mailbox server behind LMTP, as Dovecot is for many: virtual_transport, and who exists is in virtual_mailbox_maps. A socket without a leading slash is in the queue's folder.
func TestVirtualTransport(t *testing.T) {
	f := smtptest.NewServer(t)
	f.Config.LMTP = true
	r := start(t, "virtual_transport=lmtp:inet:"+f.Addr(), "virtual_mailbox_maps=inline:{elsewhere@example.test=x}")
	require.Equal(t, "550 5.1.1 <alice@example.test>: Recipient address rejected: User unknown in virtual mailbox table", r.rcpt("s@far.test", "alice@example.test"))
	r.send("s@far.test", "elsewhere@example.test", note)
	require.Equal(t, []string{"elsewhere@example.test"}, recipients(sent(t, f, 1)))
	r = start(t, "virtual_transport=lmtp:unix:private/dovecot-lmtp", "virtual_mailbox_maps=inline:{elsewhere@example.test=x}")
	r.send("s@far.test", "elsewhere@example.test", note)
	r.logged(`to=<elsewhere@example.test>, .*status=deferred .*/queue/private/dovecot-lmtp`)
}
