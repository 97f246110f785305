package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/buuta/mail"
)

// What is to be repaired by writing the list anew, or by the ordinary way in which a mailbox is opened, is done at the end, once. What
// that can't do comes back as the error of the check.

func (b *boxCheck) remake() error {
	b.remade = true
	return nil
}

// reopen needs nothing but that the mailbox is opened, which takes in what is there.
func (b *boxCheck) reopen() error { return nil }

// twice reports a file whose base name another has too. The second name of one file goes; another file gets a name of its own.
func (b *boxCheck) twice(first, second place, base string) {
	fsys := b.a.sh.fs
	path := func(p place) string { return b.dir + "/" + whereDir(p.where) + "/" + p.name }
	name := whereDir(second.where) + "/" + second.name
	same, err := sameContent(fsys, path(first), path(second))
	what := "is another message than " + whereDir(first.where) + "/" + first.name
	if same {
		what = "is the same message as " + whereDir(first.where) + "/" + first.name
	}
	b.report(FaultTwice, name, what, func() error {
		if err != nil {
			return err
		}
		b.remade = true
		if same {
			return fsys.Remove(path(second))
		}
		_, sys, kw, other := parseName(second.name)
		fresh := b.a.sh.seq.base(b.a.s.now(), b.a.sh.host)
		return fsys.Rename(path(second), b.dir+"/"+whereDir(second.where)+"/"+fileName(fresh, second.where, sys, kw, other))
	})
}

func sameContent(fsys FS, a, b string) (bool, error) {
	x, err := readFile(fsys, a)
	if err != nil {
		return false, err
	}
	y, err := readFile(fsys, b)
	return err == nil && x != nil && string(x) == string(y), err
}

// rename gives a file a name that tells its sizes.
func (b *boxCheck) rename(base string, p place, physical, virtual int64) error {
	var kept []string
	for i, field := range strings.Split(base, ",") {
		if i == 0 || !strings.HasPrefix(field, "S=") && !strings.HasPrefix(field, "W=") {
			kept = append(kept, field)
		}
	}
	to := withSizes(strings.Join(kept, ","), physical, virtual)
	dir := b.dir + "/" + whereDir(p.where) + "/"
	if _, err := b.a.sh.fs.Stat(dir + to + strings.TrimPrefix(p.name, base)); err == nil {
		return errors.New("there is a file of the right name")
	}
	if err := b.a.sh.fs.Rename(dir+p.name, dir+to+strings.TrimPrefix(p.name, base)); err != nil {
		return err
	}
	if b.renamed == nil {
		b.renamed = map[string]string{}
	}
	b.renamed[base], b.remade = to, true
	return nil
}

// settle writes the list anew where it must be, and opens the mailbox, which puts right the rest.
func (b *boxCheck) settle() error {
	if b.remade {
		if err := b.relist(); err != nil {
			return err
		}
	}
	m, err := b.a.Open(b.ctx, b.name)
	if err != nil {
		return err
	}
	defer m.Close()
	if _, err := m.State(b.ctx); err != nil {
		return err
	}
	if len(b.redo) > 0 && !b.remade {
		for _, err := range m.Messages(b.ctx, mail.UIDSetOf(b.redo...), mail.FieldIndex) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// relist writes dovecot-uidlist of what the old one and the index say, and removes the index, which is made of it again. Of two
// that have one UID the first in the list keeps it.
func (b *boxCheck) relist() error {
	fsys, sh := b.a.sh.fs, b.a.sh
	sh.mu.Lock()
	open := sh.boxes[b.dir]
	sh.mu.Unlock()
	if open != nil {
		release, err := open.writer(b.ctx)
		if err != nil {
			return err
		}
		defer release()
		defer open.doubt()
	}
	lock, err := lockFile(b.ctx, fsys, b.dir+"/"+lockName)
	if err != nil {
		return err
	}
	defer lock.Close()
	dot, err := takeDotLock(b.ctx, fsys, b.dir+"/"+lockName, b.dir+"/"+uidLockName, b.a.sh.machine, b.a.s.now)
	if err != nil {
		return err
	}
	defer dot.Close()
	h := head{next: 1}
	var entries []uidEntry
	switch {
	case b.list != nil:
		raw, err := readFile(fsys, b.dir+"/"+uidListName)
		if err != nil {
			return err
		}
		if now := parseUIDList(raw); now != nil {
			b.list = now
		}
		h.validity, h.next, h.id, entries = b.list.validity, b.list.next, b.list.id, b.list.entries
		if b.st != nil {
			h.next = max(h.next, b.st.next)
		}
	case b.st != nil: // the index knows what the list said
		h.validity, h.next, h.id = b.st.validity, b.st.next, b.st.id
		for blk, m := range b.st.all {
			entries = append(entries, uidEntry{uid: m.uid, guid: blk.guid(m), base: b.st.base(blk, m)})
		}
	default: // nobody knows: it begins anew with another UIDVALIDITY
		if err := fsys.Remove(b.dir + "/" + uidListName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return b.forget()
	}
	if h.id == "" {
		h.id = newID()
	}
	other, err := otherFields(fsys, b.dir)
	if err != nil {
		return err
	}
	out := appendUIDHeader(nil, &h)
	for _, e := range entries {
		fields := other[e.base]
		if to, ok := b.renamed[e.base]; ok {
			if e.guid == "" {
				e.guid = e.base // the name was its GUID, which stays
			}
			e.base = to
		}
		out = appendUIDEntry(out, e.uid, e.guid, fields, e.base)
	}
	if err := writeFile(fsys, b.dir, uidListName, out, !b.a.s.NoSync); err != nil {
		return fmt.Errorf("maildir: can't write the UID list: %w", err)
	}
	return b.forget()
}

// forget removes the index.
func (b *boxCheck) forget() error {
	for _, name := range []string{logName, cacheName} {
		if err := b.a.sh.fs.Remove(b.dir + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
