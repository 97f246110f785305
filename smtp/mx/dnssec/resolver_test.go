package dnssec_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/dnssec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a name server with a zone, one that says AD for names that don't begin with "plain", and SERVFAIL for "bogus".
func serve(t *testing.T, zone ...string) string {
	t.Helper()
	records := map[string][]dns.RR{}
	for _, line := range zone {
		rr, err := dns.NewRR(line)
		require.NoError(t, err)
		name := rr.Header().Name
		records[name] = append(records[name], rr)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		name := q.Question[0].Name
		m.AuthenticatedData = q.AuthenticatedData && q.IsEdns0() != nil && q.IsEdns0().Do() && !strings.HasPrefix(name, "plain")
		if records[name] == nil {
			m.Rcode = dns.RcodeNameError
		}
		if strings.HasPrefix(name, "bogus") {
			m.Rcode, m.AuthenticatedData = dns.RcodeServerFailure, false
		}
		if strings.HasPrefix(name, "big") && w.RemoteAddr().Network() == "udp" {
			m.Truncated = true
			w.WriteMsg(m)
			return
		}
		for _, rr := range records[name] {
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})
	pc, l := listenBoth(t)
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() { s.Shutdown(); <-done })
	}
	return pc.LocalAddr().String()
}

// listenBoth returns a port that is free for both UDP and TCP: what is free for one may be taken for the other.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		if l, err := net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			return pc, l
		}
		pc.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

func TestResolver(t *testing.T) {
	addr := serve(t,
		"example.net. 60 IN MX 10 mx.example.net.",
		"example.net. 60 IN TXT \"v=STSv1; \" \"id=1;\"",
		"plain.example.net. 60 IN MX 10 mx.example.net.",
		"null.example.net. 60 IN MX 0 .",
		"mx.example.net. 60 IN A 192.0.2.1",
		"mx.example.net. 60 IN AAAA 2001:db8::1",
		"bigmx.example.net. 60 IN A 192.0.2.2",
		"_25._tcp.mx.example.net. 60 IN TLSA 3 1 1 "+strings.Repeat("ab", 32),
	)
	ctx := context.Background()
	r := &dnssec.Resolver{Servers: []string{addr}, Timeout: 2 * time.Second}

	list, secure, err := r.LookupMXSecure(ctx, "example.net")
	require.NoError(t, err)
	require.True(t, secure)
	require.Equal(t, []*net.MX{{Host: "mx.example.net.", Pref: 10}}, list)

	_, secure, err = r.LookupMXSecure(ctx, "plain.example.net")
	require.NoError(t, err)
	require.False(t, secure)

	list, err = r.LookupMX(ctx, "null.example.net.")
	require.NoError(t, err)
	require.Equal(t, ".", list[0].Host)

	addrs, secure, err := r.LookupNetIPSecure(ctx, "ip", "mx.example.net")
	require.NoError(t, err)
	require.True(t, secure)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, addrs)
	addrs, err = r.LookupNetIP(ctx, "ip6", "mx.example.net")
	require.NoError(t, err)
	require.Len(t, addrs, 1)

	addrs, _, err = r.LookupNetIPSecure(ctx, "ip4", "bigmx.example.net") // comes by TCP
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.2")}, addrs)

	tlsa, secure, err := r.LookupTLSASecure(ctx, "_25._tcp.mx.example.net")
	require.NoError(t, err)
	require.True(t, secure)
	require.Equal(t, uint8(3), tlsa[0].Usage)
	require.Len(t, tlsa[0].Data, 32)

	txt, err := r.LookupTXT(ctx, "example.net")
	require.NoError(t, err)
	require.Equal(t, []string{"v=STSv1; id=1;"}, txt)
}

// What isn't there is told from what could not be found out.
func TestErrors(t *testing.T) {
	addr := serve(t, "example.net. 60 IN A 192.0.2.1")
	ctx := context.Background()
	r := &dnssec.Resolver{Servers: []string{addr}}
	var d *net.DNSError

	_, secure, err := r.LookupMXSecure(ctx, "none.example.net")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)
	require.True(t, secure) // that there is none is vouched for too

	_, err = r.LookupMX(ctx, "example.net") // the name exists, the record doesn't
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)
	_, err = r.LookupNetIP(ctx, "ip", "none.example.net")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)

	for _, f := range []func() error{
		func() error { _, _, err := r.LookupMXSecure(ctx, "bogus.example.net"); return err },
		func() error { _, _, err := r.LookupNetIPSecure(ctx, "ip", "bogus.example.net"); return err },
		func() error { _, _, err := r.LookupTLSASecure(ctx, "bogus.example.net"); return err },
		func() error { _, err := r.LookupTXT(ctx, "bogus.example.net"); return err },
	} {
		require.ErrorAs(t, f(), &d)
		require.False(t, d.IsNotFound)
		require.True(t, d.IsTemporary)
	}

	_, err = r.LookupMX(ctx, strings.Repeat("a", 64)+".example.net")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = r.LookupMX(cancelled, "example.net")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsTimeout)
}

// The AD bit of a server elsewhere is believed only when somebody says so.
func TestTrust(t *testing.T) {
	addr := serve(t, "example.net. 60 IN MX 10 mx.example.net.")
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	for trust := range map[bool]bool{true: true, false: true} {
		r := &dnssec.Resolver{Servers: []string{"192.0.2.53"}, Dial: dial, Trust: trust}
		_, secure, err := r.LookupMXSecure(context.Background(), "example.net")
		require.NoError(t, err)
		require.Equal(t, trust, secure)
	}
}

// A server that doesn't answer is followed by the next.
func TestNextServer(t *testing.T) {
	addr := serve(t, "example.net. 60 IN MX 10 mx.example.net.")
	r := &dnssec.Resolver{Servers: []string{"127.0.0.1:1", addr}}
	_, err := r.LookupMX(context.Background(), "example.net")
	require.NoError(t, err)
}

func Example() {
	t := &mx.Transport{
		Hostname: "mail.example.org",
		Resolver: &dnssec.Resolver{Servers: []string{"127.0.0.1"}}, // a validating resolver on this machine
	}
	_ = t.To("example.net") // by DANE where example.net has it
	// Output:
}
