package textcache

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/mime/searchtext"
)

// The names of the files besides Path, which is the text file's.
const (
	indexSuffix = ".index"
	lockSuffix  = ".lock"
)

// Cache is one mailbox's text. Many may search at once, also in other processes.
type Cache struct {
	FS       vfs.FS
	Path     string // of the text file
	Validity uint32 // the mailbox's UIDVALIDITY: texts of another are thrown away
	Key      uint64 // says how texts are made: those made otherwise are thrown away

	// Turn, if not nil, is shared by all who add to the files, so that those of one process wait for each other and one does the work.
	// Other processes don't wait but read the messages themselves.
	Turn *Turn

	// Failed, if not nil, is told why texts can't be kept. Searches go on without.
	Failed func(error)
}

// Source makes the texts of messages. It calls add for each, one at a time, in any order, and leaves out those that are gone.
type Source func(ctx context.Context, uids []uint32, add func(uid uint32, t searchtext.Text)) error

var errVanished = errors.New("textcache: files are gone as soon as they are made")

// What is known of a message.
const (
	unwanted uint8 = iota
	undecided
	no
	yes
)

// search is one search.
type search struct {
	c     *Cache
	q     *searchtext.Query
	sieve sieve
	live  []uint32 // UIDs of the mailbox, ascending
	state []uint8
	next  int // where the next UID is looked for first

	seen        []bool // entries found, so that a second one for the same message is known as such
	total, dead int64  // octets of entries
	untidy      bool   // groups are to be made

	adding bool   // nobody asks: live is what is to be added, and what has an entry is decided
	top    uint32 // the highest UID that has an entry
}

// Search returns which of the messages wanted match, ascending. live is every message of the mailbox, wanted some of them, both
// ascending. Those of them that the cache lacks come from source and are kept.
func (c *Cache) Search(ctx context.Context, live, wanted []uint32, q *searchtext.Query, source Source) ([]uint32, error) {
	s := &search{c: c, q: q, sieve: newSieve(q.Needs()), live: live, state: make([]uint8, len(live))}
	for _, uid := range wanted {
		if i, ok := s.find(uid); ok {
			s.state[i] = undecided
		}
	}
	if v := c.open(os.O_RDONLY); v != nil {
		err := s.scan(ctx, v)
		v.close()
		if err != nil {
			return nil, err
		}
	}
	if len(s.undecided()) > 0 || s.wasteful() || s.untidy {
		if err := s.update(ctx, source); err != nil {
			return nil, err
		}
	}
	var out []uint32
	for i, st := range s.state {
		if st == yes {
			out = append(out, live[i])
		}
	}
	return out, nil
}

// Add has the texts of messages kept that the cache lacks. uids are ascending. Source makes them, as for Search. Where the messages are newer
// than all that others have added, it costs nothing to find out which those are. While another process adds texts, nothing is done.
func (c *Cache) Add(ctx context.Context, uids []uint32, source Source) error {
	if len(uids) == 0 {
		return nil
	}
	s := &search{c: c, live: uids, state: make([]uint8, len(uids)), adding: true}
	for i := range s.state {
		s.state[i] = undecided
	}
	return s.update(ctx, source)
}

// find returns a message's place in live. Entries mostly come in the order of UIDs.
func (s *search) find(uid uint32) (int, bool) {
	if s.next < len(s.live) && s.live[s.next] == uid {
		s.next++
		return s.next - 1, true
	}
	i, ok := slices.BinarySearch(s.live, uid)
	if ok {
		s.next = i + 1
	}
	return i, ok
}

func (s *search) undecided() (uids []uint32) {
	for i, st := range s.state {
		if st == undecided {
			uids = append(uids, s.live[i])
		}
	}
	return uids
}

// scan looks through everything in the files. What it can't read or believe stays undecided.
func (s *search) scan(ctx context.Context, v *view) error {
	s.total, s.dead, s.next, s.top = 0, 0, 0, 0
	s.seen = make([]bool, len(s.live))
	if err := s.groups(ctx, v); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, raw, ok := v.nextLoose()
		if !ok {
			s.untidy = v.untidy()
			return nil
		}
		v.loose++
		if i, _ := s.note(&e); i >= 0 && s.state[i] == undecided {
			t, _ := e.open(v.generation, raw)
			s.decide(i, t)
		}
	}
}

// note counts an entry and returns its message's place, -1 when that is gone. first is false when an entry of the same message was before it.
func (s *search) note(e *entry) (i int, first bool) {
	s.total += e.size()
	s.top = max(s.top, e.uid)
	i, ok := s.find(e.uid)
	if !ok {
		s.dead += e.size()
		return -1, false
	}
	if s.seen[i] {
		s.dead += e.size()
		return i, false
	}
	s.seen[i] = true
	return i, true
}

func (s *search) decide(i int, t searchtext.Text) {
	if s.state[i] = no; !s.adding && s.q.Match(t) {
		s.state[i] = yes
	}
}

// wasteful reports whether more than half of the files is for nothing.
func (s *search) wasteful() bool { return s.dead > 1<<20 && s.dead > s.total/2 }
