package collect

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
)

// Options say for whom mail is fetched, and where things are. Dir, KeyFile and Mailbox must be set.
type Options struct {
	Dir      string                                                               // of files; it must be there
	KeyFile  string                                                               // the key that passwords are sealed with; one is made where it is missing
	Mailbox  func(ctx context.Context, user, folder string) (mail.Mailbox, error) // a user's mailbox
	May      func(ctx context.Context, user string) bool                          // whether a user's accounts are fetched from by themselves; nil: all are
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer, which reaches this machine and its network, too
	TLS      *tls.Config                                                          // for the other servers; nil: the system's roots
	Hostname string                                                               // of this server, for Received fields
	Log      *slog.Logger                                                         // nil: nobody is told
	Now      func() time.Time                                                     // nil: time.Now
	Limits   Limits

	// AuthservIDs are the names under which this server writes Authentication-Results: those that mail brings along are taken out.
	AuthservIDs []string
}

// Limits bound what users can have the server do. 0 means the default.
type Limits struct {
	Interval    time.Duration // between two runs of an account; 0: 15 min
	Accounts    int           // of a user; 0: 5
	Messages    int           // of a run; 0: 200
	Size        int64         // octets of a message: larger ones stay where they are; 0: 50 MiB
	Time        time.Duration // for a run; 0: 10 min
	Concurrency int           // runs at the same time, one a user at most; 0: 4
	Ports       []uint16      // that may be connected to; empty: all
	Tries       int           // log-ins that a user may ask for, in an hour; 0: 20
	Refusals    int           // of a password, after which it isn't tried any more; 0: 3
}

func (l Limits) withDefaults() Limits {
	l.Interval = cmp.Or(l.Interval, 15*time.Minute)
	l.Accounts = cmp.Or(l.Accounts, 5)
	l.Messages = cmp.Or(l.Messages, 200)
	l.Size = cmp.Or(l.Size, 50<<20)
	l.Time = cmp.Or(l.Time, 10*time.Minute)
	l.Concurrency = cmp.Or(l.Concurrency, 4)
	l.Tries = cmp.Or(l.Tries, 20)
	l.Refusals = cmp.Or(l.Refusals, 3)
	return l
}

// Collector has the users' accounts, and fetches while Run runs. It may be used by many goroutines.
type Collector struct {
	o    Options
	key  []byte
	wake chan struct{}

	mu      sync.Mutex
	people  map[string]*person
	running int
}

// person is a user with accounts elsewhere.
type person struct {
	name    string
	entries []*entry
	busy    bool        // one of his accounts is fetched from
	tries   []time.Time // of the last hour, that he has asked for
}

// Open reads what is kept.
func Open(o Options) (*Collector, error) {
	c := &Collector{o: o, wake: make(chan struct{}, 1), people: map[string]*person{}}
	c.o.Limits = o.Limits.withDefaults()
	if c.o.Now == nil {
		c.o.Now = time.Now
	}
	if c.o.Log == nil {
		c.o.Log = slog.New(slog.DiscardHandler)
	}
	if c.o.Dial == nil {
		c.o.Dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	var err error
	if c.key, err = readKey(o.KeyFile); err != nil {
		return nil, err
	}
	return c, c.readBooks()
}

// person returns a user, with no accounts where he is new. c.mu is held.
func (c *Collector) person(user string) *person {
	p := c.people[user]
	if p == nil {
		p = &person{name: user}
		c.people[user] = p
	}
	return p
}

func (p *person) find(id string) *entry {
	if i := slices.IndexFunc(p.entries, func(e *entry) bool { return e.Account.ID == id }); i >= 0 {
		return p.entries[i]
	}
	return nil
}

// try counts a log-in that a user asks for: nobody shall guess passwords through this server. c.mu is held.
func (c *Collector) try(p *person) error {
	now := c.o.Now()
	p.tries = slices.DeleteFunc(p.tries, func(t time.Time) bool { return now.Sub(t) > time.Hour })
	if len(p.tries) >= c.o.Limits.Tries {
		return &Problem{Code: TooOften}
	}
	p.tries = append(p.tries, now)
	return nil
}

// Accounts returns a user's accounts.
func (c *Collector) Accounts(user string) []View {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.people[user]
	if p == nil {
		return nil
	}
	var out []View
	for _, e := range p.entries {
		v := View{Account: e.Account, Status: e.Status, Running: e.work.cancel != nil}
		if !e.Account.Paused && !e.Status.Stopped {
			v.Next = e.work.next
		}
		out = append(out, v)
	}
	return out
}

// Ports returns the ports that may be connected to; nothing: all.
func (c *Collector) Ports() []uint16 { return c.o.Limits.Ports }

// Save keeps a new account, or one in another form. Unless it is paused it is tried first, and one that can't be fetched from isn't kept. The password may be "" for one that is
// reached as before. The error is a *Problem where it is the user's to solve.
func (c *Collector) Save(ctx context.Context, user string, a Account, password string) error {
	a, err := a.check(c.o.Limits.Ports)
	if err == nil && strings.ContainsAny(password, "\r\n\x00") || len(password) > 1024 {
		err = &Problem{Code: NeedPassword}
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	p := c.person(user)
	if password, err = c.may(p, &a, password); err == nil && !a.Paused {
		err = c.try(p)
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if a.Paused {
		err = c.checkFolder(ctx, user, a.Folder)
	} else {
		err = c.test(ctx, user, a, password)
		if a.ID != "" && errors.Is(err, pop3.ErrInUse) { // who is there is us, perhaps; and the password is right (RFC 2449 section 8.1.1)
			err = c.checkFolder(ctx, user, a.Folder)
		}
	}
	if err != nil {
		return c.told(user, &a, err, password)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err = c.may(p, &a, password); err != nil { // another page may have been faster
		return err
	}
	return c.put(p, a, password)
}

// may says whether an account can be kept, and with which password. c.mu is held.
func (c *Collector) may(p *person, a *Account, password string) (string, error) {
	for _, e := range p.entries {
		if e.Account.ID != a.ID && e.Account.source() == a.source() {
			return "", &Problem{Code: Twice}
		}
	}
	e := p.find(a.ID)
	switch {
	case a.ID != "" && e == nil:
		return "", &Problem{Code: Gone}
	case e == nil && len(p.entries) >= c.o.Limits.Accounts:
		return "", &Problem{Code: TooMany}
	case password != "":
		return password, nil
	case e == nil || !e.Account.reaches(a): // the password is for whom it was given
		return "", &Problem{Code: NeedPassword}
	}
	return c.open(p.name, e)
}

// put writes an account into the user's file. c.mu is held.
func (c *Collector) put(p *person, a Account, password string) error {
	before := slices.Clone(p.entries)
	e := &entry{Account: a}
	if old := p.find(a.ID); old != nil {
		old.work.stop()
		if old.Account.source() == a.source() {
			e.Status.Total = old.Status.Total
		}
		p.entries[slices.Index(p.entries, old)] = e
	} else {
		e.Account.ID = newID()
		p.entries = append(p.entries, e)
	}
	e.Sealed = c.seal(p.name, &e.Account, password)
	e.work.next = c.o.Now()
	if err := c.save(p); err != nil {
		p.entries = before
		return err
	}
	c.prune(p)
	c.nudge()
	return nil
}

// Remove takes an account out. Its mail stays where it is, here and there. One that is gone already is no error.
func (c *Collector) Remove(user, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.person(user)
	e := p.find(id)
	if e == nil {
		return nil
	}
	e.work.stop()
	before := p.entries
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(o *entry) bool { return o == e })
	if err := c.save(p); err != nil {
		p.entries = before
		return err
	}
	c.prune(p)
	return nil
}

// told logs an error of an account, and says what it is.
func (c *Collector) told(user string, a *Account, err error, password string) *Problem {
	p := problemOf(err, password)
	c.o.Log.Warn("collect", "user", user, "host", a.Host, "account", a.User, "problem", string(p.Code), "err", p.Err)
	return p
}
