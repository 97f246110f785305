package smtp

import (
	"net"
	"time"

	"github.com/buuta/mail/internal/proxyproto"
)

// readProxy reads the header and takes the client's address from it.
func (c *Conn) readProxy() error {
	if d := wait(c.srv.Timeouts.Proxy, 30*time.Second); d > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
	h, err := proxyproto.Read(c.nc)
	if err != nil {
		return err
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	if h.Source.IsValid() {
		c.remote = net.TCPAddrFromAddrPort(h.Source)
		c.local = net.TCPAddrFromAddrPort(h.Dest)
	}
	return nil
}
