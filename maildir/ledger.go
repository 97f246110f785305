package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// ledger keeps an account's maildirsize. Commits reserve what they are going to add before they add it, and write it down once
// it is durable, so that in this process the limits hold exactly, however many append at once. Another process's commits are
// seen when they are written down: what it has in flight can come on top of the limit. The file is never synced: what a
// crash takes from it is found when it is counted anew, which happens before anybody is refused.
type ledger struct {
	s       *Store
	sh      *shared
	root    string
	account string

	mu      sync.Mutex
	pending maildirsize.Amount            // reserved and not yet written down
	flying  map[string]maildirsize.Amount // files that come or go, which isn't written down yet: what is counted of them as it says
	doubt   bool                          // the file may be wrong: count before it is shown or somebody refused
}

// active reports whether anybody counts: the Store has limits, or there is a file.
func (l *ledger) active() (bool, error) {
	if l.s.rule(l.account, "") != (maildirsize.Amount{}) {
		return true, nil
	}
	if p, _ := l.s.groupOf(l.account); p != nil {
		return true, nil
	}
	_, err := l.sh.fs.Stat(l.name())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (l *ledger) name() string { return l.root + "/" + maildirsize.Name }

// read returns what the file says, and the limits that hold. It is made or made anew when it can't be believed. The ledger is
// locked.
func (l *ledger) read() (file maildirsize.File, trusted bool, err error) {
	rule := l.s.rule(l.account, "")
	f, err := l.sh.fs.OpenFile(l.name(), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return l.recount(rule)
	}
	if err != nil {
		return file, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return file, false, err
	}
	raw := make([]byte, min(info.Size(), maildirsize.MaxSize))
	n, err := f.ReadAt(raw, 0)
	if n < len(raw) {
		return file, false, err
	}
	file, ok := maildirsize.Parse(raw)
	limits := file.Limits
	if rule != (maildirsize.Amount{}) {
		limits = rule
	}
	if !ok || file.Limits != limits {
		return l.recount(limits)
	}
	return file, !l.doubt && file.Trusted(l.s.now().Sub(info.ModTime())), nil
}

// recount counts all files and writes the file anew. The ledger is locked.
func (l *ledger) recount(limits maildirsize.Amount) (file maildirsize.File, trusted bool, err error) {
	used, err := l.count()
	if err != nil {
		return file, false, err
	}
	file = maildirsize.File{Limits: limits, Used: used, Lines: 1}
	p, _ := l.s.groupOf(l.account)
	p.set(l.root, used)
	return file, true, l.replace(maildirsize.Format(limits, used))
}

// replace puts another file in the place of the one that there is. Where its limits are the only ones it is synced first: they are nothing
// that could be counted again.
func (l *ledger) replace(content []byte) error {
	fsys := l.sh.fs
	tmp := l.root + "/" + maildirsize.Name + "." + l.sh.seq.base(l.s.now(), l.sh.host)
	f, err := fsys.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil && !l.s.NoSync && l.s.rule(l.account, "") == (maildirsize.Amount{}) {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(tmp, l.name())
	}
	if err != nil {
		fsys.Remove(tmp)
		return err
	}
	l.doubt = false
	return nil
}

// write appends a change to the file. Where there is none, whoever reads it next counts.
func (l *ledger) write(a maildirsize.Amount) {
	if a == (maildirsize.Amount{}) {
		return
	}
	f, err := l.sh.fs.OpenFile(l.name(), os.O_WRONLY|os.O_APPEND, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		_, err = f.Write(maildirsize.Line(a))
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		l.doubt = true // the change itself is done
		l.s.logger().Warn("quota can't be written down", "file", l.name(), "error", err)
	}
}

// room says whether more can be kept. The ledger is locked.
func (l *ledger) room(more maildirsize.Amount) error {
	file, trusted, err := l.read()
	if err != nil {
		return err
	}
	wanted := l.pending.Plus(more)
	if file.Used.Plus(wanted).Within(file.Limits) {
		return nil
	}
	if !trusted {
		if file, _, err = l.recount(file.Limits); err != nil {
			return err
		}
		if file.Used.Plus(wanted).Within(file.Limits) {
			return nil
		}
	}
	return fmt.Errorf("%w: %d octets and %d messages are used", mail.ErrOverQuota, file.Used.Bytes, file.Used.Messages)
}

// fits is room for who reserves nothing yet.
func (l *ledger) fits(more maildirsize.Amount) error {
	if active, err := l.active(); err != nil || !active {
		return err
	}
	if p, limits := l.s.groupOf(l.account); p != nil {
		if err := p.fits(limits, more); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.room(more)
}

// usage returns the limits and what is used of them.
func (l *ledger) usage() (limits, used maildirsize.Amount, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, trusted, err := l.read()
	if err == nil && !trusted && (l.doubt || !file.Used.Within(file.Limits)) {
		file, _, err = l.recount(file.Limits)
	}
	return file.Limits, file.Used, err
}

// setLimits writes other limits into the file.
func (l *ledger) setLimits(limits maildirsize.Amount) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _, err := l.recount(limits)
	if err != nil || l.s.NoSync {
		return err
	}
	return l.sh.fs.SyncDir(l.root)
}

// without does what takes a mailbox's folder away, and writes that down.
func (l *ledger) without(dir string, do func() error) error {
	if active, err := l.active(); err != nil {
		return err
	} else if !active {
		return do()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	less, _, err := l.countFolder(dir)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	l.write(maildirsize.Amount{}.Minus(less))
	p, _ := l.s.groupOf(l.account)
	p.settle(l.root, maildirsize.Amount{}.Minus(less), maildirsize.Amount{})
	return nil
}

// countTries is how often an account is counted again because files came and went meanwhile.
const countTries = 3

// count adds up the files of all mailboxes, what is in flight as it was before. The ledger is locked.
func (l *ledger) count() (used maildirsize.Amount, err error) {
	for range countTries {
		began := time.Now()
		a := account{s: l.s, sh: l.sh, root: l.root}
		folders, err := a.folders()
		if err != nil {
			return used, err
		}
		used = maildirsize.Amount{}
		still := true
		for _, dir := range append(folderPaths(l.root, folders), l.root) {
			sum, same, err := l.countFolder(dir)
			if err != nil {
				return used, err
			}
			used, still = used.Plus(sum), still && same
		}
		for _, counts := range l.flying {
			used = used.Plus(counts)
		}
		if still {
			l.s.logger().Debug("quota counted", "root", l.root, "octets", used.Bytes, "messages", used.Messages, "took", time.Since(began))
			return used, nil
		}
	}
	return used, nil // of a moment that never was; counted again before it matters
}

func folderPaths(root string, folders map[string]string) (out []string) {
	for _, f := range folders {
		out = append(out, root+"/"+f)
	}
	return out
}

// countFolder adds up a mailbox's files; same is false when they changed meanwhile.
func (l *ledger) countFolder(dir string) (used maildirsize.Amount, same bool, err error) {
	seen := map[string]bool{}
	same = true
	for _, d := range []string{"/new", "/cur"} { // in the order in which files move
		before, err := l.mtime(dir + d)
		if err != nil {
			return used, false, err
		}
		entries, err := l.sh.fs.ReadDir(dir + d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return used, false, err
		}
		for _, e := range entries {
			base, _, _, _ := parseName(e.Name())
			if _, flies := l.flying[base]; flies || seen[base] || !safeBase(e.Name()) || e.IsDir() {
				continue
			}
			size, _ := sizesOf(base)
			if size < 0 {
				info, err := e.Info()
				if errors.Is(err, fs.ErrNotExist) {
					same = false
					continue
				}
				if err != nil {
					return used, false, err
				}
				size = info.Size()
			}
			seen[base] = true
			used = used.Plus(maildirsize.Amount{Bytes: size, Messages: 1})
		}
		after, err := l.mtime(dir + d)
		if err != nil {
			return used, false, err
		}
		same = same && after.Equal(before)
	}
	return used, same, nil
}

func (l *ledger) mtime(dir string) (time.Time, error) {
	info, err := l.sh.fs.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
