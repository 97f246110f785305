package pop3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Stat returns how many messages the maildrop has and how many octets they are (RFC 1939 section 5).
func (c *Client) Stat(ctx context.Context) (messages int, size int64, err error) {
	text, err := c.simple(ctx, "STAT", "STAT")
	if err != nil {
		return 0, 0, err
	}
	n, rest, _ := strings.Cut(text, " ")
	m, _, _ := strings.Cut(rest, " ")
	messages, err1 := strconv.Atoi(n)
	size, err2 := strconv.ParseInt(m, 10, 64)
	if err1 != nil || err2 != nil || messages < 0 || size < 0 {
		return 0, 0, fmt.Errorf("pop3: STAT: server says %q", shorten(text))
	}
	return messages, size, nil
}

// Listing is a line of LIST or UIDL.
type Listing struct {
	Number int
	Size   int64  // LIST
	UID    string // UIDL: 1 to 70 characters that stay with the message
}

// List yields number and size of each message. It holds no more than one line; the rest is read when the loop is left.
// No other call may be made within the loop.
func (c *Client) List(ctx context.Context) iter.Seq2[Listing, error] {
	return c.listing(ctx, "LIST", parseScan)
}

// UIDL yields number and unique-id of each message (RFC 1939 section 7), as List does.
func (c *Client) UIDL(ctx context.Context) iter.Seq2[Listing, error] {
	return c.listing(ctx, "UIDL", parseUnique)
}

// ListOne is LIST with a message-number.
func (c *Client) ListOne(ctx context.Context, number int) (Listing, error) {
	return c.one(ctx, "LIST", number, parseScan)
}

// UIDLOne is UIDL with a message-number.
func (c *Client) UIDLOne(ctx context.Context, number int) (Listing, error) {
	return c.one(ctx, "UIDL", number, parseUnique)
}

func parseScan(value string) (l Listing, ok bool) {
	value, _, _ = strings.Cut(value, " ")
	size, err := strconv.ParseInt(value, 10, 64)
	return Listing{Size: size}, err == nil && size >= 0
}

func parseUnique(value string) (l Listing, ok bool) {
	return Listing{UID: value}, validUIDL([]byte(value))
}

// parseListing reads "number value". Servers are forgiven white space.
func parseListing(command, line string, value func(string) (Listing, bool)) (Listing, error) {
	n, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	number, err := strconv.Atoi(n)
	l, ok := value(strings.TrimSpace(rest))
	if err != nil || number < 1 || !ok {
		return Listing{}, fmt.Errorf("pop3: %s: server says %q", command, shorten(line))
	}
	l.Number = number
	return l, nil
}

func (c *Client) one(ctx context.Context, command string, number int, value func(string) (Listing, bool)) (Listing, error) {
	text, err := c.simple(ctx, command, command+" "+strconv.Itoa(number))
	if err != nil {
		return Listing{}, err
	}
	return parseListing(command, text, value)
}

func (c *Client) listing(ctx context.Context, command string, value func(string) (Listing, bool)) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		stop, err := c.begin(ctx)
		if err != nil {
			yield(Listing{}, err)
			return
		}
		defer stop()
		if _, err := c.command(command, command); err != nil {
			yield(Listing{}, err)
			return
		}
		c.block = wait(c.opts.Timeouts.Data, 2*time.Minute)
		more := true
		err = c.lines(func(line string) bool {
			l, err := parseListing(command, line, value)
			more = yield(l, err)
			return more
		})
		if err != nil && more {
			yield(Listing{}, err)
		}
	}
}

// Dele marks messages as deleted. Quit removes them. All commands are sent at once when the server allows it; the error
// is the first "-ERR", after all have been answered.
func (c *Client) Dele(ctx context.Context, numbers ...int) error {
	stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var first error
	sent := 0
	for i := range numbers {
		for sent < len(numbers) && sent < i+c.depth() {
			line := "DELE " + strconv.Itoa(numbers[sent])
			c.send(line, line)
			sent++
		}
		if _, err := c.status("DELE"); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				return err
			}
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// depth is how many commands may be on their way.
func (c *Client) depth() int {
	if c.caps.Has("PIPELINING") && !c.opts.NoPipelining {
		return pipelineDepth
	}
	return 1
}

// Noop does nothing, and shows that the connection is alive.
func (c *Client) Noop(ctx context.Context) error {
	_, err := c.simple(ctx, "NOOP", "NOOP")
	return err
}

// Rset takes back every Dele of the session.
func (c *Client) Rset(ctx context.Context) error {
	_, err := c.simple(ctx, "RSET", "RSET")
	return err
}
