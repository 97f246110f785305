package tlscert_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/stretchr/testify/require"
)

// chain makes a key of a kind and a certificate for it, as smtpd_tls_chain_files has them.
func chain(t testing.TB, kind string, end time.Time, names ...string) (key, cert []byte) {
	t.Helper()
	var k crypto.Signer
	var err error
	switch kind {
	case "rsa":
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	}
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// asked returns the certificate that a client with a configuration of its own gets to see.
func asked(t *testing.T, server, c *tls.Config) *x509.Certificate {
	t.Helper()
	cl, se := net.Pipe()
	defer cl.Close()
	defer se.Close()
	done := make(chan error, 1)
	go func() { done <- tls.Server(se, server).Handshake() }()
	c.InsecureSkipVerify = true
	tc := tls.Client(cl, c)
	require.NoError(t, tc.Handshake())
	require.NoError(t, <-done)
	return tc.ConnectionState().PeerCertificates[0]
}

func write(t *testing.T, name string, parts ...[]byte) string {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	require.NoError(t, os.WriteFile(name, all, 0o600))
	return name
}

// postconf(5), smtpd_tls_chain_files: "the sequence of PEM objects must be: key1, cert1, [chain1], key2, cert2, …", and "a key must always precede its
// certificate", perhaps in a file of its own.
func TestChains(t *testing.T) {
	dir := t.TempDir()
	end := time.Now().Add(time.Hour)
	rk, rc := chain(t, "rsa", end, "a.test")
	ek, ec := chain(t, "ecdsa", end, "a.test")
	dk, dc := chain(t, "ed25519", end, "a.test")
	s, err := tlscert.Open(tlscert.Options{Files: tlscert.Files{Chains: []string{
		write(t, dir+"/rsa.key", rk), write(t, dir+"/rsa.crt", rc), write(t, dir+"/both.pem", ek, ec, dk, dc),
	}}})
	require.NoError(t, err)
	only12 := func(suite uint16) *tls.Config {
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}
	}
	require.Equal(t, x509.ECDSA, asked(t, s.Config(), &tls.Config{}).PublicKeyAlgorithm, "what costs least")
	require.Equal(t, x509.RSA, asked(t, s.Config(), only12(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)).PublicKeyAlgorithm, "what the client can check")
	require.Equal(t, x509.ECDSA, asked(t, s.Config(), only12(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)).PublicKeyAlgorithm)
	require.Len(t, s.Certificates(), 3)

	other, otherCert := chain(t, "ecdsa", end, "a.test")
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"certificate first": {append(append([]byte{}, rc...), rk...), "a certificate has no private key before it"},
		"no certificate":    {append(append(append([]byte{}, rk...), ek...), ec...), "a private key has no certificate behind it"},
		"key alone":         {ek, "a private key has no certificate behind it"},
		"nothing":           {[]byte("hello"), "there is no private key in PEM"},
		"not its key":       {append(append([]byte{}, rk...), ec...), "tls: private key type does not match public key type"},
		"two of a kind":     {append(append(append(append([]byte{}, ek...), ec...), other...), otherCert...), "there are two ECDSA keys with certificates for the same names"},
		"with a passphrase": {[]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), "a private key has a passphrase"},
	} {
		_, err := tlscert.Parse(tt.text)
		require.ErrorContains(t, err, tt.want, name)
	}
}

type table map[string]string

func (m table) Find(_ context.Context, key string) (string, bool, error) {
	if key == "broken.test" {
		return "", false, errors.New("the table is broken")
	}
	v, ok := m[key]
	return v, ok, nil
}

// postconf(5), tls_server_sni_maps: "The lookup key is either the verbatim SNI domain name or an ancestor domain prefixed with a leading dot."
func TestNames(t *testing.T) {
	dir := t.TempDir()
	end := time.Now().Add(time.Hour)
	file := func(name string) string {
		k, c := chain(t, "ecdsa", end, name)
		return write(t, filepath.Join(dir, name), k, c)
	}
	inline, inlineCert := chain(t, "ecdsa", end, "sql.test")
	names := table{
		"own.test": file("own.test"), ".below.test": file("below.test"), "lost.test": dir + "/nothing",
		"sql.test": base64.StdEncoding.EncodeToString(append(inline, inlineCert...)), "empty.test": " , ",
	}
	main := file("main.test")
	var warned []string
	s, err := tlscert.Open(tlscert.Options{Files: tlscert.Files{Chains: []string{main}}, Names: names, Warn: func(err error) { warned = append(warned, err.Error()) }})
	require.NoError(t, err)
	for asks, want := range map[string]string{
		"": "main.test", "own.test": "own.test", "OWN.test": "own.test", "x.own.test": "main.test", "below.test": "main.test", "a.below.test": "below.test", "a.b.below.test": "below.test",
		"sql.test": "sql.test", "elsewhere.test": "main.test", "test": "main.test", "lost.test": "main.test", "broken.test": "main.test", "empty.test": "main.test",
	} {
		require.Equal(t, want, asked(t, s.Config(), &tls.Config{ServerName: asks}).DNSNames[0], asks)
	}
	require.Len(t, warned, 3)
	require.True(t, s.Knows(t.Context(), "a.below.test"))
	require.False(t, s.Knows(t.Context(), "elsewhere.test"))

	// A name's file is read again when it has changed, and a broken one leaves what was there.
	k, c := chain(t, "ecdsa", end, "renewed.test")
	write(t, dir+"/new", k, c)
	require.NoError(t, os.Rename(dir+"/new", dir+"/own.test"))
	require.Equal(t, "renewed.test", asked(t, s.Config(), &tls.Config{ServerName: "own.test"}).DNSNames[0])
	require.NoError(t, os.WriteFile(dir+"/own.test", []byte("broken"), 0o600))
	for range 2 {
		require.Equal(t, "renewed.test", asked(t, s.Config(), &tls.Config{ServerName: "own.test"}).DNSNames[0])
	}
	require.Len(t, warned, 4, "told once")

	// Certificates of one kind for different names need no table.
	k2, c2 := chain(t, "ecdsa", end, "second.test")
	k1, c1 := chain(t, "ecdsa", end, "first.test")
	require.NoError(t, s.Use(tlscert.Files{Chains: []string{write(t, dir+"/two", k1, c1, k2, c2)}}))
	for asks, want := range map[string]string{"": "first.test", "first.test": "first.test", "second.test": "second.test", "third.test": "first.test"} {
		require.Equal(t, want, asked(t, s.Config(), &tls.Config{ServerName: asks}).DNSNames[0], asks)
	}
	require.Error(t, s.Use(tlscert.Files{}))
	require.Equal(t, "first.test", asked(t, s.Config(), &tls.Config{}).DNSNames[0])
}

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	end := now.Add(40 * 24 * time.Hour)
	k, c := chain(t, "ecdsa", end, "a.test", "b.test")
	list, err := tlscert.Parse(append(k, c...))
	require.NoError(t, err)
	shown := []tlscert.Shown{{From: "/etc/a.pem", Leaf: list[0].Leaf}, {Leaf: list[0].Leaf}}
	var w tlscert.Watch
	var said []string
	for hours := 0; hours < 43*24; hours++ {
		said = append(said, w.Due(now.Add(time.Duration(hours)*time.Hour), shown)...)
	}
	require.Equal(t, []string{
		"/etc/a.pem (a.test, b.test) expires in 30 days, on 2026-10-11 12:00 UTC: renew it",
		"/etc/a.pem (a.test, b.test) expires in 7 days, on 2026-10-11 12:00 UTC: renew it",
		"/etc/a.pem (a.test, b.test) expires in a day, on 2026-10-11 12:00 UTC: renew it",
		"/etc/a.pem (a.test, b.test) has expired on 2026-10-11 12:00 UTC: renew it",
		"/etc/a.pem (a.test, b.test) has expired on 2026-10-11 12:00 UTC: renew it",
		"/etc/a.pem (a.test, b.test) has expired on 2026-10-11 12:00 UTC: renew it",
	}, said)
	require.Equal(t, []string{"/etc/a.pem (a.test, b.test) expires today, on 2026-10-11 12:00 UTC: renew it"}, new(tlscert.Watch).Due(end.Add(-time.Hour), shown), "at a start")
	require.Equal(t, []string{"the certificate (a.test, b.test) has expired on 2026-10-11 12:00 UTC: renew it"}, new(tlscert.Watch).Due(end.Add(time.Hour), shown[1:]))
}

func FuzzParse(f *testing.F) {
	k, c := chain(f, "ecdsa", time.Now().Add(time.Hour), "a.test")
	f.Add(append(k, c...))
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := tlscert.Parse(b)
		if (err == nil) == (len(list) == 0) {
			t.Fatal(list, err)
		}
		for _, c := range list {
			if c.Leaf == nil || c.PrivateKey == nil {
				t.Fatal("half a certificate")
			}
		}
	})
}
