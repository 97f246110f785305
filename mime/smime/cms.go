package smime

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// The structures of RFC 5652 and RFC 5083 for encrypted content. Package pkcs7 has those for signatures; its encryption knows
// no AuthEnvelopedData and chooses the cipher by a variable of the package.

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

// envelopedData is EnvelopedData, or AuthEnvelopedData when it has a MAC.
type envelopedData struct {
	Version    int
	Originator asn1.RawValue   `asn1:"optional,tag:0"`
	Recipients []asn1.RawValue `asn1:"set"`
	Content    encryptedContentInfo
	Attributes asn1.RawValue `asn1:"optional,tag:1"` // unprotected ones, or authenticated ones
	MAC        []byte        `asn1:"optional"`
	Unauth     asn1.RawValue `asn1:"optional,tag:2"`
}

type encryptedContentInfo struct {
	Type      asn1.ObjectIdentifier
	Algorithm pkix.AlgorithmIdentifier
	Content   asn1.RawValue `asn1:"optional,tag:0"`
}

type keyTransRecipient struct {
	Version   int
	ID        asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

type keyAgreeRecipient struct {
	Version    int
	Originator asn1.RawValue `asn1:"explicit,tag:0"`
	UKM        []byte        `asn1:"optional,explicit,tag:1"`
	Algorithm  pkix.AlgorithmIdentifier
	Keys       []recipientKey
}

type recipientKey struct {
	ID  asn1.RawValue
	Key []byte
}

type originatorKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

type gcmParameters struct {
	Nonce  []byte
	ICVLen int `asn1:"optional,default:12"`
}

func oidData() asn1.ObjectIdentifier      { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1} }
func oidEnveloped() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3} }
func oidAuthEnveloped() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 23}
}
func oidAES(n int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, n}
}
func oidAES128CBC() asn1.ObjectIdentifier { return oidAES(2) }
func oidAES256CBC() asn1.ObjectIdentifier { return oidAES(42) }
func oidAES128GCM() asn1.ObjectIdentifier { return oidAES(6) }
func oidAES256GCM() asn1.ObjectIdentifier { return oidAES(46) }
func oidRSA() asn1.ObjectIdentifier       { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} }
func oidOAEP() asn1.ObjectIdentifier      { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7} }
func oidMGF1() asn1.ObjectIdentifier      { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8} }

// contentCipher is how a content is encrypted.
type contentCipher struct {
	keySize int
	gcm     bool
	block   func(key []byte) (cipher.Block, error)
}

// cipherOf knows what RFC 8551 section 2.7 names, and Triple DES, which old mail has; ok is false for others.
func cipherOf(oid asn1.ObjectIdentifier) (c contentCipher, ok bool) {
	if oid.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}) {
		return contentCipher{24, false, des.NewTripleDESCipher}, true
	}
	for i, size := range []int{16, 24, 32} {
		if oid.Equal(oidAES(2 + 20*i)) {
			return contentCipher{size, false, aes.NewCipher}, true
		}
		if oid.Equal(oidAES(6 + 20*i)) {
			return contentCipher{size, true, aes.NewCipher}, true
		}
	}
	return c, false
}

// octets returns an implicitly tagged OCTET STRING, which BER allows to come in pieces.
func octets(v asn1.RawValue) ([]byte, error) {
	if !v.IsCompound {
		return v.Bytes, nil
	}
	out := make([]byte, 0, len(v.Bytes))
	for rest := v.Bytes; len(rest) > 0; {
		e, after, ok := splitElement(rest)
		if !ok || e.tag[0] != 0x04 || e.indefinite {
			return nil, ErrSyntax
		}
		out, rest = append(out, e.content...), after
	}
	return out, nil
}
