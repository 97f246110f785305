package mx

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Transport delivers mail to other hosts. The zero value delivers to port 25 of a domain's mail exchangers with
// opportunistic TLS. It may be used by many goroutines at once; its fields must not change after the first use.
type Transport struct {
	// Hostname is this host's name: what EHLO says, and how a mail exchanger list that leads back here is recognised
	// (RFC 5321 section 5.1). "" means what smtp.ClientOptions.LocalName does.
	Hostname string

	Resolver Resolver // nil: net.DefaultResolver

	// Dial opens a connection to an IP address and port. nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Network limits the address families: "tcp" or "" both, side by side; "tcp4", "tcp6".
	Network string

	// Port is where a next hop without a port is asked. "" means "25".
	Port string

	// Fallback are next hops, as [Transport.To] takes them, that get what the hosts of a next hop can't be given: it doesn't exist, can't be reached, or
	// puts the mail off (Postfix's smtp_fallback_relay).
	Fallback []string

	LMTP bool // speak LMTP (RFC 2033), as to a delivery agent on this machine

	// Auth returns what to log in with at a next hop (as it was given to To) with mail from a sender, nil for no AUTH. An error puts the mail off. A nil
	// Auth means none. Where credentials are used, TLS with a verified certificate is demanded unless Policy says otherwise or the next hop is this
	// machine.
	Auth func(ctx context.Context, nexthop, sender string) (*mail.Credentials, error)

	// Policy says how much TLS a next hop gets, as it was given to To; where that was "", a recipient's domain. nil means LevelMay for
	// all, or LevelVerify where Auth has something for it.
	Policy func(ctx context.Context, nexthop string) (Policy, error)

	// STS finds the MTA-STS policies of domains (RFC 8461), which then hold at LevelMay and LevelDANE. nil: none are asked
	// for.
	STS *STS

	// TLSReport is told how the TLS of each session went, for TLS reports (RFC 8460). It must not block.
	TLSReport func(TLSResult)

	// Secured, if not nil, is told of each new session that is encrypted, for a log; level is what was demanded of it. At LevelMay and LevelEncrypt nobody has looked
	// at the certificate.
	Secured func(relay string, state *tls.ConnectionState, level Level)

	TLSConfig *tls.Config // nil: the system's roots

	Timeouts smtp.ClientTimeouts
	Limits   smtp.ClientLimits

	AddressLimit int           // addresses tried for one delivery; 0: 5
	SessionLimit int           // greetings got in one delivery before it is put off; 0: 2
	DNSTimeout   time.Duration // one look-up; 0: 30 s

	// OwnAddress reports whether an address is this host, beside the names in Hostname. nil means none is.
	OwnAddress func(addr net.IP) bool

	// IdleTimeout is how long a connection waits for another message to the same place; 0: 2 s, negative: not at all.
	IdleTimeout time.Duration

	// MaxKept bounds, in octets, a message to several domains at once that has to be kept in memory because it can't be
	// read twice; 0: 64 MiB.
	MaxKept int64

	Trace  func(relay string, sent bool, line string) // see smtp.ClientOptions.Trace
	Logger *slog.Logger                               // of the hosts that were passed over, and why; nil: silent

	once sync.Once
	pool smtp.Pool
}

// maxIdle is how many connections to one place wait for another message: as many as a queue has there at a time. All of them have
// carried a message within IdleTimeout.
const maxIdle = 20

// connections returns the pool of idle connections.
func (t *Transport) connections() *smtp.Pool {
	t.once.Do(func() {
		if t.pool.IdleTimeout = t.IdleTimeout; t.IdleTimeout == 0 {
			t.pool.IdleTimeout = 2 * time.Second
		}
		t.pool.MaxIdle = maxIdle
	})
	return &t.pool
}

// Close closes idle connections. Deliveries under way go on.
func (t *Transport) Close() error { return t.connections().Close() }

func (t *Transport) maxKept() int64 {
	if t.MaxKept <= 0 {
		return 64 << 20
	}
	return t.MaxKept
}
