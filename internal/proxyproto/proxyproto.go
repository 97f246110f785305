// Package proxyproto reads the PROXY protocol as HAProxy documents it, versions 1 (text) and 2 (binary).
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

var v2 = []byte("\r\n\r\n\x00\r\nQUIT\n")

// v1Max is the longest header of version 1, with CRLF.
const v1Max = 107

// ErrHeader says that what came is no header.
var ErrHeader = errors.New("bad PROXY header")

// Header is what a PROXY header says. The addresses are not valid when the connection is the proxy's own.
type Header struct{ Source, Dest netip.AddrPort }

// Read reads a header and not one byte more, since TLS may follow.
func Read(r io.Reader) (h Header, err error) {
	var buf [232]byte // a version 2 header is longer only by what we skip
	head := buf[:len(v2)]
	if _, err := io.ReadFull(r, head); err != nil {
		return h, err
	}
	if bytes.Equal(head, v2) {
		return parseV2(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) || bytes.IndexByte(head, '\n') >= 0 { // no header is that short
		return h, ErrHeader
	}
	n := len(head)
	for buf[n-1] != '\n' {
		if n == v1Max {
			return h, ErrHeader
		}
		if _, err := io.ReadFull(r, buf[n:n+1]); err != nil {
			return h, err
		}
		n++
	}
	return parseV1(string(buf[:n]))
}

func parseV1(line string) (h Header, err error) {
	line, ok := strings.CutSuffix(line, "\r\n")
	f := strings.Split(line, " ")
	if !ok || len(f) < 2 {
		return h, ErrHeader
	}
	if f[1] == "UNKNOWN" {
		return h, nil // whatever follows must be ignored
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return h, ErrHeader
	}
	source, err1 := netip.ParseAddr(f[2])
	dest, err2 := netip.ParseAddr(f[3])
	sp, ok1 := port(f[4])
	dp, ok2 := port(f[5])
	v4 := f[1] == "TCP4"
	if err1 != nil || err2 != nil || !ok1 || !ok2 || source.Is4() != v4 || dest.Is4() != v4 || source.Zone()+dest.Zone() != "" {
		return h, ErrHeader
	}
	return Header{netip.AddrPortFrom(source, sp), netip.AddrPortFrom(dest, dp)}, nil
}

func port(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

func parseV2(r io.Reader) (h Header, err error) {
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return h, err
	}
	version, command, family := fixed[0]>>4, fixed[0]&15, fixed[1]
	length := int64(binary.BigEndian.Uint16(fixed[2:]))
	if version != 2 || command > 1 {
		return h, ErrHeader
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
		return h, ErrHeader
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
	return Header{
		netip.AddrPortFrom(source, binary.BigEndian.Uint16(addrs[2*half:])),
		netip.AddrPortFrom(dest, binary.BigEndian.Uint16(addrs[2*half+2:])),
	}, nil
}
