// Package logins remembers who has logged in from where, and who has tried, by whatever protocol. It stands before the guard that slows guessing down, which
// every attempt passes.
package logins

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"github.com/buuta/mail/examples/fullserver/maillog"
)

// Attempts are attempts by one name from one address at one service that ended in the same way, the first and the last not more than an hour apart.
type Attempts struct {
	User        string // as it was said
	Remote      string // address
	Service     string // "imap", "submission", "http" for webmail, "webadmin"
	Good        bool
	Unseen      bool // refused without being looked at: too many had failed
	Count       int
	First, Last time.Time
}

// History is a mail.AuthGuard. Fields must not change once it is used. It may be used by many goroutines.
type History struct {
	Guard mail.AuthGuard
	File  string           // where it survives a restart, of mode 0600; "": nowhere
	Keep  int              // how many good ones, and how many that failed, are kept; 0: 5,000
	Now   func() time.Time // nil: time.Now

	mu      sync.Mutex
	good    map[key]*Attempts
	failed  map[key]*Attempts
	changed bool
}

type key struct {
	user, remote, service string
	unseen                bool
	hour                  int64
}

// Load reads what an earlier run has kept.
func (h *History) Load() error {
	if h.File == "" {
		return nil
	}
	b, err := os.ReadFile(h.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []*Attempts
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range list {
		if a != nil {
			h.put(a)
		}
	}
	h.changed = false
	return nil
}

// Save writes what is new.
func (h *History) Save() error {
	h.mu.Lock()
	changed := h.changed
	h.changed = false
	h.mu.Unlock()
	if h.File == "" || !changed {
		return nil
	}
	b, err := json.Marshal(h.List(nil))
	if err == nil {
		err = secretfile.Write(h.File, b)
	}
	if err != nil {
		h.mu.Lock()
		h.changed = true
		h.mu.Unlock()
	}
	return err
}

// Run saves now and then, and when ctx is done.
func (h *History) Run(ctx context.Context, warn func(error)) {
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-tick.C:
		}
		if err := h.Save(); err != nil {
			warn(err)
		}
	}
}

// Admit implements mail.AuthGuard.
func (h *History) Admit(ctx context.Context, a *mail.AuthRequest) (func(error), error) {
	settled, err := h.Guard.Admit(ctx, a)
	remote := maillog.IP(a.Remote)
	if remote == "" { // a socket of this machine: webmail, whose own log-in counts
		return settled, err
	}
	user, service := a.Username, a.Service
	if user == "" {
		user = a.Authorize
	}
	if err != nil {
		if errors.Is(err, mail.ErrTooManyAttempts) {
			h.add(user, remote, service, false, true)
		}
		return nil, err
	}
	return func(err error) {
		settled(err)
		if err == nil || errors.Is(err, mail.ErrAuthFailed) {
			h.add(user, remote, service, err == nil, false)
		}
	}, nil
}

// maxName is how much of a name is kept: strangers choose it.
const maxName = 128

func (h *History) add(user, remote, service string, good, unseen bool) {
	if len(user) > maxName {
		user = user[:maxName]
	}
	user = strings.ToLower(string(maillog.AppendClean(nil, user)))
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	at := now().UTC().Truncate(time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(&Attempts{User: user, Remote: remote, Service: service, Good: good, Unseen: unseen, Count: 1, First: at, Last: at})
}

// put adds attempts to those of the same hour. The history is locked.
func (h *History) put(a *Attempts) {
	if h.good == nil {
		h.good, h.failed = map[key]*Attempts{}, map[key]*Attempts{}
	}
	m := h.failed
	if a.Good {
		m = h.good
	}
	k := key{a.User, a.Remote, a.Service, a.Unseen, a.First.Unix() / 3600}
	h.changed = true
	if old := m[k]; old != nil {
		old.Count += a.Count
		old.Last = a.Last
		return
	}
	m[k] = a
	most := h.Keep
	if most <= 0 {
		most = 5000
	}
	if len(m) > most+most/10 { // not for each one anew
		all := make([]*Attempts, 0, len(m))
		for _, v := range m {
			all = append(all, v)
		}
		slices.SortFunc(all, newest)
		clear(m)
		for _, v := range all[:most] {
			m[key{v.User, v.Remote, v.Service, v.Unseen, v.First.Unix() / 3600}] = v
		}
	}
}

func newest(a, b *Attempts) int { return b.Last.Compare(a.Last) }

// List returns what keep wants, or all, the newest first.
func (h *History) List(keep func(*Attempts) bool) []Attempts {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Attempts
	for _, m := range []map[key]*Attempts{h.good, h.failed} {
		for _, a := range m {
			if keep == nil || keep(a) {
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, newest)
	out := make([]Attempts, len(all))
	for i, a := range all {
		out[i] = *a
	}
	return out
}
