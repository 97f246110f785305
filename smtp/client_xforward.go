package smtp

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/internal/serving"
)

// unavailable is what XFORWARD says of what isn't known, and the most octets that the client says of anything.
const (
	unavailable = "[UNAVAILABLE]"
	maxForward  = 255
)

// Forward tells the server by XFORWARD (Postfix's XFORWARD_README) whose message comes next, for its log. What isn't known is said to be so. It
// leaves out what the server doesn't announce; one that announces nothing of the kind is told nothing.
func (c *Client) Forward(ctx context.Context, f *Forwarded) error {
	offered, ok := c.caps.Get("XFORWARD")
	if !ok {
		return nil
	}
	if err := c.arm(ctx); err != nil {
		return err
	}
	defer c.disarm()
	line := ""
	send := func() error {
		if line == "" {
			return nil
		}
		c.put("XFORWARD", line, "\r\n")
		line = ""
		return c.command(timeout(c.opts.Timeouts.Mail, 5*time.Minute), "XFORWARD", "sending XFORWARD command")
	}
	for _, a := range [...]struct{ name, value string }{
		{"NAME", f.Name}, {"ADDR", f.Addr}, {"PORT", f.Port}, {"HELO", f.Hello}, {"IDENT", f.Ident}, {"PROTO", f.Proto}, {"SOURCE", f.Source},
	} {
		if !hasWord(offered, a.name) {
			continue
		}
		value := EncodeXtext(a.value)
		if value == "" || len(value) > maxForward {
			value = unavailable
		}
		if attr := " " + a.name + "=" + value; len("XFORWARD")+len(line)+len(attr)+2 > 512 { // RFC 5321 section 4.5.3.1.4
			if err := send(); err != nil {
				return err
			}
			line = attr
		} else {
			line += attr
		}
	}
	return send()
}

// hasWord reports whether one of the words of a list is name, whatever its case.
func hasWord(list, name string) bool {
	for w := range strings.FieldsSeq(list) {
		if strings.EqualFold(w, name) {
			return true
		}
	}
	return false
}

// ToForward returns what a server further on should be told of the client with [Client.Forward]: what XFORWARD said here, else what is known of the
// client itself.
func (c *Conn) ToForward() *Forwarded {
	if c.forward != nil {
		return c.forward
	}
	f := &Forwarded{Name: c.clientName, Hello: c.hello, Proto: c.ProtocolFamily(), Source: "REMOTE"}
	if f.Name == "unknown" {
		f.Name = ""
	}
	if ip := serving.IP(c.remote); ip.IsValid() {
		f.Addr = attrAddr(ip)
		if p := addrOf(c.remote).Port(); p != 0 {
			f.Port = strconv.Itoa(int(p))
		}
	}
	return f
}

// attrAddr is what parseAttrAddr reads.
func attrAddr(ip netip.Addr) string {
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		return "IPv6:" + ip.String()
	}
	return ip.String()
}
