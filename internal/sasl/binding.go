package sasl

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync/atomic"
)

// The channel bindings.
const (
	bindExporter = "tls-exporter"         // RFC 9266
	bindUnique   = "tls-unique"           // RFC 5929 section 3; TLS 1.2 only
	bindEndPoint = "tls-server-end-point" // RFC 5929 section 4
)

var errNoBinding = errors.New("no such channel binding here")

// binding returns the data of the named channel binding. leaf is the server's certificate in DER, nil if not known.
func binding(name string, state *tls.ConnectionState, leaf []byte) ([]byte, error) {
	if state == nil || !state.HandshakeComplete {
		return nil, errNoBinding
	}
	switch name {
	case bindExporter:
		// Without the extended master secret TLS 1.2 has no safe exporter, and the call returns an error (RFC 9266 section 3).
		return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	case bindUnique:
		if state.Version <= tls.VersionTLS12 && len(state.TLSUnique) > 0 {
			return state.TLSUnique, nil
		}
	case bindEndPoint:
		return endPoint(leaf)
	}
	return nil, errNoBinding
}

// endPoint hashes a certificate as RFC 5929 section 4.1 says: with the hash of its signature, MD5 and SHA-1 replaced by
// SHA-256. Signatures without one hash (Ed25519) have no such binding.
func endPoint(leaf []byte) ([]byte, error) {
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, errNoBinding
	}
	var h crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS, x509.DSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		h = crypto.SHA512
	default:
		return nil, errNoBinding
	}
	d := h.New()
	d.Write(leaf)
	return d.Sum(nil), nil
}

// serverBinding returns a binding for the server's side.
func (c *Config) serverBinding(name string) ([]byte, error) {
	return binding(name, c.TLS, c.Certificate)
}

// canBind reports whether the server can offer any channel binding.
func (c *Config) canBind() bool {
	for _, n := range []string{bindExporter, bindUnique, bindEndPoint} {
		if _, err := c.serverBinding(n); err == nil {
			return true
		}
	}
	return false
}

// clientBinding returns the binding that the client uses: the one that RFC 9266 section 3 makes the default of the
// TLS version, else the certificate's. ok is false when there is none.
func (c *ClientConfig) clientBinding() (name string, data []byte, ok bool) {
	if c.TLS == nil {
		return "", nil, false
	}
	var leaf []byte
	if len(c.TLS.PeerCertificates) > 0 {
		leaf = c.TLS.PeerCertificates[0].Raw
	}
	names := []string{bindExporter, bindEndPoint}
	if c.TLS.Version <= tls.VersionTLS12 {
		names = []string{bindUnique, bindEndPoint, bindExporter}
	}
	for _, n := range names {
		if d, err := binding(n, c.TLS, leaf); err == nil {
			return n, d, true
		}
	}
	return "", nil, false
}

// ShownCertificate remembers which certificate a TLS server has shown on one connection.
type ShownCertificate struct{ leaf atomic.Pointer[[]byte] }

// DER returns the leaf, nil if none was shown, as on a resumed connection.
func (s *ShownCertificate) DER() []byte {
	if p := s.leaf.Load(); p != nil {
		return *p
	}
	return nil
}

type shownKey struct{}

// WithShownCertificate returns a context for tls.Conn.HandshakeContext that lets a configuration made by
// [RecordCertificate] say which certificate it has shown.
func WithShownCertificate(ctx context.Context) (context.Context, *ShownCertificate) {
	s := new(ShownCertificate)
	return context.WithValue(ctx, shownKey{}, s), s
}

// RecordCertificate returns a copy of a server's TLS configuration that tells [WithShownCertificate] what it shows. Make it
// once a server, so that session tickets stay valid. A configuration that comes from GetConfigForClient tells nothing.
func RecordCertificate(cfg *tls.Config) *tls.Config {
	out := cfg.Clone()
	out.Certificates = nil
	out.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := chooseCertificate(cfg, hello)
		if err != nil || len(cert.Certificate) == 0 {
			return cert, err
		}
		if s, ok := hello.Context().Value(shownKey{}).(*ShownCertificate); ok {
			s.leaf.Store(&cert.Certificate[0])
		}
		return cert, nil
	}
	return out
}

// chooseCertificate does what crypto/tls does with the configuration.
func chooseCertificate(cfg *tls.Config, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cfg.GetCertificate != nil && (len(cfg.Certificates) == 0 || hello.ServerName != "") {
		if cert, err := cfg.GetCertificate(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	if len(cfg.Certificates) == 0 {
		return nil, errors.New("tls: no certificates configured")
	}
	for i := range cfg.Certificates {
		if hello.SupportsCertificate(&cfg.Certificates[i]) == nil {
			return &cfg.Certificates[i], nil
		}
	}
	return &cfg.Certificates[0], nil
}
