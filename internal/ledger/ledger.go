// Package ledger is a table of small records that are kept for some time, in memory and in a file: what is known of clients that have come
// before. Losing the last second of it costs somebody a wait, and nothing else, so changes are written and synced a second after the first of
// them, together.
//
// The file is a list of records of fixed size, each with a checksum, the later one of a key counting: what a crash tears off at its end is
// left out when it is read. It is written anew, under another name and then renamed, when most of it is out of date.
package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// Key names a record: an address, or a hash.
type Key [16]byte

// Value is what a record holds.
type Value [5]uint32

// Options are what a Table may be told. The zero value is good.
type Options struct {
	Max   int           // records that are kept; 0: 100,000 (some 10 MiB). Where there are more, those go that would go soon
	Delay time.Duration // from a change to its being synced; 0: 1 s
	Warn  func(error)   // hears of what can't be written; nil: nobody
	FS    vfs.FS        // nil: the operating system's
	Perm  fs.FileMode   // of the file; 0: 0600
}

// Table is a table. It may be used by many goroutines at once.
type Table struct {
	o    Options
	name string

	mu      sync.Mutex
	m       map[Key]record
	pending []byte // records that are not in the file yet
	timer   *time.Timer
	closed  bool

	writing sync.Mutex // held while the file is written; mu is taken inside
	file    vfs.File   // nil for a table in memory only
	lock    io.Closer
	size    int64 // of the file's good part
}

type record struct {
	value   Value
	expires uint32 // seconds since 1970
}

const (
	magic = "btledger1\n\x00\x00\x00\x00\x00\x00"
	// recordSize is that of a record in the file: key, value, expiry, checksum.
	recordSize = 16 + 20 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Open reads a table from its file, which is made where it is missing; "" is a table in memory only. A file that another process has, or that
// is no ledger, is an error.
func Open(name string, o Options) (*Table, error) {
	if o.Max <= 0 {
		o.Max = 100_000
	}
	if o.Delay <= 0 {
		o.Delay = time.Second
	}
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Perm == 0 {
		o.Perm = 0o600
	}
	t := &Table{o: o, name: name, m: map[Key]record{}}
	if name == "" {
		return t, nil
	}
	var err error
	if t.lock, err = o.FS.Lock(name + ".lock"); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := t.read(); err != nil {
		_ = t.lock.Close()
		return nil, err
	}
	return t, nil
}

// read reads the file and makes it ready for more.
func (t *Table) read() error {
	f, err := t.o.FS.OpenFile(t.name, os.O_RDWR, t.o.Perm)
	if errors.Is(err, fs.ErrNotExist) {
		return t.rewrite()
	}
	if err != nil {
		return err
	}
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	switch {
	case err == nil && string(head) != magic:
		_ = f.Close()
		return fmt.Errorf("%s: is no ledger", t.name)
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		_ = f.Close()
		return err
	case err != nil && string(head[:n]) == magic[:n]: // it was just being made
		_ = f.Close()
		return t.rewrite()
	case err != nil:
		_ = f.Close()
		return fmt.Errorf("%s: is no ledger", t.name)
	}
	now := uint32(time.Now().Unix())
	good := int64(len(magic))
	buf := make([]byte, 1024*recordSize)
	for whole := true; whole; {
		n, err := io.ReadFull(f, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			_ = f.Close()
			return err
		}
		whole = err == nil
		for b := buf[:n]; len(b) >= recordSize; b = b[recordSize:] {
			k, r, ok := decode(b[:recordSize])
			if !ok {
				whole = false
				break
			}
			good += recordSize
			if r.expires > now {
				t.m[k] = r
			} else {
				delete(t.m, k)
			}
		}
	}
	for len(t.m) > t.o.Max {
		t.evict()
	}
	t.file, t.size = f, good
	if t.stale() {
		return t.rewrite()
	}
	if err := f.Truncate(good); err != nil {
		_ = f.Close()
		return err
	}
	return nil
}

// stale reports whether most of the file is out of date.
func (t *Table) stale() bool {
	return (t.size-int64(len(magic)))/recordSize > 2*int64(len(t.m))+1024
}

func encode(b []byte, k Key, r record) []byte {
	start := len(b)
	b = append(b, k[:]...)
	for _, n := range r.value {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	b = binary.LittleEndian.AppendUint32(b, r.expires)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func decode(b []byte) (k Key, r record, ok bool) {
	copy(k[:], b)
	for i := range r.value {
		r.value[i] = binary.LittleEndian.Uint32(b[16+4*i:])
	}
	r.expires = binary.LittleEndian.Uint32(b[36:])
	return k, r, binary.LittleEndian.Uint32(b[40:]) == crc32.Checksum(b[:40], castagnoli)
}

// Get returns what is known of k.
func (t *Table) Get(k Key) (v Value, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.m[k]
	if !ok || r.expires <= uint32(time.Now().Unix()) {
		return v, false
	}
	return r.value, true
}

// Put says what is known of k, and until when. Nothing is known of it for ever: a time that is over removes it.
func (t *Table) Put(k Key, v Value, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(k, v, until)
}

// Update has f say what is known of k, from what is known of it so far, as one step.
func (t *Table) Update(k Key, f func(v Value, known bool) (Value, time.Time)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.m[k]
	if ok && r.expires <= uint32(time.Now().Unix()) {
		r, ok = record{}, false
	}
	v, until := f(r.value, ok)
	t.put(k, v, until)
}

func (t *Table) put(k Key, v Value, until time.Time) {
	r := record{v, uint32(min(max(until.Unix(), 0), 1<<32-1))}
	old, known := t.m[k]
	if known && old == r {
		return
	}
	if r.expires <= uint32(time.Now().Unix()) {
		delete(t.m, k)
	} else {
		if !known && len(t.m) >= t.o.Max {
			t.evict()
		}
		t.m[k] = r
	}
	if t.name == "" || t.closed {
		return
	}
	t.pending = encode(t.pending, k, r)
	if t.timer == nil {
		t.timer = time.AfterFunc(t.o.Delay, func() {
			if err := t.Sync(); err != nil && t.o.Warn != nil {
				t.o.Warn(err)
			}
		})
	}
}

// evict forgets one of some records: the one that would be forgotten first. Which they are is chance, by the order of maps.
func (t *Table) evict() {
	var first Key
	least, n := uint32(0), 0
	for k, r := range t.m {
		if n == 0 || r.expires < least {
			first, least = k, r.expires
		}
		if n++; n == 8 {
			break
		}
	}
	delete(t.m, first)
	if t.name != "" && !t.closed {
		t.pending = encode(t.pending, first, record{}) // else it would be there again when the file is read
	}
}

// Len is how many records there are.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.m)
}

// Sync writes what has changed, and returns when it is durable.
func (t *Table) Sync() error {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.mu.Lock()
	b := t.pending
	t.pending = nil
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	stale := t.stale() || t.file == nil && t.name != ""
	t.mu.Unlock()
	if len(b) == 0 && !stale {
		return nil
	}
	if stale {
		return t.rewrite()
	}
	_, err := t.file.WriteAt(b, t.size)
	if err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		_ = t.file.Close()
		t.file = nil // what is in it is not known: all of it is written anew next time
		return fmt.Errorf("%s: %w", t.name, err)
	}
	t.size += int64(len(b))
	return nil
}

// rewrite writes all records into a new file. It is called with writing held.
func (t *Table) rewrite() error {
	var b bytes.Buffer
	b.WriteString(magic)
	t.mu.Lock()
	now := uint32(time.Now().Unix())
	for k, r := range t.m {
		if r.expires <= now {
			delete(t.m, k)
			continue
		}
		b.Write(encode(b.AvailableBuffer(), k, r))
	}
	t.pending = nil // what changed until now is among them
	t.mu.Unlock()
	if t.file != nil {
		_ = t.file.Close()
		t.file = nil
	}
	f, err := t.o.FS.OpenFile(t.name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, t.o.Perm)
	if err != nil {
		return err
	}
	if _, err = f.Write(b.Bytes()); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = t.o.FS.Rename(t.name+".new", t.name)
	}
	if err == nil {
		err = t.o.FS.SyncDir(path.Dir(t.name))
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", t.name, err)
	}
	t.file, t.size = f, int64(b.Len())
	return nil
}

// Close makes all of it durable and gives the file back. The table goes on in memory only.
func (t *Table) Close() error {
	t.mu.Lock()
	if t.closed || t.name == "" {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	t.mu.Unlock()
	err := t.Sync()
	t.writing.Lock()
	defer t.writing.Unlock()
	if t.file != nil {
		err = errors.Join(err, t.file.Close())
		t.file = nil
	}
	return errors.Join(err, t.lock.Close())
}
