package main

import (
	"context"
	"crypto/tls"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/smtp"
)

// From nothing to a server: what setup has made is started, its user logs in with the password that was shown, sends, and what goes out is signed.
func TestSetup(t *testing.T) {
	dir := t.TempDir()
	status, out, errs := command(t, "", "setup", "-domain", "example.org", "-user", "an", "-dir", dir+"/etc", "-data", dir+"/data", "-base", "20000")
	require.Zero(t, status, errs)
	require.Contains(t, out, "example.org. MX 10 mail.example.org.")
	require.Contains(t, out, "Khai báo trong DNS")
	password := regexp.MustCompile(`an@example\.org  (\w{16})\n`).FindStringSubmatch(out)[1]
	load := func() (*config.Config, error) {
		over := []string{"disable_plaintext_auth=no", "mail_auth_check=no", "relayhost=[127.0.0.1]:1"}
		for _, l := range strings.Fields("smtp submission submissions imap imaps pop3s webmails http") {
			over = append(over, l+"_listen=127.0.0.1:0")
		}
		return config.Load(config.Options{File: dir + "/etc/main.cf", Overrides: over})
	}
	c, err := load()
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{Stderr: io.Discard})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	defer func() { stop(); require.NoError(t, <-done) }()

	auth := &mail.Credentials{Username: "an@example.org", Password: password}
	sender, err := smtp.Dial(t.Context(), s.Addrs("submission_listen")[0].String(), &smtp.ClientOptions{Auth: auth, TLSConfig: &tls.Config{InsecureSkipVerify: true}})
	require.NoError(t, err)
	defer sender.Close()
	_, err = sender.Send(t.Context(), &mail.Envelope{From: "an@example.org", Recipients: []mail.Recipient{{Address: "an@example.org"}}}, strings.NewReader("From: an@example.org\r\nSubject: Xin chào\r\n\r\nx\r\n"))
	require.NoError(t, err)
	c2, err := imapclient.Dial(t.Context(), s.Addrs("imap_listen")[0].String(), &imapclient.Options{TLS: imapclient.TLSNone, Auth: auth})
	require.NoError(t, err)
	defer c2.Close()
	box, err := c2.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, box.Messages)
	m, err := c2.FetchOne(t.Context(), 1, imapclient.Headers("DKIM-Signature"))
	require.NoError(t, err)
	require.Len(t, m.Sections, 1)
	signed := string(m.Sections[0].Data)
	require.Contains(t, signed, "s=rsa")
	require.Contains(t, signed, "s=ed25519")

	// An address of the domain that others get the mail of.
	status, _, errs = command(t, "", "-c", dir+"/etc/main.cf", "alias", "set", "info@example.org", "an@example.org")
	require.Zero(t, status, errs)
	_, err = sender.Send(t.Context(), &mail.Envelope{From: "an@example.org", Recipients: []mail.Recipient{{Address: "info@example.org"}}}, strings.NewReader("From: an@example.org\r\nSubject: x\r\n\r\nx\r\n"))
	require.NoError(t, err)

	status, _, errs = command(t, "", "setup", "-domain", "example.org", "-user", "an", "-dir", dir+"/etc")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "is there already")
	status, _, errs = command(t, "", "setup")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "-domain and -user")
}
