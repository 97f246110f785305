package oauth2

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// KeyDir is a folder of keys as Dovecot's local_validation_key_dict has it: the file PARTY/ALGORITHM/ID, where PARTY is the token's "azp" and ID its
// "kid", and "default" stands for one that is missing. In the file is a public key in PEM, or for HS… the secret in base64. Files are read
// each time, so that a change counts at once.
type KeyDir struct{ Dir string }

// maxKeyFile bounds a file.
const maxKeyFile = 64 << 10

// Keys implements [Keys].
func (d *KeyDir) Keys(_ context.Context, use KeyUse) ([]Key, error) {
	party, id := element(use.Party), element(use.ID)
	if party == "" || id == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(d.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(party + "/" + use.Algorithm + "/" + id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	k, err := ParseKey(text, use.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return []Key{k}, nil
}

// element is the name of a file that a token asks for: "/" and "%" are written as %2f and %25, as Dovecot does. "" is one that isn't
// looked for.
func element(s string) string {
	if s == "" {
		return "default"
	}
	s = strings.NewReplacer("/", "%2f", "%", "%25").Replace(s)
	if len(s) > 255 || s == "." || s == ".." || strings.ContainsRune(s, 0) {
		return ""
	}
	return s
}

// ParseKey reads a key for an algorithm: a public key or certificate in PEM, or for HS… a secret in base64.
func ParseKey(text []byte, alg string) (Key, error) {
	k := Key{Algorithm: alg}
	if len(text) > maxKeyFile {
		return k, errors.New("too long for a key")
	}
	if hashes[alg] > 0 {
		secret, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			return k, errors.New("the secret isn't written in base64")
		}
		k.Public = secret
		return k, k.fits(alg)
	}
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return k, errors.New("neither PEM nor a secret")
	}
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		k.Public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		k.Public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			k.Public = c.PublicKey
		}
	default:
		err = fmt.Errorf("a %s is no public key", block.Type)
	}
	if err != nil {
		return k, err
	}
	return k, k.fits(alg)
}
