// Package directory asks LDAP directories (RFC 4511) for tables and accounts, which share its connections.
package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/buuta/mail/examples/fullserver/internal/hostpool"
)

// Config says which directory, and who asks.
type Config struct {
	// URIs are ldap://host:port, ldaps://host:port and ldapi://%2Fpath, tried in random order, sockets first.
	URIs []string
	// Bind logs in as DN, or as nobody where it is empty; otherwise nobody says anything about himself.
	Bind         bool
	DN, Password string
	StartTLS     bool
	TLS          TLS
	Timeout      time.Duration // for one answer; 0: 10 s, as in Postfix
}

// TLS says how a connection is encrypted.
type TLS struct {
	CAFile, CertFile, KeyFile string
	NoVerify                  bool // any certificate will do
}

func (c Config) key() string { return fmt.Sprintf("%q", []any{c}) }

// Limits of what an answer may cost.
const (
	maxConns   = 8
	maxAnswer  = 16 << 20 // octets
	maxEntries = 100_000
)

// Dialer makes connections; nil is a net.Dialer.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Directories are those of a program. The zero value is ready to use.
type Directories struct {
	Dial Dialer

	mu   sync.Mutex
	all  map[string]*Directory
	done bool
}

// Get returns a directory, the same for the same Config. It connects nothing.
func (d *Directories) Get(c Config) (*Directory, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return nil, hostpool.ErrClosed
	}
	if known := d.all[c.key()]; known != nil {
		return known, nil
	}
	dir := &Directory{config: c, dial: d.Dial}
	if dir.dial == nil {
		dir.dial = new(net.Dialer).DialContext
	}
	if dir.config.Timeout == 0 {
		dir.config.Timeout = 10 * time.Second
	}
	var err error
	if dir.tls, err = c.tls(); err != nil {
		return nil, err
	}
	var places []hostpool.Host
	for _, uri := range c.URIs {
		a, err := parseURI(uri)
		if err != nil {
			return nil, err
		}
		dir.addresses = append(dir.addresses, a)
		places = append(places, hostpool.Host{Name: uri, Local: a.network == "unix"})
	}
	if len(places) == 0 {
		return nil, errors.New("no server is named")
	}
	t := dir.config.Timeout
	limits := hostpool.Limits{Conns: maxConns, Connect: t, Total: 3 * t, Idle: time.Minute, Retry: time.Minute}
	dir.conns = hostpool.New(places, limits, func(ctx context.Context, i int) (*conn, error) { return dir.connect(ctx, i, c.Bind) })
	dir.guests = hostpool.New(places, limits, func(ctx context.Context, i int) (*conn, error) { return dir.connect(ctx, i, false) })
	if d.all == nil {
		d.all = map[string]*Directory{}
	}
	d.all[c.key()] = dir
	return dir, nil
}

// Close closes all connections.
func (d *Directories) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = true
	for _, dir := range d.all {
		dir.conns.Close()
		dir.guests.Close()
	}
	return nil
}

// Directory is one. It may be used by many goroutines.
type Directory struct {
	config    Config
	dial      Dialer
	tls       *tls.Config
	addresses []address
	conns     *hostpool.Pool[*conn]
	guests    *hostpool.Pool[*conn] // of those whose passwords are tried
}

// address is where a URI leads.
type address struct {
	network, address, host string
	tls                    bool
}

func parseURI(s string) (address, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		scheme, rest, ok := strings.Cut(s, "://")
		if !ok || !strings.EqualFold(scheme, "ldapi") {
			return address{}, fmt.Errorf("%q is not ldap://host:port", s)
		}
		u = &url.URL{Scheme: "ldapi", Host: strings.TrimSuffix(rest, "/")}
	}
	if strings.Trim(u.Path, "/") != "" {
		return address{}, fmt.Errorf("%q: only host and port count here", s)
	}
	switch strings.ToLower(u.Scheme) {
	case "ldapi":
		path, err := url.PathUnescape(u.Host)
		if err != nil || !strings.HasPrefix(path, "/") {
			return address{}, fmt.Errorf("%q: write ldapi://%%2Fpath%%2Fof%%2Fsocket", s)
		}
		return address{network: "unix", address: path}, nil
	case "ldap", "ldaps":
		secure := strings.EqualFold(u.Scheme, "ldaps")
		port := u.Port()
		if port == "" {
			port = map[bool]string{false: "389", true: "636"}[secure]
		}
		if u.Hostname() == "" {
			return address{}, fmt.Errorf("%q names no host", s)
		}
		return address{network: "tcp", address: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), tls: secure}, nil
	}
	return address{}, fmt.Errorf("%q: there are ldap://, ldaps:// and ldapi://", s)
}

func (c *Config) tls() (*tls.Config, error) {
	t := &tls.Config{InsecureSkipVerify: c.TLS.NoVerify}
	if c.TLS.CertFile != "" {
		key := c.TLS.KeyFile
		if key == "" {
			key = c.TLS.CertFile
		}
		pair, err := tls.LoadX509KeyPair(c.TLS.CertFile, key)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	}
	if c.TLS.CAFile != "" {
		pem, err := os.ReadFile(c.TLS.CAFile)
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(c.TLS.CAFile + ": has no certificate in PEM")
		}
	}
	return t, nil
}

// conn is a connection.
type conn struct {
	*ldap.Conn
	net *metered
}

// Fresh implements hostpool.Conn.
func (c *conn) Fresh() bool { return !c.IsClosing() }

// Close implements hostpool.Conn.
func (c *conn) Close() {
	_ = c.net.SetDeadline(time.Now().Add(time.Second))
	_ = c.Conn.Close()
}

// within runs f, and breaks the connection when ctx ends before.
func (c *conn) within(ctx context.Context, f func() error) error {
	c.net.grant(maxAnswer)
	stop := context.AfterFunc(ctx, func() { _ = c.net.Close() })
	err := f()
	if !stop() {
		return ctx.Err()
	}
	return err
}

func (d *Directory) connect(ctx context.Context, i int, bind bool) (*conn, error) {
	a := d.addresses[i]
	raw, err := d.dial(ctx, a.network, a.address)
	if err != nil {
		return nil, err
	}
	settings := d.tls.Clone()
	settings.ServerName = a.host
	c := &conn{net: &metered{Conn: raw}}
	c.net.grant(maxAnswer)
	var stream net.Conn = c.net
	if a.tls {
		secure := tls.Client(stream, settings)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		stream = secure
	}
	c.Conn = ldap.NewConn(stream, a.tls)
	c.SetTimeout(d.config.Timeout)
	c.Start()
	err = c.within(ctx, func() error {
		if d.config.StartTLS && !a.tls {
			if err := c.StartTLS(settings); err != nil {
				return fmt.Errorf("start_tls: %w", err)
			}
		}
		if !bind {
			return nil
		}
		_, err := c.SimpleBind(&ldap.SimpleBindRequest{Username: d.config.DN, Password: d.config.Password, AllowEmptyPassword: true})
		if err != nil {
			return fmt.Errorf("can't bind as %q: %w", d.config.DN, err)
		}
		return nil
	})
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// metered gives up a connection that says more than was granted.
type metered struct {
	net.Conn
	mu   sync.Mutex
	left int
}

func (m *metered) grant(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}

func (m *metered) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left -= n; m.left < 0 {
		return 0, errors.New("the answer is too large")
	}
	return n, err
}
