package queue

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// The log holds messages that have just come, many in one file, so that one sync makes all of them durable that came
// together, and so does the mark that they are done. It is made of segments, files of text in incoming:
//
//	NUMBER.log
//	Buuta-Queue-Log: NUMBER b OFFSET SUM              what stands before this place, OFFSET, was on disk when it was written
//	Buuta-Queue-Log: NUMBER m ID LENGTH CRC SUM       a queue file of so many octets follows, and a line end
//	Buuta-Queue-Log: NUMBER d ID SUM                  the message is done, or in a file of its own
//
// SUM is the line's CRC-32C. NUMBER is random: no message can pretend to be a line. Segments are removed in their order, so
// that a mark outlives what it is about.

const (
	logMagic    = "Buuta-Queue-Log: "
	logSuffix   = ".log"
	logSegment  = 8 << 20 // octets after which a new segment is begun
	logSegments = 4       // so many; what is left in older ones gets files
)

type intakeLog struct {
	fs   vfs.FS
	dir  string
	sync func() error             // of the folder
	tidy func(oldest []string)    // is called, by one goroutine at a time, when segments may be removed: with the messages to be moved out
	file func(name string) string // a segment's path

	mu      sync.Mutex
	idle    *sync.Cond
	next    *logBatch   // which can still be joined
	busy    bool        // somebody writes
	idler   *time.Timer // until the log is removed, if nothing comes into it
	limit   int64       // octets after which a new segment is begun
	tidying bool
	closed  bool
	all     []*segment          // the last is written to
	where   map[string]*segment // the messages that live here
	orphans map[string]bool     // of these, those that have a file, and perhaps no mark

	buf []byte // the writer's
}

type segment struct {
	name string
	file vfs.File
	end  int64
	bad  bool // after an error: nothing is appended any more
	live map[string]bool
}

type logEntry struct {
	id  string
	raw []byte // a queue file; nil: the message is done
}

type logBatch struct {
	entries []logEntry
	urgent  bool        // it is written as soon as the disk is free
	timer   *time.Timer // until it is urgent
	done    chan struct{}
	err     error
}

func newIntakeLog(s *Spool) *intakeLog {
	l := &intakeLog{
		fs: s.fs, dir: s.path(Incoming, ""), sync: s.dirs[Incoming].sync, where: map[string]*segment{}, orphans: map[string]bool{}, limit: logSegment,
		file: func(name string) string { return s.path(Incoming, name+logSuffix) },
	}
	l.idle = sync.NewCond(&l.mu)
	return l
}

// A mark that a message is done can wait for a moment: for the next message, whose sync it shares. Nobody waits for it but a
// place at the destination.
const (
	logPatience = 2 * time.Millisecond
	logPatient  = 8 // so many at a time are no longer kept waiting
	logIdle     = 5 * time.Second
)

// commit makes an entry durable, together with all that come at the same time.
func (l *intakeLog) commit(e logEntry) error { return l.add(e, true) }

// mark is commit for a message that is done.
func (l *intakeLog) mark(id string) error { return l.add(logEntry{id: id}, false) }

func (l *intakeLog) add(e logEntry, urgent bool) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	b := l.next
	if b == nil {
		b = &logBatch{done: make(chan struct{})}
		l.next = b
	}
	b.entries = append(b.entries, e)
	b.urgent = b.urgent || urgent || len(b.entries) >= logPatient
	if l.busy || !b.urgent {
		if !l.busy {
			l.patient(b)
		}
		l.mu.Unlock()
		<-b.done
		return b.err
	}
	l.busy = true
	l.mu.Unlock()
	l.write()
	if l.more() {
		go l.run() // the others' turn; this one has what it wanted
	}
	return b.err
}

// run writes until nothing urgent is left. For whoever has made the log busy.
func (l *intakeLog) run() {
	for {
		l.write()
		if !l.more() {
			return
		}
	}
}

// more reports whether something urgent waits to be written; otherwise nobody writes from now on.
func (l *intakeLog) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil && (l.next.urgent || l.closed) {
		return true
	}
	if l.next != nil {
		l.patient(l.next)
	}
	l.busy = false
	l.idle.Broadcast()
	return false
}

// patient has a batch written after a moment. The lock is held.
func (l *intakeLog) patient(b *logBatch) {
	if b.timer == nil {
		b.timer = time.AfterFunc(logPatience, func() { l.hurry(b) })
	}
}

// hurry writes a batch that has waited, unless that has been done.
func (l *intakeLog) hurry(b *logBatch) {
	l.mu.Lock()
	if l.next != b {
		l.mu.Unlock()
		return
	}
	b.urgent = true
	if l.busy {
		l.mu.Unlock()
		return
	}
	l.busy = true
	l.mu.Unlock()
	l.run()
}

// write writes the batch that can be joined. For whoever has made the log busy.
func (l *intakeLog) write() {
	l.mu.Lock()
	b := l.next
	l.next = nil
	if b.timer != nil {
		b.timer.Stop()
	}
	l.mu.Unlock()
	defer close(b.done)
	seg, err := l.segment()
	if err == nil {
		err = l.writeTo(seg, b)
	}
	if err != nil {
		b.err = err
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range b.entries {
		if old := l.where[e.id]; old != nil {
			delete(old.live, e.id)
			delete(l.where, e.id)
			delete(l.orphans, e.id)
		}
		if e.raw != nil {
			seg.live[e.id] = true
			l.where[e.id] = seg
		}
	}
	l.maybeTidy()
	if len(l.where) == 0 && l.idler == nil && !l.closed {
		l.idler = time.AfterFunc(logIdle, l.clean)
	}
}

// clean removes a log in which nothing lives: mail that has been delivered doesn't stay on disk.
func (l *intakeLog) clean() {
	l.mu.Lock()
	l.idler = nil
	if l.closed || l.busy || l.tidying || l.next != nil || len(l.where) > 0 {
		l.mu.Unlock()
		return // what is written next comes here again
	}
	l.busy = true
	l.mu.Unlock()
	_ = l.removeDone(true) // what is left is removed another time
	if l.more() {
		l.run()
	}
}

func (l *intakeLog) writeTo(seg *segment, b *logBatch) error {
	buf := appendLogLine(l.buf[:0], seg.name, "b %016d", seg.end)
	for _, e := range b.entries {
		if e.raw == nil {
			buf = appendLogLine(buf, seg.name, "d %s", e.id)
			continue
		}
		buf = appendLogLine(buf, seg.name, "m %s %010d %08x", e.id, len(e.raw), crc32.Checksum(e.raw, castagnoli))
		buf = append(append(buf, e.raw...), '\n')
	}
	if cap(buf) <= 1<<20 {
		l.buf = buf
	}
	if _, err := seg.file.WriteAt(buf, seg.end); err != nil {
		if seg.file.Truncate(seg.end) != nil {
			seg.bad = true
		}
		return err
	}
	if err := seg.file.Sync(); err != nil {
		seg.bad = true // what is in the system's memory may not be what is on disk
		return err
	}
	seg.end += int64(len(buf))
	return nil
}

func appendLogLine(buf []byte, name, format string, args ...any) []byte {
	at := len(buf)
	buf = append(append(append(buf, logMagic...), name...), ' ')
	buf = fmt.Appendf(buf, format, args...)
	return fmt.Appendf(buf, " %08x\n", crc32.Checksum(buf[at:], castagnoli))
}

// segment returns the segment to write to. For whoever has made the log busy.
func (l *intakeLog) segment() (*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.all); n > 0 && !l.all[n-1].bad && l.all[n-1].end < l.limit {
		return l.all[n-1], nil
	}
	l.mu.Unlock()
	name := fmt.Sprintf("%016X", rand.Uint64())
	f, err := l.fs.OpenFile(l.file(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		if err = l.sync(); err != nil {
			f.Close()
			_ = l.fs.Remove(l.file(name))
		}
	}
	l.mu.Lock()
	if err != nil {
		return nil, err
	}
	seg := &segment{name: name, file: f, live: map[string]bool{}}
	l.all = append(l.all, seg)
	return seg, nil
}

// maybeTidy has old segments removed. The lock is held.
func (l *intakeLog) maybeTidy() {
	if l.tidying || l.closed || len(l.all) < 2 {
		return
	}
	var stragglers []string
	switch oldest := l.all[0]; {
	case len(oldest.live) == 0, len(l.orphans) > 0:
	case len(l.all) > logSegments:
		for id := range oldest.live {
			stragglers = append(stragglers, id)
		}
	default:
		return
	}
	l.tidying = true
	l.tidy(stragglers)
}

// removeDone removes the oldest segments as far as nothing lives in them, one after another, each durably.
func (l *intakeLog) removeDone(all bool) error {
	for {
		l.mu.Lock()
		if len(l.all) == 0 || len(l.all[0].live) > 0 || !all && len(l.all) < 2 {
			l.mu.Unlock()
			return nil
		}
		seg := l.all[0]
		seg.bad = true // whatever comes of it: nothing may be written to a file that has no name
		l.mu.Unlock()
		if err := l.fs.Remove(l.file(seg.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := l.sync(); err != nil {
			return err
		}
		seg.file.Close()
		l.mu.Lock()
		l.all = l.all[1:]
		l.mu.Unlock()
	}
}

// orphan notes that a message has a file, and perhaps no mark.
func (l *intakeLog) orphan(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orphans[id] = true
}

// settle writes the mark of a message whose file is about to be removed, if it is missing: without one, the next start would find
// the message in the log, and no file that counts more.
func (l *intakeLog) settle(id string) error {
	l.mu.Lock()
	missing := l.orphans[id]
	l.mu.Unlock()
	if !missing {
		return nil
	}
	return l.commit(logEntry{id: id})
}

// markOrphans tries again to write the marks that are missing.
func (l *intakeLog) markOrphans() {
	l.mu.Lock()
	ids := slices.Collect(maps.Keys(l.orphans))
	l.mu.Unlock()
	for _, id := range ids {
		if l.commit(logEntry{id: id}) != nil {
			return
		}
	}
}

// close takes no more entries, and returns when all that were taken have been written.
func (l *intakeLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.idler != nil {
		l.idler.Stop()
	}
	if b := l.next; b != nil && !l.busy {
		l.mu.Unlock()
		l.hurry(b)
		l.mu.Lock()
	}
	for l.busy {
		l.idle.Wait()
	}
}

// forget says that a message has a file of its own, without a mark: for the end, when segments are removed right away.
func (l *intakeLog) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seg := l.where[id]; seg != nil {
		delete(seg.live, id)
		delete(l.where, id)
	}
}

func isSegment(name string) bool { return path.Ext(name) == logSuffix }
