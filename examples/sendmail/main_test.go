package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

func TestSend(t *testing.T) {
	srv := smtptest.NewServer(t)
	file := filepath.Join(t.TempDir(), "báo cáo.txt")
	require.NoError(t, os.WriteFile(file, []byte("content\n"), 0o600))
	m := message{from: "An <an@example.test>", subject: "Báo cáo", to: []string{"binh@example.test", "Chi <chi@example.test>"}, attach: []string{file}}
	require.NoError(t, m.send(t.Context(), srv.Addr(), &smtp.ClientOptions{TLS: smtp.TLSNone}, strings.NewReader("Chào bạn,\n.\n")))

	got := srv.Messages()
	require.Len(t, got, 1)
	require.Equal(t, "an@example.test", got[0].From)
	require.Len(t, got[0].Recipients, 2)
	msg, err := mime.Read(strings.NewReader(string(got[0].Data)))
	require.NoError(t, err)
	require.Equal(t, "Báo cáo", msg.Subject)
	require.Contains(t, msg.Text, "Chào bạn,")
	require.Len(t, msg.Attachments, 1)
	require.Equal(t, "báo cáo.txt", msg.Attachments[0].Filename)
}

func TestSendRefuses(t *testing.T) {
	srv := smtptest.NewServer(t)
	for _, m := range []message{
		{from: "nonsense", to: []string{"b@example.test"}},
		{from: "a@example.test", to: []string{"b@example.test> NOTIFY=NEVER"}},
		{from: "a@example.test", to: []string{"b@example.test"}, attach: []string{"/does/not/exist"}},
	} {
		require.Error(t, m.send(t.Context(), srv.Addr(), &smtp.ClientOptions{TLS: smtp.TLSNone}, strings.NewReader("x")))
	}
	require.Empty(t, srv.Messages())
}
