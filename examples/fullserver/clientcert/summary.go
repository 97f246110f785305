package clientcert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
)

// Version is TLS's, in Postfix's spelling: "TLSv1.3".
func Version(state *tls.ConnectionState) string {
	return strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
}

// Bits is how long the key of a cipher suite is.
func Bits(suite uint16) int {
	if name := tls.CipherSuiteName(suite); strings.Contains(name, "AES_256") || strings.Contains(name, "CHACHA20") {
		return 256
	}
	return 128
}

// Trust is Postfix's word for how well a client is known: Anonymous without a certificate, Untrusted with one that nobody vouches for, Trusted.
func Trust(state *tls.ConnectionState) string {
	switch {
	case len(state.PeerCertificates) == 0:
		return "Anonymous"
	case len(state.VerifiedChains) == 0:
		return "Untrusted"
	}
	return "Trusted"
}

// Summary is what smtpd_tls_loglevel = 1 tells of a connection: "Trusted TLS connection established from host[192.0.2.1]: TLSv1.3 with cipher …". name is the
// host that the client asked for, where there are certificates for it.
func Summary(state *tls.ConnectionState, client, name string) string {
	if name != "" {
		client += " to " + name
	}
	return Trust(state) + " TLS connection established from " + client + details(state, "client")
}

// Established is what smtp_tls_loglevel = 1 tells of a connection to a server: verified says that it is the one that was meant, by its certificate; roots are
// the authorities that are believed, nil for none.
func Established(state *tls.ConnectionState, relay string, verified bool, roots *x509.CertPool) string {
	trust := "Untrusted"
	switch {
	case verified:
		trust = "Verified"
	case len(state.PeerCertificates) > 0 && roots != nil:
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		if _, err := state.PeerCertificates[0].Verify(o); err == nil {
			trust = "Trusted"
		}
	}
	return trust + " TLS connection established to " + relay + details(state, "server")
}

// details are the version, the cipher, and how keys were agreed on and the peer has signed.
func details(state *tls.ConnectionState, peer string) string {
	bits := Bits(state.CipherSuite)
	out := fmt.Sprintf(": %s with cipher %s (%d/%d bits)", Version(state), tls.CipherSuiteName(state.CipherSuite), bits, bits)
	if state.Version < tls.VersionTLS13 {
		return out
	}
	if kex := exchange(state.CurveID); kex != "" {
		out += " key-exchange " + kex
	}
	if len(state.PeerCertificates) > 0 {
		if sig := signature(state.PeerCertificates[0], peer); sig != "" {
			out += " " + peer + "-signature " + sig
		}
	}
	return out
}

func exchange(id tls.CurveID) string {
	switch id {
	case tls.CurveP256:
		return "ECDHE (prime256v1)"
	case tls.CurveP384:
		return "ECDHE (secp384r1)"
	case tls.CurveP521:
		return "ECDHE (secp521r1)"
	case 0:
		return ""
	}
	return id.String()
}

func signature(c *x509.Certificate, peer string) string {
	switch k := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(): // TLS 1.3 has one digest for each curve
			return "ECDSA (prime256v1) " + peer + "-digest SHA256"
		case elliptic.P384():
			return "ECDSA (secp384r1) " + peer + "-digest SHA384"
		case elliptic.P521():
			return "ECDSA (secp521r1) " + peer + "-digest SHA512"
		}
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-PSS (%d bits)", k.N.BitLen())
	case ed25519.PublicKey:
		return "ED25519"
	}
	return ""
}
