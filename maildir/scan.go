package maildir

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/buuta/mail"
)

// place is where a file was found.
type place struct {
	where uint8
	name  string
}

// scan reads new and cur and takes in what it finds there: new files, files that are gone, flags that changed.
func (t *txn) scan(seen [2]time.Time) error {
	b := t.b
	began := time.Now()
	at := b.s.now()
	st := t.st
	sc := scanner{t: t, names: indexNames(&st.view)}
	if err := sc.readDirs(); err != nil {
		return err
	}
	missing, err := sc.known()
	if err == nil && len(sc.found) > 0 {
		err = sc.list()
	}
	if err == nil && (len(missing) > 0 || sc.absent() || t.st != st) {
		// A file that is renamed while its folder is read may be overlooked. What is missing twice is gone. When the list began the state anew,
		// nothing is known.
		if t.st != st {
			sc.names = indexNames(&t.st.view)
		}
		if err = sc.readDirs(); err == nil {
			missing, err = sc.known()
		}
	}
	if err != nil {
		return err
	}
	if t.astray() {
		b.s.logger().Info("flags that a stop of the machine took from the names of files are back", "mailbox", b.name, "dir", b.dir)
		if err := t.settle(); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		t.remove(missing, sc.modseq())
	}
	if err := sc.unknown(); err != nil {
		return err
	}
	t.seen.scanned, t.seen.took = at, time.Since(began)
	t.seen.new = dirStamp{seen[0], at.Sub(seen[0]) < tick(seen[0])}
	t.seen.cur = dirStamp{seen[1], at.Sub(seen[1]) < tick(seen[1])}
	b.rescan = false // doubt sets it again should this commit fail
	return nil
}

type scanner struct {
	t     *txn
	names *nameIndex
	found map[string]place // files by their base names, but for those of messages that are as we know them
	seq   uint64
}

// modseq is the ModSeq of all that the scan finds.
func (s *scanner) modseq() uint64 {
	if s.seq == 0 {
		s.seq = s.t.bump()
	}
	return s.seq
}

// known goes through the messages that we have, notes those whose files have other names now, takes their files from found
// and returns the messages that have none.
func (s *scanner) known() (missing []uint32, err error) {
	t := s.t
	astray := t.astray()
	changed := map[uint32]flagged{}
	for i := range t.adds { // of this very commit
		delete(s.found, t.adds[i].name)
	}
	for at, slot := range s.names.all {
		if s.names.as.has(at) {
			continue
		}
		b := s.names.block(at)
		m := t.st.msg(slot)
		if t.dead[m.uid] {
			delete(s.found, t.st.base(b, slot)) // until the commit removes it
			continue
		}
		if o, ok := t.over[m.uid]; ok {
			m = o
		}
		base := t.st.base(b, slot)
		p, ok := s.found[base]
		if !ok {
			missing = append(missing, m.uid)
			continue
		}
		delete(s.found, base)
		if astray {
			_, sys, kw, _ := parseName(p.name)
			if s, k := t.regain(&m, sys, kw); s != sys || k != kw {
				p, err = t.rename(base, p, s, k)
				if errors.Is(err, fs.ErrNotExist) {
					missing = append(missing, m.uid) // renamed by somebody else just now
					continue
				}
				if err != nil {
					return nil, err
				}
			}
		}
		if p.where == m.where && p.name == t.fileName(&m) {
			continue
		}
		_, sys, kw, _ := parseName(p.name)
		if sys != m.sys || kw != m.kw {
			changed[m.uid] = flagged{kw ^ m.kw, sys ^ m.sys}
			m.sys, m.kw, m.modseq = sys, kw, s.modseq()
		}
		m.where = p.where
		t.change(m)
		t.name(base, &m, p.name)
	}
	if len(changed) > 0 {
		t.loosenOthers(changed)
	}
	return missing, nil
}

// list takes the lock and reads the UID list.
func (s *scanner) list() error {
	if s.t.uids == nil {
		if err := s.t.takeUIDs(); err != nil {
			return err
		}
	}
	if s.t.list == nil {
		return s.t.readList()
	}
	return nil
}

// absent reports whether the UID list has new messages whose files were not found. Dovecot lists them and moves them under the lock
// that we have by now, so that the next reading finds them if they are still there.
func (s *scanner) absent() bool {
	if !s.t.listed() {
		return false
	}
	have := map[string]bool{}
	for i := range s.t.adds {
		have[s.t.adds[i].name] = true
	}
	entries := s.t.list.entries
	for i := len(entries) - 1; i >= 0 && entries[i].uid >= s.t.st.next; i-- {
		if _, ok := s.found[entries[i].base]; !ok && !have[entries[i].base] {
			return true
		}
	}
	return false
}

// unknown gives UIDs to the files that are left in found: those that the UID list has, if it may still be believed,
// or new ones in the order in which the files came.
func (s *scanner) unknown() error {
	t := s.t
	if len(s.found) == 0 {
		return nil
	}
	if err := s.list(); err != nil { // a second reading may have been the first to find something
		return err
	}
	listed := map[string]uidEntry{}
	for _, e := range t.list.entries {
		if _, ok := s.found[e.base]; ok {
			listed[e.base] = e
		}
	}
	type newFile struct {
		base string
		p    place
		e    uidEntry
	}
	var files []newFile
	for base, p := range s.found {
		e := listed[base]
		if e.uid != 0 && e.uid < t.st.next {
			// Its UID was reported as gone: a file that came back gets another.
			e.uid, t.rewrite = 0, true
		}
		files = append(files, newFile{base, p, e})
	}
	slices.SortFunc(files, func(a, b newFile) int {
		if a.e.uid != 0 || b.e.uid != 0 {
			return cmp.Compare(a.e.uid-1, b.e.uid-1) // 0, not listed, comes last
		}
		return cmp.Or(cmp.Compare(secondsOf(a.base), secondsOf(b.base)), cmp.Compare(microsOf(a.base), microsOf(b.base)), cmp.Compare(a.base, b.base))
	})
	looks := t.lookAll(len(files), func(i int) (string, place) { return files[i].base, files[i].p })
	for i, f := range files {
		m, err := looks[i].m, looks[i].err
		if errors.Is(err, fs.ErrNotExist) { // gone again, or renamed
			if f.p.where, f.p.name, err = t.locate(f.base); err == nil {
				m, err = t.look(f.base, f.p)
			}
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, mail.ErrExpunged) {
			continue
		}
		if err != nil {
			return err
		}
		m.modseq = s.modseq()
		if f.e.uid != 0 {
			m.uid = f.e.uid
			t.add(m, f.base, f.e.guid)
		} else if m.uid, err = t.give(m, f.base, f.e.guid); err != nil {
			return err
		}
		t.name(f.base, &m, f.p.name)
		if f.p.where == inCur && t.fresh {
			t.head.firstRecent = m.uid + 1 // somebody has seen it, and so all before it
		}
	}
	return nil
}
