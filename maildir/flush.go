package maildir

import (
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
)

// flush makes the transaction durable and then visible.
func (t *txn) flush() error {
	b := t.b
	wake := false
	t.keepMarks()
	if t.dirty() {
		if t.rewrite || t.nlines > 0 && b.lines+t.nlines > 100+4*(t.st.n+len(t.adds)) {
			t.rewrite = true
			err := t.lockUIDs()
			if errors.Is(err, errListed) {
				err = t.takeIn() // or the new list would lack them
			}
			if err != nil {
				return err
			}
		}
		if err := t.write(); err != nil {
			return err
		}
		wake = t.head.high != t.st.high || t.st != b.st
	}
	seen, err := t.stamps()
	if err != nil {
		return err
	}
	b.mu.Lock()
	t.st.apply(t.recs)
	b.st, b.seen = t.st, seen
	b.mu.Unlock()
	b.long.Store(b.longerThan(8))
	t.meter.settle()
	b.settleLater()
	if n := len(t.adds) - t.old; n > 0 {
		b.textsSoon(t.adds[t.old].m.uid, n)
	}
	for _, f := range t.after {
		f()
	}
	if wake {
		b.wake()
	}
	return nil
}

// keepMarks notes that the mailbox has just been found in step with its folders, at a time when nothing can hide, so that the next
// to open it need not look again.
func (t *txn) keepMarks() {
	s := &t.seen
	if t.newNames || t.curNames || t.nlines > 0 || t.rewrite || t.kwDirty || s.new.unsure || s.cur.unsure || s.new.mtime.IsZero() {
		return
	}
	if m := s.marks(t.b.lines); m != t.st.marks {
		t.recs = append(t.recs, record{kind: recMarks, marks: m})
	}
}

// dirty reports whether there is anything to write.
func (t *txn) dirty() bool {
	return len(t.recs) > 0 || t.head != t.st.head || t.rewrite || t.snapshot || t.kwDirty
}

// write puts everything on disk. What goes into different files and folders is synced at the same time: none of it
// depends on another, because whatever of it a crash leaves out is found out and made good by the next sync and scan.
func (t *txn) write() error {
	b := t.b
	if t.head != t.st.head {
		t.recs = append(t.recs, record{kind: recHead, head: t.head})
	}
	if t.kwDirty {
		if err := writeFile(b.sh.fs, b.dir, keywordsName, formatKeywords(t.keywords), !b.s.NoSync); err != nil {
			return err
		}
	}
	if len(t.cache) > 0 {
		// First, and never synced: each entry has its own checksum.
		if err := appendFile(b.sh.fs, b.dir+"/"+cacheName, b.cacheSize, t.cache, false); err != nil {
			return err
		}
		b.cacheSize += int64(len(t.cache))
	}
	jobs := []func() error{t.writeLog}
	if t.rewrite {
		jobs = append(jobs, t.rewriteList)
	} else if t.nlines > 0 {
		jobs = append(jobs, t.appendList)
	}
	var dirs []func() error
	if !b.s.NoSync {
		if t.begun {
			jobs = append(jobs, func() error { return b.sh.syncValidity(b.root) })
		}
		if t.syncNew || b.undone {
			dirs = append(dirs, func() error { return b.sh.fs.SyncDir(b.dir + "/new") })
		}
		if t.syncCur || b.undone {
			dirs = append(dirs, func() error { return b.sh.fs.SyncDir(b.dir + "/cur") })
		}
	}
	var err error
	if t.doomed || len(t.st.doomed) > 0 {
		// No file of those may come back once the log doesn't know any more that they were to go together.
		err = together(dirs)
		dirs = nil
	}
	if err == nil {
		err = together(append(jobs, dirs...))
	}
	b.undone = b.undone && err != nil
	return err
}

// together runs jobs side by side.
func together(jobs []func() error) error {
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		if i > 0 {
			wg.Go(func() { errs[i] = job() })
		}
	}
	if len(jobs) > 0 {
		errs[0] = jobs[0]()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// writeLog appends the commit to the index log, or begins a new log with it.
func (t *txn) writeLog() error {
	b := t.b
	if t.st != b.st || b.end.generation == 0 || b.longerThan(2) {
		t.snapshot = true
	}
	if t.snapshot {
		return t.writeSnapshot()
	}
	end := b.end
	frame := end.appendFrame(nil, t.recs)
	if err := appendFile(b.sh.fs, b.dir+"/"+logName, b.end.size, frame, !b.s.NoSync && t.promises()); err != nil {
		return err
	}
	b.end = end
	return nil
}

// longerThan reports whether the log has more records behind its snapshot than one for each part messages, so that to write it anew costs
// each of them little.
func (b *box) longerThan(part int) bool {
	slack := b.s.logSlack
	if slack == 0 {
		slack = 1000
	}
	return b.end.records > slack+(b.st.n+len(b.st.gone))/part
}

// promises reports whether the commit holds anything that somebody is told will last.
func (t *txn) promises() bool {
	return t.head != t.st.head || slices.ContainsFunc(t.recs, func(r record) bool {
		return r.kind != recCache && r.kind != recOdd && r.kind != recMarks
	})
}

// writeSnapshot replaces the log by one that begins with the whole mailbox.
func (t *txn) writeSnapshot() error {
	b := t.b
	if err := t.compactCache(); err != nil {
		return err
	}
	out, end := newLogHeader(b.end.generation + 1)
	if t.st.validity != 0 {
		now := b.s.now().Unix() // only the writer looks at tokens, so that it may do this alone
		maps.DeleteFunc(t.st.tokens, func(_ tokenKey, u tokenUse) bool { return now-u.at >= tokenLife })
		out = end.appendFrame(out, t.st.snapshot())
	} else {
		var kws []record
		for i, k := range t.keywords {
			if k != "" {
				kws = append(kws, record{kind: recKeyword, m: msg{kw: uint32(i)}, name: k})
			}
		}
		out = end.appendFrame(out, kws)
	}
	out = end.appendFrame(out, t.recs)
	if err := writeFile(b.sh.fs, b.dir, logName, out, !b.s.NoSync); err != nil {
		return err
	}
	b.end = end
	return nil
}

// appendFile writes b at the end of a file that is size long.
func appendFile(fsys FS, name string, size int64, b []byte, sync bool) error {
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, size)
	if err == nil && sync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// appendList adds the new messages to the UID list. Dovecot's lock is held.
func (t *txn) appendList() error {
	b := t.b
	name := b.dir + "/" + uidListName
	info, err := b.sh.fs.Stat(name)
	if err != nil {
		return err
	}
	if err := appendFile(b.sh.fs, name, info.Size(), t.lines, !b.s.NoSync); err != nil {
		return err
	}
	b.lines += t.nlines
	return nil
}

// rewriteList writes the UID list anew, without what is gone. Dovecot's lock is held.
func (t *txn) rewriteList() error {
	b := t.b
	other, err := otherFields(b.sh.fs, b.dir)
	if err != nil {
		return err
	}
	out := appendUIDHeader(nil, &t.head)
	n := 0
	for blk, m := range t.st.all {
		if !t.dead[m.uid] {
			base := t.st.base(blk, m)
			out = appendUIDEntry(out, m.uid, blk.guid(m), other[base], base)
			n++
		}
	}
	for _, a := range t.adds {
		if !t.dead[a.m.uid] {
			out = appendUIDEntry(out, a.m.uid, a.guid, other[a.name], a.name)
			n++
		}
	}
	was, err := b.stamp(b.dir + "/" + uidListName)
	if err != nil {
		return err
	}
	if err := writeFile(b.sh.fs, b.dir, uidListName, out, !b.s.NoSync); err != nil {
		return err
	}
	b.lines = n
	// Dovecot tells lists apart by their times, so that a new one must be later.
	if now, err := b.stamp(b.dir + "/" + uidListName); err == nil && !now.mtime.After(was.mtime) {
		later := was.mtime.Add(1e9)
		return b.sh.fs.Chtimes(b.dir+"/"+uidListName, later, later)
	}
	return nil
}

// stamps returns the marks as they are after the commit. What it did not touch itself keeps its mark, so that what others did
// meanwhile still shows.
func (t *txn) stamps() (stamps, error) {
	b := t.b
	seen := t.seen
	var err error
	for _, f := range []struct {
		name  string
		mark  *fileStamp
		touch bool
	}{
		{logName, &seen.log, t.dirty()},
		{uidListName, &seen.list, t.uids != nil},
		{keywordsName, &seen.kws, t.kwDirty},
	} {
		if f.touch && err == nil {
			*f.mark, err = b.stamp(b.dir + "/" + f.name)
		}
	}
	if err != nil || !t.newNames && !t.curNames {
		return seen, err
	}
	dirs, err := b.dirStamps()
	if t.newNames {
		seen.new = dirStamp{dirs[0], true}
	}
	if t.curNames {
		seen.cur = dirStamp{dirs[1], true}
	}
	return seen, err
}
