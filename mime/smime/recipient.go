package smime

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
)

// RecipientID names the certificate that something is encrypted to: by issuer and serial number, or by its subject key
// identifier (RFC 5652 section 6.2.1).
type RecipientID struct {
	Issuer       []byte // the name, DER
	Serial       *big.Int
	SubjectKeyID []byte
}

// Matches reports whether the certificate is the one that is named.
func (id RecipientID) Matches(c *x509.Certificate) bool {
	if id.SubjectKeyID != nil {
		return len(id.SubjectKeyID) > 0 && bytes.Equal(id.SubjectKeyID, c.SubjectKeyId)
	}
	return id.Serial != nil && id.Serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(id.Issuer, c.RawIssuer)
}

// KeyPair is a certificate with its key.
type KeyPair struct {
	Certificate *x509.Certificate
	// Key is a crypto.Decrypter of RSA, in software or hardware, an *ecdsa.PrivateKey or an *ecdh.PrivateKey.
	Key crypto.PrivateKey
}

// Keys makes a [Decrypter]'s key source of keys at hand.
func Keys(pairs ...KeyPair) func(RecipientID) *KeyPair {
	return func(id RecipientID) *KeyPair {
		for i := range pairs {
			if pairs[i].Certificate != nil && id.Matches(pairs[i].Certificate) {
				return &pairs[i]
			}
		}
		return nil
	}
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

// parseRecipientID reads issuerAndSerialNumber or [0] subjectKeyIdentifier.
func parseRecipientID(v asn1.RawValue) (RecipientID, error) {
	if v.Class == asn1.ClassContextSpecific && v.Tag == 0 {
		return RecipientID{SubjectKeyID: append([]byte{}, v.Bytes...)}, nil
	}
	var ias issuerAndSerial
	if rest, err := asn1.Unmarshal(v.FullBytes, &ias); err != nil || len(rest) > 0 {
		return RecipientID{}, ErrSyntax
	}
	return RecipientID{Issuer: ias.Issuer.FullBytes, Serial: ias.Serial}, nil
}

func recipientIDOf(c *x509.Certificate) (asn1.RawValue, error) {
	b, err := asn1.Marshal(issuerAndSerial{asn1.RawValue{FullBytes: c.RawIssuer}, c.SerialNumber})
	return asn1.RawValue{FullBytes: b}, err
}
