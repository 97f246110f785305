package mx

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Transport delivers mail to other hosts. The zero value delivers to port 25 of a domain's mail exchangers with
// opportunistic TLS. It may be used by many goroutines at once.
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

	LMTP bool // speak LMTP (RFC 2033), as to a delivery agent on this machine

	// Auth returns what to log in with at a next hop (as it was given to To), nil for no AUTH. A nil Auth means none. Where
	// credentials are used, TLS with a verified certificate is demanded unless Policy says otherwise or the
	// next hop is this machine.
	Auth func(nexthop string) *smtp.Credentials

	// Policy says how much TLS a next hop gets. nil means PolicyMay for all.
	Policy func(ctx context.Context, nexthop string) (Policy, error)

	TLSConfig *tls.Config // nil: the system's roots

	Timeouts smtp.ClientTimeouts
	Limits   smtp.ClientLimits

	AddressLimit int           // addresses tried for one delivery; 0: 5
	SessionLimit int           // greetings got in one delivery before it is put off; 0: 2
	DNSTimeout   time.Duration // one look-up; 0: 30 s

	// OwnAddress reports whether an address is this host, beside the names in Hostname. nil means none is.
	OwnAddress func(addr net.IP) bool

	Trace  func(relay string, sent bool, line string) // see smtp.ClientOptions.Trace
	Logger *slog.Logger                               // nil: silent
}

// To returns a Deliverer for one next hop:
//
//	"example.net"           the mail exchangers of example.net, else its addresses
//	"example.net:587"       the same, on another port
//	"[mail.example.net]"    that host, no MX look-up
//	"[192.0.2.1]:2525"      that address; also "[2001:db8::1]:25" and "[IPv6:2001:db8::1]"
//	"unix:/run/lmtp.sock"   a socket of this machine
//	""                      each recipient's own domain
//
// Begin and Recipient check only syntax. Everything else is in the results of Commit, which carry the remote's reply
// unchanged, its name, and Detail; see the package comment.
func (t *Transport) To(nexthop string) mail.Deliverer { return nil }

// Close closes idle connections.
func (t *Transport) Close() error { return nil }
