package tlscert

import (
	"context"
	"crypto/tls"
	"strings"
	"sync"
	"sync/atomic"
)

// Table says which certificates a name has: smtpd's tls_server_sni_maps. A value is a list of files like [Files].Chains, or what these hold in base64.
type Table interface {
	Find(ctx context.Context, name string) (value string, found bool, err error)
}

// Options are what a Source is opened with.
type Options struct {
	Files Files       // for clients that name no host, or one that Names hasn't
	Names Table       // certificates for single names; nil: none
	Warn  func(error) // is told when something can't be read again: what was read before stays in use; nil: nobody
}

// Source is where a server's certificates come from. It may be used by many goroutines at once.
type Source struct {
	o    Options
	main atomic.Pointer[set]

	mu    sync.Mutex
	named map[string]*set // by the table's value
}

// maxNamed bounds how many of a table's values are remembered; with more, those that are asked for are read again now and then.
const maxNamed = 4096

// Open reads certificates and their keys.
func Open(o Options) (*Source, error) {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	s := &Source{o: o, named: map[string]*set{}}
	return s, s.Use(o.Files)
}

// Use takes other files for clients that name no host. An error leaves those before in use.
func (s *Source) Use(files Files) error {
	main, err := openSet(files)
	if err != nil {
		return err
	}
	s.main.Store(main)
	return nil
}

// Reload reads all files anew.
func (s *Source) Reload() error {
	s.mu.Lock()
	clear(s.named) // read again when asked for
	s.mu.Unlock()
	return s.main.Load().reload()
}

// Config returns a server's configuration that shows the certificates. Each caller gets its own.
func (s *Source) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.Certificate}
}

// Certificate implements tls.Config.GetCertificate.
func (s *Source) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.o.Names != nil && hello.ServerName != "" {
		if list := s.forName(hello.Context(), hello.ServerName); list != nil {
			return choose(list, hello), nil
		}
	}
	return choose(s.main.Load().current(s.o.Warn), hello), nil
}

// ClientCertificate implements tls.Config.GetClientCertificate: one of an authority that the server names, if there is one, else another that it can check: it may
// know it by its fingerprint.
func (s *Source) ClientCertificate(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	list := s.main.Load().current(s.o.Warn)
	anybodys := *asked
	anybodys.AcceptableCAs = nil
	for _, q := range []*tls.CertificateRequestInfo{asked, &anybodys} {
		for i := range list {
			if q.SupportsCertificate(&list[i]) == nil {
				return &list[i], nil
			}
		}
	}
	return &tls.Certificate{}, nil
}

// Knows reports whether a name has certificates of its own.
func (s *Source) Knows(ctx context.Context, name string) bool {
	return s.o.Names != nil && s.forName(ctx, name) != nil
}

// forName are a name's certificates; nil for none, and where the table or a file of it can't be read: a client that gets another certificate can still
// decide what it thinks of it, and mail between servers mostly goes on.
func (s *Source) forName(ctx context.Context, name string) []tls.Certificate {
	if ctx == nil {
		ctx = context.Background()
	}
	for key := strings.ToLower(strings.TrimSuffix(name, ".")); ; {
		value, found, err := s.o.Names.Find(ctx, key)
		if err != nil {
			s.o.Warn(err)
			return nil
		}
		if found {
			return s.load(value)
		}
		// "or an ancestor domain prefixed with a leading dot" (postconf(5)).
		i := strings.IndexByte(key[min(1, len(key)):], '.')
		if i < 0 {
			return nil
		}
		key = key[i+1:]
	}
}

// load returns the certificates that a table's value stands for.
func (s *Source) load(value string) []tls.Certificate {
	s.mu.Lock()
	v := s.named[value]
	s.mu.Unlock()
	if v != nil {
		if len(v.now.Load().states) == 0 { // no files
			return v.now.Load().list
		}
		return v.current(s.o.Warn)
	}
	v, err := open(value)
	if err != nil {
		s.o.Warn(err)
		return nil
	}
	s.mu.Lock()
	if len(s.named) >= maxNamed {
		clear(s.named)
	}
	s.named[value] = v
	s.mu.Unlock()
	return v.now.Load().list
}
