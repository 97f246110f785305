package postscreen

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// write sends text as it is.
func (v *visit) write(text string) {
	_ = v.c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(v.c, text)
}

// say sends a reply, one that refuses with the footer.
func (v *visit) say(reply string) {
	if v.s.Footer != "" && (reply[0] == '4' || reply[0] == '5') {
		reply = v.withFooter(reply)
	}
	v.write(reply + "\r\n")
}

// withFooter puts the footer behind a reply of one line (smtpd_reject_footer in postconf(5)).
func (v *visit) withFooter(reply string) string {
	text := strings.NewReplacer("$client_address", v.remote.Addr().String(), "$client_port", strconv.Itoa(int(v.remote.Port())),
		"$localtime", time.Now().Format("Jan _2 15:04:05"), "$server_name", v.s.host()).Replace(v.s.Footer)
	if rest, same := strings.CutPrefix(text, `\c`); same {
		return reply + rest
	}
	code, rest, _ := strings.Cut(reply, " ")
	enhanced, _, _ := strings.Cut(rest, " ")
	if strings.Count(enhanced, ".") != 2 || strings.Trim(enhanced, "0123456789.") != "" {
		enhanced = ""
	} else {
		enhanced += " "
	}
	var b strings.Builder
	lines := strings.Split(text, `\n`)
	b.WriteString(code + "-" + rest)
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString("\r\n" + code + sep + enhanced + line)
	}
	return b.String()
}

// drop says why, and ends the connection.
func (v *visit) drop(reply string) {
	v.noForward = true
	v.say(reply)
	v.gone()
}

// gone ends the connection, and tells the log.
func (v *visit) gone() {
	v.s.log("DISCONNECT " + v.String())
	v.close()
}

// close ends the connection. Where the client was still sending, it gets the time to read what was said last: closing a TCP connection with octets
// unread makes the peer's system throw away what it had received.
func (v *visit) close() {
	c := v.c
	if t, ok := c.(*net.TCPConn); ok && t.CloseWrite() == nil {
		_ = t.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, t, lingerOctets)
	}
	_ = c.Close()
}

// How much of what a client still sends is waited for when it is cut off.
const (
	lingerTime   = 500 * time.Millisecond
	lingerOctets = 64 << 10
)

// escape makes of octets what can stand in a line of the log, no more than max of it.
func escape(b []byte, max int) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\\':
			out.WriteString(`\\`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&out, `\%03o`, c)
		default:
			out.WriteByte(c)
		}
		if out.Len() >= max {
			return out.String()[:max]
		}
	}
	return out.String()
}

// delta writes a time in seconds with two digits that count, as Postfix does.
func delta(d time.Duration) string {
	digits := 2
	switch s := d.Seconds(); {
	case s >= 9.95:
		digits = 0
	case s >= 0.995:
		digits = 1
	}
	text := strconv.FormatFloat(d.Seconds(), 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
