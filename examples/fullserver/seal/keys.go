package seal

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Key is what a table's value names: "smime:/file" or "pgp:/file".
type Key struct {
	// S/MIME: the certificate, its private key where it is one to sign with, and what stands between it and the root.
	Certificate *x509.Certificate
	Signer      crypto.Signer
	Chain       []*x509.Certificate
	// OpenPGP.
	Entity *openpgp.Entity
}

// Keys reads keys from files, and again when they have changed. The zero value is ready to use, by many goroutines at once.
type Keys struct {
	mu    sync.Mutex
	files map[string]*kept
}

type kept struct {
	key     *Key
	changed time.Time
	size    int64
}

const (
	maxKey  = 1 << 20 // octets of a file
	maxKept = 10_000
)

// Get returns a key. now is when it must be good.
func (k *Keys) Get(value string, now time.Time) (*Key, error) {
	kind, file, ok := strings.Cut(strings.TrimSpace(value), ":")
	if !ok || kind != "smime" && kind != "pgp" {
		return nil, fmt.Errorf("%q is neither smime:/file nor pgp:/file", value)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	c := k.files[value]
	k.mu.Unlock()
	if c == nil || !c.changed.Equal(info.ModTime()) || c.size != info.Size() {
		c = &kept{changed: info.ModTime(), size: info.Size()}
		if c.key, err = read(kind, file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		k.mu.Lock()
		if k.files == nil || len(k.files) >= maxKept {
			k.files = map[string]*kept{}
		}
		k.files[value] = c
		k.mu.Unlock()
	}
	return c.key, c.key.usable(file, now)
}

// usable reports a key whose time is over, or hasn't come.
func (k *Key) usable(file string, now time.Time) error {
	if c := k.Certificate; c != nil {
		switch {
		case now.After(c.NotAfter):
			return fmt.Errorf("%s: the certificate has expired on %s", file, c.NotAfter.UTC().Format("2006-01-02"))
		case now.Before(c.NotBefore):
			return fmt.Errorf("%s: the certificate is good from %s on", file, c.NotBefore.UTC().Format("2006-01-02"))
		}
	}
	if e := k.Entity; e != nil {
		if _, ok := e.EncryptionKey(now); !ok && e.PrivateKey == nil {
			return fmt.Errorf("%s: the key can't be encrypted to: it has expired, is revoked or is for signing only", file)
		}
		if _, ok := e.SigningKey(now); !ok && e.PrivateKey != nil {
			return fmt.Errorf("%s: the key can't sign: it has expired, is revoked or is for encryption only", file)
		}
	}
	return nil
}

func read(kind, file string) (*Key, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxKey:
		return nil, errors.New("is larger than any key")
	case kind == "pgp":
		return readPGP(b)
	}
	return readSMIME(b)
}

// readSMIME reads certificates, the first of which counts, and perhaps its private key, as PEM.
func readSMIME(b []byte) (*Key, error) {
	k := &Key{}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			if k.Certificate == nil {
				k.Certificate = c
			} else {
				k.Chain = append(k.Chain, c)
			}
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block)
			if err != nil {
				return nil, err
			}
			k.Signer = key
		}
	}
	if k.Certificate == nil {
		return nil, errors.New("has no certificate in PEM")
	}
	if k.Signer != nil {
		if public, ok := k.Certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(k.Signer.Public()) {
			return nil, errors.New("the private key is not the first certificate's")
		}
	}
	return k, nil
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch {
	case strings.HasPrefix(block.Type, "ENCRYPTED"), block.Headers["DEK-Info"] != "":
		return nil, errors.New("the private key has a passphrase: take it off with openssl pkey")
	case strings.HasPrefix(block.Type, "RSA"):
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case strings.HasPrefix(block.Type, "EC"):
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, err
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the private key is of a kind that can't sign")
	}
	return s, nil
}

// readPGP reads one key, armored or not.
func readPGP(b []byte) (*Key, error) {
	var in io.Reader = bytes.NewReader(b)
	if block, err := armor.Decode(bytes.NewReader(b)); err == nil {
		in = block.Body
	}
	e, err := openpgp.ReadEntity(packet.NewReader(in))
	if err != nil {
		return nil, err
	}
	if e.PrivateKey != nil && e.PrivateKey.Encrypted {
		return nil, errors.New("the private key has a passphrase: take it off with gpg --change-passphrase")
	}
	return &Key{Entity: e}, nil
}
