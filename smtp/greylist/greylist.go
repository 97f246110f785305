// Package greylist sends strangers away once: who sends mail to somebody from somewhere for the first time is told to come back later (RFC 6647).
// Mail servers do, most programs that send junk don't. The rules are those of David Schweikert's postgrey: what counts is the network of the
// client, the sender and the recipient; a client that came back for AutoAllow messages is not sent away any more.
package greylist

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"time"

	"github.com/buuta/mail/internal/ledger"
)

// Options are a List's rules. The zero value has postgrey's.
type Options struct {
	Delay       time.Duration // after which a message is taken; 0: 300 s
	RetryWindow time.Duration // within which it has to come again; 0: 2 days
	MaxAge      time.Duration // how long who came back is remembered; 0: 35 days
	AutoAllow   int           // messages that came back, an hour apart, after which a client is known; 0: 5, negative: never
	ByHost      bool          // each address is a client; else networks are, of
	Bits4       int           // so many bits; 0: 24
	Bits6       int           // 0: 64
	MaxEntries  int           // that are remembered; 0: 200,000 (some 20 MiB). Those go first that would go soon: who never came back
	Warn        func(error)   // hears when the file can't be written; nil: nobody
}

// List is a greylist. It may be used by many goroutines at once.
type List struct {
	o Options
	t *ledger.Table
}

// Open opens a list with its file, which is made where it is missing and no other process may have; "" keeps it in memory. What is new is in
// the file, and durable, a second later. There are no addresses in it, only hashes of them.
func Open(file string, o Options) (*List, error) {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Delay, 5*time.Minute)
	def(&o.RetryWindow, 2*24*time.Hour)
	def(&o.MaxAge, 35*24*time.Hour)
	if o.AutoAllow == 0 {
		o.AutoAllow = 5
	}
	if o.Bits4 <= 0 || o.Bits4 > 32 {
		o.Bits4 = 24
	}
	if o.Bits6 <= 0 || o.Bits6 > 128 {
		o.Bits6 = 64
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 200_000
	}
	t, err := ledger.Open(file, ledger.Options{Max: o.MaxEntries, Warn: o.Warn})
	if err != nil {
		return nil, err
	}
	return &List{o, t}, nil
}

// Len is how many entries there are.
func (l *List) Len() int { return l.t.Len() }

// Close makes the list durable and gives the file back.
func (l *List) Close() error { return l.t.Close() }

// Verdict is what becomes of a recipient.
type Verdict struct {
	Wait    time.Duration // until the message would be taken; 0: it is
	New     bool          // it came for the first time
	Delayed time.Duration // how long it had to wait, the first time that it is taken; else 0
	Known   bool          // the client is known to come back
}

// Check says whether a client's message from a sender to a recipient is taken now.
func (l *List) Check(client netip.Addr, sender, recipient string) Verdict {
	client = client.Unmap().WithZone("")
	now := time.Now()
	host := key("client", client.String())
	if l.o.AutoAllow > 0 {
		if v, ok := l.t.Get(host); ok && int(v[0]) >= l.o.AutoAllow {
			l.seen(host, now, 0)
			return Verdict{Known: true}
		}
	}
	var out Verdict
	came := false
	l.t.Update(key(l.network(client), lower(canonical(sender)), lower(recipient)), func(v ledger.Value, known bool) (ledger.Value, time.Time) {
		first, last := time.Unix(int64(v[0]), 0), time.Unix(int64(v[1]), 0)
		before := known && last.Sub(first) >= l.o.Delay // it was taken before
		switch {
		case !known, first.After(now), !before && now.Sub(first) > l.o.RetryWindow:
			first = now
			out.New = true
		}
		at := now.Truncate(time.Second)
		waited := at.Sub(first.Truncate(time.Second))
		out.Wait = max(0, l.o.Delay-waited)
		if out.Wait == 0 && !before {
			came, out.Delayed = true, waited
		}
		keep := l.o.RetryWindow
		if out.Wait == 0 {
			keep = l.o.MaxAge
		}
		return ledger.Value{uint32(first.Unix()), uint32(now.Unix())}, now.Add(keep)
	})
	if came && l.o.AutoAllow > 0 {
		l.seen(host, now, 1)
	}
	return out
}

// seen counts that a client came back, once an hour at most.
func (l *List) seen(host ledger.Key, now time.Time, n uint32) {
	l.t.Update(host, func(v ledger.Value, known bool) (ledger.Value, time.Time) {
		if last := time.Unix(int64(v[1]), 0); known && now.Sub(last) < time.Hour && !last.After(now) {
			return v, last.Add(l.o.MaxAge)
		}
		return ledger.Value{v[0] + n, uint32(now.Unix())}, now.Add(l.o.MaxAge)
	})
}

// network is what counts as one client.
func (l *List) network(a netip.Addr) string {
	bits := l.o.Bits4
	if a.Is6() {
		bits = l.o.Bits6
	}
	if l.o.ByHost {
		bits = a.BitLen()
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

func key(parts ...string) ledger.Key {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return ledger.Key(sum[:16])
}

func lower(s string) string { return strings.ToLower(s) }

// canonical is a sender without what differs from message to message: an extension behind "+", the tag of BATV, and numbers, as mailing lists
// put them into addresses (VERP).
func canonical(sender string) string {
	at := strings.LastIndexByte(sender, '@')
	if at < 0 {
		return sender
	}
	user, domain := sender[:at], sender[at:]
	if f := strings.Split(user, "="); len(f) == 3 && strings.EqualFold(f[0], "prvs") {
		if user = f[2]; tag(f[2]) && !tag(f[1]) { // some write it the other way round
			user = f[1]
		}
	}
	user, _, _ = strings.Cut(user, "+")
	var b strings.Builder
	for i := 0; i < len(user); {
		n := 0
		for i+n < len(user) && user[i+n] >= '0' && user[i+n] <= '9' {
			n++
		}
		switch {
		case n == 0:
			b.WriteByte(user[i])
			n = 1
		case (i == 0 || !word(user[i-1])) && (i+n == len(user) || !word(user[i+n])):
			b.WriteByte('#')
		default:
			b.WriteString(user[i : i+n])
		}
		i += n
	}
	return b.String() + domain
}

// tag reports whether s begins as a tag of BATV does.
func tag(s string) bool {
	return len(s) >= 10 && strings.Trim(strings.ToLower(s[:10]), "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
