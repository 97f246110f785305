package smime

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Encrypter encrypts messages.
type Encrypter struct {
	// To are the certificates of all who shall read it, the author's own among them: RSA, or ECDSA with a curve of NIST.
	To []*x509.Certificate

	Signer *Signer // signs before encrypting; nil: the message isn't signed

	// Compatible writes AES-256-CBC and RSA with PKCS #1 v1.5, for programs older than RFC 8551. Nobody can tell whether such
	// a message was changed on its way, unless it is signed too. Otherwise it is AES-256-GCM and RSA-OAEP.
	Compatible bool

	// ProtectHeader puts the header inside and leaves "[...]" as the Subject outside (RFC 9788).
	ProtectHeader bool

	Limits Limits
}

// Encrypt reads a message and writes it encrypted.
func (e *Encrypter) Encrypt(w io.Writer, msg io.Reader) error {
	if len(e.To) == 0 {
		return errors.New("smime: an Encrypter needs someone to encrypt to")
	}
	b, err := entity.Read(msg, e.Limits.Size)
	if err != nil {
		return fmt.Errorf("smime: %w", err)
	}
	how := entity.None
	if e.ProtectHeader {
		how = entity.Cipher
	}
	outer, content, err := entity.Split(entity.Canonical(b), how)
	if err != nil {
		return fmt.Errorf("smime: %w", err)
	}
	if e.Signer != nil {
		var signed bytes.Buffer
		// Nothing on its way can change the line ends and octets of what is encrypted, so 8bit may be signed too.
		if err := e.Signer.detached(&signed, &mime.Header{}, content); err != nil {
			return err
		}
		content = signed.Bytes()
	}
	der, err := e.envelope(content)
	if err != nil {
		return err
	}
	kind := "authEnveloped-data"
	if e.Compatible {
		kind = "enveloped-data"
	}
	return writeBlob(w, outer, kind, der)
}

// envelope makes the CMS structure.
func (e *Encrypter) envelope(content []byte) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	data := envelopedData{Content: encryptedContentInfo{Type: oidData()}}
	typ := oidAuthEnveloped()
	var sealed []byte
	if e.Compatible {
		typ, data.Version = oidEnveloped(), 2 // RFC 5652 section 6.1 says 0 or 2 by what recipients are named by
		sealed, data.Content.Algorithm, err = sealCBC(block, content)
	} else {
		sealed, data.Content.Algorithm, err = sealGCM(block, content)
		data.MAC = sealed[len(sealed)-16:]
		sealed = sealed[:len(sealed)-16]
	}
	if err != nil {
		return nil, err
	}
	data.Content.Content = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: sealed}
	agree := false
	for _, c := range e.To {
		var r asn1.RawValue
		switch pub := c.PublicKey.(type) {
		case *rsa.PublicKey:
			r, err = e.transport(c, pub, key)
		case *ecdsa.PublicKey:
			r, err = agreement(c, pub, key)
			agree = true
		default:
			err = fmt.Errorf("%w: certificate with a %v key", ErrUnsupported, c.PublicKeyAlgorithm)
		}
		if err != nil {
			return nil, err
		}
		data.Recipients = append(data.Recipients, r)
	}
	if e.Compatible && !agree {
		data.Version = 0
	}
	inner, err := asn1.Marshal(data)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{typ, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
}

func sealGCM(block cipher.Block, content []byte) ([]byte, pkix.AlgorithmIdentifier, error) {
	nonce := make([]byte, 12)
	rand.Read(nonce)
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, pkix.AlgorithmIdentifier{}, err
	}
	params, err := asn1.Marshal(gcmParameters{nonce, 16})
	return aead.Seal(nil, nonce, content, nil), pkix.AlgorithmIdentifier{Algorithm: oidAES256GCM(), Parameters: asn1.RawValue{FullBytes: params}}, err
}

func sealCBC(block cipher.Block, content []byte) ([]byte, pkix.AlgorithmIdentifier, error) {
	iv := make([]byte, 16)
	rand.Read(iv)
	pad := 16 - len(content)%16 // RFC 5652 section 6.3
	out := append(append(make([]byte, 0, len(content)+pad), content...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	params, err := asn1.Marshal(iv)
	return out, pkix.AlgorithmIdentifier{Algorithm: oidAES256CBC(), Parameters: asn1.RawValue{FullBytes: params}}, err
}

// transport encrypts the content's key to an RSA key (RFC 5652 section 6.2.1, RFC 3560).
func (e *Encrypter) transport(c *x509.Certificate, pub *rsa.PublicKey, key []byte) (asn1.RawValue, error) {
	id, err := recipientIDOf(c)
	if err != nil {
		return id, err
	}
	r := keyTransRecipient{ID: id}
	if e.Compatible {
		r.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSA(), Parameters: asn1.NullRawValue}
		//lint:ignore SA1019 old readers know nothing else, and writing it endangers nobody
		r.Key, err = rsa.EncryptPKCS1v15(rand.Reader, pub, key)
	} else {
		var params []byte
		if params, err = oaepSHA256(); err != nil {
			return id, err
		}
		r.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidOAEP(), Parameters: asn1.RawValue{FullBytes: params}}
		r.Key, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, key, nil)
	}
	if err != nil {
		return id, fmt.Errorf("smime: %w", err)
	}
	b, err := asn1.Marshal(r)
	return asn1.RawValue{FullBytes: b}, err
}
