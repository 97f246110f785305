package mailcheck

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dkim"
)

// Keys are the DKIM keys of our domains, read from a file of lines "domain selector file":
//
//	# the old key signs until its record is gone
//	example.com  2025  /etc/dkim/example.com.2025.pem
//	example.com  2026  /etc/dkim/example.com.2026.pem
//
// Every key of a domain signs. A file's path is taken from the folder of the table where it isn't absolute; what is in it is a PEM
// of PKCS #1 or PKCS #8, an RSA key of at least 1024 bits or an Ed25519 one. Keys may be used by many goroutines at once.
type Keys struct {
	file  string
	table atomic.Pointer[map[string][]*dkim.Signer]
}

// OpenKeys reads a table and the keys that it names.
func OpenKeys(file string) (*Keys, error) {
	k := &Keys{file: file}
	return k, k.Reload()
}

// Reload reads everything again. An error changes nothing.
func (k *Keys) Reload() error {
	b, err := os.ReadFile(k.file)
	if err != nil {
		return err
	}
	table := map[string][]*dkim.Signer{}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) != 3 {
			return fmt.Errorf("%s, line %d: want a domain, a selector and a file", k.file, n)
		}
		key, err := readKey(filepath.Dir(k.file), f[2])
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", k.file, n, err)
		}
		s := &dkim.Signer{Domain: strings.ToLower(strings.TrimSuffix(f[0], ".")), Selector: f[1], Key: key}
		// What can't sign is found now and not with the first message.
		if _, err := dkim.Sign(strings.NewReader("From: postmaster@"+s.Domain+"\r\n\r\n"), 0, s); err != nil {
			return fmt.Errorf("%s, line %d: %w", k.file, n, err)
		}
		table[s.Domain] = append(table[s.Domain], s)
	}
	k.table.Store(&table)
	return nil
}

// Key is what others check signatures with.
type Key struct {
	Domain, Selector string
	Public           crypto.PublicKey
}

// Public returns the keys' public halves, by domain and in the order of the table.
func (k *Keys) Public() (out []Key) {
	table := *k.table.Load()
	for _, domain := range slices.Sorted(maps.Keys(table)) {
		for _, s := range table[domain] {
			out = append(out, Key{domain, s.Selector, s.Key.Public()})
		}
	}
	return out
}

func readKey(dir, name string) (crypto.Signer, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New(name + ": no PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New(name + ": no private key of PKCS #1 or PKCS #8")
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New(name + ": no key that signs")
	}
	return s, nil
}

// Sign returns the DKIM-Signature fields of a message, made with the keys of its author's domain or of the nearest one above it that
// has any; "" where there are none.
func (k *Keys) Sign(message io.Reader) (string, error) {
	table := *k.table.Load()
	return mailauth.SignAuthor(message, func(domain string) []*dkim.Signer {
		for ; domain != ""; _, domain, _ = strings.Cut(domain, ".") {
			if s := table[domain]; s != nil {
				return s
			}
		}
		return nil
	})
}
