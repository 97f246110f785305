package postscreen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail/internal/proxyproto"
	"github.com/buuta/mail/smtp/dnsbl"
)

// visit is a client's connection while it is tested. One goroutine has it; the one that asks lists touches skip and the read deadline.
type visit struct {
	s             *Screen
	l             *Listener
	raw           net.Conn
	c             net.Conn // raw, or TLS over it
	began         time.Time
	remote, local netip.AddrPort
	oneTooMany    bool
	told          bool    // the addresses are a proxy's word
	early         []byte  // what was said before the greeting
	first         [1]byte // of it

	results    results
	known      bool // from a visit before
	todo       set  // tests that there are for this client
	passed     set
	failed     set
	fresh      bool   // a test has never been made
	veto       bool   // this is no address to get known at
	noForward  bool   // whatever comes
	rcptReply  string // to RCPT, in a conversation
	earlyReply bool   // it has spoken early, and is answered without a greeting

	skip sync.Once // reading is interrupted
}

// set is a set of tests.
type set uint8

func (s set) has(t test) bool { return s&(1<<t) != 0 }
func (s *set) add(t test)     { *s |= 1 << t }
func (s *set) remove(t test)  { *s &^= 1 << t }

const deep = set(1<<testPipelining | 1<<testNonSMTP | 1<<testBareNewline)

const replyLater = "450 4.3.2 Service currently unavailable"

func (v *visit) String() string { return fmt.Sprintf("[%s]:%d", v.remote.Addr(), v.remote.Port()) }

// run tests the client and hands it on or ends it.
func (v *visit) run(ctx context.Context) {
	defer v.l.remove(v)
	s := v.s
	if s.Proxy && !v.readProxy() { // counted only now, by the address that it tells
		return
	}
	s.log(fmt.Sprintf("CONNECT from %s to [%s]:%d", v, v.local.Addr(), v.local.Port()))
	a := v.remote.Addr()
	ok := !v.oneTooMany
	if s.Proxy {
		ok = s.arrive(a)
	}
	forward := false
	if !ok {
		s.log("NOQUEUE: reject: CONNECT from " + v.String() + ": too many connections")
		v.drop("421 4.7.0 Error: too many connections")
	} else {
		forward = v.test(ctx)
	}
	s.leave(a)
	if forward {
		v.forward()
	}
}

// readProxy takes the client's address from a PROXY header.
func (v *visit) readProxy() bool {
	_ = v.c.SetReadDeadline(time.Now().Add(or(v.s.ProxyTimeout, 5*time.Second)))
	var seen seenReader
	seen.r = v.c
	h, err := proxyproto.Read(&seen)
	if err != nil {
		what := err.Error()
		if len(seen.b) > 0 {
			what = "short protocol header: " + escape(append(seen.b, v.more()...), 100)
		}
		v.s.log("warning: haproxy read: " + what)
		v.say("421 4.3.2 No system resources")
		v.close()
		return false
	}
	_ = v.c.SetReadDeadline(time.Time{})
	if h.Source.IsValid() {
		v.remote = netip.AddrPortFrom(h.Source.Addr().Unmap(), h.Source.Port())
		v.local, v.told = netip.AddrPortFrom(h.Dest.Addr().Unmap(), h.Dest.Port()), true
	}
	return true
}

// seenReader remembers the beginning of what it read, for the log.
type seenReader struct {
	r io.Reader
	b []byte
}

func (r *seenReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if len(r.b) < 100 {
		r.b = append(r.b, p[:n]...)
	}
	return n, err
}

// test reports whether the client may go on to the server. If not it has been ended.
func (v *visit) test(ctx context.Context) bool {
	s := v.s
	if s.Access != nil {
		switch s.Access(v.remote.Addr()) {
		case Permit:
			s.log("ALLOWLISTED " + v.String())
			return true
		case Deny:
			s.log("DENYLISTED " + v.String())
			switch s.DenyAction {
			case Drop:
				v.drop("521 5.3.2 Service currently unavailable")
				return false
			case Enforce:
				v.veto = true
				v.enforce("550 5.3.2 Service currently unavailable")
			}
		}
	}
	if v.plan(time.Now()); v.todo == 0 && !v.noForward {
		if v.known {
			s.log("PASS OLD " + v.String())
		}
		return true
	}
	defer s.end()
	if !s.begin() {
		s.log("NOQUEUE: reject: CONNECT from " + v.String() + ": all screening ports busy")
		v.drop("421 4.3.2 All screening ports are busy")
		return false
	}
	if s.Local != nil && !s.Local(v.local.Addr()) {
		s.log("ALLOWLIST VETO " + v.String())
		v.veto, v.noForward = true, true
	}
	if v.rcptReply == "" {
		v.rcptReply = replyLater
	}
	if (v.todo.has(testGreet) || v.todo.has(testDNSBL)) && !v.beforeGreeting(ctx) {
		return false
	}
	if !v.noForward && v.passed&deep == v.todo&deep {
		v.conclude()
		return true
	}
	v.converse()
	return false
}

// plan says which tests there are for the client, by what is known of it.
func (v *visit) plan(now time.Time) {
	s := v.s
	v.results, v.known = s.Cache.get(v.remote.Addr())
	for t, enabled := range [numTests]bool{!s.NoGreet, len(s.Zones) > 0, s.Pipelining.Enable, s.NonSMTP.Enable, s.BareNewline.Enable} {
		t := test(t)
		switch at := v.results[t]; {
		case !enabled && at == 0:
			v.results[t] = off
		case enabled && int64(at) <= now.Unix():
			v.todo.add(t)
			v.fresh = v.fresh || at == 0
		}
	}
}

// pass notes that the client has passed a test, and for how long.
func (v *visit) pass(t test, ttl time.Duration) {
	v.passed.add(t)
	v.results[t] = uint32(time.Now().Add(ttl).Unix())
}

// enforce has all recipients refused in a conversation.
func (v *visit) enforce(reply string) { v.rcptReply, v.noForward = reply, true }

// conclude remembers and tells what the client has passed.
func (v *visit) conclude() {
	if v.failed != 0 || v.veto {
		return
	}
	if v.todo != 0 && v.passed&v.todo == v.todo {
		age := "OLD"
		if v.fresh {
			age = "NEW"
		}
		v.s.log("PASS " + age + " " + v.String())
	}
	if v.passed != 0 {
		v.s.Cache.put(v.remote.Addr(), v.results)
	}
}

// forward hands the connection to who waits in Accept.
func (v *visit) forward() {
	_ = v.c.SetDeadline(time.Time{})
	c := v.c
	if len(v.early) > 0 || v.told {
		p := &passedConn{Conn: v.c, early: v.early, remote: v.c.RemoteAddr(), local: v.c.LocalAddr()}
		if v.told {
			p.remote, p.local = net.TCPAddrFromAddrPort(v.remote), net.TCPAddrFromAddrPort(v.local)
		}
		c = p
	}
	v.l.remove(v) // whoever closes the listener leaves it alone from now on
	if !v.l.hand(c) {
		v.s.log("NOQUEUE: reject: CONNECT from " + v.String() + ": all server ports busy")
		v.drop("421 4.3.2 All server ports are busy")
	}
}

// beforeGreeting waits for what the client does before it may, and for what lists say. It reports whether the connection is still there.
func (v *visit) beforeGreeting(ctx context.Context) bool {
	s := v.s
	if v.todo.has(testGreet) && s.Teaser != "" {
		v.write("220-" + s.Teaser + "\r\n")
	}
	until := v.began.Add(or(s.GreetWait, 6*time.Second))
	var score chan dnsbl.Score
	if v.todo.has(testDNSBL) {
		score = make(chan dnsbl.Score, 1)
		go v.ask(ctx, until, score)
	}
	there := !v.todo.has(testGreet) || v.listen(until)
	if score != nil { // also when nobody is there any more: the one who asks has the connection
		if got := <-score; there && !v.judge(got) {
			return false
		}
	}
	if !there {
		return false
	}
	if v.failed.has(testGreet) && s.Greet == Ignore {
		v.failed.remove(testGreet) // and not passed: it is tested again the next time
	}
	if ctx.Err() != nil {
		v.drop("421 4.3.2 Service currently unavailable")
		return false
	}
	return true
}

// mindClose is called after a deadline has been set: it may have been in the place of the one by which the listener's Close ends reading.
func (v *visit) mindClose() {
	if v.l.ctx.Err() != nil {
		_ = v.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// ask asks the lists, as far as they answer in time.
func (v *visit) ask(ctx context.Context, until time.Time, to chan<- dnsbl.Score) {
	s := v.s
	if most := time.Now().Add(or(s.DNSTimeout, 10*time.Second)); most.Before(until) {
		until = most
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var r dnsbl.Resolver = net.DefaultResolver
	if s.Resolver != nil {
		r = s.Resolver
	}
	score := dnsbl.Check(ctx, r, s.Zones, v.remote.Addr())
	if s.AllowThreshold < 0 && score.Rank <= s.AllowThreshold {
		v.skip.Do(func() { _ = v.raw.SetReadDeadline(time.Unix(1, 0)) }) // there is nothing more to wait for
	}
	to <- score
}

// listen waits until the greeting is due. It reports whether the connection is still there.
func (v *visit) listen(until time.Time) bool {
	s := v.s
	_ = v.c.SetReadDeadline(until)
	v.mindClose()
	n, err := v.c.Read(v.first[:])
	v.skip.Do(func() {})
	switch {
	case n == 0 && errors.Is(err, os.ErrDeadlineExceeded):
		v.pass(testGreet, or(s.GreetTTL, 24*time.Hour))
		return true
	case n == 0:
		s.log("HANGUP after " + delta(time.Since(v.began)) + " from " + v.String() + " in tests before SMTP handshake")
		v.gone()
		return false
	}
	v.early = append(v.early, v.first[0])
	v.early = append(v.early, v.more()...)
	s.log(fmt.Sprintf("PREGREET %d after %s from %s: %s", len(v.early), delta(time.Since(v.began)), v, escape(v.early, 100)))
	v.failed.add(testGreet)
	switch s.Greet {
	case Drop:
		v.drop("521 5.5.1 Protocol error")
		return false
	case Enforce:
		v.earlyReply = true
		v.enforce("550 5.5.1 Protocol error")
	}
	return true
}

// more reads what has come with the first octet.
func (v *visit) more() []byte {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	_ = v.c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	n, _ := v.c.Read(buf[:])
	return append([]byte(nil), buf[:n]...)
}

const bufferSize = 4 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// judge draws the conclusion from what lists say.
func (v *visit) judge(score dnsbl.Score) bool {
	s := v.s
	for _, err := range score.Errors {
		s.log("warning: dnsblog: " + escape([]byte(err.Error()), 200))
	}
	threshold := s.Threshold
	if threshold == 0 {
		threshold = 1
	}
	if score.Rank < threshold {
		ttl := or(s.DNSTTL, time.Hour)
		if len(score.Errors) > 0 {
			ttl = min(ttl, time.Minute) // it is asked again soon
		}
		v.pass(testDNSBL, ttl)
		if s.AllowThreshold < 0 && score.Rank <= s.AllowThreshold && v.failed == 0 && !v.veto {
			for t := range numTests {
				if v.todo.has(t) && !v.passed.has(t) {
					v.pass(t, ttl)
				}
			}
		}
		return true
	}
	s.log(fmt.Sprintf("DNSBL rank %d for %s", score.Rank, v))
	name := score.Zone
	if s.ZoneName != nil {
		name = s.ZoneName(name)
	}
	text := " 5.7.1 Service unavailable; client [" + v.remote.Addr().String() + "] blocked using " + name
	switch s.Listed {
	case Drop:
		v.failed.add(testDNSBL)
		v.drop("521" + text)
		return false
	case Enforce:
		v.failed.add(testDNSBL)
		v.enforce("550" + text)
	}
	return true
}
