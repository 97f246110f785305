// Package tlscert looks after the server's certificate: it makes a self-signed one for a first start, and serves
// the one on disk, reading it again when it has changed, so that a renewal needs no restart.
package tlscert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// lifetime is how long a self-signed certificate is good for. Clients that ask whether to trust it for ever get what
// they asked for; more than 825 days some of them refuse.
const lifetime = 825 * 24 * time.Hour

// SelfSigned writes a new key and a certificate for the hosts, names or addresses, into one file of mode 0600. It leaves a file
// that is there as it is.
func SelfSigned(file string, now time.Time, hosts ...string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if t.Subject.CommonName == "" && len(h) <= 64 { // what X.520 has room for
			t.Subject = pkix.Name{CommonName: h}
		}
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	return writeFile(file, b)
}

// writeFile writes a secret so that it is there whole or not at all.
func writeFile(file string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".tls-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if serr := f.Sync(); err == nil {
		err = serr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// Source is a certificate on disk.
type Source struct {
	cert, key string
	complain  func(error)

	mu  sync.Mutex // held while reading
	now atomic.Pointer[loaded]
}

// loaded is what was read, and the states of the files then.
type loaded struct {
	pair      *tls.Certificate
	cert, key fs.FileInfo
}

// Open reads a certificate chain and its key, which may be in the same file. complain, if not nil, is told when they can't be
// read again later; the old ones stay in use then.
func Open(certFile, keyFile string, complain func(error)) (*Source, error) {
	s := &Source{cert: certFile, key: keyFile, complain: complain}
	if s.complain == nil {
		s.complain = func(error) {}
	}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload reads the files.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &loaded{}
	var err error
	if l.cert, err = os.Stat(s.cert); err != nil {
		return err
	}
	if l.key, err = os.Stat(s.key); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return fmt.Errorf("%s: %w", s.cert, err)
	}
	l.pair = &pair
	s.now.Store(l)
	return nil
}

// Config returns a server's configuration that shows the certificate. Each caller gets its own.
func (s *Source) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate}
}

// certificate asks for the files' state, which costs little beside a handshake, and reads them if that is new.
func (s *Source) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	l := s.now.Load()
	cert, cerr := os.Stat(s.cert)
	key, kerr := os.Stat(s.key)
	if cerr == nil && kerr == nil && (changed(cert, l.cert) || changed(key, l.key)) {
		if err := s.Reload(); err != nil {
			// Halfway through a renewal, perhaps: certificate and key don't belong together yet.
			s.complain(err)
			s.now.CompareAndSwap(l, &loaded{l.pair, cert, key})
		}
	}
	return s.now.Load().pair, nil
}

func changed(a, b fs.FileInfo) bool {
	return !a.ModTime().Equal(b.ModTime()) || a.Size() != b.Size() || !os.SameFile(a, b)
}
