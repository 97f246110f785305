package smtp_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/smtptest"
)

// program returns the path of a program that we did not write. A test that lacks it is skipped, and fails where CI is set.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
		_, err = os.Stat(path)
	}
	if err == nil && name == "python3" {
		err = exec.Command(path, "-c", "import smtplib").Run()
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
	return path
}

// stranger gives a server with AUTH and TLS, and runs a program that sends to it.
type stranger struct {
	t          *testing.T
	srv        *smtptest.Server
	host, port string
	ca         string // file of the certificate to trust
	letter     string // file with a message
}

const letter = "From: a@c.test\r\nTo: b@example.test\r\nSubject: =?utf-8?q?Th=C6=B0?=\r\nMessage-ID: <1@c.test>\r\nDate: Tue, 01 Sep 2026 10:00:00 +0700\r\n\r\n.dot\r\n..two\r\n\r\n8bit: thư\r\n"

func newStranger(t *testing.T) *stranger {
	srv := smtptest.NewServer(t)
	srv.UseTLS()
	srv.Config.Authenticator = vault{users{"alice": "secret"}}
	host, port, err := net.SplitHostPort(srv.Addr())
	require.NoError(t, err)
	dir := t.TempDir()
	s := &stranger{t: t, srv: srv, host: host, port: port, ca: filepath.Join(dir, "ca.pem"), letter: filepath.Join(dir, "letter.eml")}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Config.TLSConfig.Certificates[0].Certificate[0]})
	require.NoError(t, os.WriteFile(s.ca, cert, 0o600))
	require.NoError(t, os.WriteFile(s.letter, []byte(letter), 0o600))
	return s
}

func (s *stranger) run(name string, stdin string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(s.t, name), args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Dir(s.letter))
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, string(out))
	return string(out)
}

// took asserts what has come.
func (s *stranger) took(data string) *smtptest.Message {
	s.t.Helper()
	require.Len(s.t, s.srv.Messages(), 1)
	m := s.srv.Messages()[0]
	require.Equal(s.t, "a@c.test", m.From)
	require.Equal(s.t, "b@example.test", m.Recipients[0].Address)
	require.Equal(s.t, data, string(m.Data))
	return m
}

func TestStrangerCurl(t *testing.T) {
	s := newStranger(t)
	s.run("curl", "", "-sS", "--url", "smtp://"+s.host+":"+s.port, "--ssl-reqd", "--cacert", s.ca, "--user", "alice:secret",
		"--mail-from", "a@c.test", "--mail-rcpt", "b@example.test", "--upload-file", s.letter)
	m := s.took(letter)
	require.Equal(t, "alice", m.User)
	require.Equal(t, "ESMTPSA", m.Protocol)
}

func TestStrangerSwaks(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5"} {
		s := newStranger(t)
		s.run("swaks", "", "--server", s.host, "--port", s.port, "--from", "a@c.test", "--to", "b@example.test", "--tls", "--auth", mechanism,
			"--auth-user", "alice", "--auth-password", "secret", "--data", "@"+s.letter)
		require.Equal(t, "alice", s.srv.Messages()[0].User, mechanism)
		require.Contains(t, string(s.srv.Messages()[0].Data), "\r\n.dot\r\n..two\r\n")
	}
	s := newStranger(t)
	s.run("swaks", "", "--server", s.host, "--port", s.port, "--from", "a@c.test", "--to", "b@example.test", "--pipeline", "--data", "@"+s.letter)
	require.Len(t, s.srv.Messages(), 1)
}

func TestStrangerMsmtp(t *testing.T) {
	s := newStranger(t)
	s.run("msmtp", strings.ReplaceAll(letter, "\r\n", "\n"), "--host=localhost", "--port="+s.port, "--from=a@c.test", "--tls=on", "--tls-starttls=on", "--tls-trust-file="+s.ca,
		"--auth=scram-sha-256", "--user=alice", "--passwordeval=echo secret", "b@example.test")
	require.Equal(t, "alice", s.took(letter).User)
}

func TestStrangerPython(t *testing.T) {
	s := newStranger(t)
	s.run("python3", `
import smtplib, ssl, sys
c = smtplib.SMTP("localhost", `+s.port+`)
c.starttls(context=ssl.create_default_context(cafile=`+"'"+s.ca+"'"+`))
c.login("alice", "secret")
c.sendmail("a@c.test", ["b@example.test"], open(`+"'"+s.letter+"'"+`, "rb").read(), mail_options=["BODY=8BITMIME"], rcpt_options=["NOTIFY=FAILURE"])
c.quit()
`, "-")
	m := s.took(letter)
	require.Equal(t, mail.NotifyFailure, m.Recipients[0].Options.Notify)
}

// Postfix's smtp-source: many sessions at once, over many connections.
func TestStrangerSmtpSource(t *testing.T) {
	s := newStranger(t)
	s.run("smtp-source", "", "-c", "-s", "5", "-m", "200", "-l", "5000", "-f", "a@c.test", "-t", "b@example.test", s.host+":"+s.port)
	require.Len(t, s.srv.Messages(), 200)
	s.srv.Reset()
	s.run("smtp-source", "", "-d", "-s", "5", "-m", "200", "-l", "5000", "-f", "a@c.test", "-t", "b@example.test", s.host+":"+s.port)
	got, err := s.srv.Wait(context.Background(), 200)
	require.NoError(t, err)
	require.Len(t, got, 200)
}

// telnet's line-at-a-time is TestTextbookDialogue; openssl's is a person typing under TLS.
func TestStrangerOpenssl(t *testing.T) {
	s := newStranger(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, "openssl"), "s_client", "-quiet", "-crlf", "-starttls", "smtp", "-CAfile", s.ca, "-connect", s.host+":"+s.port)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &typist{t: t, in: in, out: out}
	p.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice\x00secret")), "503 5.5.1")
	p.say("EHLO c.test", "\n250 ")
	p.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice\x00secret")), "235 2.7.0")
	p.say("MAIL FROM:a@c.test", "250 2.1.0")
	p.say("RCPT TO:b@example.test", "250 2.1.5")
	p.say("DATA", "354 ")
	p.say("Subject: typed\n\nhello\n.", "250 2.0.0")
	p.say("QUIT", "221 2.0.0")
	require.NoError(t, in.Close())
	_ = cmd.Wait()
	s.took("Subject: typed\r\n\r\nhello\r\n")
}
