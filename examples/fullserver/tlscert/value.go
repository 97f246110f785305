package tlscert

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
)

// open reads what a value of tls_server_sni_maps stands for.
func open(value string) (*set, error) {
	if b, err := base64.StdEncoding.DecodeString(value); err == nil && strings.Contains(string(b), "-----BEGIN ") {
		list, err := Parse(b)
		if err != nil {
			return nil, err
		}
		s := &set{}
		s.now.Store(&loaded{list: list})
		return s, nil
	}
	files := Files{Chains: strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })}
	if len(files.Chains) == 0 {
		return nil, errors.New("a name has an empty list of files")
	}
	return openSet(files)
}

// Shown is a certificate that is shown to clients.
type Shown struct {
	From string // the file it comes from, or the first of several; "" for one that a table holds itself
	Leaf *x509.Certificate
}

// Value returns the certificates that a value of tls_server_sni_maps stands for.
func Value(value string) ([]Shown, error) {
	s, err := open(value)
	if err != nil {
		return nil, err
	}
	return s.shown(), nil
}

// Certificates returns those for clients that name no host.
func (s *Source) Certificates() []Shown { return s.main.Load().shown() }

func (s *set) shown() []Shown {
	from := ""
	if names := s.files.names(); len(names) > 0 {
		from = names[0]
	}
	var out []Shown
	for _, c := range s.now.Load().list {
		out = append(out, Shown{from, c.Leaf})
	}
	return out
}
