package smtp

import (
	"io"
	"net"
	"time"
)

// linger gives the last reply time to arrive where the client was still sending: closing a TCP connection with bytes
// unread makes the peer's system throw away what it had received.
func (c *Conn) linger() {
	if c.end == nil || c.writeErr != nil {
		return
	}
	switch c.end.Cause {
	case CauseErrors, CauseSync, CauseRefused:
	default:
		return
	}
	nc := c.nc
	if u, ok := nc.(interface{ NetConn() net.Conn }); ok && c.tls == nil { // a connection with something added, but not TLS
		nc = u.NetConn()
	}
	t, ok := nc.(*net.TCPConn)
	if !ok || t.CloseWrite() != nil {
		return
	}
	_ = t.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, t, lingerBytes)
}

// How much of what a client still sends is waited for when it is cut off.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)
