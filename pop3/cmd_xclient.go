package pop3

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// xclient is XCLIENT, Dovecot's way for a proxy to say whose connection it hands on: "XCLIENT ADDR=192.0.2.1 PORT=4711". Other
// attributes (SESSION, TTL, FORWARD) are of no use here and passed over. From then on the connection counts, and its login is
// judged, as the client's.
func (c *Conn) xclient(arg string) {
	if !c.mayXClient() {
		c.fail("XCLIENT", "", nil, "you are not a trusted proxy")
		return
	}
	at := netip.AddrPort{}
	if t, ok := c.nc.RemoteAddr().(*net.TCPAddr); ok {
		at = t.AddrPort()
	}
	for attr := range strings.FieldsSeq(arg) {
		name, value, ok := strings.Cut(attr, "=")
		switch strings.ToUpper(name) {
		case "ADDR":
			ip, err := netip.ParseAddr(strings.TrimPrefix(strings.ToUpper(value), "IPV6:"))
			ok = ok && err == nil && ip.Zone() == ""
			at = netip.AddrPortFrom(ip.Unmap(), at.Port())
		case "PORT":
			n, err := strconv.ParseUint(value, 10, 16)
			ok = ok && err == nil
			at = netip.AddrPortFrom(at.Addr(), uint16(n))
		}
		if !ok {
			c.fail("XCLIENT", "", nil, "XCLIENT needs ADDR=address and PORT=number")
			return
		}
	}
	if !at.Addr().IsValid() {
		c.fail("XCLIENT", "", nil, "XCLIENT needs ADDR=address and PORT=number")
		return
	}
	c.remote = net.TCPAddrFromAddrPort(at)
	if !c.count() {
		c.fail("", "SYS/TEMP", nil, "too many connections")
		c.finish(CauseRefused, nil)
		return
	}
	c.ok("client is known")
}

func (c *Conn) mayXClient() bool {
	return c.srv.XClient != nil && c.nc.RemoteAddr() != nil && c.srv.XClient(c.nc.RemoteAddr())
}

// count counts the connection for its client's address and reports whether there may be one more. A proxy's own address is
// everybody's.
func (c *Conn) count() bool {
	l := &c.srv.Limits
	perAddr := limit(l.ConnectionsPerAddr, 50)
	if c.remote == nil && c.mayXClient() {
		perAddr = 0
	}
	return c.srv.group.Count(c, c.RemoteAddr(), l.Connections, perAddr)
}
