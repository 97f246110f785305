package script

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"
)

// Server is what a case runs against.
type Server struct {
	// Name is what skip lines call it.
	Name string
	// Dial connects to it. Connections that need TLS have it already.
	Dial func(ctx context.Context) (net.Conn, error)
	// User and Password are for LOGIN. "" where the greeting is PREAUTH.
	User, Password string
	// TLS is for STARTTLS, which comes before a login where the server announces LOGINDISABLED. nil: cases that begin TLS are
	// skipped.
	TLS *tls.Config
	// Timeout is how long a response may take; 0: 10 seconds.
	Timeout time.Duration
}

// Skipped is the error of a case that is not for the server, and says why.
type Skipped struct{ Why string }

func (e *Skipped) Error() string { return "skipped: " + e.Why }

// Run plays a case. A nil error means that the server does as it says; *[Skipped] that the case is not for it; another what it
// does otherwise, with the line of the script and what was said last. The mailbox that was made is deleted.
func Run(ctx context.Context, c *Case, srv *Server) (err error) {
	if why := c.Skip[srv.Name]; why != "" {
		return &Skipped{why}
	}
	r := &run{ctx: ctx, c: c, srv: srv, conns: map[int]*conn{}, vars: credentials(srv)}
	defer r.close()
	if err := r.prepare(); err != nil {
		return err
	}
	for i := 0; i < len(c.steps); {
		n := 1
		for c.steps[i].kind == expect && i+n < len(c.steps) && c.steps[i+n].kind == expect && c.steps[i+n].conn == c.steps[i].conn {
			n++
		}
		if err := r.steps(c.steps[i : i+n]); err != nil {
			return fmt.Errorf("line %d: %w", c.steps[i].line, err)
		}
		i += n
	}
	return nil
}

// credentials are the variables that are set from the beginning.
func credentials(srv *Server) vars {
	in64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return vars{"user": srv.User, "password": srv.Password, "user64": in64(srv.User), "password64": in64(srv.Password),
		"plain": in64("\x00" + srv.User + "\x00" + srv.Password), "badplain": in64("\x00" + srv.User + "\x00not " + srv.Password)}
}

type run struct {
	ctx   context.Context
	c     *Case
	srv   *Server
	conns map[int]*conn
	vars  vars
	setup *conn
}

// prepare makes the mailbox and what is in it, and looks whether the server has what the case needs.
func (r *run) prepare() error {
	s, err := r.dial(true)
	if err != nil {
		return err
	}
	r.setup = s
	if err := s.do("CAPABILITY"); err != nil {
		return err
	}
	has := s.caps
	if r.c.Greeting {
		has = s.first
	}
	if err := r.c.suits(has, r.vars); err != nil {
		return err
	}
	if r.srv.TLS == nil && slices.ContainsFunc(r.c.steps, func(s step) bool { return s.kind == startTLS }) {
		return &Skipped{"needs TLS"}
	}
	r.vars["box"] = fmt.Sprintf("script-%08x", rand.Uint32())
	if err := s.do("CREATE " + r.vars["box"]); err != nil {
		return err
	}
	for i := range r.c.Messages {
		m := message(i + 1)
		if err := s.appendMessage(r.vars["box"], m); err != nil {
			return err
		}
	}
	return nil
}

// suits says whether a case is for a server with these capabilities. Those that it needs may set variables.
func (c *Case) suits(has []string, v vars) error {
	for _, need := range c.Need {
		name, absent := strings.CutPrefix(need, "!")
		p := &pattern{[]*node{{text: name}}}
		if slices.ContainsFunc(has, func(h string) bool { return p.match([]*node{{text: h}}, v) }) == absent {
			return &Skipped{"needs " + need}
		}
	}
	return nil
}

// message is the n-th message that stands in the mailbox.
func message(n int) string {
	return fmt.Sprintf("Date: %d Mar 2026 12:00:00 +0700\r\nFrom: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: message %d\r\n"+
		"Message-ID: <m%d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nBody of message %d\r\n", n%28+1, n, n, n)
}

func (r *run) close() {
	for _, c := range r.conns {
		_ = c.nc.Close()
	}
	if r.setup == nil {
		return
	}
	if box := r.vars["box"]; box != "" {
		_ = r.setup.do("DELETE " + box) // the case may have done so
	}
	_ = r.setup.nc.Close()
}

// dial opens a connection, reads the greeting unless a case is to see it, and logs in.
func (r *run) dial(login bool) (*conn, error) {
	nc, err := r.srv.Dial(r.ctx)
	if err != nil {
		return nil, err
	}
	timeout := r.srv.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	c := newConn(nc, timeout)
	if !login {
		return c, nil
	}
	err = c.login(r.srv)
	if err != nil {
		_ = nc.Close()
	}
	return c, err
}

// conn returns a connection of the case, which begins when it is first used.
func (r *run) conn(i int) (*conn, error) {
	if c := r.conns[i]; c != nil {
		return c, nil
	}
	c, err := r.dial(!r.c.Greeting)
	if err != nil {
		return nil, err
	}
	r.conns[i] = c
	if i == 0 && r.c.Selected && !r.c.Greeting {
		err = c.do("SELECT " + r.vars["box"])
	}
	return c, err
}

// steps plays a line, or the lines that say together what must come.
func (r *run) steps(steps []step) error {
	s := &steps[0]
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	switch s.kind {
	case send:
		return r.send(c, s)
	case raw:
		return c.write(r.vars.expand(s.text))
	case hangUp:
		return c.nc.Close()
	case startTLS:
		return c.startTLS(r.srv.TLS)
	case compress:
		return c.compress()
	case authenticate:
		return c.authenticate(r.srv, strings.Fields(r.vars.expand(s.text)))
	case closed:
		if line, _, err := c.response(); !errors.Is(err, errClosed) {
			return fmt.Errorf("the connection is open: %q, %v", line, err)
		}
		return nil
	}
	return r.expect(c, steps)
}

func (r *run) send(c *conn, s *step) error {
	line := r.vars.expand(s.text)
	for lit := s.literal; lit != nil; lit = lit.more {
		text := r.vars.expand(lit.text)
		plus := ""
		if lit.nonSync {
			plus = "+"
		}
		if err := c.write(fmt.Sprintf("%s{%d%s}\r\n", line, len(text), plus)); err != nil {
			return err
		}
		if !lit.nonSync {
			if err := c.continuation(); errors.Is(err, errRefused) {
				return nil // the script says what comes
			} else if err != nil {
				return err
			}
		}
		if err := c.write(text); err != nil {
			return err
		}
		line = r.vars.expand(lit.rest)
	}
	return c.write(line + "\r\n")
}

// expect reads until all that must come has come.
func (r *run) expect(c *conn, steps []step) error {
	met := make([]bool, len(steps))
	missing := 0
	for i := range steps {
		if !steps[i].never {
			missing++
		}
	}
	var seen []string
	for missing > 0 {
		line, nodes, err := c.response()
		if err != nil {
			return fmt.Errorf("%w; missing:%s\ncame: %s", err, unmet(steps, met), strings.Join(seen, "\n      "))
		}
		seen = append(seen, line)
		for i := range steps {
			s := &steps[i]
			if met[i] || s.after && !met[i-1] || !s.matches(nodes, r.vars) {
				continue
			}
			if s.never {
				return fmt.Errorf("must not come: %s", line)
			}
			met[i] = true
			missing--
			break
		}
		if missing > 0 && nodes[0].text != "*" && nodes[0].text != "+" {
			return fmt.Errorf("missing:%s\ncame: %s", unmet(steps, met), strings.Join(seen, "\n      "))
		}
	}
	return nil
}

func (s *step) matches(nodes []*node, v vars) bool {
	return slices.ContainsFunc(s.want, func(p *pattern) bool { return p.match(nodes, v) })
}

func unmet(steps []step, met []bool) string {
	var b strings.Builder
	for i := range steps {
		if !met[i] && !steps[i].never {
			fmt.Fprintf(&b, "\n  %d: %s", steps[i].line, steps[i].text)
		}
	}
	return b.String()
}
