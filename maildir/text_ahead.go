package maildir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/searchtext"
)

// What making texts ahead may take. Nobody waits for it longer than for one piece.
const (
	aheadMany  = 64        // messages of a mailbox that aren't waited with, because more may come
	aheadPiece = 32        // messages of which the texts are made before it rests
	aheadBytes = 256 << 10 // and octets that these have
	aheadRests = 3         // times as long as that took
	aheadRest  = time.Millisecond
	aheadTurn  = time.Minute // for one mailbox before others have their turn
	aheadBoxes = 4096        // mailboxes that wait. Those beyond are left to their next search
)

// texter makes texts for SearchText ahead, one mailbox after the other, in one goroutine that lives while there is something to do. It rests
// three times as long as it works, so that it takes a quarter of one processor at most, lets others go first after each message, and takes
// less where they want the processors: then it works slower and rests longer. What it has yet to do is nowhere but in memory: what is lost is made by the next search.
type texter struct {
	mu      sync.Mutex
	jobs    map[string]*textJob // by the mailbox's folder
	queue   []*textJob          // the same, those first that wait longest
	timer   *time.Timer         // nil when nothing waits
	running bool
	closed  bool
	cancel  context.CancelFunc // of what runs
	work    sync.WaitGroup
}

// textJob is a mailbox with messages that have no texts yet.
type textJob struct {
	account, root, dir, title string

	first uint32 // of the messages
	n     int    // how many came
	due   time.Time
}

// textsSoon sees to it that the texts of n messages from first on are made soon, if the Store wants that.
func (b *box) textsSoon(first uint32, n int) {
	s := b.s
	if s.TextAhead <= 0 || s.NoTextCache {
		return
	}
	b.mu.RLock()
	j := &textJob{account: b.tree.ledger.account, root: b.root, dir: b.dir, title: b.name, first: first}
	b.mu.RUnlock()
	s.texter.add(s, j, n)
}

// add adds n messages to a job, which may be there already.
func (x *texter) add(s *Store, j *textJob, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if was := x.jobs[j.dir]; was != nil {
		was.first = min(was.first, j.first)
		j = was
	} else {
		if x.closed || len(x.jobs) >= aheadBoxes {
			return
		}
		if x.jobs == nil {
			x.jobs = map[string]*textJob{}
		}
		j.due = time.Now().Add(s.TextAhead)
		x.jobs[j.dir], x.queue = j, append(x.queue, j)
	}
	if j.n += n; j.n >= aheadMany {
		j.due = time.Time{}
	}
	if !x.running && (x.timer == nil || j.due.IsZero()) { // else what the timer waits for is due before this
		x.schedule(s)
	}
}

// schedule starts what is due, or sees to it that it is started when it will be. Nothing runs, and the lock is held.
func (x *texter) schedule(s *Store) {
	if x.closed || len(x.queue) == 0 {
		return
	}
	wait := time.Until(x.soonest().due)
	if wait > 0 {
		if x.timer == nil {
			x.timer = time.AfterFunc(wait, func() { x.wake(s) })
		}
		return
	}
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	x.running, x.cancel = true, cancel
	x.work.Go(func() {
		defer cancel()
		x.run(ctx, s)
	})
}

// wake is the timer's.
func (x *texter) wake(s *Store) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.timer = nil
	if !x.running {
		x.schedule(s)
	}
}

// soonest returns the job that is due first.
func (x *texter) soonest() *textJob {
	first := x.queue[0]
	for _, j := range x.queue[1:] {
		if j.due.Before(first.due) {
			first = j
		}
	}
	return first
}

// take takes the next job that is due. When there is none, it leaves it to schedule and reports false.
func (x *texter) take(s *Store) (*textJob, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.closed && len(x.queue) > 0 {
		if j := x.soonest(); time.Until(j.due) <= 0 {
			delete(x.jobs, j.dir)
			i := slices.Index(x.queue, j)
			x.queue = slices.Delete(x.queue, i, i+1)
			return j, true
		}
	}
	x.running = false
	x.schedule(s)
	return nil, false
}

func (x *texter) run(ctx context.Context, s *Store) {
	e := &searchtext.Extractor{CharsetReader: s.CharsetReader, Attachment: s.AttachmentText}
	for {
		j, ok := x.take(s)
		if !ok {
			return
		}
		rest, n, err := s.makeTexts(ctx, j, e)
		switch {
		case ctx.Err() != nil: // the Store is being closed
		case err != nil && !errors.Is(err, mail.ErrNoMailbox) && !errors.Is(err, fs.ErrNotExist):
			s.logger().Warn("can't make texts for searches", "mailbox", j.title, "dir", j.dir, "error", err)
		case n > 0:
			x.add(s, &textJob{account: j.account, root: j.root, dir: j.dir, title: j.title, first: rest}, n)
		}
	}
}

// done notes that a mailbox's messages up to last have their texts: of those that came meanwhile, some may.
func (x *texter) done(dir string, last uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if j := x.jobs[dir]; j != nil && j.first <= last {
		j.first = last + 1
	}
}

// makeTexts makes the texts of a job's messages, until all have theirs or others should have their turn: then rest is the first of n that are left.
func (s *Store) makeTexts(ctx context.Context, j *textJob, e *searchtext.Extractor) (rest uint32, n int, err error) {
	defer func() {
		if p := recover(); p != nil { // in a function of the Store's user, say, that reads attachments
			rest, n, err = 0, 0, fmt.Errorf("maildir: panic: %v\n%s", p, debug.Stack())
		}
	}()
	a := newAccount(s, s.start(), j.account, j.root)
	defer a.end()
	opened, err := a.Open(ctx, j.title)
	if err != nil {
		return 0, 0, err
	}
	defer opened.Close()
	m := opened.(*mailbox)
	var uids []uint32
	var sizes []int64
	for msg, err := range m.Messages(ctx, mail.UIDRangeSet(mail.UID(j.first), mail.MaxUID), mail.FieldSize) {
		if err != nil {
			return 0, 0, err
		}
		uids, sizes = append(uids, uint32(msg.UID)), append(sizes, msg.Size)
	}
	source := func(ctx context.Context, uids []uint32, add func(uint32, searchtext.Text)) error {
		return m.textsBy(ctx, e, uids, add)
	}
	began := time.Now()
	at := 0
	// Whose texts are made has its index.
	defer func() { err = cmp.Or(err, m.threadCache().Add(ctx, uids[:at], m.threads)) }()
	for at < len(uids) {
		begun := time.Now()
		if begun.Sub(began) > aheadTurn {
			return uids[at], len(uids) - at, nil
		}
		end, octets := at+1, sizes[at]
		for end < len(uids) && end-at < aheadPiece && octets+sizes[end] <= aheadBytes {
			octets += sizes[end]
			end++
		}
		if err := m.textCache().Add(ctx, uids[at:end], source); err != nil {
			return 0, 0, err
		}
		at = end
		s.texter.done(j.dir, uids[at-1])
		t := time.NewTimer(max(aheadRests*time.Since(begun), aheadRest))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return 0, 0, ctx.Err()
		}
	}
	return 0, 0, nil
}

// Close ends what the Store does in the background to make texts ahead, and waits for its end. The Store may be used on, without that.
func (s *Store) Close() error {
	x := &s.texter
	x.mu.Lock()
	x.closed = true
	x.jobs, x.queue = nil, nil
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	if x.cancel != nil {
		x.cancel()
	}
	x.mu.Unlock()
	x.work.Wait()
	return nil
}
