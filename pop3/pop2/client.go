package pop2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// Client is the client's end of a POP2 connection, for one goroutine. The calls follow the protocol: Helo or Fold, then for
// each message Read, Retr, and Keep, Delete or Again; then Quit. Any error ends the connection, as the protocol wants it.
type Client struct {
	conn    net.Conn
	r       *wire.Reader
	timeout time.Duration
	ctx     context.Context // of the call that is being made
	length  int64           // of the current message
	err     error
}

// Error is what a server said instead of what it should have: "-" and its words.
type Error struct{ Text string }

// Error implements error.
func (e *Error) Error() string { return "pop2: server said: " + strconv.QuoteToGraphic(e.Text) }

// maxLine bounds a server's lines, which have 512 octets at most (RFC 937, Sizes).
const maxLine = 1024

// Dial connects to addr, "host:port", and reads the greeting.
func Dial(ctx context.Context, addr string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("pop2: %w", err)
	}
	return NewClient(ctx, conn)
}

// NewClient does what Dial does, on a connection that is open. When it fails it closes conn. Each answer has two minutes to
// come, RFC 937's T1, unless a context ends before.
func NewClient(ctx context.Context, conn net.Conn) (*Client, error) {
	c := &Client{conn: conn, r: wire.NewReader(conn, 0), timeout: 2 * time.Minute}
	c.r.LineEnd = wire.LF
	c.r.BeforeRead = c.beforeRead
	err := c.do(ctx, func() error {
		text, err := c.answer('+')
		if err == nil && !strings.HasPrefix(strings.TrimLeft(text, " "), "POP2 ") {
			err = fmt.Errorf("pop2: not a POP2 server: %q", text)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Helo logs in and returns how many messages the default mailbox has. The password crosses the connection as it is.
func (c *Client) Helo(ctx context.Context, user, password string) (messages int, err error) {
	return c.count(ctx, "HELO "+quote(user)+" "+quote(password))
}

// Fold selects another mailbox and returns how many messages it has: 0 also when there is no such mailbox.
func (c *Client) Fold(ctx context.Context, mailbox string) (messages int, err error) {
	return c.count(ctx, "FOLD "+strings.ReplaceAll(mailbox, `\`, `\\`))
}

// Read makes message n, counted from 1, the current one and returns its length in octets: 0 when there is none. n may be 0
// for the one that is current already.
func (c *Client) Read(ctx context.Context, n int) (length int64, err error) {
	line := "READ"
	if n > 0 {
		line += " " + strconv.Itoa(n)
	}
	return c.size(ctx, line)
}

// Retr copies the current message to w. Keep, Delete or Again must follow. A message whose length is 0 can't be had.
func (c *Client) Retr(ctx context.Context, w io.Writer) error {
	return c.do(ctx, func() error {
		if c.length == 0 {
			return errors.New("pop2: no message to retrieve")
		}
		if err := c.send("RETR"); err != nil {
			return err
		}
		_, err := io.CopyN(w, c.r, c.length)
		return err
	})
}

// Keep acknowledges a message that has been received and shall stay (ACKS). It returns the next message's length.
func (c *Client) Keep(ctx context.Context) (next int64, err error) { return c.size(ctx, "ACKS") }

// Delete acknowledges a message that has been received and shall be removed by Quit or Fold (ACKD). It returns the next
// message's length.
func (c *Client) Delete(ctx context.Context) (next int64, err error) { return c.size(ctx, "ACKD") }

// Again says that the message was not received, so that it can be had again by Retr (NACK). It returns its length.
func (c *Client) Again(ctx context.Context) (length int64, err error) { return c.size(ctx, "NACK") }

// Quit ends the session; the server removes what was deleted. The connection is closed in any case.
func (c *Client) Quit(ctx context.Context) error {
	err := c.do(ctx, func() error {
		if err := c.send("QUIT"); err != nil {
			return err
		}
		_, err := c.answer('+')
		return err
	})
	c.Close()
	return err
}

// Close ends the connection. What was deleted since the mailbox was selected stays.
func (c *Client) Close() error {
	if c.err == nil {
		c.err = net.ErrClosed
	}
	return c.conn.Close()
}

func (c *Client) count(ctx context.Context, line string) (n int, err error) {
	err = c.do(ctx, func() error {
		v, err := c.number(line, '#')
		n = int(v)
		return err
	})
	return n, err
}

func (c *Client) size(ctx context.Context, line string) (n int64, err error) {
	err = c.do(ctx, func() error {
		n, err = c.number(line, '=')
		c.length = n
		return err
	})
	return n, err
}

// number sends a command and reads "#12 text" or "=12 text".
func (c *Client) number(line string, kind byte) (int64, error) {
	if err := c.send(line); err != nil {
		return 0, err
	}
	text, err := c.answer(kind)
	if err != nil {
		return 0, err
	}
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	n, err := strconv.ParseInt(digits, 10, 63)
	if err != nil || kind == '#' && n > 1<<31-1 {
		return 0, fmt.Errorf("pop2: no number in %q", text)
	}
	return n, nil
}

// send sends a command, which must be a line of RFC 937's length.
func (c *Client) send(line string) error {
	if len(line) > commandLine-2 || strings.ContainsAny(line, "\r\n\x00") {
		return errors.New("pop2: argument can't be sent: too long, or with a line end")
	}
	_, err := io.WriteString(c.conn, line+"\r\n")
	return err
}

// answer reads a line that begins with kind, and returns the rest.
func (c *Client) answer(kind byte) (string, error) {
	line, err := c.r.ReadLine(maxLine)
	switch {
	case err != nil:
		return "", err
	case len(line) > 0 && line[0] == kind:
		return string(line[1:]), nil
	case len(line) > 0 && line[0] == '-':
		return "", &Error{Text: strings.TrimPrefix(string(line[1:]), " ")}
	}
	return "", fmt.Errorf("pop2: unexpected answer %q", line)
}

// do runs one step within ctx. An error closes the connection.
func (c *Client) do(ctx context.Context, step func() error) error {
	if c.err != nil {
		return c.err
	}
	c.ctx = ctx
	_ = c.conn.SetWriteDeadline(c.deadline())
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	err := step()
	if ended := !stop(); err != nil {
		if d, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(d) {
			err = context.DeadlineExceeded // the connection's own clock was a moment earlier
		} else if ended {
			err = ctx.Err()
		}
	}
	if err != nil {
		c.Close()
		c.err = err
	}
	return err
}

// beforeRead gives each read its time: "care must be taken not to timeout waiting for the completion of a RETR reply while a
// long message is in fact being transfered".
func (c *Client) beforeRead() error {
	if err := c.conn.SetReadDeadline(c.deadline()); err != nil {
		return err
	}
	return c.ctx.Err()
}

func (c *Client) deadline() time.Time {
	deadline := time.Now().Add(c.timeout)
	if d, ok := c.ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return deadline
}
