package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// draft is a message that is being written: a file of another name in incoming until it is whole.
type draft struct {
	s    *Spool
	id   string
	temp string
	file vfs.File // nil: there is none, or none yet
	raw  []byte   // the queue file, while it is in memory

	size    int64
	fresh   *fresh // to be kept in memory
	written bool
	tried   bool // to write it to the log
	synced  bool
	named   State // where it has its name already, "" for nowhere
	done    bool
}

// Create implements [Storage].
func (s *Spool) Create(ctx context.Context) (Draft, error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.checkFree(0); err != nil {
		return nil, err
	}
	d := &draft{s: s}
	if s.Log && s.Fresh >= 0 { // whether there will be a file depends on the message
		d.id = s.newID(s.numbers.Add(1))
		return d, nil
	}
	if err := d.open(); err != nil {
		return nil, err
	}
	info, err := d.file.Stat()
	if err != nil {
		return nil, errors.Join(err, d.Abort())
	}
	inode, _ := inodeOf(info)
	d.id = s.newID(inode)
	return d, nil
}

// open makes the draft's file.
func (d *draft) open() (err error) {
	d.temp = d.s.path(Incoming, fmt.Sprintf("%016x", rand.Uint64())+tempSuffix)
	d.file, err = d.s.fs.OpenFile(d.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return err
}

func (s *Spool) newID(inode uint64) string {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; ; now = now.Add(time.Microsecond) {
		id := shortID(now, inode)
		if s.LongIDs {
			id = longID(now, inode)
		}
		if !s.foreign.has(id) {
			return id
		}
	}
}

// checkFree asks for the reserve beyond what a message of a known size needs.
func (s *Spool) checkFree(size int64) error {
	reserve := s.Limits.FreeSpace
	if reserve < 0 {
		return nil
	}
	if reserve == 0 {
		reserve = 32 << 20
	}
	free := s.Limits.Free
	if free == nil {
		if _, ok := s.fs.(vfs.OS); !ok {
			return nil
		}
		free = diskFree
	}
	bytes, files, err := free(s.Dir)
	if err != nil {
		return err
	}
	if bytes-size < reserve || files >= 0 && files < 64 {
		return fmt.Errorf("%w: %d octets and %d files left", ErrNoSpace, bytes, files)
	}
	return nil
}

func (d *draft) ID() string { return d.id }

// Write implements [Draft].
func (d *draft) Write(ctx context.Context, m *Message, r io.Reader) error {
	if d.done || d.written {
		return errors.New("queue: draft is written or ended")
	}
	if err := d.s.checkFree(m.Options.Size); err != nil {
		return err
	}
	if m.ID = d.id; m.Arrived.IsZero() {
		m.Arrived = d.s.now()
	}
	m.Arrived = m.Arrived.UTC().Round(0)
	var p prologue
	buf := appendEnvelope(make([]byte, prologueSize, 1024), m)
	p.envelope = int64(len(buf) - prologueSize)
	p.envelopeSum = crc32.Checksum(buf[prologueSize:], castagnoli)
	if p.envelope > maxEnvelope {
		return errors.New("queue: envelope is too large")
	}
	sum := &sumWriter{limit: d.s.Limits.MessageSize}
	if d.file == nil {
		var more bool
		var err error
		head := len(buf)
		if size := int(min(m.Options.Size+512, freshLimit)); cap(buf) < head+size+1 {
			buf = append(make([]byte, 0, head+max(size, 8<<10)+1), buf...)
		}
		if buf, more, err = readMemory(buf, r, freshLimit); err != nil {
			return err
		}
		content := buf[head:]
		sum.n, sum.sum = int64(len(content)), crc32.Checksum(content, castagnoli)
		if sum.limit > 0 && sum.n > sum.limit {
			return ErrTooLarge
		}
		if !more {
			p.content, p.contentSum = sum.n, sum.sum
			d.size, m.Size = sum.n, sum.n
			p.appendTo(buf[:0])
			d.written, d.raw = true, buf
			if d.fresh = freshOf(m, &p, content); d.fresh != nil {
				d.fresh.raw = buf
			}
			return nil
		}
		if err := d.openAs(d.id); err != nil {
			return err
		}
	}
	w := d.s.buffers.Get().(*bufio.Writer)
	defer d.s.buffers.Put(w)
	w.Reset(d.file)
	w.Write(buf) // its error stays for Flush
	sum.w = w
	if d.s.Fresh >= 0 && !d.s.Log {
		sum.kept = make([]byte, 0, min(max(m.Options.Size+512, 4096), freshLimit))
	}
	if err := sum.copyFrom(ctx, r); err != nil {
		return err
	}
	p.content, p.contentSum = sum.n, sum.sum
	d.size, m.Size = sum.n, sum.n
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := d.file.WriteAt(p.appendTo(buf[:0]), 0); err != nil {
		return err
	}
	d.written = true
	d.fresh = freshOf(m, &p, sum.kept)
	return nil
}

// sumWriter counts and sums what goes through.
type sumWriter struct {
	w     *bufio.Writer
	limit int64
	n     int64
	sum   uint32
	kept  []byte // a copy, nil if it is none, or too long
}

func (s *sumWriter) keep(b []byte) {
	if len(s.kept)+len(b) > freshLimit {
		s.kept = nil
	}
	if s.kept != nil {
		s.kept = append(s.kept, b...)
	}
}

// copyFrom reads r to its end. It reads straight into the buffer, so that nothing is copied twice.
func (s *sumWriter) copyFrom(ctx context.Context, r io.Reader) error {
	for empty := 0; ; {
		if s.w.Available() == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.w.Flush(); err != nil {
				return err
			}
		}
		buf := s.w.AvailableBuffer()
		buf = buf[:cap(buf)]
		n, err := r.Read(buf)
		if n > 0 {
			empty = 0
			s.n += int64(n)
			s.sum = crc32.Update(s.sum, castagnoli, buf[:n])
			if s.limit > 0 && s.n > s.limit {
				return ErrTooLarge
			}
			s.keep(buf[:n])
			if _, err := s.w.Write(buf[:n]); err != nil {
				return err
			}
		} else if empty++; empty > 100 && err == nil {
			return io.ErrNoProgress
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Commit implements [Draft].
func (d *draft) Commit(ctx context.Context, at Placement) error {
	switch {
	case d.done && d.named != "":
		return nil
	case d.done || !d.written:
		return errors.New("queue: draft is not written or has been aborted")
	}
	if err := d.s.use(); err != nil {
		return err // closed: the folder may be another process's by now
	}
	if d.raw != nil && d.file == nil {
		if !at.Held && !at.NotBefore.After(d.s.now()) && d.fresh != nil {
			if done, err := d.commitToLog(); done || err != nil {
				return err
			}
		}
		if err := d.spill(); err != nil {
			return err
		}
	}
	if !d.synced {
		if err := d.s.syncing.acquire(ctx); err != nil {
			return err
		}
		err := d.file.Sync()
		d.s.syncing.release()
		if err != nil {
			return err
		}
		d.synced = true
	}
	if d.named == "" {
		state := Incoming
		if at.Held {
			state = Held
		} else if at.NotBefore.After(d.s.now()) {
			state = Deferred
			if err := d.s.fs.Chtimes(d.temp, at.NotBefore, at.NotBefore); err != nil {
				return err
			}
		}
		if err := d.s.fs.Rename(d.temp, d.s.path(state, d.id)); err != nil {
			return err
		}
		d.named = state
	}
	if err := d.s.syncDirs(Incoming, d.named); err != nil {
		return err
	}
	d.done = true
	d.file.Close() // all of it is on disk: nothing can go wrong any more
	if d.named == Held {
		return nil
	}
	due := at.NotBefore
	if d.named == Incoming {
		due = d.s.now()
	}
	d.s.mu.Lock()
	if d.named == Incoming && d.raw == nil {
		d.s.keep(d.id, d.fresh)
	}
	d.s.hint(due, d.id)
	d.s.mu.Unlock()
	return nil
}

// commitToLog makes a message durable in the log and due. Without room for it nothing is done.
func (d *draft) commitToLog() (done bool, err error) {
	s := d.s
	s.mu.Lock()
	size := d.fresh.size()
	if s.freshSize+size > s.room() {
		s.mu.Unlock()
		return false, nil
	}
	s.freshSize += size
	s.mu.Unlock()
	d.tried = true
	err = s.log.commit(logEntry{d.id, d.raw})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.freshSize -= size
		return false, err
	}
	d.done, d.named = true, Incoming
	s.fresh[d.id] = d.fresh
	s.hint(s.now(), d.id)
	return true, nil
}

// openAs makes a file for a draft whose id is none of its inode's.
func (d *draft) openAs(id string) error {
	d.s.mu.Lock()
	d.s.foreign.add(id)
	d.s.mu.Unlock()
	return d.open()
}

// spill writes a message that was to go into the log into a file.
func (d *draft) spill() error {
	if err := d.openAs(d.id); err != nil {
		return err
	}
	_, err := d.file.Write(d.raw)
	if err != nil {
		d.file.Close()
		_ = d.s.fs.Remove(d.temp)
		d.file = nil
	}
	return err
}

// Abort implements [Draft].
func (d *draft) Abort() error {
	if d.done {
		return nil
	}
	d.done = true
	if d.tried { // whether it is in the log nobody knows
		_ = d.s.log.commit(logEntry{id: d.id})
	}
	if d.file == nil {
		return nil
	}
	d.file.Close()
	name := d.temp
	if d.named != "" {
		name = d.s.path(d.named, d.id)
		d.named = ""
	}
	err := d.s.fs.Remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// Nobody was told that the message is taken, so nobody must get it: the next scan tries to remove it again.
		d.s.mu.Lock()
		d.s.doomed[path.Base(name)] = true
		d.s.mu.Unlock()
	}
	return err
}

// syncDirs makes names in the folders durable, each folder once.
func (s *Spool) syncDirs(states ...State) error {
	for i, st := range states {
		if i > 0 && st == states[i-1] {
			continue
		}
		if err := s.dirs[st].sync(); err != nil {
			return err
		}
	}
	return nil
}
