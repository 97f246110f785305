package mx_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mx"
)

// What the hosts of a domain can't be given goes to the fallbacks, in their order; what they have refused, or a loop, doesn't.
func TestFallback(t *testing.T) {
	taker := []string{hello + envelope("b@example.net") + taken}
	for name, c := range map[string]struct {
		world func(w *world)
		want  string
		relay string
	}{
		"unreachable":    {func(w *world) { single(w) }, "250 2.0.0 Ok: queued as 1", "192.0.2.9[192.0.2.9]:25"},
		"no such domain": {func(w *world) {}, "250 2.0.0 Ok: queued as 1", "192.0.2.9[192.0.2.9]:25"},
		"DNS fails":      {func(w *world) { w.fails["example.net"] = true }, "250 2.0.0 Ok: queued as 1", "192.0.2.9[192.0.2.9]:25"},
		"put off": {func(w *world) {
			single(w, hello+"C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS: 450 4.2.0 later\nS: 503 x\nC: QUIT\nS: 221 x")
		}, "250 2.0.0 Ok: queued as 1", "192.0.2.9[192.0.2.9]:25"},
		"refused": {func(w *world) {
			single(w, hello+"C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS: 550 5.1.1 no\nS: 503 x\nC: QUIT\nS: 221 x")
		}, "550 5.1.1 no", "mx.example.net[192.0.2.1]:25"},
		"takes no mail": {func(w *world) { w.mx["example.net"] = []*net.MX{{Host: ".", Pref: 0}} }, "556 5.1.10", ""}, // RFC 7505
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.world(w)
			w.hosts["192.0.2.9:25"] = taker
			tr := w.transport()
			tr.Fallback = []string{"[192.0.2.8]", "[192.0.2.9]"}
			r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
			require.Contains(t, r.Reply.String(), c.want)
			require.Equal(t, c.relay, r.Relay)
		})
	}
	w := newWorld(t)
	single(w)
	tr := w.transport()
	tr.Fallback = []string{"[192.0.2.8]"}
	r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
	require.Contains(t, r.Reply.String(), "450 4.4.1 connect to 192.0.2.8[192.0.2.8]:25")
}

// RFC 5321 section 4.1.1.5: RSET ends what MAIL and RCPT began; no DATA is said.
func TestProbe(t *testing.T) {
	const ask = hello + "C: MAIL FROM:<>\nS: 250 x\nC: RCPT TO:<b@example.net>\nS: 250 2.1.5 fine\nC: RCPT TO:<c@example.net>\nS: 550 5.1.1 no such user\n"
	w := newWorld(t)
	single(w, ask+"C: QUIT\nS: 221 x")
	r, err := w.transport().Probe(t.Context(), "example.net", "", "b@example.net", "c@example.net")
	require.NoError(t, err)
	require.Equal(t, "250 2.1.5 Ok", r[0].Reply.String())
	require.Equal(t, "mx.example.net[192.0.2.1]:25", r[0].Relay)
	require.Equal(t, "550 5.1.1 no such user", r[1].Reply.String())
	require.Equal(t, "host mx.example.net[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)", r[1].Detail)

	r, err = newWorld(t).transport().Probe(t.Context(), "none.example", "", "b@none.example")
	require.NoError(t, err)
	require.Contains(t, r[0].Reply.String(), "550 5.4.4")
	_, err = w.transport().Probe(t.Context(), "[nonsense", "", "b@example.net")
	require.Error(t, err)
}

// Policies that name what a certificate must be.
func TestPolicies(t *testing.T) {
	done := envelope("b@example.net") + taken
	for name, c := range map[string]struct {
		policy func(ca, leaf *x509.Certificate) mx.Policy
		names  []string // of the certificate
		ok     bool
	}{
		"below": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Names: []string{"example.net", ".example.net"}}
		}, []string{"a.example.net"}, true},
		"below, by star": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Names: []string{".example.net"}}
		}, []string{"*.example.net"}, true},
		"not below": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Names: []string{".example.net"}}
		}, []string{"example.net", "badexample.net"}, false},
		"MX name too": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Names: []string{"x.test"}, MXName: true}
		}, []string{"mx.example.net"}, true},
		"MX name": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Names: []string{"x.test"}}
		}, []string{"mx.example.net"}, false},
		"fingerprint": {func(_, leaf *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelFingerprint, Fingerprints: []string{"00", colons(leaf.Raw)}}
		}, []string{"other"}, true},
		"key's fingerprint": {func(_, leaf *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelFingerprint, Fingerprints: []string{colons(leaf.RawSubjectPublicKeyInfo)}}
		}, []string{"other"}, true},
		"another's fingerprint": {func(ca, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelFingerprint, Fingerprints: []string{colons(ca.Raw)}}
		}, []string{"mx.example.net"}, false},
		"roots of its own": {func(ca, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelVerify, Roots: x509.NewCertPool()}
		}, []string{"mx.example.net"}, false},
		"too old a version": {func(_, _ *x509.Certificate) mx.Policy {
			return mx.Policy{Level: mx.LevelEncrypt, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
		}, []string{"mx.example.net"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ca, leaf := w.secured(c.names...)
			w.tls.MinVersion = tls.VersionTLS13
			script := refuses
			if c.ok {
				script = upgrade + done
			}
			single(w, script)
			p := c.policy(ca, leaf)
			tr := w.transport()
			tr.TLSConfig = &tls.Config{RootCAs: w.roots}
			tr.Policy = always(p)
			r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
			require.Equal(t, c.ok, r.Reply.OK(), r.Reply.String())
		})
	}
}

func colons(raw []byte) string {
	sum := sha256.Sum256(raw)
	h := strings.ToUpper(hex.EncodeToString(sum[:]))
	var parts []string
	for i := 0; i < len(h); i += 2 {
		parts = append(parts, h[i:i+2])
	}
	return strings.Join(parts, ":")
}
