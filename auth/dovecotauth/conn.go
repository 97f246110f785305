package dovecotauth

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// conn is one client of a [Server].
type conn struct {
	srv    *Server
	nc     net.Conn
	r      *bufio.Reader
	ctx    context.Context
	cancel context.CancelFunc
	id     uint32

	mu       sync.Mutex // held while writing
	requests sync.WaitGroup

	// pending are the logins that have not ended.
	pendingMu sync.Mutex
	pending   map[uint32]*request
}

func (s *Server) newConn(nc net.Conn) *conn {
	c := &conn{srv: s, nc: nc, r: bufio.NewReaderSize(nc, limit(s.Limits.Line, maxLine)), id: s.last.Add(1), pending: map[uint32]*request{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// end breaks everything off.
func (c *conn) end() {
	c.cancel()
	_ = c.nc.Close()
}

// send writes lines. A client that doesn't read them is let go.
func (c *conn) send(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.nc.SetWriteDeadline(time.Now().Add(limit(c.srv.Limits.Write, 10*time.Second)))
	if _, err := io.WriteString(c.nc, strings.Join(lines, "")); err != nil {
		c.end()
	}
}

// words reads a line and takes it apart; io.EOF at the end.
func (c *conn) words() ([]string, error) {
	text, err := readLine(c.r)
	if err != nil {
		return nil, err
	}
	return strings.Split(text, "\t"), nil
}

// parameters of mechanisms, as Dovecot announces them.
var parameters = map[string]string{
	"ANONYMOUS": "anonymous", "PLAIN": "plaintext", "LOGIN": "plaintext", "OAUTHBEARER": "plaintext", "XOAUTH2": "plaintext", "CRAM-MD5": "dictionary\tactive",
	"SCRAM-SHA-1": "mutual-auth", "SCRAM-SHA-256": "mutual-auth",
}

// serveClient talks to a client that has logins checked.
func (c *conn) serveClient() error {
	cookie := make([]byte, 16)
	rand.Read(cookie) // never fails (crypto/rand)
	hello := []string{line("VERSION", "1", "2")}
	for _, m := range c.srv.config(true).Mechanisms() {
		words := []string{"MECH", m}
		if p := parameters[m]; p != "" {
			words = append(words, p)
		}
		hello = append(hello, line(words...))
	}
	c.send(append(hello, line("SPID", strconv.Itoa(pid)), line("CUID", strconv.FormatUint(uint64(c.id), 10)), line("COOKIE", hex.EncodeToString(cookie)), line("DONE"))...)
	return c.commands(func(words []string) error {
		switch words[0] {
		case "AUTH":
			return c.auth(words[1:])
		case "CONT":
			return c.cont(words[1:])
		case "CANCEL": // v1.2
			return c.cancelRequest(words[1:])
		}
		return nil // what else there is, CPID among it, says nothing that matters here
	})
}

// commands reads commands after VERSION until the client goes.
func (c *conn) commands(handle func(words []string) error) error {
	words, err := c.words()
	if err == nil {
		err = checkVersion(words)
	}
	for err == nil {
		if words, err = c.words(); err == nil {
			err = handle(words)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// cont hands a client's response to its login. One for a login that has ended is left alone: the two may have crossed.
func (c *conn) cont(words []string) error {
	if len(words) < 2 {
		return errors.New("a CONT without data")
	}
	id, err := requestID(words[0])
	if err != nil {
		return err
	}
	r := c.find(id)
	if r == nil {
		return nil
	}
	select {
	case r.responses <- words[1]:
		return nil
	default:
		return fmt.Errorf("a second CONT %d before the first was answered", id)
	}
}

func (c *conn) cancelRequest(words []string) error {
	if len(words) < 1 {
		return errors.New("a CANCEL without an ID")
	}
	id, err := requestID(words[0])
	if err != nil {
		return err
	}
	if r := c.find(id); r != nil {
		r.cancel()
	}
	return nil
}

func (c *conn) find(id uint32) *request {
	c.pendingMu.Lock()
	defer c.pendingMu.Unlock()
	return c.pending[id]
}

// enter adds a login; false where there are too many. An ID that is in use is an error.
func (c *conn) enter(r *request) (ok bool, err error) {
	c.pendingMu.Lock()
	defer c.pendingMu.Unlock()
	if c.pending[r.id] != nil {
		return false, fmt.Errorf("the ID %d is in use", r.id)
	}
	if len(c.pending) >= limit(c.srv.Limits.Requests, 1000) {
		return false, nil
	}
	c.pending[r.id] = r
	return true, nil
}

func (c *conn) leave(r *request) {
	c.pendingMu.Lock()
	defer c.pendingMu.Unlock()
	delete(c.pending, r.id)
}
