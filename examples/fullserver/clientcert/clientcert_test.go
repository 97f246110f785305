package clientcert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/stretchr/testify/require"
)

func issue(t *testing.T, subject pkix.Name, addresses ...string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), EmailAddresses: addresses}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

func TestName(t *testing.T) {
	field := func(id asn1.ObjectIdentifier, v any) pkix.Name {
		return pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: id, Value: v}}}
	}
	cn, unique, email, uid := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 45}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	two := pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: cn, Value: "anna"}, {Type: cn, Value: "root"}}}
	for _, tt := range []struct {
		c           *x509.Certificate
		field, want string
	}{
		{issue(t, pkix.Name{CommonName: "anna"}), "commonName", "anna"},
		{issue(t, field(unique, "anna")), "x500UniqueIdentifier", "anna"},
		{issue(t, field(email, "anna@example.org")), "emailAddress", "anna@example.org"},
		{issue(t, field(uid, "anna")), "UID", "anna"},
		{issue(t, pkix.Name{CommonName: "x"}, "anna@example.org"), "rfc822Name", "anna@example.org"},
		{issue(t, pkix.Name{CommonName: "x"}, "anna@example.org", "root@example.org"), "rfc822Name", ""},
		{issue(t, two), "commonName", ""},
		{issue(t, pkix.Name{Organization: []string{"anna"}}), "commonName", ""},
		{issue(t, pkix.Name{CommonName: "anna\x00.evil"}), "commonName", ""},
		{issue(t, pkix.Name{CommonName: "an\nna"}), "commonName", ""},
		{issue(t, pkix.Name{CommonName: strings.Repeat("a", 600)}), "commonName", ""},
	} {
		got, err := clientcert.Name(tt.c, tt.field)
		require.Equal(t, tt.want, got)
		require.Equal(t, tt.want == "", err != nil)
	}
}

// OpenSSL's fingerprints, of the certificate and, as postconf(5) shows how, of its public key.
func TestFingerprintsAreOpenSSLs(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not there: run .ci/deps")
	}
	c := issue(t, pkix.Name{CommonName: "anna"})
	file := filepath.Join(t.TempDir(), "c.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600))
	for _, digest := range clientcert.Digests {
		out, err := exec.Command("openssl", "x509", "-noout", "-fingerprint", "-"+digest, "-in", file).Output()
		require.NoError(t, err)
		cert, key := clientcert.Fingerprints(c, digest)
		require.Equal(t, strings.TrimSpace(string(out[bytes.IndexByte(out, '=')+1:])), cert)
		out, err = exec.Command("sh", "-c", "openssl x509 -noout -pubkey -in "+file+" | openssl pkey -pubin -outform DER | openssl dgst -c -"+digest).Output()
		require.NoError(t, err)
		require.Equal(t, strings.ToUpper(strings.TrimSpace(string(out[bytes.IndexByte(out, '=')+1:]))), key)
	}
}

func TestPool(t *testing.T) {
	dir := t.TempDir()
	c := issue(t, pkix.Name{CommonName: "anna"})
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	require.NoError(t, os.WriteFile(dir+"/ca.pem", block, 0o600))
	require.NoError(t, os.WriteFile(dir+"/README", []byte("hello"), 0o600))
	for _, tt := range []struct {
		file, folder string
		want         bool
	}{{dir + "/ca.pem", "", true}, {"", dir, true}, {"", "", false}} {
		p, err := clientcert.Pool(tt.file, tt.folder)
		require.NoError(t, err)
		_, err = c.Verify(x509.VerifyOptions{Roots: p, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		require.Equal(t, tt.want, err == nil)
	}
	for _, bad := range [][2]string{{dir + "/none", ""}, {dir + "/README", ""}, {"", dir + "/none"}, {"", t.TempDir()}} {
		_, err := clientcert.Pool(bad[0], bad[1])
		require.Error(t, err, bad)
	}
}

// The lines are those that Debian's Postfix 3.7 writes for such connections, but for what crypto/tls doesn't tell: the server's signature.
func TestSummary(t *testing.T) {
	c := issue(t, pkix.Name{CommonName: "anna"})
	state := &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_256_GCM_SHA384, CurveID: tls.X25519}
	require.Equal(t, "Anonymous TLS connection established from unknown[127.0.0.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519",
		clientcert.Summary(state, "unknown[127.0.0.1]", ""))
	state.PeerCertificates = []*x509.Certificate{c}
	state.CurveID = tls.CurveP256
	require.Equal(t, "Untrusted TLS connection established from h[1.2.3.4] to sni.example.net: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange ECDHE (prime256v1) client-signature ECDSA (prime256v1) client-digest SHA256",
		clientcert.Summary(state, "h[1.2.3.4]", "sni.example.net"))
	state.VerifiedChains = [][]*x509.Certificate{{c}}
	state.Version, state.CipherSuite = tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	require.Equal(t, "Trusted TLS connection established from h[1.2.3.4]: TLSv1.2 with cipher TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (128/128 bits)", clientcert.Summary(state, "h[1.2.3.4]", ""))
}

// The lines of Debian's Postfix 3.7 as a client.
func TestEstablished(t *testing.T) {
	c := issue(t, pkix.Name{CommonName: "mx"})
	roots := x509.NewCertPool()
	roots.AddCert(c)
	state := &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_256_GCM_SHA384, CurveID: tls.X25519, PeerCertificates: []*x509.Certificate{c}}
	const rest = " TLS connection established to mx.example.net[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256"
	relay := "mx.example.net[192.0.2.1]:25"
	require.Equal(t, "Untrusted"+rest, clientcert.Established(state, relay, false, nil))
	require.Equal(t, "Untrusted"+rest, clientcert.Established(state, relay, false, x509.NewCertPool()))
	require.Equal(t, "Trusted"+rest, clientcert.Established(state, relay, false, roots))
	require.Equal(t, "Verified"+rest, clientcert.Established(state, relay, true, nil))
}
