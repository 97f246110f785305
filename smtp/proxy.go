package smtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The PROXY protocol as HAProxy documents it, versions 1 (text) and 2 (binary).

var proxyV2 = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxyV1Max is the longest header of version 1, with CRLF.
const proxyV1Max = 107

var errProxy = errors.New("bad PROXY header")

// proxyHeader is what a PROXY header says. The addresses are not valid when the connection is the proxy's own.
type proxyHeader struct{ source, dest netip.AddrPort }

// readProxy reads the header and takes the client's address from it.
func (c *Conn) readProxy() error {
	if d := wait(c.srv.Timeouts.Proxy, 30*time.Second); d > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
	h, err := parseProxy(c.nc)
	if err != nil {
		return err
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	if h.source.IsValid() {
		c.remote = net.TCPAddrFromAddrPort(h.source)
		c.local = net.TCPAddrFromAddrPort(h.dest)
	}
	return nil
}

// parseProxy reads a header and not one byte more, since TLS may follow.
func parseProxy(r io.Reader) (h proxyHeader, err error) {
	var buf [232]byte // a version 2 header is longer only by what we skip
	head := buf[:len(proxyV2)]
	if _, err := io.ReadFull(r, head); err != nil {
		return h, err
	}
	if bytes.Equal(head, proxyV2) {
		return parseProxyV2(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) || bytes.IndexByte(head, '\n') >= 0 { // no header is that short
		return h, errProxy
	}
	n := len(head)
	for buf[n-1] != '\n' {
		if n == proxyV1Max {
			return h, errProxy
		}
		if _, err := io.ReadFull(r, buf[n:n+1]); err != nil {
			return h, err
		}
		n++
	}
	return parseProxyV1(string(buf[:n]))
}

func parseProxyV1(line string) (h proxyHeader, err error) {
	line, ok := strings.CutSuffix(line, "\r\n")
	f := strings.Split(line, " ")
	if !ok || len(f) < 2 {
		return h, errProxy
	}
	if f[1] == "UNKNOWN" {
		return h, nil // whatever follows must be ignored
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return h, errProxy
	}
	source, err1 := netip.ParseAddr(f[2])
	dest, err2 := netip.ParseAddr(f[3])
	sp, ok1 := proxyPort(f[4])
	dp, ok2 := proxyPort(f[5])
	v4 := f[1] == "TCP4"
	if err1 != nil || err2 != nil || !ok1 || !ok2 || source.Is4() != v4 || dest.Is4() != v4 || source.Zone()+dest.Zone() != "" {
		return h, errProxy
	}
	return proxyHeader{netip.AddrPortFrom(source, sp), netip.AddrPortFrom(dest, dp)}, nil
}

func proxyPort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && allDigits(s) && (s == "0" || s[0] != '0')
}

func parseProxyV2(r io.Reader) (h proxyHeader, err error) {
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return h, err
	}
	version, command, family := fixed[0]>>4, fixed[0]&15, fixed[1]
	length := int64(binary.BigEndian.Uint16(fixed[2:]))
	if version != 2 || command > 1 {
		return h, errProxy
	}
	var size int64
	switch family {
	case 0x11: // TCP over IPv4
		size = 12
	case 0x21: // TCP over IPv6
		size = 36
	}
	if command == 0 { // LOCAL: the proxy itself, to see whether we live
		size = 0
	}
	if length < size {
		return h, errProxy
	}
	var addrs [36]byte
	if _, err := io.ReadFull(r, addrs[:size]); err != nil {
		return h, err
	}
	if _, err := io.CopyN(io.Discard, r, length-size); err != nil { // other families, and the TLVs
		return h, err
	}
	if size == 0 {
		return h, nil
	}
	half := (size - 4) / 2
	source, _ := netip.AddrFromSlice(addrs[:half])
	dest, _ := netip.AddrFromSlice(addrs[half : 2*half])
	return proxyHeader{
		netip.AddrPortFrom(source, binary.BigEndian.Uint16(addrs[2*half:])),
		netip.AddrPortFrom(dest, binary.BigEndian.Uint16(addrs[2*half+2:])),
	}, nil
}
