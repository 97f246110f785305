package mx_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
)

// secured gives the world a certificate for some names, signed by an authority of its own. It returns both.
func (w *world) secured(names ...string) (ca, leaf *x509.Certificate) {
	make_ := func(t, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
		require.NoError(w.t, err)
		c, err := x509.ParseCertificate(der)
		require.NoError(w.t, err)
		return c
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	now := time.Now()
	caT := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	ca = make_(caT, caT, caKey, caKey)
	leafT := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leaf = make_(leafT, ca, key, caKey)
	w.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw, ca.Raw}, PrivateKey: key}}}
	w.roots = x509.NewCertPool()
	w.roots.AddCert(ca)
	return ca, leaf
}

const offer = `S: 220 mx ESMTP
	C: EHLO client.example.org
	S: 250-mx
	S: 250-STARTTLS
	S: 250 PIPELINING
	`

// upgrade is a session that goes on in TLS.
const upgrade = offer + `C: STARTTLS
	S: 220 2.0.0 Ready
	T!
	C: EHLO client.example.org
	S: 250-mx
	S: 250-REQUIRETLS
	S: 250 PIPELINING
	`

// refuses is a session whose TLS the client gives up.
const refuses = offer + "C: STARTTLS\nS: 220 2.0.0 Ready\nT!"

func single(w *world, scripts ...string) {
	w.mx["example.net"] = []*net.MX{{Host: "mx.example.net", Pref: 1}}
	w.a["mx.example.net"] = []string{"192.0.2.1"}
	w.hosts["192.0.2.1:25"] = scripts
}

func level(l mx.Level, names ...string) func(context.Context, string) (mx.Policy, error) {
	return func(context.Context, string) (mx.Policy, error) { return mx.Policy{Level: l, Names: names}, nil }
}

func always(p mx.Policy) func(context.Context, string) (mx.Policy, error) {
	return func(context.Context, string) (mx.Policy, error) { return p, nil }
}

func TestLevels(t *testing.T) {
	done := envelope("b@example.net") + taken
	for _, c := range []struct {
		name    string
		level   mx.Level
		names   []string // of the certificate
		policy  []string // names the policy wants
		scripts []string
		want    string
	}{
		{"none ignores the offer", mx.LevelNone, []string{"mx.example.net"}, nil, []string{offer + done}, "250"},
		{"may with any certificate", mx.LevelMay, []string{"other.example"}, nil, []string{upgrade + done}, "250"},
		{"may without offer", mx.LevelMay, []string{"mx.example.net"}, nil, []string{hello + done}, "250"},
		// RFC 7435 section 3: better in the clear than not at all, where nobody asked for more.
		{"may after a failure", mx.LevelMay, []string{"mx.example.net"}, nil,
			[]string{offer + "C: STARTTLS\nS: 220 go\nS!", hello + done}, "250"},
		{"may after a refusal", mx.LevelMay, []string{"mx.example.net"}, nil, []string{offer + "C: STARTTLS\nS: 454 4.7.0 no", hello + done}, "250"},
		{"encrypt", mx.LevelEncrypt, []string{"other.example"}, nil, []string{upgrade + done}, "250"},
		{"encrypt without offer", mx.LevelEncrypt, nil, nil, []string{hello},
			"454 4.7.4 TLS is required, but was not offered by host mx.example.net[192.0.2.1]"},
		{"verify", mx.LevelVerify, []string{"mx.example.net"}, nil, []string{upgrade + done}, "250"},
		{"verify another name", mx.LevelVerify, []string{"other.example"}, nil, []string{refuses}, "454 4.7.5 Cannot start TLS with mx.example.net[192.0.2.1]"},
		{"verify given names", mx.LevelVerify, []string{"b.example"}, []string{"a.example", "b.example"}, []string{upgrade + done}, "250"},
		{"verify given names, none fits", mx.LevelVerify, []string{"mx.example.net"}, []string{"a.example"}, []string{refuses}, "454 4.7.5"},
		{"dane-only without DNSSEC", mx.LevelDANEOnly, nil, nil, nil, "450 4.7.5 no usable TLSA records for mx.example.net:25"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.secured(c.names...)
			single(w, c.scripts...)
			tr := w.transport()
			tr.Policy, tr.TLSConfig = level(c.level, c.policy...), &tls.Config{RootCAs: w.roots}
			r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
			require.Contains(t, r.Reply.String(), c.want)
			require.Empty(t, w.hosts["192.0.2.1:25"])
		})
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// A smart host gets the password only when it is who it says.
func TestSmartHost(t *testing.T) {
	auth := func(_ context.Context, hop, sender string) (*mail.Credentials, error) {
		if hop == "[smart.example.net]:587" && sender == "a@example.org" {
			return &mail.Credentials{Username: "me", Password: "secret"}, nil
		}
		return nil, nil
	}
	start := offer + "C: STARTTLS\nS: 220 go\nT!\nC: EHLO client.example.org\nS: 250-x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN " + b64("\x00me\x00secret") +
		"\nS: 235 2.7.0 Ok\nC: EHLO client.example.org\nS: 250-x\nS: 250 PIPELINING\n"
	for name, cert := range map[string]string{"right": "smart.example.net", "wrong": "evil.example"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.secured(cert)
			w.a["smart.example.net"] = []string{"192.0.2.7"}
			script := start + envelope("b@example.net") + taken
			if name == "wrong" {
				script = refuses
			}
			w.hosts["192.0.2.7:587"] = []string{script}
			tr := w.transport()
			tr.Auth, tr.TLSConfig = auth, &tls.Config{RootCAs: w.roots}
			r := deliver(t, tr.To("[smart.example.net]:587"), nil, "b@example.net")[0]
			if name == "right" {
				require.True(t, r.Reply.OK(), r.Reply)
				require.Equal(t, "smart.example.net[192.0.2.7]:587", r.Relay)
			} else {
				require.Equal(t, mail.EnhancedCode{4, 7, 5}, r.Reply.Enhanced)
			}
			w.hosts["192.0.2.7:587"] = []string{script} // a policy that asks for no more than that says the same
			tr.Policy = always(mx.Policy{VerifyLogin: true})
			require.Equal(t, name == "right", deliver(t, tr.To("[smart.example.net]:587"), nil, "b@example.net")[0].Reply.OK())
			tr.Auth = func(context.Context, string, string) (*mail.Credentials, error) { return nil, errors.New("no table") }
			require.True(t, deliver(t, tr.To("[smart.example.net]:587"), nil, "b@example.net")[0].Reply.Temporary())
		})
	}
}

// signed is a world whose names DNSSEC vouches for.
type signed struct {
	*world
	tlsa     map[string][]mx.TLSA
	unsigned map[string]bool
	bogus    map[string]bool
}

func (s signed) LookupMXSecure(ctx context.Context, name string) ([]*net.MX, bool, error) {
	list, err := s.LookupMX(ctx, name)
	return list, !s.unsigned[name], err
}

func (s signed) LookupNetIPSecure(ctx context.Context, network, host string) ([]netip.Addr, bool, error) {
	list, err := s.LookupNetIP(ctx, network, host)
	return list, !s.unsigned[host], err
}

func (s signed) LookupTLSASecure(_ context.Context, name string) ([]mx.TLSA, bool, error) {
	if s.bogus[name] {
		return nil, false, &net.DNSError{Err: "bogus", Name: name, IsTemporary: true}
	}
	if list := s.tlsa[name]; len(list) > 0 {
		return list, true, nil
	}
	return nil, true, s.missing(name)
}

func sum(b []byte) []byte { h := sha256.Sum256(b); return h[:] }

// RFC 7672: what the records say decides, and only if DNSSEC vouches for all that leads to them.
func TestDANE(t *testing.T) {
	done := envelope("b@example.net") + taken
	const at = "_25._tcp.mx.example.net"
	for _, c := range []struct {
		name    string
		names   []string
		records func(ca, leaf *x509.Certificate) []mx.TLSA
		world   func(s signed)
		script  string
		want    string
	}{
		// Section 3.1.1: "the certificate's … name … expiration date MUST NOT be checked" for DANE-EE(3).
		{"EE key", []string{"other.example"}, func(_, leaf *x509.Certificate) []mx.TLSA {
			return []mx.TLSA{{3, 1, 1, sum(leaf.RawSubjectPublicKeyInfo)}}
		}, nil, upgrade + done, "250"},
		{"EE whole certificate", nil, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{3, 0, 0, leaf.Raw}} }, nil, upgrade + done, "250"},
		{"EE mismatch", []string{"mx.example.net"}, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{3, 1, 1, sum(leaf.Raw)}} }, nil, refuses, "454 4.7.5"},
		// Section 3.1.2: with DANE-TA(2) names count.
		{"TA", []string{"mx.example.net"}, func(ca, _ *x509.Certificate) []mx.TLSA { return []mx.TLSA{{2, 0, 1, sum(ca.Raw)}} }, nil, upgrade + done, "250"},
		{"TA in the record", []string{"example.net"}, func(ca, _ *x509.Certificate) []mx.TLSA { return []mx.TLSA{{2, 0, 0, ca.Raw}} }, nil, upgrade + done, "250"},
		{"TA wrong name", []string{"other.example"}, func(ca, _ *x509.Certificate) []mx.TLSA { return []mx.TLSA{{2, 0, 1, sum(ca.Raw)}} }, nil, refuses, "454 4.7.5"},
		// Section 2.2: "all the records unusable" means TLS, with nobody authenticated.
		{"unusable", []string{"other.example"}, func(_, leaf *x509.Certificate) []mx.TLSA {
			return []mx.TLSA{{1, 1, 1, sum(leaf.Raw)}, {3, 1, 1, []byte("short")}}
		}, nil, upgrade + done, "250"},
		{"unusable, no TLS", nil, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{0, 1, 1, sum(leaf.Raw)}} }, nil, hello,
			"454 4.7.4 TLS is required, but was not offered by host"},
		{"stripped", nil, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{3, 0, 1, sum(leaf.Raw)}} }, nil, hello,
			"454 4.7.4 TLS is required, but was not offered by host"},
		{"no records", nil, nil, nil, hello + done, "250"},
		// Section 2.1.1 and 2.2.2
		{"look-up fails", nil, nil, func(s signed) { s.bogus[at] = true }, "", "450 4.7.5 TLSA lookup error for mx.example.net:25"},
		{"MX unsigned", nil, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{3, 0, 1, sum(nil)}} },
			func(s signed) { s.unsigned["example.net"] = true }, hello + done, "250"},
		{"address unsigned", nil, func(_, leaf *x509.Certificate) []mx.TLSA { return []mx.TLSA{{3, 0, 1, sum(nil)}} },
			func(s signed) { s.unsigned["mx.example.net"] = true }, hello + done, "250"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ca, leaf := w.secured(c.names...)
			s := signed{w, map[string][]mx.TLSA{}, map[string]bool{}, map[string]bool{}}
			if c.records != nil {
				s.tlsa[at] = c.records(ca, leaf)
			}
			if c.world != nil {
				c.world(s)
			}
			single(w)
			if c.script != "" {
				w.hosts["192.0.2.1:25"] = []string{c.script}
			}
			tr := w.transport()
			tr.Resolver = s
			var reports []mx.TLSResult
			tr.TLSReport = func(r mx.TLSResult) { reports = append(reports, r) }
			r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
			require.Contains(t, r.Reply.String(), c.want)
			require.Len(t, reports, 1)
			if c.want != "250" {
				require.NotEqual(t, mx.TLSSuccess, reports[0].Type)
			}
		})
	}
}

// RFC 8689 section 4.2.1
func TestRequireTLS(t *testing.T) {
	secure := upgrade + `C: MAIL FROM:<a@example.org> REQUIRETLS
		C: RCPT TO:<b@example.net>
		C: DATA
		S: 250 x
		S: 250 x
		S: 354 x
		` + taken
	for _, c := range []struct {
		name   string
		signed bool
		script []string
		want   string
	}{
		{"good", true, []string{secure}, "250"},
		{"names not secured", false, nil, "550 5.7.10 Encryption needed, and neither DNSSEC nor MTA-STS vouches for mail exchanger mx.example.net"},
		{"no TLS", true, []string{hello}, "550 5.7.10 Encryption needed: TLS is required, but was not offered"},
		{"no REQUIRETLS", true, []string{offer + "C: STARTTLS\nS: 220 go\nT!\nC: EHLO client.example.org\nS: 250 x\nC: QUIT\nS: 221 x"},
			"550 5.7.30 REQUIRETLS support is required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.secured("mx.example.net")
			single(w, c.script...)
			tr := w.transport()
			tr.TLSConfig = &tls.Config{RootCAs: w.roots}
			if c.signed {
				tr.Resolver = signed{w, nil, nil, nil}
			}
			ctx := context.Background()
			tx, err := tr.To("example.net").Begin(ctx, "a@example.org", &mail.MailOptions{RequireTLS: true})
			require.NoError(t, err)
			require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
			require.NoError(t, tx.Body(ctx, stream(message)))
			results, err := tx.Commit(ctx)
			require.NoError(t, err)
			require.Contains(t, results[0].Reply.String(), c.want)
		})
	}
}

// Connections are kept for a moment, and one that the server has closed meanwhile is replaced.
func TestReuse(t *testing.T) {
	again := "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS: 250 x\nS: 354 x\n" + body + "S: 250 2.0.0 second\n"
	w := newWorld(t)
	single(w, hello+envelope("b@example.net")+body+"S: 250 2.0.0 first\n"+again+"S!",
		hello+envelope("b@example.net")+body+"S: 250 2.0.0 third\nC!")
	tr := w.transport()
	tr.IdleTimeout = time.Minute
	d := tr.To("example.net")
	require.Equal(t, "first", deliver(t, d, nil, "b@example.net")[0].Reply.Text)
	r := deliver(t, d, nil, "b@example.net")[0]
	require.Equal(t, "second", r.Reply.Text)
	require.Len(t, w.dialled, 1)
	require.Equal(t, "third", deliver(t, d, nil, "b@example.net")[0].Reply.Text)
	require.Len(t, w.dialled, 2)
}

func TestPolicyError(t *testing.T) {
	w := newWorld(t)
	tr := w.transport()
	tr.Policy = func(context.Context, string) (mx.Policy, error) { return mx.Policy{}, errors.New("table is broken") }
	r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
	require.Equal(t, "451 4.3.0 Local error in processing", r.Reply.String())
}

// LMTP over a socket: a result for each recipient.
func TestLMTP(t *testing.T) {
	w := newWorld(t)
	w.hosts["/run/lmtp"] = []string{`S: 220 box
		C: LHLO client.example.org
		S: 250-box
		S: 250 PIPELINING
		` + envelope("b@example.net", "c@example.net") + body + `S: 250 2.0.0 stored
		S: 452 4.2.2 full
		C: QUIT
		S: 221 bye`}
	tr := w.transport()
	tr.LMTP = true
	rs := deliver(t, tr.To("unix:/run/lmtp"), nil, "b@example.net", "c@example.net")
	require.Equal(t, "250 2.0.0 stored", rs[0].Reply.String())
	require.Equal(t, "localhost[/run/lmtp]", rs[0].Relay)
	require.Equal(t, "host localhost[/run/lmtp] said: 452 4.2.2 full (in reply to end of DATA command)", rs[1].Detail)
}
