package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

func serve(t *testing.T, a *app) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &smtp.Server{Backend: smtp.Handle(a)}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

const letter = "From: An <an@example.org>\r\nSubject: =?UTF-8?Q?V=C3=A9?=\r\nMessage-ID: <1@example.org>\r\n\r\nXin chao\r\n"

func TestWebhook(t *testing.T) {
	var got event
	var down atomic.Bool
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		require.NoError(t, json.NewDecoder(r.Body).Decode(&got))
	}))
	defer hook.Close()
	addr := serve(t, &app{domains: []string{"tickets.test"}, webhook: hook.URL, client: hook.Client()})
	opts := &smtp.ClientOptions{TLS: smtp.TLSNone}

	require.NoError(t, smtp.Send(t.Context(), addr, opts, "an@example.org", []string{"help@Tickets.test"}, strings.NewReader(letter)))
	require.Equal(t, "Vé", got.Subject)
	require.Equal(t, []string{"help@Tickets.test"}, got.To)
	require.Contains(t, got.Text, "Xin chao")

	down.Store(true)
	err := smtp.Send(t.Context(), addr, opts, "an@example.org", []string{"help@tickets.test"}, strings.NewReader(letter))
	require.True(t, mail.ReplyOf(err).Temporary(), "the sender keeps it: %v", err)

	err = smtp.Send(t.Context(), addr, opts, "an@example.org", []string{"help@elsewhere.test"}, strings.NewReader(letter))
	require.Contains(t, err.Error(), "Relay access denied")
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	addr := serve(t, &app{domains: []string{"tickets.test"}, out: &out})
	require.NoError(t, smtp.Send(t.Context(), addr, &smtp.ClientOptions{TLS: smtp.TLSNone}, "", []string{"help@tickets.test"}, strings.NewReader(letter)))
	require.Contains(t, out.String(), `"message_id": "1@example.org"`)
}
