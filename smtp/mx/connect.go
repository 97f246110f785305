package mx

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// candidate is one address of a host.
type candidate struct {
	host host
	addr netip.Addr
	path string // a socket instead
}

// search walks through the hosts of a next hop until one of them takes the mail.
type search struct {
	t          *Transport
	hop        nexthop
	raw        string
	port       string
	policy     Policy
	sts        *STSPolicy // in force for the next hop, nil when there is none
	secure     bool       // DNSSEC vouches for the list of hosts
	auth       *mail.Credentials
	hosts      []host      // not looked up yet
	next       []candidate // of the host at hand
	requireTLS bool        // RFC 8689
	plain      bool        // the domain's policies don't count
	tried      int         // addresses
	sessions   int         // greetings
	start      time.Time
}

// newSearch finds out where mail from a sender for a next hop goes.
func (t *Transport) newSearch(ctx context.Context, hop nexthop, raw, from string) (*search, error) {
	s := &search{t: t, hop: hop, raw: raw, port: hop.port, start: time.Now()}
	if s.port == "" {
		if s.port = t.Port; s.port == "" {
			s.port = "25"
		}
	}
	var err error
	if t.Auth != nil {
		if s.auth, err = t.Auth(ctx, raw, from); err != nil {
			return nil, err
		}
	}
	if s.policy, err = t.policy(ctx, raw, s.auth); err != nil {
		return nil, err
	}
	switch {
	case hop.path != "":
		s.next = []candidate{{host: host{name: "localhost", host: true}, path: hop.path}}
	case hop.addr.IsValid():
		s.next = []candidate{{host: host{name: hop.addr.String(), host: true}, addr: hop.addr}}
	case hop.literal:
		s.hosts, s.secure = []host{{name: hop.name, host: true}}, true
	default:
		if s.hosts, s.secure, err = t.hosts(ctx, hop.name); err == nil {
			s.findSTS(ctx)
		}
	}
	return s, err
}

// errNoMore says that there is no host left to try.
var errNoMore = errors.New("no more hosts")

// connect returns a connection to the next host that lets the client in. The error is that of the
// last one tried, or errNoMore when there was none.
func (s *search) connect(ctx context.Context) (*leg, error) {
	last := errNoMore
	for s.sessions < limit(s.t.SessionLimit, 2) && s.tried < limit(s.t.AddressLimit, 5) {
		if err := ctx.Err(); err != nil {
			if last == errNoMore {
				last = &mail.Reply{Code: 450, Enhanced: mail.EnhancedCode{4, 4, 1}, Text: "interrupted on the way to " + s.hop.String(), Err: context.Cause(ctx)}
			}
			break
		}
		if len(s.next) == 0 {
			if len(s.hosts) == 0 {
				break
			}
			if err := s.lookup(ctx); err != nil {
				s.log(ctx, err)
				last = worse(last, err)
			}
			continue
		}
		if l := s.reuse(); l != nil {
			return l, nil
		}
		conn, at, err := s.dial(ctx)
		if err != nil {
			s.log(ctx, err)
			last = worse(last, err)
			continue
		}
		c, err := s.greet(ctx, conn, at)
		if err == nil {
			return &leg{t: s.t, c: c, key: s.key(at), at: at}, nil
		}
		s.log(ctx, err)
		last = worse(last, err)
	}
	return nil, last
}

// log says why a host was passed over.
func (s *search) log(ctx context.Context, err error) {
	if s.t.Logger != nil {
		s.t.Logger.LogAttrs(ctx, slog.LevelInfo, detailOf(err), slog.String("nexthop", s.hop.String()))
	}
}

// worse returns the error to report of two: the later one, unless only the earlier gives hope.
func worse(a, b error) error {
	if a != errNoMore && mail.ReplyOf(a).Temporary() && !mail.ReplyOf(b).Temporary() {
		return a
	}
	return b
}

func limit(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// lookup gets the addresses of the next host.
func (s *search) lookup(ctx context.Context) error {
	h := s.hosts[0]
	s.hosts = s.hosts[1:]
	if s.policy.MatchMX != nil && h.mx && !s.policy.MatchMX(h.name) {
		return mail.NewReply(450, mail.EnhancedCode{4, 7, 5}, "mail exchanger "+h.name+" is not allowed by the policy of "+s.hop.name)
	}
	list, secure, err := s.t.addresses(ctx, h)
	if err != nil {
		return err
	}
	if err := s.findTLSA(ctx, &h, secure); err != nil {
		return err
	}
	if err := s.checkSTS(h); err != nil {
		return err
	}
	if s.requireTLS && h.mx && !s.secure && (s.sts == nil || !s.sts.Match(h.name)) {
		return mail.NewReply(550, mail.EnhancedCode{5, 7, 10}, "Encryption needed, and neither DNSSEC nor MTA-STS vouches for mail exchanger "+h.name)
	}
	for _, a := range list {
		if s.t.OwnAddress != nil && (h.mx || !h.host) && s.t.OwnAddress(net.IP(a.AsSlice())) {
			s.hosts, s.next = nil, nil
			return mail.NewReply(554, mail.EnhancedCode{5, 4, 6}, "mail for "+s.hop.name+" loops back to myself")
		}
		s.next = append(s.next, candidate{host: h, addr: a})
	}
	return nil
}

// stagger is how long an address gets before the next is tried beside it (RFC 8305 section 5).
const stagger = 250 * time.Millisecond

// dialed is how one attempt to connect ended.
type dialed struct {
	conn net.Conn
	at   candidate
	err  error
}

// dial connects to the first of the host's addresses that answers, both families side by side (RFC 8305).
func (s *search) dial(ctx context.Context) (net.Conn, candidate, error) {
	d := s.t.Timeouts.Dial
	if d == 0 {
		d = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	results := make(chan dialed)
	running := 0
	var failed error = errNoMore
	for {
		var wait <-chan time.Time
		var timer *time.Timer
		if len(s.next) > 0 && s.tried < limit(s.t.AddressLimit, 5) && ctx.Err() == nil {
			at := s.next[0]
			s.next = s.next[1:]
			s.tried++
			running++
			go func() {
				conn, err := s.t.dialOne(ctx, at, s.port)
				results <- dialed{conn, at, err}
			}()
			timer = time.NewTimer(stagger)
			wait = timer.C
		}
		if running == 0 {
			return nil, candidate{}, failed
		}
		select {
		case <-wait:
			continue
		case r := <-results:
			if timer != nil {
				timer.Stop()
			}
			running--
			if r.err == nil {
				cancel()
				s.collect(results, running)
				return r.conn, r.at, nil
			}
			failed = worse(failed, s.t.dialReply(r.at, s.port, r.err))
		}
	}
}

// collect waits for the attempts that lost; their addresses may be tried again.
func (s *search) collect(results <-chan dialed, running int) {
	for range running {
		r := <-results
		if r.err == nil {
			r.conn.Close()
		}
		s.tried--
		s.next = append(s.next, r.at)
	}
}

func (t *Transport) dialOne(ctx context.Context, at candidate, port string) (net.Conn, error) {
	network, target := t.Network, net.JoinHostPort(at.addr.String(), port)
	if network == "" {
		network = "tcp"
	}
	if at.path != "" {
		network, target = "unix", at.path
	}
	if t.Dial != nil {
		return t.Dial(ctx, network, target)
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// where names an address as Postfix's log does.
func (at candidate) where(port string) string {
	if at.path != "" {
		return at.host.name + "[" + at.path + "]"
	}
	return at.host.name + "[" + at.addr.String() + "]:" + port
}

func (t *Transport) dialReply(at candidate, port string, err error) error {
	return &mail.Reply{Code: 450, Enhanced: mail.EnhancedCode{4, 4, 1}, Err: err,
		Text: "connect to " + at.where(port) + ": " + smtp.DialReason(err)}
}
