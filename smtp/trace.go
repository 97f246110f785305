package smtp

import (
	"bytes"
	"strings"
)

// traceCommand shows a command line to Trace, without what AUTH carries.
func (c *Conn) traceCommand(line []byte) {
	s := string(line)
	if v, _, args := splitVerb(line); v == verbAUTH {
		mechanism, _, more := strings.Cut(string(args), " ")
		s = s[:4] + " " + mechanism
		if more {
			s += " ***"
		}
	}
	c.srv.Trace(c, false, s)
}

// traceLines shows reply lines to Trace.
func (c *Conn) traceLines(b []byte) {
	for line := range bytes.Lines(b) {
		c.srv.Trace(c, true, string(bytes.TrimRight(line, "\r\n")))
	}
}
