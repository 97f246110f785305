// Package acmecert gets certificates from an authority by ACME (RFC 8555), proves to it that the names are this machine's (HTTP-01, RFC 8555 section 8.3;
// TLS-ALPN-01, RFC 8737), and renews them in time. What it has is in files, each synced before it counts: whoever serves TLS reads them there, in this process or
// another one, and one process at a time asks the authority.
package acmecert

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"golang.org/x/crypto/acme"
)

// LetsEncrypt is the directory of the authority that is asked where no other is named.
const LetsEncrypt = acme.LetsEncryptURL

// Options are what a Manager works with.
type Options struct {
	Dir       string         // of everything; made with mode 0700
	Directory string         // the authority's directory URL; "": LetsEncrypt
	Roots     *x509.CertPool // for the authority's own HTTPS; nil: the system's
	Contact   []string       // mail addresses that the authority may write to
	Names     []string       // host names, each of which gets a certificate
	// Challenges are the ways of proof that can be answered here, the first that the authority offers is taken: "http-01", "tls-alpn-01".
	Challenges []string
	// KeyID and MACKey bind the account to one that its owner has with the authority otherwise (RFC 8555 section 7.3.4); "" for none.
	KeyID  string
	MACKey []byte

	Log     func(text string) // nil: nobody
	Changed func(name string) // is called when a name has a new certificate; nil: nobody
	Now     func() time.Time  // nil: time.Now
	// Timeout is how long one certificate may take; 0: 5 minutes.
	Timeout time.Duration
}

// Manager looks after the certificates of some names.
type Manager struct {
	o     Options
	dir   string // the authority's: another one's certificates don't count
	wake  chan struct{}
	issue func(ctx context.Context, name string) ([]byte, error) // PEM, key first

	mu    sync.Mutex
	names []string
}

// Status is what is known of a name's certificate.
type Status struct {
	File        string
	Certificate *x509.Certificate // nil: there is none that can be used
	Failure     *Failure          // of the last attempt; nil: it hasn't failed
}

// Look returns what a Manager with these options has got for a name, and asks and changes nothing.
func Look(o Options, name string) Status {
	if o.Directory == "" {
		o.Directory = LetsEncrypt
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Manager{o: o, dir: filepath.Join(o.Dir, folderOf(o.Directory))}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return Status{m.File(name), m.Certificate(name), m.failure(name)}
}

// New checks the options and makes the folders.
func New(o Options) (*Manager, error) {
	if o.Directory == "" {
		o.Directory = LetsEncrypt
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Minute
	}
	if !strings.HasPrefix(o.Directory, "https://") {
		return nil, fmt.Errorf("%q is no https:// URL", o.Directory)
	}
	if len(o.Challenges) == 0 {
		return nil, errors.New("nothing here can answer the authority: let it reach http_listen at port 80, or https_listen at port 443")
	}
	m := &Manager{o: o, wake: make(chan struct{}, 1)}
	m.dir = filepath.Join(o.Dir, folderOf(o.Directory))
	for _, sub := range []string{"certs", "failed", "http-01", "tls-alpn-01"} {
		if err := os.MkdirAll(filepath.Join(m.dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := m.SetNames(o.Names); err != nil {
		return nil, err
	}
	m.issue = (&issuer{m: m, client: &http.Client{Transport: transport(o.Roots), Timeout: time.Minute}}).issue
	return m, nil
}

// folderOf makes a folder's name of a URL.
func folderOf(url string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(strings.TrimPrefix(url, "https://")))
}

// SetNames takes other names.
func (m *Manager) SetNames(names []string) error {
	var own []string
	for _, n := range names {
		n = strings.ToLower(strings.TrimSuffix(n, "."))
		if !validName(n) {
			return fmt.Errorf("%q is no host name that an authority gives certificates for by these ways of proof", n)
		}
		if !slices.Contains(own, n) {
			own = append(own, n)
		}
	}
	m.mu.Lock()
	m.names = own
	m.mu.Unlock()
	m.Wake()
	return nil
}

// Names are those that certificates are got for.
func (m *Manager) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.names)
}

// validName takes names of the DNS with a dot. Wildcards are proved by DNS-01 alone (RFC 8555 section 7.1.3).
func validName(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return strings.ContainsFunc(s[strings.LastIndexByte(s, '.'):], func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// Wake has Run look at the certificates now.
func (m *Manager) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Run gets and renews certificates until ctx is done.
func (m *Manager) Run(ctx context.Context) {
	for {
		next := m.round(ctx)
		// Some minutes more or less, so that not all who started together come together.
		t := time.NewTimer(next + time.Duration(rand.Int64N(int64(next/10)+1)))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-m.wake:
			t.Stop()
		case <-t.C:
		}
	}
}

const (
	lookEvery  = time.Hour       // at certificates that are all good
	lockedWait = time.Minute     // while another process works
	firstRetry = 5 * time.Minute // and twice as long after each failure
	lastRetry  = 24 * time.Hour
)

// round looks at all names once, and returns when to look again.
func (m *Manager) round(ctx context.Context) time.Duration {
	next := lookEvery
	for _, name := range m.Names() {
		if ctx.Err() != nil {
			return next
		}
		if wait := m.one(ctx, name); wait > 0 {
			next = min(next, wait)
		}
	}
	return next
}

// one gets a name's certificate if that is due. It returns when to come again.
func (m *Manager) one(ctx context.Context, name string) time.Duration {
	if wait := m.wait(name); wait > 0 {
		return wait
	}
	unlock, err := lock(filepath.Join(m.dir, "lock"))
	if errors.Is(err, errLocked) {
		return lockedWait
	}
	if err != nil {
		m.o.Log("warning: acme: " + err.Error())
		return lockedWait
	}
	defer unlock()
	if wait := m.wait(name); wait > 0 { // another process has got it meanwhile
		return wait
	}
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	pem, err := m.issue(ctx, name)
	if err == nil {
		err = m.keep(name, pem)
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return lockedWait // the server stops
		}
		return m.failed(name, err)
	}
	m.succeeded(name)
	return m.wait(name)
}

// wait is how long nothing has to be done about a name: its certificate is good, or it has just failed.
func (m *Manager) wait(name string) time.Duration {
	now := m.o.Now()
	var due time.Duration
	if c := m.Certificate(name); c != nil {
		due = renewal(c).Sub(now)
	}
	if f := m.failure(name); f != nil {
		due = max(due, f.Again.Sub(now))
	}
	return due
}

// renewal is when a certificate is replaced: after two thirds of its life, and for each a little earlier by what its serial number says, so that those that were
// made together aren't renewed together.
func renewal(c *x509.Certificate) time.Time {
	life := c.NotAfter.Sub(c.NotBefore)
	var sum uint64
	for _, b := range c.SerialNumber.Bytes() {
		sum = sum*31 + uint64(b)
	}
	return c.NotBefore.Add(life * 2 / 3).Add(-time.Duration(sum % uint64(life/20+1)))
}

// Certificate returns the certificate that a name has, nil for none that can be used.
func (m *Manager) Certificate(name string) *x509.Certificate {
	b, err := os.ReadFile(m.File(name))
	if err != nil {
		return nil
	}
	list, err := tlscert.Parse(b)
	if err != nil || list[0].Leaf.VerifyHostname(name) != nil {
		return nil
	}
	return list[0].Leaf
}

// File is where a name's private key and certificate chain are, or will be.
func (m *Manager) File(name string) string { return filepath.Join(m.dir, "certs", name+".pem") }

// Find implements tlscert.Table: the files of names that have a certificate.
func (m *Manager) Find(_ context.Context, name string) (file string, found bool, err error) {
	if !slices.Contains(m.Names(), name) {
		return "", false, nil
	}
	file = m.File(name)
	if _, err := os.Stat(file); err != nil {
		return "", false, nil // not yet
	}
	return file, true, nil
}
