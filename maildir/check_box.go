package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/buuta/mail"
)

// boxCheck looks at one mailbox.
type boxCheck struct {
	*checker
	name, folder, dir string

	list    *uidList
	st      *state // of the index; nil when there is none that can be used
	remade  bool   // the index is to be made anew
	redo    []mail.UID
	renamed map[string]string // base names that became others, by the old
}

func (b *boxCheck) file(name string) string {
	if b.folder == "" {
		return name
	}
	return b.folder + "/" + name
}

func (b *boxCheck) report(kind FaultKind, file, what string, repair func() error) {
	b.fault(Fault{Mailbox: b.name, Kind: kind, File: b.file(file), What: what}, repair)
}

func (b *boxCheck) run() error {
	fsys := b.a.sh.fs
	for _, d := range []string{"tmp", "new", "cur"} {
		if _, err := fsys.Stat(b.dir + "/" + d); errors.Is(err, fs.ErrNotExist) {
			b.report(FaultFolder, d, "is missing", func() error { return fsys.Mkdir(b.dir+"/"+d, 0o700) })
		} else if err != nil {
			return err
		}
	}
	for _, step := range []func() error{b.locks, b.tmp, b.uidList, b.keywords, b.index, b.files, b.cache} {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	if !b.Repair {
		return nil
	}
	return b.settle()
}

// locks looks for Dovecot's locks that were left.
func (b *boxCheck) locks() error {
	fsys := b.a.sh.fs
	for _, name := range []string{uidLockName, keywordsName + ".lock", aclName + ".lock"} {
		l := dotLock{fsys, b.dir + "/" + name}
		if _, err := fsys.Stat(l.name); err == nil && l.stale("nobody", b.a.sh.machine, b.a.s.now()) {
			b.report(FaultLock, name, "its holder is no more", l.Close)
		}
	}
	return nil
}

func (b *boxCheck) tmp() error {
	fsys := b.a.sh.fs
	left, err := fsys.ReadDir(b.dir + "/tmp")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range left {
		info, err := e.Info()
		if err != nil || e.IsDir() {
			continue
		}
		if b.a.s.leftover(info) {
			age := b.a.s.now().Sub(info.ModTime())
			b.report(FaultTmp, "tmp/"+e.Name(), fmt.Sprintf("a delivery left it %d hours ago", int(age.Hours())), func() error { return fsys.Remove(b.dir + "/tmp/" + e.Name()) })
		}
	}
	return nil
}

// uidList looks at dovecot-uidlist.
func (b *boxCheck) uidList() error {
	raw, err := readFile(b.a.sh.fs, b.dir+"/"+uidListName)
	if err != nil || raw == nil {
		return err
	}
	if b.list = parseUIDList(raw); b.list == nil {
		b.report(FaultUIDList, uidListName, "can't be read", b.remake)
		return nil
	}
	if !b.list.damaged {
		return nil
	}
	seen, twice, bad := map[uint32]bool{}, 0, 0
	version := 3
	if raw[0] == '1' {
		version = 1
	}
	_, rest, _ := bytes.Cut(raw, []byte("\n"))
	for line := range bytes.Lines(rest) {
		e, ok := parseUIDEntry(string(bytes.TrimRight(line, "\r\n")), version)
		switch {
		case !ok:
			bad++
		case seen[e.uid]:
			twice++
			b.report(FaultDuplicateUID, uidListName, fmt.Sprintf("UID %d is given to %s too", e.uid, e.base), b.remake)
		default:
			seen[e.uid] = true
		}
	}
	if left := b.list.lines - len(b.list.entries) - twice; bad > 0 || left > 0 {
		b.report(FaultUIDList, uidListName, fmt.Sprintf("%d lines can't be read or stand out of order", max(bad, left)), b.remake)
	} else if twice == 0 {
		b.report(FaultUIDList, uidListName, "its first or last line is damaged", b.remake)
	}
	return nil
}

func (b *boxCheck) keywords() error {
	raw, err := readFile(b.a.sh.fs, b.dir+"/"+keywordsName)
	if err != nil || raw == nil {
		return err
	}
	want := formatKeywords(parseKeywords(raw))
	if n := bytes.Count(raw, []byte("\n")) - bytes.Count(want, []byte("\n")); n != 0 || raw[len(raw)-1] != '\n' {
		b.report(FaultKeywords, keywordsName, fmt.Sprintf("%d lines can't be read", max(n, 1)), func() error {
			return writeFile(b.a.sh.fs, b.dir, keywordsName, want, !b.a.s.NoSync)
		})
	}
	return nil
}

// index reads buuta.index.log as it is.
func (b *boxCheck) index() error {
	raw, err := readFile(b.a.sh.fs, b.dir+"/"+logName)
	if err != nil || raw == nil {
		return err
	}
	st := newState(limit(b.a.s.Limits.History, 10000))
	end, err := parseLog(raw, st)
	switch {
	case errors.Is(err, ErrNewerIndex):
		b.report(FaultIndex, logName, "a later version wrote it", nil)
		return nil
	case errors.Is(err, errIndexOlder):
		return nil // made anew when somebody opens the mailbox
	case err != nil:
		b.report(FaultIndex, logName, "can't be used: "+err.Error(), b.remake)
		return nil
	}
	b.st = st
	if end.size < int64(len(raw)) {
		b.report(FaultIndex, logName, fmt.Sprintf("its last %d octets are torn", int64(len(raw))-end.size), b.reopen)
	}
	if b.list == nil {
		return nil
	}
	if b.list.validity != st.validity {
		b.report(FaultIndex, logName, fmt.Sprintf("has UIDVALIDITY %d, %s has %d", st.validity, uidListName, b.list.validity), b.remake)
		b.st = nil
		return nil
	}
	listed := make(map[string]uint32, len(b.list.entries))
	for _, e := range b.list.entries {
		listed[e.base] = e.uid
	}
	differ := 0
	for blk, m := range st.all {
		if uid, ok := listed[st.base(blk, m)]; ok && uid != m.uid {
			differ++
		}
	}
	if differ > 0 {
		b.report(FaultIndex, logName, fmt.Sprintf("%d messages have other UIDs in %s", differ, uidListName), b.remake)
	}
	return nil
}

// files looks at the files of new and cur, and whether they are those of the list and the index.
func (b *boxCheck) files() error {
	known := map[string]bool{}
	if b.list != nil {
		for _, e := range b.list.entries {
			known[e.base] = true
		}
	}
	if b.st != nil {
		for blk, m := range b.st.all {
			known[b.st.base(blk, m)] = true
		}
	}
	there := map[string]place{}
	for _, where := range []uint8{inCur, inNew} {
		sub := whereDir(where)
		entries, err := b.a.sh.fs.ReadDir(b.dir + "/" + sub)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			name := e.Name()
			base, _, _, _ := parseName(name)
			if name[0] == '.' || e.IsDir() {
				continue
			}
			if !safeBase(name) || base == "" {
				b.report(FaultName, sub+"/"+fmt.Sprintf("%q", name), "can't be a message's", nil)
				continue
			}
			if first, ok := there[base]; ok {
				b.twice(first, place{where, name}, base)
				continue
			}
			there[base] = place{where, name}
			if where == inCur && !known[base] && b.list != nil {
				b.report(FaultUnlisted, sub+"/"+name, "has no UID yet", b.reopen)
			}
		}
	}
	if b.st != nil {
		for blk, m := range b.st.all {
			if base := b.st.base(blk, m); there[base].name == "" {
				b.report(FaultMissing, base, fmt.Sprintf("the file of UID %d is gone", m.uid), b.reopen)
			}
		}
	}
	bases := make([]string, 0, len(there))
	for base := range there {
		bases = append(bases, base)
	}
	slices.Sort(bases)
	for _, base := range bases {
		if err := b.sizes(base, there[base]); err != nil {
			return err
		}
	}
	return nil
}

// sizes compares what a name tells with what the file has.
func (b *boxCheck) sizes(base string, p place) error {
	physical, virtual := sizesOf(base)
	if err := b.ctx.Err(); err != nil {
		return err
	}
	name := whereDir(p.where) + "/" + p.name
	f, err := b.a.sh.fs.OpenFile(b.dir+"/"+name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // renamed meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	codec, err := b.a.sh.packing.of(f)
	if err != nil {
		return err
	}
	if codec == nil && physical < 0 && virtual < 0 {
		return nil
	}
	octets, lf, damage, err := b.a.s.count(codec, f, physical)
	if err != nil {
		return err
	}
	if damage != nil {
		b.report(FaultPacked, name, damage.Error(), nil)
		return nil
	}
	if physical >= 0 && physical != octets || virtual >= 0 && virtual != octets+lf {
		b.report(FaultSize, name, fmt.Sprintf("has %d octets, with CRLF %d", octets, octets+lf), func() error { return b.rename(base, p, octets, octets+lf) })
	}
	return nil
}

// cache looks at the entries of buuta.index.cache that the index knows.
func (b *boxCheck) cache() error {
	if b.st == nil {
		return nil
	}
	cache := cacheReader{fs: b.a.sh.fs, name: b.dir + "/" + cacheName, octet: b.a.sh.octet}
	defer cache.close()
	for _, m := range b.st.all {
		if m.cacheLen > 0 && cache.entry(m.uid, join40(m.cache, m.cacheHi), m.cacheLen) == nil {
			b.redo = append(b.redo, mail.UID(m.uid))
		}
	}
	if len(b.redo) > 0 {
		b.report(FaultCache, cacheName, fmt.Sprintf("the structures of %d messages can't be used", len(b.redo)), b.reopen)
	}
	return nil
}
