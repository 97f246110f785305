package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/imap/imapclient"
)

// doveadm works on the mailboxes of a server that isn't running, and by way of one that is, which knows who has logged in.
func TestDoveadm(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\nmydomain = example.test\nimap_listen = 127.0.0.1:0\nvirtual_mailbox_domains = example.test\nmaillog_file = $data_directory/log\ndata_directory = "+dir+"\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/users", []byte("an@example.test:{PLAIN}secret\nbinh@example.test:{PLAIN}secret\n"), 0o600))
	doveadm := func(stdin string, args ...string) (int, string, string) {
		return command(t, stdin, append([]string{"-c", file, "doveadm"}, args...)...)
	}
	status, _, errs := doveadm("Subject: x\n\nx\n", "save", "-u", "an")
	require.Zero(t, status, errs)
	status, _, errs = doveadm("", "who")
	require.Equal(t, 75, status)
	require.Contains(t, errs, "no server is running")

	c, err := config.Load(config.Options{File: file})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{Stderr: io.Discard})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background(), nil) }()
	client, err := imapclient.Dial(t.Context(), s.Addrs("imap_listen")[0].String(), &imapclient.Options{TLS: imapclient.TLSNone, Auth: &mail.Credentials{Username: "an@example.test", Password: "secret"}})
	require.NoError(t, err)
	defer client.Close()
	box, err := client.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, box.Messages)

	status, out, errs := doveadm("", "-f", "tab", "who")
	require.Zero(t, status, errs)
	require.Regexp(t, `^username\t#\tproto\t\(pids\)\t\(ips\)\nan@example.test\t1\timap\t\(\d+\)\t\(127\.0\.0\.1\)\n$`, out)
	status, _, errs = doveadm("Subject: y\n\ny\n", "save", "-u", "an@example.test")
	require.Zero(t, status, errs)
	require.NoError(t, client.Noop(t.Context()))
	require.EqualValues(t, 2, client.Mailbox().Messages, "a client sees what an administrator does")
	status, out, errs = doveadm("", "-f", "tab", "fetch", "-A", "uid hdr.subject", "mailbox", "INBOX")
	require.Zero(t, status, errs)
	require.Equal(t, "Username\tuid\thdr.subject\nan@example.test\t1\tx\nan@example.test\t2\ty\n", out)
	status, out, _ = doveadm("", "auth", "test", "an", "wrong")
	require.Equal(t, 77, status)
	require.Contains(t, out, "passdb: an auth failed")
	status, out, _ = doveadm("", "kick", "an@*")
	require.Zero(t, status, out)
	require.Error(t, client.Noop(t.Context()))
	require.Eventually(t, func() bool {
		_, out, _ := doveadm("", "-f", "tab", "who")
		return out == "username\t#\tproto\t(pids)\t(ips)\n"
	}, 20*time.Second, 20*time.Millisecond)
	status, _, errs = doveadm("", "stop")
	require.Zero(t, status, errs)
	require.NoError(t, <-done)
}
