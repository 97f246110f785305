package sasl

import (
	"crypto/tls"
	"crypto/x509"
)

// TrustClient finds out, after a handshake, whether a client's certificate comes from one of cfg.ClientCAs where the configuration only asks for one
// (tls.RequestClientCert, tls.RequireAnyClientCert), and fills state.VerifiedChains if it does. crypto/tls leaves that to the caller then, and would
// otherwise end the handshake: a server that takes mail from everybody can't do so because of a certificate that it doesn't know. Without ClientCAs nothing is
// trusted.
func TrustClient(cfg *tls.Config, state *tls.ConnectionState) {
	if cfg == nil || cfg.ClientCAs == nil || len(state.PeerCertificates) == 0 || len(state.VerifiedChains) > 0 ||
		cfg.ClientAuth != tls.RequestClientCert && cfg.ClientAuth != tls.RequireAnyClientCert {
		return
	}
	o := x509.VerifyOptions{Roots: cfg.ClientCAs, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if cfg.Time != nil {
		o.CurrentTime = cfg.Time()
	}
	for _, c := range state.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if chains, err := state.PeerCertificates[0].Verify(o); err == nil {
		state.VerifiedChains = chains
	}
}
