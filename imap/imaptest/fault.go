package imaptest

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong when a client sends a command. All that is set happens, in this order. Behind STARTTLS and
// COMPRESS commands can't be read, and no fault strikes.
type Fault struct {
	Command string        // "SELECT", "UID FETCH", "APPEND"; Greeting for what the server says first; "" for any command
	Times   int           // how often it strikes; 0: always
	Delay   time.Duration // how long nothing happens
	// Reply is sent in place of what the server would do: lines with CRLF at their ends, in which "TAG" stands for the command's
	// tag. "" lets the server do its work.
	Reply string
	// Cut lets that many octets of the answer through, and then cuts the connection; 0: no cut.
	Cut int64
	// Drop cuts the connection at once.
	Drop bool

	// A server that lies: Edit is given each line of the answer without its line end, and returns what is sent in its place, which may
	// be several lines; "" for nothing. Content of literals passes as it is.
	Edit func(line string) string
	// A slow server: Rate is how many octets of the answer come in a second; 0: all at once. Stall is a pause behind the first StallAt
	// octets.
	Rate    int
	Stall   time.Duration
	StallAt int64
}

// Greeting is the Fault.Command of what the server says first.
const Greeting = "greeting"

// Fail plans a fault. Of several that fit, the first planned strikes.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal forgets the faults that are planned.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// DropAll cuts every connection without a word.
func (s *Server) DropAll() {
	s.mu.Lock()
	var list []*faultyConn
	for c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		_ = c.Close()
	}
}

// fault takes the fault for a command, or returns nil.
func (s *Server) fault(command string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !strings.EqualFold(f.Command, command) && (f.Command != "" || command == Greeting) {
			continue
		}
		out := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return &out
	}
	return nil
}

func (s *Server) faulty(c net.Conn) *faultyConn {
	f := &faultyConn{Conn: c, srv: s, buf: make([]byte, 4096)}
	s.mu.Lock()
	s.conns[f] = struct{}{}
	s.mu.Unlock()
	return f
}

type faultyListener struct {
	net.Listener
	srv *Server
}

func (l faultyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.srv.faulty(c), nil
}

// faultyConn is the server's end of a connection. It reads the client's commands on their way to the server.
type faultyConn struct {
	net.Conn
	srv *Server

	buf  []byte
	in   []byte // read from the client
	out  []byte // to be handed to the server
	skip int64  // octets of a literal that come next
	more bool   // the next line goes on with a command
	err  error
	tls  bool // what follows can't be read here: TLS, or compressed

	mu      sync.Mutex
	left    int64 // octets until the cut
	cut     bool
	greeted bool
	shape   *shape // of the answer that comes, if it has a shape
}

func (c *faultyConn) Close() error {
	c.srv.mu.Lock()
	delete(c.srv.conns, c)
	c.srv.mu.Unlock()
	return c.Conn.Close()
}

func (c *faultyConn) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			err := c.err
			c.err = nil // a deadline passes
			return 0, err
		}
		n, err := c.Conn.Read(c.buf)
		c.in, c.err = append(c.in, c.buf[:n]...), err
		c.pass()
		if n == 0 && err == nil {
			return 0, nil
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// pass moves what the client has sent on to the server, whole lines at a time.
func (c *faultyConn) pass() {
	for len(c.in) > 0 {
		if c.tls || c.in[0] == 0x16 { // a TLS handshake
			c.tls = true
			c.move(len(c.in))
			return
		}
		if c.skip > 0 {
			n := int(min(c.skip, int64(len(c.in))))
			c.skip -= int64(n)
			c.move(n)
			continue
		}
		end := bytes.IndexByte(c.in, '\n') + 1
		if end == 0 {
			if len(c.in) > 64<<10 {
				c.move(len(c.in))
			}
			return
		}
		line := strings.TrimRight(string(c.in[:end]), "\r\n")
		first := !c.more
		c.more, c.skip = literal(line)
		if first && !c.command(line) {
			c.in = c.in[end:]
			continue
		}
		c.move(end)
		if _, command, _ := strings.Cut(line, " "); first && strings.HasPrefix(strings.ToUpper(command), "COMPRESS ") {
			c.tls = true
		}
	}
}

func (c *faultyConn) move(n int) {
	c.out = append(c.out, c.in[:n]...)
	c.in = c.in[n:]
}

// literal reports whether a line announces one, and its size.
func literal(line string) (more bool, size int64) {
	i := strings.LastIndexByte(line, '{')
	if i < 0 || !strings.HasSuffix(line, "}") {
		return false, 0
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(line[i+1:len(line)-1], "+"), 10, 64)
	return err == nil, n
}

// command suffers the fault of a command; it reports whether the server shall see it.
func (c *faultyConn) command(line string) bool {
	tag, rest, _ := strings.Cut(line, " ")
	name, args, _ := strings.Cut(rest, " ")
	if strings.EqualFold(name, "UID") {
		verb, _, _ := strings.Cut(args, " ")
		name += " " + verb
	}
	f := c.srv.fault(name)
	if f == nil {
		return true
	}
	if f.Delay > 0 {
		time.Sleep(f.Delay)
	}
	if f.Cut > 0 {
		c.mu.Lock()
		c.left, c.cut = f.Cut, true
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.shape = newShape(f, tag)
	c.mu.Unlock()
	if f.Reply != "" {
		_, _ = c.Write([]byte(strings.ReplaceAll(f.Reply, "TAG", tag)))
	}
	if f.Drop {
		_ = c.Close()
	}
	return f.Reply == "" && !f.Drop
}

// Write sends what the server says, as the faults let it.
func (c *faultyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	first := !c.greeted
	c.greeted = true
	c.mu.Unlock()
	if first && !c.command("* "+Greeting) {
		return len(p), nil // it has said something else, or hung up
	}
	c.mu.Lock()
	s := c.shape
	c.mu.Unlock()
	if s == nil {
		return c.send(p)
	}
	if err := s.write(p, c.send); err != nil {
		return 0, err
	}
	if s.over {
		c.mu.Lock()
		if c.shape == s {
			c.shape = nil
		}
		c.mu.Unlock()
	}
	return len(p), nil
}

// send sends octets up to the cut.
func (c *faultyConn) send(p []byte) (int, error) {
	c.mu.Lock()
	cut, left := c.cut, c.left
	if cut {
		c.left -= int64(len(p))
	}
	c.mu.Unlock()
	if !cut || int64(len(p)) < left {
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:max(left, 0)])
	_ = c.Close()
	return n, net.ErrClosed
}
