package smime

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"

	"github.com/smallstep/pkcs7"
)

// contentKeys returns what the content may be encrypted with: one key for each recipient that is us, at most 10.
func (d *Decrypter) contentKeys(data *envelopedData, size int) (keys [][]byte, err error) {
	if len(data.Recipients) > d.Limits.recipients() {
		return nil, ErrTooMany
	}
	err = ErrNoKey
	for _, r := range data.Recipients {
		var key []byte
		var failed error
		switch {
		case r.Class == asn1.ClassUniversal && r.Tag == asn1.TagSequence:
			key, failed = d.transported(r, size)
		case r.Class == asn1.ClassContextSpecific && r.Tag == 1:
			key, failed = d.agreed(r)
		default: // by a shared key or password: not in mail
			continue
		}
		if failed != nil {
			if failed != ErrNoKey {
				err = failed
			}
			continue
		}
		if keys = append(keys, key); len(keys) == 10 {
			break
		}
	}
	if len(keys) > 0 {
		return keys, nil
	}
	return nil, err
}

func (d *Decrypter) find(v asn1.RawValue) (*KeyPair, error) {
	id, err := parseRecipientID(v)
	if err != nil {
		return nil, err
	}
	if d.Keys != nil {
		if pair := d.Keys(id); pair != nil && pair.Key != nil {
			return pair, nil
		}
	}
	return nil, ErrNoKey
}

// transported opens the key of a KeyTransRecipientInfo.
func (d *Decrypter) transported(v asn1.RawValue, size int) ([]byte, error) {
	var r keyTransRecipient
	if rest, err := asn1.Unmarshal(v.FullBytes, &r); err != nil || len(rest) > 0 {
		return nil, ErrSyntax
	}
	pair, err := d.find(r.ID)
	if err != nil {
		return nil, err
	}
	key, ok := pair.Key.(crypto.Decrypter)
	if !ok {
		return nil, ErrUnsupported
	}
	var opts crypto.DecrypterOpts
	switch {
	case r.Algorithm.Algorithm.Equal(oidRSA()):
		// With a length asked for, wrong padding yields a random key rather than an error, so that nobody learns from
		// the answer whether the padding was right (RFC 3218 section 2.3.2).
		//lint:ignore SA1019 most mail that is encrypted at all is encrypted so (RFC 8551 section 2.3: a MUST)
		opts = &rsa.PKCS1v15DecryptOptions{SessionKeyLen: size}
	case r.Algorithm.Algorithm.Equal(oidOAEP()):
		if opts, err = oaepOptions(r.Algorithm.Parameters.FullBytes); err != nil {
			return nil, err
		}
	default:
		return nil, ErrUnsupported
	}
	b, err := key.Decrypt(rand.Reader, r.Key, opts)
	if err != nil {
		return nil, ErrIntegrity
	}
	return b, nil
}

// oaepParameters is RSAES-OAEP-params of RFC 4055 section 4.1.
type oaepParameters struct {
	Hash  pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:0"`
	MGF   pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:1"`
	Label pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:2"`
}

func oaepSHA256() ([]byte, error) {
	hash := pkix.AlgorithmIdentifier{Algorithm: pkcs7.OIDDigestAlgorithmSHA256, Parameters: asn1.NullRawValue}
	b, err := asn1.Marshal(hash)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(oaepParameters{Hash: hash, MGF: pkix.AlgorithmIdentifier{Algorithm: oidMGF1(), Parameters: asn1.RawValue{FullBytes: b}}})
}

func oaepOptions(params []byte) (*rsa.OAEPOptions, error) {
	o := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1} // the defaults of RFC 4055
	if len(params) == 0 {
		return o, nil
	}
	var p oaepParameters
	if rest, err := asn1.Unmarshal(params, &p); err != nil || len(rest) > 0 {
		return nil, ErrSyntax
	}
	var ok bool
	if p.Hash.Algorithm != nil {
		if o.Hash, ok = hashOf(p.Hash.Algorithm); !ok {
			return nil, ErrUnsupported
		}
	}
	if p.MGF.Algorithm != nil {
		var h pkix.AlgorithmIdentifier
		if _, err := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &h); err != nil || !p.MGF.Algorithm.Equal(oidMGF1()) {
			return nil, ErrUnsupported
		}
		if o.MGFHash, ok = hashOf(h.Algorithm); !ok {
			return nil, ErrUnsupported
		}
	}
	if len(p.Label.Parameters.Bytes) > 0 {
		o.Label = p.Label.Parameters.Bytes
	}
	return o, nil
}

func hashOf(oid asn1.ObjectIdentifier) (crypto.Hash, bool) {
	switch {
	case oid.Equal(pkcs7.OIDDigestAlgorithmSHA1):
		return crypto.SHA1, true
	case oid.Equal(pkcs7.OIDDigestAlgorithmSHA256):
		return crypto.SHA256, true
	case oid.Equal(pkcs7.OIDDigestAlgorithmSHA384):
		return crypto.SHA384, true
	case oid.Equal(pkcs7.OIDDigestAlgorithmSHA512):
		return crypto.SHA512, true
	}
	return 0, false
}
