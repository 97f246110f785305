package tlscert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxPEM bounds what is read of a file, or of a table's value: a chain with its key has a few thousand octets.
const maxPEM = 1 << 20

// Parse reads what smtpd_tls_chain_files and its like hold: private keys, each followed by its certificate and the issuers of that, as PEM. Other blocks than
// these, such as a curve's parameters, are passed over. Of what it returns, those that cost a handshake least come first.
func Parse(b []byte) ([]tls.Certificate, error) {
	var out []tls.Certificate
	var key, chain []byte
	end := func() error {
		if key == nil {
			return nil
		}
		if chain == nil {
			return errors.New("a private key has no certificate behind it")
		}
		c, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return err
		}
		for i := range out {
			if kind(&out[i]) == kind(&c) && slices.Equal(out[i].Leaf.DNSNames, c.Leaf.DNSNames) {
				return fmt.Errorf("there are two %s keys with certificates for the same names", kindNames[kind(&c)])
			}
		}
		out, key, chain = append(out, c), nil, nil
		return nil
	}
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		b = rest
		switch {
		case strings.HasPrefix(block.Type, "ENCRYPTED ") || block.Headers["DEK-Info"] != "":
			return nil, errors.New("a private key has a passphrase: take it off with openssl pkey")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			if err := end(); err != nil {
				return nil, err
			}
			key = pem.EncodeToMemory(block)
		case block.Type == "CERTIFICATE" && key == nil:
			return nil, errors.New("a certificate has no private key before it: the key comes first, then its certificate, then the issuers of that")
		case block.Type == "CERTIFICATE":
			chain = append(chain, pem.EncodeToMemory(block)...)
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	if out == nil {
		return nil, errors.New("there is no private key in PEM")
	}
	sortByKind(out)
	return out, nil
}

// sortByKind puts the keys that are fast to sign with and short before the others, as OpenSSL's clients want it.
func sortByKind(list []tls.Certificate) {
	slices.SortStableFunc(list, func(a, b tls.Certificate) int { return kind(&a) - kind(&b) })
}

var kindNames = [...]string{"ECDSA", "Ed25519", "RSA", "unknown"}

func kind(c *tls.Certificate) int {
	switch c.Leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return 0
	case ed25519.PublicKey:
		return 1
	case *rsa.PublicKey:
		return 2
	}
	return 3
}

// choose picks the certificate for a client: one that has the name it asks for and a key that it can check, else one that it can check.
func choose(list []tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	for i := range list {
		if hello.SupportsCertificate(&list[i]) == nil {
			return &list[i]
		}
	}
	anyName := *hello
	anyName.ServerName = ""
	for i := range list {
		if anyName.SupportsCertificate(&list[i]) == nil {
			return &list[i]
		}
	}
	return &list[0]
}

// Names are what a certificate is for: the host names and addresses in it, or else its subject's name.
func Names(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}
