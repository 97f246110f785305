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

// maxResponse bounds a response.
const maxResponse = 16 << 20

// conn is a connection to the server.
type conn struct {
	nc      net.Conn
	r       *bufio.Reader
	w       io.Writer
	packed  *deflate.Writer // what w is after COMPRESS
	whole   *bufio.Writer   // what packed writes to: a server that ends at a LOGOUT need not wait for the block's end
	timeout time.Duration
	tags    int
	caps    []string // of the last CAPABILITY
	first   []string // of one before login
	kept    []answer // read already
}

// answer is a response.
type answer struct {
	line  string
	nodes []*node
}

func newConn(nc net.Conn, timeout time.Duration) *conn {
	return &conn{nc: nc, r: bufio.NewReader(nc), w: nc, timeout: timeout}
}

func (c *conn) write(s string) error {
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.timeout))
	_, err := io.WriteString(c.w, s)
	if err == nil && c.packed != nil {
		if err = c.packed.Flush(); err == nil {
			err = c.whole.Flush()
		}
	}
	return err
}

// response reads a response with its literals, as it came and as elements.
func (c *conn) response() (line string, nodes []*node, err error) {
	if len(c.kept) > 0 {
		a := c.kept[0]
		c.kept = c.kept[1:]
		return a.line, a.nodes, nil
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout))
	var pieces, literals []string
	for {
		s, err := c.r.ReadString('\n')
		if err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				return line + s, nil, fmt.Errorf("nothing comes within %v", c.timeout)
			}
			return line + s, nil, errClosed
		}
		text, ok := strings.CutSuffix(s, "\r\n")
		if !ok {
			return line + s, nil, fmt.Errorf("a line that does not end in CRLF: %q", s)
		}
		line += s
		size, before := literalSize(text)
		if size < 0 {
			pieces = append(pieces, text)
			break
		}
		if len(line)+size > maxResponse {
			return line, nil, fmt.Errorf("a response of more than %d octets", maxResponse)
		}
		literal := make([]byte, size)
		if _, err := io.ReadFull(c.r, literal); err != nil {
			return line, nil, errClosed
		}
		line += string(literal)
		pieces, literals = append(pieces, before), append(literals, string(literal))
	}
	line = strings.TrimSuffix(line, "\r\n")
	nodes, err = parseLine(pieces, literals, false)
	if err == nil && len(nodes) == 0 {
		err = errSyntax
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return line, nodes, err
}

// literalSize returns the size of a literal that a line announces at its end, -1 for none, and what stands before.
func literalSize(line string) (int, string) {
	i := strings.LastIndexByte(line, '{')
	if i < 0 || !strings.HasSuffix(line, "}") {
		return -1, line
	}
	n, err := strconv.ParseUint(line[i+1:len(line)-1], 10, 31)
	if err != nil {
		return -1, line
	}
	return int(n), strings.TrimSuffix(line[:i], "~")
}

// errRefused says that the server has answered the command instead of asking for a literal.
var errRefused = errors.New("the literal was refused")

// continuation waits until the server asks for a literal. What else comes is there for the next reader of responses.
func (c *conn) continuation() error {
	var kept []answer
	defer func() { c.kept = append(kept, c.kept...) }()
	for {
		line, nodes, err := c.response()
		if err != nil {
			return err
		}
		if nodes[0].text == "+" {
			return nil
		}
		if kept = append(kept, answer{line, nodes}); nodes[0].text != "*" {
			return errRefused
		}
	}
}

// do sends a command that must succeed.
func (c *conn) do(command string) error { return c.doWith(command, "") }

func (c *conn) doWith(command, literal string) error {
	c.tags++
	tag := "x" + strconv.Itoa(c.tags)
	if err := c.write(tag + " " + command + "\r\n"); err != nil {
		return err
	}
	if literal != "" {
		if err := c.continuation(); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		if err := c.write(literal + "\r\n"); err != nil {
			return err
		}
	}
	for {
		line, nodes, err := c.response()
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		if nodes[0].text == "*" && len(nodes) > 2 && strings.EqualFold(nodes[1].text, "CAPABILITY") {
			c.caps = c.caps[:0]
			for _, n := range nodes[2:] {
				c.caps = append(c.caps, n.text)
			}
		}
		if nodes[0].text != tag {
			continue
		}
		if len(nodes) < 2 || !strings.EqualFold(nodes[1].text, "OK") {
			return fmt.Errorf("%s: %s", command, line)
		}
		return nil
	}
}

func (c *conn) appendMessage(box, m string) error {
	return c.doWith(fmt.Sprintf("APPEND %s {%d}", box, len(m)), m)
}
