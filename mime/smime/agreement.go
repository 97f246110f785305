package smime

import (
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"

	_ "crypto/sha1" // what is asked for by crypto.Hash below
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// Key agreement with elliptic curves: ephemeral-static ECDH (RFC 5753), AES key wrap (RFC 3394).

func oidDH(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 132, 1, 11, n} }
func oidWrap256() asn1.ObjectIdentifier { return oidAES(45) }
func oidECPublicKey() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
}

// agreementHash returns the digest of dhSinglePass-stdDH-…kdf-scheme.
func agreementHash(oid asn1.ObjectIdentifier) (crypto.Hash, bool) {
	switch {
	case oid.Equal(asn1.ObjectIdentifier{1, 3, 133, 16, 840, 63, 0, 2}):
		return crypto.SHA1, true
	case oid.Equal(oidDH(1)):
		return crypto.SHA256, true
	case oid.Equal(oidDH(2)):
		return crypto.SHA384, true
	case oid.Equal(oidDH(3)):
		return crypto.SHA512, true
	}
	return 0, false
}

type sharedInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	UKM       []byte `asn1:"optional,omitempty,explicit,tag:0"`
	Bits      []byte `asn1:"explicit,tag:2"`
}

// derive makes the key that wraps the content's key: the KDF of ANSI X9.63 over ECC-CMS-SharedInfo (RFC 5753 section 7.2).
func derive(h crypto.Hash, secret []byte, wrap pkix.AlgorithmIdentifier, ukm []byte, size int) ([]byte, error) {
	info, err := asn1.Marshal(sharedInfo{wrap, ukm, binary.BigEndian.AppendUint32(nil, uint32(size)*8)})
	if err != nil {
		return nil, err
	}
	var out []byte
	for n := uint32(1); len(out) < size; n++ {
		d := h.New()
		d.Write(secret)
		d.Write(binary.BigEndian.AppendUint32(nil, n))
		d.Write(info)
		out = d.Sum(out)
	}
	return out[:size], nil
}

// agreement encrypts the content's key to an elliptic curve key.
func agreement(c *x509.Certificate, pub *ecdsa.PublicKey, key []byte) (asn1.RawValue, error) {
	var none asn1.RawValue
	static, err := pub.ECDH()
	if err != nil {
		return none, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	ephemeral, err := static.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return none, err
	}
	secret, err := ephemeral.ECDH(static)
	if err != nil {
		return none, err
	}
	wrap := pkix.AlgorithmIdentifier{Algorithm: oidWrap256()}
	kek, err := derive(crypto.SHA256, secret, wrap, nil, 32)
	if err != nil {
		return none, err
	}
	wrapped, err := wrapKey(kek, key)
	if err != nil {
		return none, err
	}
	wrapDER, err := asn1.Marshal(wrap)
	if err != nil {
		return none, err
	}
	own, err := asn1.MarshalWithParams(originatorKey{
		pkix.AlgorithmIdentifier{Algorithm: oidECPublicKey()}, asn1.BitString{Bytes: ephemeral.PublicKey().Bytes(), BitLength: len(ephemeral.PublicKey().Bytes()) * 8},
	}, "tag:1")
	if err != nil {
		return none, err
	}
	id, err := recipientIDOf(c)
	if err != nil {
		return none, err
	}
	r := keyAgreeRecipient{
		Version: 3, Originator: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: own},
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidDH(1), Parameters: asn1.RawValue{FullBytes: wrapDER}},
		Keys:      []recipientKey{{id, wrapped}},
	}
	b, err := asn1.MarshalWithParams(r, "tag:1")
	return asn1.RawValue{FullBytes: b}, err
}

// agreed opens the key of a KeyAgreeRecipientInfo.
func (d *Decrypter) agreed(v asn1.RawValue) ([]byte, error) {
	var r keyAgreeRecipient
	if rest, err := asn1.UnmarshalWithParams(v.FullBytes, &r, "tag:1"); err != nil || len(rest) > 0 {
		return nil, ErrSyntax
	}
	if len(r.Keys) > d.Limits.recipients() {
		return nil, ErrTooMany
	}
	for _, k := range r.Keys {
		id := k.ID
		if id.Class == asn1.ClassContextSpecific && id.Tag == 0 && id.IsCompound { // RecipientKeyIdentifier begins with the subjectKeyIdentifier
			var ski []byte
			if _, err := asn1.Unmarshal(id.Bytes, &ski); err != nil {
				return nil, ErrSyntax
			}
			id.Bytes = ski
		}
		pair, err := d.find(id)
		if err == ErrNoKey {
			continue
		}
		if err != nil {
			return nil, err
		}
		return agree(&r, pair.Key, k.Key)
	}
	return nil, ErrNoKey
}

// ecdhKey is what agrees on a secret: *ecdh.PrivateKey, or a token that does the same.
type ecdhKey interface {
	ECDH(*ecdh.PublicKey) ([]byte, error)
	Curve() ecdh.Curve
}

func agree(r *keyAgreeRecipient, key crypto.PrivateKey, wrapped []byte) ([]byte, error) {
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		converted, err := k.ECDH()
		if err != nil {
			return nil, ErrUnsupported
		}
		key = converted
	}
	own, ok := key.(ecdhKey)
	h, known := agreementHash(r.Algorithm.Algorithm)
	var wrap pkix.AlgorithmIdentifier
	if _, err := asn1.Unmarshal(r.Algorithm.Parameters.FullBytes, &wrap); err != nil || !ok || !known {
		return nil, ErrUnsupported
	}
	size := 0
	for i, n := range []int{5, 25, 45} {
		if wrap.Algorithm.Equal(oidAES(n)) {
			size = 16 + 8*i
		}
	}
	var theirs originatorKey
	if _, err := asn1.UnmarshalWithParams(r.Originator.Bytes, &theirs, "tag:1"); err != nil || size == 0 {
		return nil, ErrUnsupported
	}
	pub, err := own.Curve().NewPublicKey(theirs.Key.Bytes)
	if err != nil {
		return nil, ErrIntegrity
	}
	secret, err := own.ECDH(pub)
	if err != nil {
		return nil, ErrIntegrity
	}
	kek, err := derive(h, secret, wrap, r.UKM, size)
	if err != nil {
		return nil, err
	}
	return unwrapKey(kek, wrapped)
}

const wrapIV = 0xA6A6A6A6A6A6A6A6

// wrapKey is RFC 3394 section 2.2.1.
func wrapKey(kek, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	n := len(key) / 8
	out := append(binary.BigEndian.AppendUint64(nil, wrapIV), key...)
	var buf [16]byte
	for j := range 6 {
		for i := 1; i <= n; i++ {
			copy(buf[:8], out[:8])
			copy(buf[8:], out[8*i:])
			block.Encrypt(buf[:], buf[:])
			binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(buf[:8])^uint64(n*j+i))
			copy(out[8*i:8*i+8], buf[8:])
		}
	}
	return out, nil
}

// unwrapKey is RFC 3394 section 2.2.2.
func unwrapKey(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped)%8 != 0 || len(wrapped) < 24 || len(wrapped) > 72 {
		return nil, ErrIntegrity
	}
	n := len(wrapped)/8 - 1
	out := append([]byte(nil), wrapped...)
	var buf [16]byte
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			binary.BigEndian.PutUint64(buf[:8], binary.BigEndian.Uint64(out)^uint64(n*j+i))
			copy(buf[8:], out[8*i:])
			block.Decrypt(buf[:], buf[:])
			copy(out[:8], buf[:8])
			copy(out[8*i:8*i+8], buf[8:])
		}
	}
	if subtle.ConstantTimeCompare(out[:8], binary.BigEndian.AppendUint64(nil, wrapIV)) != 1 {
		return nil, ErrIntegrity
	}
	return out[8:], nil
}
