package mx_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
)

func TestLookupFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(w *world)
		hop   string
		reply string
	}{
		// RFC 5321 section 5.1: "If … the domain name doesn't exist … MUST be reported as an error".
		{"no such domain", func(w *world) {}, "example.net",
			"550 5.4.4 Host or domain name not found. Name service error for name=example.net type=MX: Host not found"},
		// "If a temporary error is returned, the message MUST be queued and retried later."
		{"MX fails temporarily", func(w *world) { w.fails["example.net"] = true }, "example.net",
			"450 4.4.3 Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again"},
		// RFC 7505 section 4.1: "556 and enhanced status code 5.1.10".
		{"null MX", func(w *world) {
			w.mx["example.net"] = []*net.MX{{Host: "."}}
			w.a["example.net"] = []string{"192.0.2.1"}
		},
			"example.net", "556 5.1.10 Domain example.net does not accept mail (nullMX)"},
		// "If MX records are present, but none of them are usable … this situation MUST be reported as an error."
		{"MX without address", func(w *world) { w.mx["example.net"] = []*net.MX{{Host: "mx.example.net"}} }, "example.net",
			"550 5.4.4 Host or domain name not found. Name service error for name=mx.example.net type=A: Host not found"},
		{"one MX gives hope", func(w *world) {
			w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net", Pref: 1}, {Host: "mx2.example.net", Pref: 2}}
			w.fails["mx1.example.net"] = true
		}, "example.net",
			"450 4.4.3 Host or domain name not found. Name service error for name=mx1.example.net type=A: Host not found, try again"},
		{"bad name in MX", func(w *world) { w.mx["example.net"] = []*net.MX{{Host: "a b>c"}} }, "example.net",
			"550 5.4.4 no usable mail exchanger for example.net"},
		{"host", func(w *world) {}, "[mail.example.net]:25",
			"550 5.4.4 Host or domain name not found. Name service error for name=mail.example.net type=A: Host not found"},
		// RFC 5321 section 5.1: no host with a preference number as high as one's own or higher.
		{"loop", func(w *world) {
			w.mx["example.net"] = []*net.MX{{Host: "CLIENT.example.org.", Pref: 10}, {Host: "mx2.example.net", Pref: 10}}
		}, "example.net", "554 5.4.6 mail for example.net loops back to myself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.world(w)
			r := deliver(t, w.transport().To(c.hop), stream(message), "b@example.net")[0]
			require.Equal(t, c.reply, r.Reply.String())
			require.Equal(t, r.Reply.Text, r.Detail)
			require.Empty(t, r.Relay)
			require.Empty(t, w.dialled)
		})
	}
}

// A backup host sends to those before it only.
func TestOwnPreference(t *testing.T) {
	w := newWorld(t)
	w.mx["example.net"] = []*net.MX{{Host: "client.example.org.", Pref: 20}, {Host: "mx.example.net", Pref: 10}, {Host: "mx3.example.net", Pref: 30}}
	w.a["mx.example.net"], w.a["mx3.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.3"}
	deliver(t, w.transport().To("example.net"), nil, "b@example.net")
	require.Equal(t, []string{"192.0.2.1:25"}, w.dialled)
}

// A mail exchanger that is this host by its address is no better.
func TestOwnAddress(t *testing.T) {
	w := newWorld(t)
	w.mx["example.net"] = []*net.MX{{Host: "other.example.net", Pref: 20}}
	w.a["other.example.net"] = []string{"192.0.2.9"}
	tr := w.transport()
	tr.OwnAddress = func(ip net.IP) bool { return ip.Equal(net.IPv4(192, 0, 2, 9)) }
	r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
	require.Equal(t, "554 5.4.6 mail for example.net loops back to myself", r.Reply.String())
	// Nor is a domain without one whose address is this host's: its MX is itself (RFC 5321 section 5.1).
	r = deliver(t, tr.To("other.example.net"), nil, "b@other.example.net")[0]
	require.Equal(t, "554 5.4.6 mail for other.example.net loops back to myself", r.Reply.String())
	require.Empty(t, w.dialled)
}

// RFC 8305: an address that doesn't answer holds the other family up for a quarter of a second only.
func TestFamiliesSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.a["example.net"] = []string{"192.0.2.1", "2001:db8::1"}
		w.hosts["[2001:db8::1]:25"] = []string{"hang"}
		w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + taken}
		start := time.Now()
		r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
		require.Equal(t, "example.net[192.0.2.1]:25", r.Relay)
		require.Equal(t, []string{"[2001:db8::1]:25", "192.0.2.1:25"}, w.dialled)
		require.Equal(t, 250*time.Millisecond, time.Since(start))
		require.Equal(t, 250*time.Millisecond, r.Connect)
		w.wg.Wait()
	})
}

func TestDialTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.a["example.net"] = []string{"192.0.2.1"}
		w.hosts["192.0.2.1:25"] = []string{"hang"}
		start := time.Now()
		r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
		require.Equal(t, "450 4.4.1 connect to example.net[192.0.2.1]:25: Connection timed out", r.Reply.String())
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

// A context that ends stops the search at once.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net", Pref: 1}, {Host: "mx2.example.net", Pref: 2}}
		w.a["mx1.example.net"], w.a["mx2.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
		w.hosts["192.0.2.1:25"] = []string{"hang"}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		tx := begin(t, w.transport().To("example.net"), "b@example.net")
		require.NoError(t, tx.Body(ctx, stream(message)))
		results, err := tx.Commit(ctx)
		require.NoError(t, err)
		require.True(t, results[0].Reply.Temporary())
		require.ErrorIs(t, results[0].Reply, context.DeadlineExceeded)
		require.Equal(t, []string{"192.0.2.1:25"}, w.dialled)
	})
}

// pureGo is a net.Resolver whose name server knows no records; it answers each question with a code.
func pureGo(answer func(q dnsmessage.Question) dnsmessage.RCode) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			var size [2]byte
			for {
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				q := make([]byte, int(size[0])<<8|int(size[1]))
				if _, err := io.ReadFull(theirs, q); err != nil {
					return
				}
				var p dnsmessage.Parser
				h, err := p.Start(q)
				if err != nil {
					return
				}
				question, err := p.Question()
				if err != nil {
					return
				}
				h.Response, h.RCode, h.RecursionAvailable = true, answer(question), true
				m := dnsmessage.Message{Header: h, Questions: []dnsmessage.Question{question}}
				b, _ := m.Pack()
				theirs.Write(append([]byte{byte(len(b) >> 8), byte(len(b))}, b...))
			}
		}()
		return ours, nil
	}}
}

// With a net.Resolver names are looked up as they are, not within the search domains of the machine.
func TestAbsoluteNames(t *testing.T) {
	var asked []string
	r := pureGo(func(q dnsmessage.Question) dnsmessage.RCode {
		asked = append(asked, q.Name.String())
		return dnsmessage.RCodeNameError
	})
	tr := &mx.Transport{Hostname: "client.example.org", Resolver: r, Network: "tcp4"}
	res := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
	require.Equal(t, mail.EnhancedCode{5, 4, 4}, res.Reply.Enhanced)
	for _, name := range asked {
		require.Equal(t, "example.net.", name)
	}
	require.NotEmpty(t, asked)
}

// A host without an AAAA record whose A record nobody tells of at the moment is tried again: net.Resolver says of it that it isn't there.
func TestHalfAnAnswer(t *testing.T) {
	for kind, code := range map[dnsmessage.Type]string{dnsmessage.TypeA: "450 4.4.3 ", dnsmessage.TypeAAAA: "450 4.4.3 ", dnsmessage.TypeTXT: "550 5.4.4 "} {
		r := pureGo(func(q dnsmessage.Question) dnsmessage.RCode {
			if q.Type == kind {
				return dnsmessage.RCodeServerFailure
			}
			return dnsmessage.RCodeSuccess
		})
		tr := &mx.Transport{Hostname: "client.example.org", Resolver: r}
		require.Contains(t, deliver(t, tr.To("example.net"), nil, "b@example.net")[0].Reply.Error(), code, kind)
	}
}
