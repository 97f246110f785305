package clientcert

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
)

// Pool reads the certificates of authorities: a file of them, and all files of a folder, as smtpd_tls_CAfile and smtpd_tls_CApath name them. Without either nobody
// is believed.
func Pool(file, folder string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(b) {
			return nil, errors.New(file + ": has no certificate in PEM")
		}
	}
	if folder == "" {
		return pool, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	found := false
	for _, e := range entries { // links by hash lead to files that are read anyway
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err == nil {
			found = pool.AppendCertsFromPEM(b) || found
		}
	}
	if !found {
		return nil, errors.New(folder + ": has no certificate in PEM")
	}
	return pool, nil
}
