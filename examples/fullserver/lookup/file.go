package lookup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync/atomic"
	"time"
)

// fileTable is a table made of a file. The file is looked at for changes, at most once a Limits.Check, by whoever asks; the new table takes
// the old one's place at once. Where the new file can't be read or understood, the old table stays and the error is reported, once.
type fileTable struct {
	name string
	o    *Options
	make func(text string) (Table, error)

	cur  atomic.Pointer[version]
	next atomic.Int64 // when to look again, ns of o.Now
}

// A version is a state of the file. It isn't changed after it was stored in cur.
type version struct {
	table  Table
	info   os.FileInfo
	racy   bool   // it was written to so shortly before it was read that a later write may not show in its time
	failed string // the last complaint about a newer state
}

// settle is how long a file that is written in place must have been left alone before it is read.
const settle = time.Second

func openFile(name string, o *Options, make func(text string) (Table, error)) (Table, error) {
	f := &fileTable{name: name, o: o, make: make}
	v, err := f.read()
	if err != nil {
		return nil, err
	}
	f.cur.Store(v)
	f.next.Store(o.Now().Add(o.Limits.Check).UnixNano())
	return f, nil
}

func (f *fileTable) Find(ctx context.Context, key string) (string, bool, error) {
	return f.table().Find(ctx, key)
}

func (f *fileTable) All(ctx context.Context) iter.Seq2[Entry, error] {
	if s, ok := f.table().(Sequencer); ok {
		return s.All(ctx)
	}
	return func(yield func(Entry, error) bool) { yield(Entry{}, ErrNoSequence) }
}

func (f *fileTable) Pattern() bool { return IsPattern(f.cur.Load().table) }

// table is the file as it is now, or was a moment ago.
func (f *fileTable) table() Table {
	now := f.o.Now()
	if next := f.next.Load(); now.UnixNano() >= next && f.next.CompareAndSwap(next, now.Add(f.o.Limits.Check).UnixNano()) {
		f.refresh(now)
	}
	return f.cur.Load().table
}

// refresh is called by one goroutine at a time: who moved next.
func (f *fileTable) refresh(now time.Time) {
	old := f.cur.Load()
	info, err := os.Stat(f.name)
	if err == nil {
		if same(info, old.info) && !old.racy {
			return
		}
		// A file with another inode was put in the place of the old one, complete. The same one may be half written.
		if age := now.Sub(info.ModTime()); os.SameFile(info, old.info) && age >= 0 && age < settle {
			return
		}
	}
	v, err := f.read()
	if err == nil {
		f.cur.Store(v)
		return
	}
	if text := err.Error(); text != old.failed {
		f.o.Warn(fmt.Errorf("%w; the table stays as it was", err))
		kept := *old
		kept.failed = text
		f.cur.Store(&kept)
	}
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read makes a table of the file's present text.
func (f *fileTable) read() (*version, error) {
	for range 10 {
		text, before, after, err := f.text()
		if err != nil {
			return nil, err
		}
		if !same(before, after) {
			continue // it was written to meanwhile
		}
		t, err := f.make(text)
		if err != nil {
			return nil, err
		}
		return &version{table: t, info: after, racy: f.o.Now().Sub(after.ModTime()) < settle}, nil
	}
	return nil, &Problem{File: f.name, Reason: "keeps changing while it is read; write it under another name and rename it"}
}

func (f *fileTable) text() (text string, before, after os.FileInfo, err error) {
	fail := func(err error) (string, os.FileInfo, os.FileInfo, error) {
		reason := err.Error()
		var p *fs.PathError
		if errors.As(err, &p) {
			reason = p.Op + ": " + p.Err.Error()
		}
		if errors.Is(err, fs.ErrNotExist) {
			reason += "; write the file, or take the table out"
		}
		return "", nil, nil, &Problem{File: f.name, Reason: reason, Err: err}
	}
	file, err := os.Open(f.name)
	if err != nil {
		return fail(err)
	}
	defer file.Close()
	if before, err = file.Stat(); err != nil {
		return fail(err)
	}
	if before.IsDir() {
		return fail(errors.New("is a directory, not a table"))
	}
	if before.Size() > f.o.Limits.File {
		return fail(fmt.Errorf("a file of %d octets: %w", before.Size(), ErrLimit))
	}
	b := make([]byte, 0, before.Size()+1)
	for {
		n, err := file.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail(err)
		}
		if int64(len(b)) > f.o.Limits.File {
			return fail(ErrLimit)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
	if after, err = file.Stat(); err != nil {
		return fail(err)
	}
	return string(b), before, after, nil
}
