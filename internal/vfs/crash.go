package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrCrashed is what every call returns once the machine has stopped.
var ErrCrashed = errors.New("machine has stopped")

// What a real file system refuses, under no name that package fs knows.
var (
	errNotDir = errors.New("not a directory")
	errIsDir  = errors.New("is a directory")
	errRoot   = errors.New("operation not permitted")
)

// Crash is a file system in memory that forgets, at a crash, what was not synced, in the ways real ones do:
//
//   - content written after the last File.Sync survives sector by sector of 512 bytes or not at all, and the length may be
//     that of before, of after, or between;
//   - names made, moved or removed after the last SyncDir of their folder survive or not, within one folder in their order;
//     a rename is atomic, also across folders;
//   - a modification time set after the last File.Sync may be that of before.
//
// CrashAt stops the machine at the n-th operation that changes something; Recover gives the disk as it is found after.
// A Crash may be used by many goroutines at once.
type Crash struct {
	// Fail, when set before use, is asked before each operation ("open", "write", "sync", "syncdir", "rename", …) and
	// may return an error for it. It must not call the Crash.
	Fail func(op, name string) error
	// Now gives modification times; nil means time.Now.
	Now func() time.Time

	mu      sync.Mutex
	root    *node
	log     []*dirOp // changes of names that are not yet durable, in order
	ops     int
	crashAt int
	crashed bool
	locks   map[*node]bool
	boot    int
}

// node is a file or folder. The fields in pairs are the state now and the state that is safe.
type node struct {
	dir             bool
	names, safe     map[string]*node
	data, safeData  []byte
	mode            fs.FileMode
	mtime, safeTime time.Time
}

// dirOp is one change of names, which touches one or two folders and happens in both or in neither.
type dirOp struct {
	dirs  []*node
	apply func()
}

// NewCrash returns an empty file system with a root folder.
func NewCrash() *Crash {
	return &Crash{root: newDir(0o755), locks: map[*node]bool{}}
}

func newDir(mode fs.FileMode) *node {
	return &node{dir: true, names: map[string]*node{}, safe: map[string]*node{}, mode: mode | fs.ModeDir}
}

// CrashAt makes the n-th changing operation from now on, counted from 1, stop the machine instead of happening. 0 means never.
func (c *Crash) CrashAt(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops, c.crashAt = 0, n
}

// Boot names this run of the machine, as OS has it.
func (c *Crash) Boot() string { return "boot " + strconv.Itoa(c.boot) }

// Ops returns how many changing operations there were since the start or the last CrashAt.
func (c *Crash) Ops() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ops
}

// Stop stops the machine now.
func (c *Crash) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashed = true
}

// Recover returns what is on the disk after the machine has stopped, rnd deciding what of the unsynced has survived. c
// itself can't be used any more.
func (c *Crash) Recover(rnd *rand.Rand) *Crash {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashed = true
	lost := map[*node]bool{} // folders of which a change was lost: all later changes are lost too
	// Sometimes nearly everything had been written back, sometimes nothing: each change is lost once in so many times.
	once := 1 << rnd.IntN(10)
	for _, op := range c.log {
		if slices.ContainsFunc(op.dirs, func(d *node) bool { return lost[d] }) || rnd.IntN(once) == 0 {
			for _, d := range op.dirs {
				lost[d] = true
			}
			continue
		}
		op.apply()
	}
	seen := map[*node]*node{}
	out := NewCrash()
	out.Fail, out.Now, out.boot = c.Fail, c.Now, c.boot+1
	out.root = survive(c.root, seen, rnd)
	return out
}

// survive copies what is safe of n and, by chance, some of what is not.
func survive(n *node, seen map[*node]*node, rnd *rand.Rand) *node {
	if m := seen[n]; m != nil {
		return m // a second hard link
	}
	m := &node{dir: n.dir, mode: n.mode, mtime: n.mtime, safeTime: n.mtime}
	seen[n] = m
	if n.dir {
		m.names, m.safe = map[string]*node{}, map[string]*node{}
		for _, name := range sortedNames(n.safe) {
			kid := survive(n.safe[name], seen, rnd)
			m.names[name], m.safe[name] = kid, kid
		}
		return m
	}
	m.data = tear(n.safeData, n.data, rnd)
	m.safeData = slices.Clone(m.data)
	if !n.safeTime.IsZero() && rnd.IntN(2) == 0 {
		m.mtime = n.safeTime
	}
	m.safeTime = m.mtime
	return m
}

// tear mixes the old and the new content as an interrupted write-back does.
func tear(old, now []byte, rnd *rand.Rand) []byte {
	switch rnd.IntN(4) {
	case 0:
		return slices.Clone(old)
	case 1:
		return slices.Clone(now)
	}
	size := len(old)
	if d := len(now) - len(old); d > 0 {
		size += rnd.IntN(d + 1)
	} else if rnd.IntN(2) == 0 {
		size = len(now)
	}
	out := make([]byte, size)
	copy(out, old)
	const sector = 512
	for at := 0; at < size; at += sector {
		if at < len(now) && rnd.IntN(2) == 0 {
			copy(out[at:min(at+sector, size)], now[at:])
		}
	}
	return out
}

// change counts a changing operation and stops the machine when its time has come. The lock is held.
func (c *Crash) change(op, name string) error {
	if err := c.look(op, name); err != nil {
		return err
	}
	c.ops++
	if c.ops == c.crashAt {
		c.crashed = true
		return ErrCrashed
	}
	return nil
}

// look is what every operation passes. The lock is held.
func (c *Crash) look(op, name string) error {
	if c.crashed {
		return &fs.PathError{Op: op, Path: name, Err: ErrCrashed}
	}
	if c.Fail != nil {
		if err := c.Fail(op, name); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return nil
}

func (c *Crash) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// find returns the folder that holds name, the last element of name, and the node there or nil. The root is in no folder:
// its dir is nil.
func (c *Crash) find(op, name string) (dir *node, base string, n *node, err error) {
	dir = c.root
	parts := strings.FieldsFunc(path.Clean(name), func(r rune) bool { return r == '/' })
	if len(parts) == 0 || len(parts) == 1 && parts[0] == "." {
		return nil, "", c.root, nil
	}
	for _, p := range parts[:len(parts)-1] {
		if p == "." {
			continue
		}
		if dir = dir.names[p]; dir == nil {
			return nil, "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if !dir.dir {
			return nil, "", nil, &fs.PathError{Op: op, Path: name, Err: errNotDir}
		}
	}
	base = parts[len(parts)-1]
	return dir, base, dir.names[base], nil
}

// rename does a change of names now and remembers it for the time when it is synced.
func (c *Crash) rename(dirs []*node, do func(names func(*node) map[string]*node)) {
	do(func(d *node) map[string]*node { return d.names })
	for _, d := range dirs {
		d.mtime = c.now()
	}
	c.log = append(c.log, &dirOp{dirs, func() { do(func(d *node) map[string]*node { return d.safe }) }})
}

// SyncDir implements FS. What is synced with it is every earlier change of the folder and what those depend on.
func (c *Crash) SyncDir(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change("syncdir", name); err != nil {
		return err
	}
	_, _, n, err := c.find("syncdir", name)
	if err != nil {
		return err
	}
	if err := mustDir("syncdir", name, n); err != nil {
		return err
	}
	need := map[*node]bool{n: true}
	sync := make([]bool, len(c.log))
	for i := len(c.log) - 1; i >= 0; i-- {
		if slices.ContainsFunc(c.log[i].dirs, func(d *node) bool { return need[d] }) {
			sync[i] = true
			for _, d := range c.log[i].dirs {
				need[d] = true
			}
		}
	}
	rest := c.log[:0]
	for i, op := range c.log {
		if sync[i] {
			op.apply()
		} else {
			rest = append(rest, op)
		}
	}
	c.log = rest
	return nil
}

// Lock implements FS.
func (c *Crash) Lock(name string) (io.Closer, error) {
	f, err := c.OpenFile(name, osRDWR|osCREATE, 0o600)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := f.(*crashFile).n
	if c.locks[n] {
		return nil, ErrLocked
	}
	c.locks[n] = true
	return &crashLock{c: c, n: n}, nil
}

type crashLock struct {
	c      *Crash
	n      *node
	closed bool
}

// Close gives the lock back, once: a second call must not take it from whoever has it now.
func (l *crashLock) Close() error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if l.closed {
		return fs.ErrClosed
	}
	l.closed = true
	delete(l.c.locks, l.n)
	return nil
}

func sortedNames(m map[string]*node) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
