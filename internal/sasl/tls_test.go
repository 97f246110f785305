package sasl_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// certificate makes a self-signed one.
func certificate(t *testing.T, name string, key crypto.Signer) tls.Certificate {
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func ecdsaKey(t *testing.T, c elliptic.Curve) crypto.Signer {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	require.NoError(t, err)
	return k
}

// tlsPair makes a TLS connection and returns both ends' states and the certificate that the server says it showed.
func tlsPair(t *testing.T, version uint16, cert tls.Certificate, clientCert *tls.Certificate) (server, client *tls.ConnectionState, shown []byte) {
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	sc := &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version, ClientAuth: tls.VerifyClientCertIfGiven}
	cc := &tls.Config{RootCAs: roots, ServerName: cert.Leaf.Subject.CommonName, MaxVersion: version}
	if clientCert != nil {
		sc.ClientCAs = x509.NewCertPool()
		sc.ClientCAs.AddCert(clientCert.Leaf)
		cc.Certificates = []tls.Certificate{*clientCert}
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	s, c := tls.Server(a, sasl.RecordCertificate(sc)), tls.Client(b, cc)
	ctx, rec := sasl.WithShownCertificate(context.Background())
	done := make(chan error, 1)
	go func() {
		err := s.HandshakeContext(ctx)
		if err == nil {
			_, err = s.Write([]byte("x")) // lets the client's last flight be read
		}
		done <- err
	}()
	require.NoError(t, c.Handshake())
	_, err := c.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, <-done)
	ss, cs := s.ConnectionState(), c.ConnectionState()
	return &ss, &cs, rec.DER()
}

func TestChannelBinding(t *testing.T) {
	cert := certificate(t, "mx.example.test", ecdsaKey(t, elliptic.P256()))
	creds := &mail.Credentials{Username: "user", Password: "pencil"}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ss, cs, shown := tlsPair(t, version, cert, nil)
		require.Equal(t, cert.Certificate[0], shown)
		server := &sasl.Config{Authenticator: &rich{users: newUsers()}, TLS: ss, Secured: true, Certificate: shown}
		require.Equal(t, []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"}, server.Mechanisms()[:4])
		client := &sasl.ClientConfig{Credentials: creds, TLS: cs, Secured: true, Offered: server.Mechanisms()}
		x, err := client.Start()
		require.NoError(t, err)
		require.Equal(t, "SCRAM-SHA-256-PLUS", x.Mechanism(), "RFC 5802 section 6: the client MUST use \"p\" when -PLUS is offered")
		for _, m := range server.Mechanisms()[:4] {
			id, serr, cerr := login(t, server, client, m)
			require.NoError(t, serr, m)
			require.NoError(t, cerr, m)
			require.Equal(t, "user", id.Username)
		}
		// Each type by itself; the server takes what the client names.
		types := []string{"tls-exporter", "tls-server-end-point"}
		if version == tls.VersionTLS12 {
			types = append(types, "tls-unique")
		}
		for _, name := range []string{"tls-exporter", "tls-unique", "tls-server-end-point", "tls-unique-for-telnet"} {
			e, _ := server.Start(context.Background(), "SCRAM-SHA-256-PLUS")
			_, _, err := e.Next([]byte("p=" + name + ",,n=user,r=abc"))
			if slices.Contains(types, name) {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, mail.ErrAuthFailed, name)
			}
		}
	}
}

// A man in the middle with a certificate that the client believes has another channel on each side, and the proof
// doesn't fit (RFC 5802 section 6; a Dovecot release took the client's word for the binding).
func TestChannelBindingDetectsTheManInTheMiddle(t *testing.T) {
	cert := certificate(t, "mx.example.test", ecdsaKey(t, elliptic.P256()))
	ss, _, shown := tlsPair(t, tls.VersionTLS13, cert, nil)
	_, cs, _ := tlsPair(t, tls.VersionTLS13, cert, nil)
	server := &sasl.Config{Authenticator: &rich{users: newUsers()}, TLS: ss, Secured: true, Certificate: shown}
	client := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pencil"}, TLS: cs, Secured: true}
	for _, m := range []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"} {
		id, serr, _ := login(t, server, client, m)
		require.ErrorIs(t, serr, mail.ErrAuthFailed)
		require.Nil(t, id)
	}
}

// RFC 5802 section 6: "If the flag is set to 'y' and the server supports channel binding, the server MUST fail
// authentication": somebody took -PLUS off the list.
func TestRemovedPlusIsDetected(t *testing.T) {
	cert := certificate(t, "mx.example.test", ecdsaKey(t, elliptic.P256()))
	ss, cs, shown := tlsPair(t, tls.VersionTLS13, cert, nil)
	server := &sasl.Config{Authenticator: &rich{users: newUsers()}, TLS: ss, Secured: true, Certificate: shown}
	client := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pencil"}, TLS: cs, Secured: true, Offered: []string{"SCRAM-SHA-256"}}
	try := func() error {
		x, err := client.Start()
		require.NoError(t, err)
		e, err := server.Start(context.Background(), "SCRAM-SHA-256")
		require.NoError(t, err)
		serr, _ := talk(x, e)
		return serr
	}
	require.ErrorIs(t, try(), mail.ErrAuthFailed)
	server.Allow = []string{"SCRAM-SHA-256"} // a server that really has none
	require.NoError(t, try())
	e, _ := (&sasl.Config{Authenticator: server.Authenticator, TLS: ss}).Start(context.Background(), "SCRAM-SHA-256-PLUS")
	_, _, err := e.Next([]byte("n,,n=user,r=abc"))
	require.ErrorIs(t, err, sasl.ErrMalformed, "-PLUS needs \"p\"")
}

// RFC 5929 section 4.1: the hash is that of the certificate's signature.
func TestEndPointHash(t *testing.T) {
	p256 := certificate(t, "a", ecdsaKey(t, elliptic.P256())).Certificate[0]
	got, err := sasl.EndPoint(p256)
	require.NoError(t, err)
	want := sha256.Sum256(p256)
	require.Equal(t, want[:], got)
	p384 := certificate(t, "a", ecdsaKey(t, elliptic.P384())).Certificate[0]
	got, err = sasl.EndPoint(p384)
	require.NoError(t, err)
	want384 := sha512.Sum384(p384)
	require.Equal(t, want384[:], got)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	_, err = sasl.EndPoint(certificate(t, "a", ed).Certificate[0])
	require.Error(t, err, "no single hash, no binding")
	_, err = sasl.EndPoint(nil)
	require.Error(t, err)
}

// RFC 4422 appendix A with a verified certificate; one that nobody has verified is not even announced.
func TestExternal(t *testing.T) {
	serverCert := certificate(t, "mx.example.test", ecdsaKey(t, elliptic.P256()))
	clientCert := certificate(t, "user", ecdsaKey(t, elliptic.P256()))
	ss, cs, _ := tlsPair(t, tls.VersionTLS13, serverCert, &clientCert)
	server := &sasl.Config{Authenticator: &rich{users: newUsers()}, TLS: ss, Secured: true}
	require.True(t, server.Offers("EXTERNAL"))
	client := &sasl.ClientConfig{Credentials: &mail.Credentials{Certificate: true}, TLS: cs, Secured: true}
	id, serr, cerr := login(t, server, client, "EXTERNAL")
	require.NoError(t, serr)
	require.NoError(t, cerr)
	require.Equal(t, "user", id.Username)
	client.Credentials.Authorize = "alice@example.test"
	id, serr, _ = login(t, server, client, "EXTERNAL")
	require.ErrorIs(t, serr, mail.ErrAuthFailed)
	require.Nil(t, id)

	unverified := *ss
	unverified.VerifiedChains = nil
	require.NotEmpty(t, unverified.PeerCertificates)
	server.TLS = &unverified
	require.False(t, server.Offers("EXTERNAL"))
}

func TestRecordedCertificateIsTheOneChosen(t *testing.T) {
	one := certificate(t, "one.example", ecdsaKey(t, elliptic.P256()))
	two := certificate(t, "two.example", ecdsaKey(t, elliptic.P256()))
	for name, cfg := range map[string]*tls.Config{
		"list":     {Certificates: []tls.Certificate{one, two}},
		"function": {GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return &two, nil }},
		"both": {Certificates: []tls.Certificate{one}, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "two.example" {
				return &two, nil
			}
			return nil, nil
		}},
	} {
		a, b := net.Pipe()
		ctx, rec := sasl.WithShownCertificate(context.Background())
		roots := x509.NewCertPool()
		roots.AddCert(two.Leaf)
		s := tls.Server(a, sasl.RecordCertificate(cfg))
		done := make(chan error, 1)
		go func() { done <- s.HandshakeContext(ctx) }()
		c := tls.Client(b, &tls.Config{RootCAs: roots, ServerName: "two.example", MaxVersion: tls.VersionTLS12})
		require.NoError(t, c.Handshake(), name)
		require.NoError(t, <-done, name)
		require.Equal(t, two.Certificate[0], rec.DER(), name)
		a.Close()
		b.Close()
	}
	_, err := sasl.RecordCertificate(&tls.Config{}).GetCertificate(&tls.ClientHelloInfo{})
	require.Error(t, err)
}
