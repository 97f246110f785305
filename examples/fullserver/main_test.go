package main

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// command runs the program as a shell would, where it ends by itself.
func command(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"-help"}, {"help"}} {
		status, out, errs := command(t, "", args...)
		require.Zero(t, status)
		require.Contains(t, out, "fullserver -c main.cf")
		require.Contains(t, out, "máy chủ thử")
		require.Empty(t, errs)
	}
	for _, args := range [][]string{{"-x"}, {"dance"}, {"-c"}} {
		status, out, errs := command(t, "", args...)
		require.Equal(t, 2, status)
		require.Empty(t, out)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
}

// Commands that look after the queue, called by fullserver or as they are linked, with -c as Postfix's have it.
func TestQueueCommands(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\ndata_directory = "+dir+"\n"), 0o600))
	for _, args := range [][]string{{"-c", file, "mailq"}, asLinked("mailq", []string{"-c", dir}), asLinked("postqueue", []string{"-c" + dir, "-p"})} {
		status, out, errs := command(t, "", args...)
		require.Zero(t, status, errs)
		require.Equal(t, "Mail queue is empty\n", out)
	}
	t.Setenv("MAIL_CONFIG", dir)
	require.Equal(t, []string{"-c", file, "postsuper", "-d", "ALL"}, asLinked("postsuper", []string{"-d", "ALL"}))
	status, _, errs := command(t, "", asLinked("postsuper", []string{"-d", "ALL"})...)
	require.Zero(t, status)
	require.Equal(t, "postsuper: Deleted: 0 messages\n", errs)
	status, _, errs = command(t, "", "-c", dir+"/none", "mailq")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "mailq: fatal: ")
}

func TestTables(t *testing.T) {
	status, out, errs := command(t, "", "postmap", "-q", "x", "inline:{x=y}")
	require.Equal(t, []any{0, "y\n", ""}, []any{status, out, errs})
	status, _, _ = command(t, "", "postmap", "-q", "z", "inline:{x=y}")
	require.Equal(t, 1, status)
}

func TestSendmailAsLinked(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\nsmtp_listen = 127.0.0.1:1\ndata_directory = "+dir+"\n"), 0o600))
	require.Equal(t, []string{"-c", file, "sendmail", "-C", dir, "-t"}, asSendmail("sendmail", []string{"-C", dir, "-t"}))
	require.Equal(t, []string{"-c", file, "sendmail", "-bi", "-C" + file}, asSendmail("newaliases", []string{"-C" + file}))
	t.Setenv("MAIL_CONFIG", dir)
	status, _, errs := command(t, "Subject: x\n\nx\n", asSendmail("sendmail", []string{"binh@example.test"})...)
	require.Equal(t, 75, status)
	require.Contains(t, errs, "sendmail: fatal: the server at 127.0.0.1:1 can't be reached: ")
	status, out, errs := command(t, "", asSendmail("sendmail", []string{"-bp"})...)
	require.Zero(t, status, errs)
	require.Equal(t, "Mail queue is empty\n", out)
}

func TestVersion(t *testing.T) {
	status, out, _ := command(t, "", "version")
	require.Zero(t, status)
	require.Regexp(t, `^fullserver \S+ .*go1\.`, out)
}

func TestPostconfCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\n"), 0o600))
	status, out, _ := command(t, "", "-c", file, "-o", "relayhost=[smart.test]", "postconf", "-n")
	require.Zero(t, status)
	require.Equal(t, "myhostname = mx.example.test\nrelayhost = [smart.test]\n", out)
	status, out, _ = command(t, "", "-c", file, "postconf", "message_size_limit", "myhostname")
	require.Zero(t, status)
	require.Equal(t, "message_size_limit = 10240000\nmyhostname = mx.example.test\n", out)
	status, _, errs := command(t, "", "-c", file, "postconf", "nonesuch")
	require.Zero(t, status, "as Postfix's ends")
	require.Equal(t, "postconf: warning: nonesuch: unknown parameter\n", errs)
	status, _, errs = command(t, "", "-c", file, "postconf", "-z")
	require.Equal(t, 1, status)
	require.Equal(t, 1, strings.Count(errs, "\n"))
}

func TestBadConfigurationIsOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("\nmessage_size_limit = many\n"), 0o600))
	status, out, errs := command(t, "", "-c", file)
	require.Equal(t, 1, status)
	require.Empty(t, out)
	require.Equal(t, "fullserver: fatal: "+file+`, line 2: message_size_limit: "many" is not a size: octets, or a number and K, M, G or T`+"\n", errs)
	status, _, errs = command(t, "", "-o", "smtp_listen=x")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "command line: smtp_listen: ")
}

func TestPasswd(t *testing.T) {
	status, out, _ := command(t, "mật khẩu\n", "passwd", "alice@example.test")
	require.Zero(t, status)
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
	f, err := passwdfile.Open(file, passwdfile.Options{})
	require.NoError(t, err)
	_, err = f.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: "alice@example.test", Password: "mật khẩu"})
	require.NoError(t, err)

	status, out, _ = command(t, "x", "passwd")
	require.Zero(t, status)
	require.True(t, strings.HasPrefix(out, "{SHA512-CRYPT}$6$"))
	status, _, errs := command(t, "", "passwd")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "no password")
	status, _, _ = command(t, "x", "passwd", "a", "b")
	require.Equal(t, 1, status)

	status, out, errs = command(t, "", "passwd", "-app", "Alice@example.test", "imap,smtp", "telephone")
	require.Zero(t, status)
	require.Regexp(t, `^alice@example.test:\{SSHA256\}[^:]+:imap,smtp:telephone:\d{4}-\d\d-\d\d\n$`, out)
	require.Regexp(t, `^The password, which isn't shown again: [a-z2-9]{6}(-[a-z2-9]{6}){3}\n$`, errs)
	status, _, errs = command(t, "", "passwd", "-app", "alice@example.test", "web")
	require.NotZero(t, status)
	require.Contains(t, errs, `"web" is no scope`)

	status, out, errs = command(t, "", "passwd", "-totp", "Alice@example.test")
	require.Zero(t, status)
	require.Regexp(t, `^totp=[A-Z2-7]{32}\n(alice@example.test:\{SSHA256\}[^:]+:\d{4}-\d\d-\d\d\n){10}$`, out)
	require.Contains(t, errs, "otpauth://totp/example.test:alice@example.test?secret="+out[5:37]+"&issuer=example.test&algorithm=SHA1&digits=6&period=30\n")
	status, _, _ = command(t, "", "passwd", "-totp")
	require.NotZero(t, status)
}

// SIGHUP reloads, the first SIGTERM asks sessions to end, the second doesn't wait for them.
func TestSignals(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/users", []byte("alice:{PLAIN}x\n"), 0o600))
	c, err := config.Load(config.Options{Overrides: []string{"data_directory=" + dir, "mydomain=example.test", "smtp_listen=127.0.0.1:0", "maillog_file=" + dir + "/log"}})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{})
	require.NoError(t, err)
	defer s.Close()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	defer reloadOn(hup, s)()
	ctx, hurry, done := signals(&bytes.Buffer{})
	defer done()
	kill := func(sig syscall.Signal) { require.NoError(t, syscall.Kill(os.Getpid(), sig)) }
	kill(syscall.SIGHUP)
	require.Eventually(t, func() bool {
		b, _ := os.ReadFile(dir + "/log")
		return strings.Contains(string(b), "reloaded")
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, ctx.Err())
	kill(syscall.SIGTERM)
	<-ctx.Done()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	select {
	case <-hurry:
		t.Fatal("in a hurry at once")
	default:
	}
	kill(syscall.SIGINT)
	select {
	case <-hurry:
	case <-time.After(10 * time.Second):
		t.Fatal("the second signal changed nothing")
	}
}

// The demo's parameters are what postconf shows in the demo's folder.
func TestPostconfInTheDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	require.Empty(t, demoConfig())
	require.NoError(t, os.Mkdir("fullserver-data", 0o700))
	require.NoError(t, os.WriteFile("fullserver-data/main.cf", []byte("myhostname = demo.example.test\n"), 0o600))
	status, out, _ := command(t, "", "postconf", "-n")
	require.Zero(t, status)
	require.Equal(t, "myhostname = demo.example.test\n", out)
}

// user, alias and domain are commands, with -c and -o before them.
func TestAdministerCommands(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\nmydomain = example.test\nvirtual_mailbox_domains = example.test\ndata_directory = "+dir+"\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/users", nil, 0o600))
	status, out, errs := command(t, "secret\n", "-c", file, "-o", "maillog_file=", "user", "add", "lan@example.test")
	require.Zero(t, status, errs)
	require.Empty(t, out)
	require.Contains(t, errs, ": operator: user add lan@example.test\n", "without a log it is told here")
	status, out, _ = command(t, "", "-c", file, "user", "list", "example.test")
	require.Zero(t, status)
	require.Equal(t, "lan@example.test storage=-/any messages=-/any\n", out)
	status, _, _ = command(t, "", "-c", file, "domain", "dance")
	require.Equal(t, 2, status)
}

// Each command tells what it does when it is asked, and does nothing else.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"check", "-h"}, {"passwd", "--help"}, {"reload", "-h"}, {"mta-sts", "-help"}, {"reports", "-h"}, {"queue", "-h"}, {"mailq", "-h"}, {"help", "queue"}, {"setup", "--help"}, {"import", "-h"},
		{"import", "postfix-dovecot", "--help"}, {"backup", "-h"}, {"restore", "-h"}, {"webmail", "-h"}, {"doveadm", "-h"}} {
		var out, said strings.Builder
		require.Zero(t, run(args, strings.NewReader(""), &out, &said), "%v %s", args, said.String())
		require.Empty(t, said.String(), args)
		word := args[0]
		if word == "help" {
			word = args[1]
		}
		require.Contains(t, out.String(), word, args)
	}
	var out, said strings.Builder
	require.Zero(t, run([]string{"queue", "-h"}, strings.NewReader(""), &out, &said))
	require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
	require.Equal(t, 2, run([]string{"trace", "a@an.example"}, strings.NewReader(""), &out, &said))
	require.Contains(t, said.String(), "journalctl -u fullserver -o cat | fullserver trace -log - a@an.example")
}
