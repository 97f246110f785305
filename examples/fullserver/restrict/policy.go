package restrict

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// policyServer is a server that speaks Postfix's policy delegation protocol (SMTPD_POLICY_README), such as postgrey.
type policyServer struct {
	network, address string
	timeout          time.Duration
	defaultAction    string
	dial             func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	idle []*policyConn
}

type policyConn struct {
	net.Conn
	r *bufio.Reader
}

const (
	policyTimeout = 100 * time.Second // smtpd_policy_service_timeout
	maxIdle       = 10                // connections that are kept
	maxAnswer     = 8 << 10           // octets of an answer
)

// policyServer reads "inet:host:port", "unix:path", or "{ inet:host:port, timeout=10s, default_action=DUNNO }".
func (k *Checker) policyServer(param, spec string) (*policyServer, error) {
	if p, ok := k.delegates[spec]; ok {
		return p, nil
	}
	fail := func(format string, args ...any) (*policyServer, error) {
		return nil, &ListError{param, "check_policy_service " + spec + ": " + fmt.Sprintf(format, args...)}
	}
	p := &policyServer{timeout: policyTimeout, defaultAction: k.DefaultPolicyAction, dial: k.Dial}
	if p.defaultAction == "" {
		p.defaultAction = "451 4.3.5 Server configuration problem"
	}
	if p.dial == nil {
		p.dial = new(net.Dialer).DialContext
	}
	words := []string{spec}
	if inner, ok := strings.CutPrefix(spec, "{"); ok {
		var err error
		if words, err = split(strings.TrimSuffix(inner, "}")); err != nil || len(words) == 0 {
			return fail("names no server")
		}
	}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		switch {
		case name == "timeout":
			n, err := strconv.ParseUint(strings.TrimSuffix(value, "s"), 10, 16)
			if err != nil || n == 0 {
				return fail("timeout %q is no number of seconds", value)
			}
			p.timeout = time.Duration(n) * time.Second
		case name == "default_action":
			p.defaultAction = strings.Trim(value, "{} ")
		case name == "request_limit", name == "try_limit", name == "retry_delay", name == "max_idle", name == "max_ttl", name == "policy_context":
		default:
			return fail("unknown attribute %q", name)
		}
	}
	typ, where, _ := strings.Cut(words[0], ":")
	switch typ {
	case "inet":
		if !strings.Contains(where, ":") {
			where = "localhost:" + where
		}
		if _, _, err := net.SplitHostPort(where); err != nil {
			return fail("%v", err)
		}
		p.network, p.address = "tcp", where
	case "unix":
		if !filepath.IsAbs(where) {
			where = filepath.Join(k.SocketDir, where)
		}
		p.network, p.address = "unix", where
	default:
		return fail("is neither inet:host:port nor unix:path")
	}
	k.delegates[spec] = p
	return p, nil
}

// policy asks a server. One that gives no answer is as if it had given the default one.
func (s *stage) policy(p *policyServer, depth int) verdict {
	ctx, cancel := context.WithTimeout(s.ctx, p.timeout)
	defer cancel()
	action, err := p.ask(ctx, s.attributes())
	if err != nil {
		s.log("warning: problem talking to policy server " + p.address + ": " + err.Error())
		action = p.defaultAction
	}
	return s.action(action, s.what, s.kind, depth)
}

// attributes are what a policy server is told. A value can't end its line.
func (s *stage) attributes() string {
	c := &s.Client
	name := c.Name
	if name == "" {
		name = "unknown"
	}
	reverse := c.Reverse
	if reverse == "" {
		reverse = "unknown"
	}
	var b strings.Builder
	add := func(key, value string) {
		b.WriteString(key + "=" + strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == 0 {
				return '?'
			}
			return r
		}, value) + "\n")
	}
	recipient, count := s.recipient, 0
	if s.name == "DATA" || s.name == "END-OF-MESSAGE" {
		count, recipient = len(s.Accepted), ""
		if count == 1 { // one of several says nothing
			recipient = s.Accepted[0]
		}
	}
	etrn := ""
	if s.name == "ETRN" {
		etrn = s.what
	}
	if s.instance == "" {
		s.instance = newInstance()
	}
	add("request", "smtpd_access_policy")
	add("protocol_state", s.name)
	add("protocol_name", c.Protocol)
	add("client_address", c.Addr.String())
	add("client_name", name)
	add("client_port", strconv.Itoa(c.Port))
	add("reverse_client_name", reverse)
	add("helo_name", s.Helo)
	add("sender", s.Sender)
	add("recipient", recipient)
	add("recipient_count", strconv.Itoa(count))
	add("queue_id", c.QueueID)
	add("instance", s.instance)
	add("size", strconv.FormatInt(s.Size, 10))
	add("etrn_domain", etrn)
	add("stress", "")
	add("sasl_method", c.Method)
	add("sasl_username", c.Login)
	add("sasl_sender", "")
	subject, issuer := "", ""
	if c.CertTrusted {
		subject, issuer = xtext(c.CertSubject), xtext(c.CertIssuer)
	}
	add("ccert_subject", subject)
	add("ccert_issuer", issuer)
	add("ccert_fingerprint", c.Cert)
	add("ccert_pubkey_fingerprint", c.CertKey)
	add("encryption_protocol", c.TLSVersion)
	add("encryption_cipher", c.Cipher)
	add("encryption_keysize", strconv.Itoa(c.CipherBits))
	add("policy_context", "")
	b.WriteByte('\n')
	return b.String()
}

// xtext writes a value of a certificate with "+XX" for what is not printable, "+" and "=" (SMTPD_POLICY_README).
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == '+' || c == '=' || c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "+%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// newInstance names a message on its way in, as policy servers are asked about it several times.
func newInstance() string { return fmt.Sprintf("%x.%x", os.Getpid(), time.Now().UnixNano()) }

// ask sends a request, over a connection that was used before if there is one, and returns the action.
func (p *policyServer) ask(ctx context.Context, request string) (string, error) {
	for {
		c, used, err := p.connection(ctx)
		if err != nil {
			return "", err
		}
		if d, ok := ctx.Deadline(); ok {
			_ = c.SetDeadline(d)
		}
		stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		action, err := c.roundTrip(request)
		stop()
		if err == nil {
			p.keep(c)
			return action, nil
		}
		_ = c.Close()
		if !used || ctx.Err() != nil {
			return "", err
		}
	}
}

func (p *policyServer) connection(ctx context.Context) (c *policyConn, used bool, err error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c = p.idle[n-1]
		p.idle = p.idle[:n-1]
	}
	p.mu.Unlock()
	if c != nil {
		return c, true, nil
	}
	conn, err := p.dial(ctx, p.network, p.address)
	if err != nil {
		return nil, false, err
	}
	return &policyConn{conn, bufio.NewReaderSize(conn, 1<<10)}, false, nil
}

func (p *policyServer) keep(c *policyConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdle {
		p.idle = append(p.idle, c)
		return
	}
	_ = c.Close()
}

func (c *policyConn) roundTrip(request string) (action string, err error) {
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	for size := 0; ; {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if size += len(line); size > maxAnswer {
			return "", errors.New("the answer is too long")
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if action == "" {
				return "", errors.New("the answer has no action")
			}
			return action, nil
		}
		if a, ok := strings.CutPrefix(text, "action="); ok {
			action = a
		}
	}
}

// Close ends the connections to policy servers.
func (k *Checker) Close() error {
	for _, p := range k.delegates {
		p.mu.Lock()
		for _, c := range p.idle {
			_ = c.Close()
		}
		p.idle = nil
		p.mu.Unlock()
	}
	return nil
}
