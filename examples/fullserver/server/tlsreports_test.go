package server_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// farZone is a DNS in which far.test has a mail server and wants reports.
type farZone struct{}

func (farZone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if name == "far.test" {
		return []*net.MX{{Host: "mx.far.test.", Pref: 1}}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func (farZone) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("192.0.2.9")}, nil
}

func (farZone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if name == "_smtp._tls.far.test" {
		return []string{"v=TLSRPTv1; rua=mailto:tls@far.test"}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

// What was seen of a domain's TLS is reported to it when the day is over, over a restart too (RFC 8460).
func TestTLSReports(t *testing.T) {
	f := smtptest.NewServer(t)
	f.UseTLS()
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\n")
	params := append(base(dir), "tls_report_from=tls@example.test", "smtp_mta_sts=no")
	var later atomic.Int64
	run := func() *running {
		s, err := server.Open(load(t, params...), server.Options{Resolver: farZone{}, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, f.Addr())
			}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		r := &running{t: t, dir: dir, s: s, stop: cancel, done: make(chan error, 1)}
		go func() { r.done <- s.Serve(ctx, nil) }()
		t.Cleanup(r.end)
		return r
	}
	r := run()
	r.send("alice@example.test", "x@far.test", note)
	sent(t, f, 1)
	r.end()
	later.Store(int64(25 * time.Hour))
	r = run()
	m := sent(t, f, 2)[1]
	require.Equal(t, []string{"tls@far.test"}, []string{m.Recipients[0].Address})
	text := string(m.Data)
	require.True(t, strings.Contains(text, "From: <tls@example.test>\r\n") && strings.Contains(text, "TLS-Report-Domain: far.test\r\n"), text)
	r.end()
	_, err := server.Open(load(t, append(base(t.TempDir()), "passwd_file=/dev/null", "tls_report_from=nobody")...), server.Options{})
	require.ErrorContains(t, err, "tls_report_from: is no address")
}
