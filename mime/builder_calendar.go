package mime

import (
	"fmt"
	"strings"
)

// Calendar is an iCalendar object that is sent for scheduling (iMIP, RFC 6047): an invitation, an answer to one, a cancellation.
// It becomes the last alternative of the text, so that a program that knows calendars shows it as one, and others the text.
// Attach an .ics file too for those that show neither.
type Calendar struct {
	Content string // the VCALENDAR, LF or CRLF line ends

	// Method is REQUEST, REPLY, CANCEL and so on; default: what Content's METHOD property says, which it must be the same as.
	Method string
}

// node makes the part: "Content-Type […] MUST also include the MIME parameter "method". The value MUST be the same
// (ignoring case) as the value of the "METHOD" property within the iCalendar object." (RFC 6047 section 2.4)
func (c *Calendar) node() (*node, error) {
	property := calendarMethod(c.Content)
	method := c.Method
	if method == "" {
		method = property
	}
	if !isToken(method) || !strings.EqualFold(method, property) {
		return nil, fmt.Errorf("mime: calendar: method %q, and METHOD in the object is %q", c.Method, property)
	}
	n := textNode("calendar", c.Content)
	n.ct.Params = []Param{{Name: "method", Value: strings.ToUpper(method)}, {Name: "charset", Value: "utf-8"}}
	return n, nil
}

// calendarMethod returns the value of the METHOD property of a VCALENDAR, outside of its components (RFC 5545 section 3.7.2).
func calendarMethod(s string) string {
	depth := 0
	for line := range strings.Lines(s) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, _, _ = strings.Cut(name, ";")
		switch {
		case strings.EqualFold(name, "BEGIN"):
			depth++
		case strings.EqualFold(name, "END"):
			depth--
		case depth == 1 && strings.EqualFold(name, "METHOD"):
			return strings.TrimSpace(value)
		}
	}
	return ""
}
