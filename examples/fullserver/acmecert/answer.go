package acmecert

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"golang.org/x/crypto/acme"
)

// WellKnown is where the authority asks for HTTP-01 (RFC 8555 section 8.3).
const WellKnown = "/.well-known/acme-challenge/"

// ServeHTTP answers HTTP-01. It is for WellKnown, at port 80 of each name.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.URL.Path, WellKnown)
	if !validToken(token) {
		http.NotFound(w, r)
		return
	}
	b, err := os.ReadFile(filepath.Join(m.dir, "http-01", token))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(b)
}

// Config returns a server's TLS configuration that answers TLS-ALPN-01, too (RFC 8737). It is for port 443 of each name.
func (m *Manager) Config(c *tls.Config) *tls.Config {
	c = c.Clone()
	next := c.GetConfigForClient
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		// Section 3: the protocol "acme-tls/1" is the only one in the list.
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
			return &tls.Config{NextProtos: []string{acme.ALPNProto}, GetCertificate: m.challenge}, nil
		}
		if next != nil {
			return next(hello)
		}
		return nil, nil
	}
	return c
}

// challenge is the certificate for TLS-ALPN-01.
func (m *Manager) challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if !slices.Contains(m.Names(), name) {
		return nil, os.ErrNotExist
	}
	b, err := os.ReadFile(filepath.Join(m.dir, "tls-alpn-01", name))
	if err != nil {
		return nil, err
	}
	list, err := tlscert.Parse(b)
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}
