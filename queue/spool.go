package queue

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// Spool is the [Storage] in a folder of the file system. Set Dir; the zero value of every other field works. Fields must
// not change after the first call. One Spool at a time uses a folder: a second one, in this or another process, gets
// an error that is vfs's "locked by another process".
type Spool struct {
	Dir string
	FS  FS // nil: the operating system's

	// LongIDs makes ids that don't come back after their message is gone (enable_long_queue_ids). The file system must
	// tell upper from lower case.
	LongIDs bool

	// Log has messages that Fresh has room for come into a log, many in a file, incoming/NUMBER.log, instead of a file each: one
	// sync for all that come together, and none of a file system's work for those that are delivered at once. What stays gets
	// its file, and so does all that is left when the Spool is closed. What other programs expect to find in incoming at once
	// isn't there; List, Open and the others see it.
	Log bool

	// Limits: those of storage are used, the others belong to a Queue.
	Limits Limits

	Syncers     int              // files synced at the same time; 0: 24, past which only the slowest get slower
	Fresh       int              // octets of messages that have just come to keep in memory for their delivery; 0: 4 MiB; negative: none
	Hints       int              // due times kept in memory, about 64 octets each; 0: 50000
	RescanDelay time.Duration    // how often the folders are read for what was put there by hand; 0: 300 s
	MaxDelay    time.Duration    // the longest delay that Finish is given; more than that tells of a clock that was wrong; 0: 4000 s
	Now         func() time.Time // nil: time.Now

	// SetAside, when set, is told of each damaged file that was moved to the folder corrupt.
	SetAside func(id string, why error)

	opening sync.Mutex
	pausing sync.Mutex
	log     *intakeLog
	numbers atomic.Uint64 // in the ids of messages that have no file
	scans   sync.WaitGroup
	ending  atomic.Bool // Close has been called: a scan should end
	fs      vfs.FS
	lock    io.Closer
	syncing semaphore
	dirs    map[State]*sharedSync
	buffers sync.Pool

	mu        sync.Mutex
	open      bool
	closed    bool
	due       dueList
	scanned   time.Time          // when the last scan has ended
	latest    time.Time          // when it was last asked
	doubt     bool               // the clock may have been put back: the next scan looks whether times are right
	scan      *scanOf            // the one that is running
	scanErr   error              // why the last one failed
	news      *sync.Cond         // a hint came while a scan is running, or it has ended
	held      map[string]*holder // messages that somebody works on
	doomed    map[string]bool    // files of drafts that could not be removed
	fresh     map[string]*fresh  // messages that have just come
	freshSize int                // octets of these and of such that are leased
	foreign   idSet              // ids in the queue that name another file's inode
	fence     uint64
}

// holder is who works on a message: a lease, or an edit for a moment.
type holder struct {
	lease   *Lease
	file    *queueFile
	content []byte                // if it is in memory
	kept    int                   // octets of memory that it takes, of Fresh
	logged  atomic.Pointer[fresh] // while the message is in the log; changed with mu held, or the Spool's lock where there is no lease
	edit    Op                    // what an operator wants when the lease ends; 0: nothing
	ending  bool                  // too late for that
	wanted  bool                  // a hint came up meanwhile
	done    chan struct{}         // closed when the hold has ended
	mu      sync.Mutex            // of the journal
	safe    place                 // as far as it has been synced
	lost    int                   // how often a sync has failed
	sync    sharedSync
}

// place is where a journal ends.
type place struct {
	end int64
	sum uint32
}

func newHolder() *holder { return &holder{done: make(chan struct{})} }

const tempSuffix = ".tmp"

var spoolStates = [...]State{Incoming, Active, Deferred, Held, Corrupt}

func (s *Spool) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Spool) path(st State, id string) string { return path.Join(s.Dir, string(st), id) }

// Start makes the folders, takes the lock, and recovers what a crash left: unfinished files are removed, messages that
// were active become due. Other calls do it when they are the first.
func (s *Spool) Start() error {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	open, closed := s.open, s.closed
	s.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case open:
		return nil
	case s.Dir == "":
		return errors.New("queue: Spool.Dir is not set")
	}
	s.fs = s.FS
	if s.fs == nil {
		s.fs = vfs.OS{}
	}
	if err := s.setUp(); err != nil {
		return fmt.Errorf("queue: opening spool %s: %w", s.Dir, err)
	}
	return nil
}

func (s *Spool) setUp() (err error) {
	if err := makeDir(s.fs, s.Dir); err != nil {
		return err
	}
	if s.lock, err = s.fs.Lock(path.Join(s.Dir, "lock")); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.lock.Close()
		}
	}()
	s.syncing = make(semaphore, orInt(s.Syncers, 24))
	s.dirs = map[State]*sharedSync{}
	s.buffers.New = func() any { return bufio.NewWriterSize(nil, 64<<10) }
	s.fresh = map[string]*fresh{}
	s.held, s.foreign, s.doomed = map[string]*holder{}, newIDSet(), map[string]bool{}
	s.news = sync.NewCond(&s.mu)
	s.due.max = orInt(s.Hints, 50000)
	for _, st := range spoolStates {
		d := s.path(st, "")
		if err := s.fs.MkdirAll(d, 0o700); err != nil {
			return err
		}
		s.dirs[st] = syncOf(s.fs, d)
	}
	if err := s.fs.SyncDir(s.Dir); err != nil { // a crash may have come between the making of folders and this
		return err
	}
	s.openLog()
	if err := s.recover(); err != nil {
		return err
	}
	s.mu.Lock()
	s.open = true
	s.mu.Unlock()
	return nil
}

// makeDir makes a folder and those above it that are missing, durably: a synced file in a folder whose own name is lost
// is lost.
func makeDir(fsys vfs.FS, name string) error {
	name = path.Clean(name)
	above := path.Dir(name)
	_, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && above != name {
		if err := makeDir(fsys, above); err != nil {
			return err
		}
		err = fsys.Mkdir(name, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// It may have been made just before a crash, so it is synced even if it is there. The folder above may be somebody
	// else's.
	if err := fsys.SyncDir(above); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// Close implements [Storage].
func (s *Spool) Close() error {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	if s.closed || !s.open {
		s.closed = true
		s.mu.Unlock()
		return nil
	}
	s.closed, s.open = true, false
	held := maps.Clone(s.held)
	for id := range s.held {
		s.drop(id)
	}
	s.mu.Unlock()
	s.ending.Store(true)
	s.emptyLog(held)
	return s.lock.Close()
}

// use is what every call begins with.
func (s *Spool) use() error {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	if open {
		return nil
	}
	return s.Start()
}

func orInt(n, d int) int {
	if n == 0 {
		return d
	}
	return n
}

func orTime(t, d time.Duration) time.Duration {
	if t == 0 {
		return d
	}
	return t
}
