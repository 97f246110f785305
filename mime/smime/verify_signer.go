package smime

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// parsePKCS7 reads a SignedData with the library. Its input is DER of bounded depth. Should it stumble over an input in
// a way that Go calls a panic, that is damage like any other.
func parsePKCS7(der []byte) (p7 *pkcs7.PKCS7, err error) {
	defer func() {
		if recover() != nil {
			p7, err = nil, ErrSyntax
		}
	}()
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, ErrSyntax
	}
	if !info.Type.Equal(pkcs7.OIDSignedData) {
		return nil, ErrNotSigned
	}
	p7, err = pkcs7.Parse(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	// The library passes over signers that it can't read, such as those named by subjectKeyIdentifier.
	var shape signedShape
	if _, err := asn1.Unmarshal(info.Content.Bytes, &shape); err != nil {
		return nil, ErrSyntax
	}
	if len(shape.Signers) != len(p7.Signers) {
		return nil, ErrUnsupported
	}
	return p7, nil
}

// signedShape is SignedData as far as it tells how many signers there are (RFC 5652 section 5.1).
type signedShape struct {
	Version      int
	Digests      []asn1.RawValue `asn1:"set"`
	Content      asn1.RawValue
	Certificates asn1.RawValue   `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue   `asn1:"optional,tag:1"`
	Signers      []asn1.RawValue `asn1:"set"`
}

// signature checks the only signer of p7.
func (v *Verifier) signature(p7 *pkcs7.PKCS7) (g Signature) {
	defer func() {
		if recover() != nil {
			g = Signature{Err: ErrSyntax}
		}
	}()
	signer := &p7.Signers[0]
	p7.Certificates = append(p7.Certificates[:len(p7.Certificates):len(p7.Certificates)], v.Certificates...)
	for _, c := range p7.Certificates {
		id := RecipientID{Issuer: signer.IssuerAndSerialNumber.IssuerName.FullBytes, Serial: signer.IssuerAndSerialNumber.SerialNumber}
		if id.Matches(c) {
			g.Certificate = c
			break
		}
	}
	if g.Certificate == nil {
		g.Err = ErrNoCertificate
		return g
	}
	g.Addresses = addresses(g.Certificate)
	if !strongDigest(signer.DigestAlgorithm.Algorithm) {
		g.Err = ErrWeakDigest
		return g
	}
	types := 0
	for _, a := range signer.AuthenticatedAttributes {
		switch {
		case a.Type.Equal(pkcs7.OIDAttributeSigningTime):
			var t time.Time
			if _, err := asn1.Unmarshal(a.Value.Bytes, &t); err == nil {
				g.Time = t
			}
		case a.Type.Equal(pkcs7.OIDAttributeContentType):
			var oid asn1.ObjectIdentifier
			if _, err := asn1.Unmarshal(a.Value.Bytes, &oid); err == nil && oid.Equal(pkcs7.OIDData) {
				types++
			}
		}
	}
	// RFC 5652 section 11.1: content-type MUST be among signed attributes. Without any, attributes that somebody signed for
	// another content could be passed off as the content itself (RFC 8933 section 1 tells of such confusion): those begin with SET OF.
	attributes := len(signer.AuthenticatedAttributes) > 0
	if attributes && types != 1 || !attributes && len(p7.Content) > 0 && p7.Content[0] == 0x31 {
		g.Err = ErrAttributes
		return g
	}
	if err := p7.Verify(); err != nil {
		g.Err = fmt.Errorf("smime: %w", err)
		return g
	}
	g.Valid = true
	g.Err = v.trust(g.Certificate, p7.Certificates)
	return g
}

// trust follows a certificate to a root, for mail: "emailProtection" or any purpose (RFC 8550 section 4.4.4).
func (v *Verifier) trust(c *x509.Certificate, others []*x509.Certificate) error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 { // RFC 8550 section 4.4.2
		return errors.New("smime: the certificate is not for signing")
	}
	pool := x509.NewCertPool()
	for _, o := range others {
		pool.AddCert(o)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: v.Roots, Intermediates: pool, CurrentTime: v.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	})
	if err != nil {
		return fmt.Errorf("smime: %w", err)
	}
	return nil
}

func strongDigest(oid asn1.ObjectIdentifier) bool {
	return oid.Equal(pkcs7.OIDDigestAlgorithmSHA256) || oid.Equal(pkcs7.OIDDigestAlgorithmSHA384) || oid.Equal(pkcs7.OIDDigestAlgorithmSHA512)
}

// addresses returns a certificate's mail addresses: of subjectAltName, and of the subject, where old ones have it (RFC 8550 section 3).
func addresses(c *x509.Certificate) []string {
	out := append([]string(nil), c.EmailAddresses...)
	for _, n := range c.Subject.Names {
		if s, ok := n.Value.(string); ok && n.Type.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}) && !containsFold(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}
