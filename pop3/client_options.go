package pop3

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/buuta/mail"
)

// ClientOptions say how a [Client] connects, secures itself and logs in. The zero value is right for most: TLS by STLS
// when offered (implicit on port 995) with a verified certificate, and no login.
type ClientOptions struct {
	// ServerName is the server's name for the certificate check. "" means the host in the dialled address.
	ServerName string

	TLS       TLSMode
	TLSConfig *tls.Config // nil: the system's roots, ServerName, TLS 1.2 or newer; it is cloned before use

	// Auth is what to log in with; nil leaves it to [Client.Login].
	Auth *mail.Credentials

	// Dial opens the connection. nil means a net.Dialer. Network is "tcp" or "unix".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Timeouts ClientTimeouts

	// NoPipelining keeps the client from sending commands ahead to a server that announces PIPELINING and can't do it.
	NoPipelining bool

	// Trace is called with each line sent (sent is true) and received, without its line end. Secrets are replaced by
	// "***", and a message's content is not shown.
	Trace func(sent bool, line string)
}

// TLSMode says when a client uses TLS.
type TLSMode int

const (
	// TLSAuto is implicit TLS on port 995 (RFC 8314), and elsewhere STLS (RFC 2595) when the server offers it. On a failed
	// handshake the connection is given up, not continued in the clear.
	TLSAuto TLSMode = iota
	// TLSNone never uses TLS.
	TLSNone
	// TLSStartTLS demands STLS: a server that doesn't offer it is refused.
	TLSStartTLS
	// TLSImplicit begins with TLS (RFC 8314 section 3.3).
	TLSImplicit
)

// ClientTimeouts bound each phase of a session. 0 means the default; negative means none. A context's deadline holds
// beside them.
type ClientTimeouts struct {
	Dial    time.Duration // connecting; 0: 30 s
	TLS     time.Duration // handshake; 0: 1 min
	Command time.Duration // a command's first line, and the greeting; 0: 2 min
	Data    time.Duration // each block of a message or list; 0: 2 min
	Quit    time.Duration // QUIT, in which the server removes what is marked; 0: 2 min
}

// Capabilities are what a server announces with CAPA: parameters by capability, in upper case.
type Capabilities map[string][]string

// Has reports whether the capability is announced.
func (c Capabilities) Has(name string) bool {
	_, ok := c[name]
	return ok
}

// maxCapabilities, maxLine and pipelineDepth limit what a server can make a client hold, and how many commands are on
// their way at once: few enough for any TCP window (RFC 2449 section 6.6).
const (
	maxCapabilities = 256
	maxLine         = 4096
	pipelineDepth   = 32
)
