package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp/mx"
	"github.com/stretchr/testify/require"
)

// The policy as senders fetch it (RFC 8461 section 3.3).
func TestServesMTASTS(t *testing.T) {
	r := start(t, "mta_sts_domains=example.test", "mta_sts_mode=enforce", "mta_sts_mx=$myhostname *.backup.test", "mta_sts_max_age=14d")
	addr := r.s.Addrs("https_listen")[0].String()
	s := &mx.STS{HTTP: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}}}
	p, err := s.Fetch(t.Context(), "example.test")
	require.NoError(t, err)
	require.Equal(t, []string{"version: STSv1", "mode: enforce", "mx: mail.example.test", "mx: *.backup.test", "max_age: 1209600"}, p.Text)
	_, err = s.Fetch(t.Context(), "other.test")
	require.ErrorContains(t, err, "404")
	r.end()
	for want, bad := range map[string][]string{
		"mta_sts_mx: ":                        {"mta_sts_domains=example.test", "mta_sts_mx=*"},
		"mta_sts_domains: needs https_listen": {"mta_sts_domains=example.test", "https_listen=", "http_listen="},
	} {
		_, err := server.Open(load(t, append(base(t.TempDir()), append(bad, "passwd_file=/dev/null")...)...), server.Options{})
		require.ErrorContains(t, err, want)
	}
}
