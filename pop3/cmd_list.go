package pop3

import (
	"fmt"
	"strconv"
)

// stat is STAT (RFC 1939 section 5).
func (c *Conn) stat(arg string) {
	if c.noArg("STAT", arg) {
		c.line("+OK " + strconv.Itoa(c.drop.count) + " " + strconv.FormatInt(c.drop.size, 10))
	}
}

// list is LIST (RFC 1939 section 5).
func (c *Conn) list(arg string) {
	if arg != "" {
		if i, m := c.message("LIST", arg); m != nil {
			c.line("+OK " + strconv.Itoa(i+1) + " " + strconv.FormatInt(m.size, 10))
		}
		return
	}
	c.ok("%d messages (%d octets)", c.drop.count, c.drop.size)
	c.listing(func(b []byte, i int) []byte {
		return strconv.AppendInt(b, c.drop.messages[i].size, 10)
	})
}

// uidl is UIDL (RFC 1939 section 7).
func (c *Conn) uidl(arg string) {
	format, _ := c.srv.uidlFormat() // an error has ended the connection before its greeting
	if err := c.drop.uniqueIDs(c.ctx, format); err != nil {
		c.fail("UIDL", "SYS/TEMP", err, "internal error, try again later")
		return
	}
	if arg != "" {
		if i, m := c.message("UIDL", arg); m != nil {
			c.line("+OK " + strconv.Itoa(i+1) + " " + string(c.drop.appendUIDL(nil, format, i)))
		}
		return
	}
	c.ok("unique-id listing follows")
	c.listing(func(b []byte, i int) []byte { return c.drop.appendUIDL(b, format, i) })
}

// listing sends a line for each message that is not marked as deleted, and the dot.
func (c *Conn) listing(value func(b []byte, i int) []byte) {
	var line [128]byte
	for i := range c.drop.messages {
		if c.drop.messages[i].deleted {
			continue
		}
		b := strconv.AppendInt(line[:0], int64(i+1), 10)
		b = append(b, ' ')
		b = append(value(b, i), '\r', '\n')
		c.write(b)
	}
	c.writeString(".\r\n")
	if c.srv.Trace != nil {
		c.srv.Trace(c, true, fmt.Sprintf("(%d lines)", c.drop.count))
		c.srv.Trace(c, true, ".")
	}
}
