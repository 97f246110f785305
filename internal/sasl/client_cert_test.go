package sasl_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/sasl"
)

// RFC 4422 appendix A: "The EXTERNAL mechanism allows a client to request the server to use credentials established by means external to the mechanism". A
// certificate is such only when an authority that the server names vouches for it, for this use, and now.
func TestTrustClient(t *testing.T) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	require.NoError(t, err)
	ca, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	issue := func(use x509.ExtKeyUsage, end time.Time) *x509.Certificate {
		c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: end, ExtKeyUsage: []x509.ExtKeyUsage{use}}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, caKey.Public(), caKey)
		require.NoError(t, err)
		c, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	soon := time.Now().Add(time.Hour)
	good := issue(x509.ExtKeyUsageClientAuth, soon)
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(ca)
	for name, tt := range map[string]struct {
		cfg   *tls.Config
		shown []*x509.Certificate
		want  bool
	}{
		"good":                    {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: roots}, []*x509.Certificate{good}, true},
		"asked for any":           {&tls.Config{ClientAuth: tls.RequireAnyClientCert, ClientCAs: roots}, []*x509.Certificate{good}, true},
		"none shown":              {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: roots}, nil, false},
		"another's":               {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: others}, []*x509.Certificate{good}, false},
		"nobody named":            {&tls.Config{ClientAuth: tls.RequestClientCert}, []*x509.Certificate{good}, false},
		"not asked":               {&tls.Config{ClientCAs: roots}, []*x509.Certificate{good}, false},
		"a server's":              {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: roots}, []*x509.Certificate{issue(x509.ExtKeyUsageServerAuth, soon)}, false},
		"expired":                 {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: roots}, []*x509.Certificate{issue(x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Minute))}, false},
		"expired by its clock":    {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: roots, Time: func() time.Time { return soon.Add(time.Hour) }}, []*x509.Certificate{good}, false},
		"the authority behind it": {&tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: others}, []*x509.Certificate{good, ca}, false},
	} {
		state := &tls.ConnectionState{PeerCertificates: tt.shown}
		sasl.TrustClient(tt.cfg, state)
		require.Equal(t, tt.want, len(state.VerifiedChains) > 0, name)
	}
}
