package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/internal/deflate"
)

// errClosed says that the server has ended the connection.
var errClosed = errors.New("the server has closed the connection")

// Limits of what a server says.
const (
	maxResponse = 16 << 20
	maxReply    = 1 << 20 // of SMTP's replies and POP3's lines
)

// conn is a connection to a server.
type conn struct {
	nc       net.Conn
	protocol Protocol
	r        *bufio.Reader
	w        io.Writer
	packed   *deflate.Writer // what w is after COMPRESS
	whole    *bufio.Writer   // what packed writes to: a server that ends at a LOGOUT need not wait for the block's end
	timeout  time.Duration
	record   func(who byte, text string) // may be nil
	tags     int
	caps     []string    // what was announced last
	first    []string    // and before login
	kept     []*response // read already
}

func newConn(nc net.Conn, p Protocol, timeout time.Duration) *conn {
	return &conn{nc: nc, protocol: p, r: bufio.NewReader(nc), w: nc, timeout: timeout}
}

func (c *conn) note(who byte, text string) {
	if c.record != nil {
		c.record(who, text)
	}
}

func (c *conn) write(s string) error {
	c.note('C', s)
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.timeout))
	_, err := io.WriteString(c.w, s)
	if err == nil && c.packed != nil {
		if err = c.packed.Flush(); err == nil {
			err = c.whole.Flush()
		}
	}
	return err
}

// line reads a line with its CRLF.
func (c *conn) line(limit int) (string, error) {
	var b []byte
	for {
		piece, err := c.r.ReadSlice('\n')
		b = append(b, piece...)
		switch {
		case len(b) > limit:
			return string(b), fmt.Errorf("a line of more than %d octets", limit)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return string(b), c.failed(err)
		case !strings.HasSuffix(string(b), "\r\n"):
			return string(b), mismatch("a line that does not end in CRLF: %q", b)
		}
		return string(b), nil
	}
}

func (c *conn) failed(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return fmt.Errorf("nothing comes within %v", c.timeout)
	}
	return errClosed
}

// response reads what the server says next: a reply of SMTP, a line of POP3, a response of IMAP with its literals.
func (c *conn) response() (*response, error) {
	if len(c.kept) > 0 {
		r := c.kept[0]
		c.kept = c.kept[1:]
		return r, nil
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout))
	r := &response{}
	var err error
	switch c.protocol {
	case IMAP, ManageSieve:
		err = c.readNodes(r)
	case SMTP, LMTP:
		err = c.readReply(r)
	default:
		r.text, err = c.line(maxReply)
		r.text = strings.TrimSuffix(r.text, "\r\n")
	}
	if r.text != "" || err == nil {
		c.note('S', r.text+"\r\n")
	}
	return r, err
}

// readReply reads a reply of SMTP (RFC 5321 section 4.2.1): lines with the same code, a hyphen behind it in all but the last.
func (c *conn) readReply(r *response) error {
	size := 0
	for {
		s, err := c.line(maxReply)
		text := strings.TrimSuffix(s, "\r\n")
		if r.text != "" {
			text = "\r\n" + text
		}
		r.text += text
		if err != nil {
			return err
		}
		if size += len(s); size > maxReply {
			return fmt.Errorf("a reply of more than %d octets", maxReply)
		}
		s = strings.TrimSuffix(s, "\r\n")
		if len(s) < 3 || strings.Trim(s[:3], "0123456789") != "" || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
			return mismatch("not a line of a reply: %q", s)
		}
		if r.code != "" && r.code != s[:3] {
			return mismatch("a reply with two codes: %q", r.text)
		}
		r.code = s[:3]
		r.lines = append(r.lines, s[min(4, len(s)):])
		if len(s) == 3 || s[3] == ' ' {
			return nil
		}
	}
}

// readNodes reads a line with its literals.
func (c *conn) readNodes(r *response) error {
	var pieces, literals []string
	for {
		s, err := c.line(maxResponse - len(r.text))
		r.text += s
		if err != nil {
			return err
		}
		text := strings.TrimSuffix(s, "\r\n")
		size, before := literalSize(text)
		if size < 0 {
			pieces = append(pieces, text)
			break
		}
		if len(r.text)+size > maxResponse {
			return fmt.Errorf("a response of more than %d octets", maxResponse)
		}
		literal := make([]byte, size)
		if _, err := io.ReadFull(c.r, literal); err != nil {
			return c.failed(err)
		}
		r.text += string(literal)
		pieces, literals = append(pieces, before), append(literals, string(literal))
	}
	r.text = strings.TrimSuffix(r.text, "\r\n")
	parse := parseLine
	if c.protocol == ManageSieve {
		parse = parseSieve
	}
	var err error
	r.nodes, err = parse(pieces, literals, false)
	if err == nil && len(r.nodes) == 0 {
		err = errSyntax
	}
	if err != nil {
		return mismatch("%w: %s", err, r.text)
	}
	return nil
}

// literalSize returns the size of a literal that a line announces at its end, -1 for none, and what stands before.
func literalSize(line string) (int, string) {
	i := strings.LastIndexByte(line, '{')
	if i < 0 || !strings.HasSuffix(line, "}") {
		return -1, line
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(line[i+1:len(line)-1], "+"), 10, 31)
	if err != nil {
		return -1, line
	}
	return int(n), strings.TrimSuffix(line[:i], "~")
}
