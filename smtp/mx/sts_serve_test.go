package mx_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mx"
)

// What we serve is what our own client, and the RFC, expect: the policy of RFC 8461 section 3.2's example, CRLF at each line's end.
func TestServeSTS(t *testing.T) {
	p := &mx.STSPolicy{Mode: mx.STSEnforce, MX: []string{"mail.example.com", "*.example.net"}, MaxAge: 7 * 24 * time.Hour}
	const text = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
	require.Equal(t, text, p.String())
	again, err := mx.ParseSTSPolicy(p.String())
	require.NoError(t, err)
	require.Equal(t, p.MX, again.MX)
	require.Equal(t, p.NewID(), again.NewID())
	id, ok := mx.ParseSTSRecord([]string{mx.STSRecord(p.NewID())})
	require.True(t, ok, "section 3.1: 1*32(ALPHA / DIGIT)")
	require.Equal(t, p.NewID(), id)
	other := *p
	other.Mode = mx.STSTesting
	require.NotEqual(t, p.NewID(), other.NewID(), "section 3.1: the id tells that the policy has changed")

	h := mx.STSHandler(func(domain string) *mx.STSPolicy {
		if domain == "example.com" {
			return p
		}
		return nil
	})
	get := func(method, url string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, url, nil))
		return w
	}
	w := get("GET", "https://MTA-STS.example.com:443/.well-known/mta-sts.txt")
	require.Equal(t, 200, w.Code)
	require.Equal(t, text, w.Body.String())
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, 405, get("POST", "https://mta-sts.example.com/.well-known/mta-sts.txt").Code)
	for _, url := range []string{"https://example.com/.well-known/mta-sts.txt", "https://mta-sts.example.net/.well-known/mta-sts.txt", "https://mta-sts.example.com/", "https://mta-sts.x.example.com/.well-known/mta-sts.txt"} {
		require.Equal(t, 404, get("GET", url).Code, url)
	}

	srv := httptest.NewTLSServer(h)
	defer srv.Close()
	s := &mx.STS{HTTP: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
		},
	}}}
	got, err := s.Fetch(t.Context(), "example.com")
	require.NoError(t, err)
	require.Equal(t, p.Mode, got.Mode)
	require.True(t, got.Match("x.example.net"))
	_, err = s.Fetch(t.Context(), "example.net")
	require.ErrorContains(t, err, "HTTP status 404")
}
