package session

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
)

// Options say how sessions are kept. The zero value keeps them in memory, for 8 hours after the last request and 14 days at most.
type Options struct {
	File           string // where they survive a restart; "": nowhere
	Idle, Absolute time.Duration
	PerUser        int // sessions of one user, beyond which the one used longest ago ends; 0: 20
	Total          int // sessions at all, beyond which nobody can sign in; 0: 20,000
	Now            func() time.Time
}

// Store holds the sessions. It may be used by many goroutines.
type Store struct {
	o       Options
	mu      sync.Mutex
	records map[[sha256.Size]byte]*record
}

// ErrFull says that there are too many sessions.
var ErrFull = errors.New("session: too many sessions")

// written is how far the file may be behind with when a session was last used.
const written = 10 * time.Minute

// Open reads the sessions that are kept in the file, if there is one.
func Open(o Options) (*Store, error) {
	if o.Idle == 0 {
		o.Idle = 8 * time.Hour
	}
	if o.Absolute == 0 {
		o.Absolute = 14 * 24 * time.Hour
	}
	if o.PerUser == 0 {
		o.PerUser = 20
	}
	if o.Total == 0 {
		o.Total = 20_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{o: o, records: map[[sha256.Size]byte]*record{}}
	if o.File == "" {
		return s, nil
	}
	b, err := os.ReadFile(o.File)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	var list []*record
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r != nil && !s.over(r) {
			s.records[r.Hash] = r
		}
	}
	return s, nil
}

func (s *Store) over(r *record) bool {
	now := s.o.Now()
	return now.Sub(r.Seen) > s.o.Idle || now.Sub(r.Created) > s.o.Absolute
}

// Create begins a session and returns the value of its cookie, which is drawn anew: nobody can have known it before.
func (s *Store) Create(user, secret, remote, agent string) (cookie string, err error) {
	cookie = NewCookie()
	raw, _ := decodeCookie(cookie)
	now := s.o.Now().UTC()
	r := &record{Info: Info{ID: newID(), User: user, Created: now, Seen: now, Remote: remote, Agent: clip(agent)},
		Hash: sha256.Sum256(raw), Sealed: seal(raw, user, secret)}
	s.mu.Lock()
	defer s.mu.Unlock()
	var own []*record
	for h, other := range s.records {
		if s.over(other) {
			delete(s.records, h)
		} else if other.User == user {
			own = append(own, other)
		}
	}
	if len(own) >= s.o.PerUser {
		slices.SortFunc(own, func(a, b *record) int { return a.Seen.Compare(b.Seen) })
		for _, old := range own[:len(own)-s.o.PerUser+1] {
			delete(s.records, old.Hash)
		}
	}
	if len(s.records) >= s.o.Total {
		return "", ErrFull
	}
	s.records[r.Hash] = r
	if err := s.save(); err != nil {
		delete(s.records, r.Hash)
		return "", err
	}
	return cookie, nil
}

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.ToValidUTF8(s, "")
}

// Alive reports whether the session has not ended. That is no use of it.
func (s *Store) Alive(sess *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[sha256.Sum256(sess.cookie)]
	return r != nil && !s.over(r)
}

// Lookup returns the session of a cookie; nil when there is none, or none any more. With use it is used now, from remote: what a page does
// by itself is no use, or a page that is left open would keep the session for ever.
func (s *Store) Lookup(cookie, remote string, use bool) *Session {
	raw, ok := decodeCookie(cookie)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[sha256.Sum256(raw)]
	if r == nil {
		return nil
	}
	if s.over(r) {
		delete(s.records, r.Hash)
		_ = s.save() // what is kept too long in the file is not let in either
		return nil
	}
	secret, err := unseal(raw, r.User, r.Sealed)
	if err != nil {
		return nil
	}
	if !use {
		return &Session{r.Info, secret, raw}
	}
	before := r.Seen
	r.Seen, r.Remote = s.o.Now().UTC(), remote
	if r.Seen.Sub(before) > written {
		_ = s.save() // it is only the time; the next change writes it too
	}
	return &Session{r.Info, secret, raw}
}

// End ends the session. It reports whether the file says so too.
func (s *Store) End(sess *Session) error {
	return s.endWhere(func(r *record) bool { return r.Hash == sha256.Sum256(sess.cookie) })
}

// EndOthers ends the sessions of the same user: the one with an id, or where id is "" all but this one.
func (s *Store) EndOthers(sess *Session, id string) error {
	return s.endWhere(func(r *record) bool {
		return r.User == sess.User && (id != "" && r.ID == id || id == "" && r.ID != sess.ID)
	})
}

func (s *Store) endWhere(which func(*record) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, r := range s.records {
		if which(r) {
			delete(s.records, h)
		}
	}
	return s.save()
}

// List returns the user's sessions, the one used last first.
func (s *Store) List(user string) []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Info
	for _, r := range s.records {
		if r.User == user && !s.over(r) {
			out = append(out, r.Info)
		}
	}
	slices.SortFunc(out, func(a, b Info) int { return b.Seen.Compare(a.Seen) })
	return out
}

// save writes the file, whole or not at all. The store is locked.
func (s *Store) save() error {
	if s.o.File == "" {
		return nil
	}
	list := make([]*record, 0, len(s.records))
	for _, r := range s.records {
		list = append(list, r)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return secretfile.Write(s.o.File, b)
}
