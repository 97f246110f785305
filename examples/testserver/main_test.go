package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

func TestCatch(t *testing.T) {
	var out bytes.Buffer
	c := &catcher{keep: 2, out: &out}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &smtp.Server{Backend: smtp.Handle(mail.DelivererFunc(c.catch))}
	go srv.Serve(l)
	defer srv.Close()
	for i := range 3 {
		text := fmt.Sprintf("Subject: =?UTF-8?Q?Th=C6=B0?= %d\r\n\r\n<b>x</b>\r\n", i)
		require.NoError(t, smtp.Send(t.Context(), l.Addr().String(), &smtp.ClientOptions{TLS: smtp.TLSNone}, "a@x.test", []string{"b@y.test"}, strings.NewReader(text)))
	}
	require.Contains(t, out.String(), `1  a@x.test -> [b@y.test]  "Thư 0"`)

	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	var list []caught
	require.NoError(t, json.Unmarshal(get("GET", "/").Body.Bytes(), &list))
	require.Len(t, list, 2, "the oldest has gone")
	require.Equal(t, "Thư 2", list[1].Subject)
	require.Contains(t, get("GET", "/3").Body.String(), "<b>x</b>")
	require.Contains(t, get("GET", "/3").Header().Get("Content-Type"), "text/plain")
	require.Equal(t, http.StatusNotFound, get("GET", "/1").Code)
	require.Equal(t, http.StatusNoContent, get("DELETE", "/").Code)
	require.Equal(t, "[]", strings.TrimSpace(strings.Replace(get("GET", "/").Body.String(), "null", "[]", 1)))
}
