package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// A mailbox is copied while it is used: messages first, whose content never changes. Then the account is stopped for a moment, in which
// is read what else there is, and the few messages that have come since: what was copied is then the account as it was in that moment.
const (
	fewMessages = 64
	fewOctets   = 16 << 20
	mostRounds  = 12 // then it is stopped for as long as it takes
)

// wanted is a message that a backup is to have.
type wanted struct {
	key  string // its folder and name without flags
	file string // where it lies now, within the account's folder
	uid  uint32
	guid string
}

// copying is an account that is being copied.
type copying struct {
	*taking
	user, root string
	folder     string // within the backup, with a slash behind
	before     map[contentKey]Entry
	have       map[string]*Entry // by key

	// What was read while it was stopped.
	account  Account
	messages []wanted
	small    []File
	dirs     []Entry
	large    []string        // files that are no messages and too large for memory, within root
	fresh    map[string]File // messages that came late, by key
}

// account copies one.
func (t *taking) account(ctx context.Context, user string) error {
	c := &copying{taking: t, user: user, folder: mailFolder(user), have: map[string]*Entry{}, fresh: map[string]File{}}
	var err error
	if c.before, err = t.to.previous().messages(user); err != nil {
		return err
	}
	for round := 0; ; round++ {
		var missing []wanted
		done := false
		err := t.Store.Freeze(ctx, user, func(fz *maildir.Frozen) error {
			begun := time.Now()
			defer func() { t.res.Longest = max(t.res.Longest, time.Since(begun)) }()
			c.root = fz.Root
			missing = c.missing(fz)
			if round == 0 && len(missing) > 0 || round < mostRounds && (len(missing) > fewMessages || c.octets(missing) > fewOctets) {
				return nil
			}
			done = true
			return c.take(fz, missing)
		})
		if errors.Is(err, mail.ErrNoAccount) {
			return nil // nobody has ever written to this user
		}
		t.roots[filepath.Clean(c.root)] = true
		if err != nil {
			return err
		}
		if done {
			break
		}
		for _, w := range missing {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.copy(w); err != nil {
				return err
			}
		}
	}
	return c.write()
}

// missing lists the messages of a moment that the backup doesn't have.
func (c *copying) missing(fz *maildir.Frozen) (out []wanted) {
	c.messages = c.messages[:0]
	for i := range fz.Mailboxes {
		m := &fz.Mailboxes[i]
		for msg := range m.Messages() {
			w := wanted{m.Folder + "/" + msg.Base, msg.File, uint32(msg.UID), string(msg.GUID)}
			c.messages = append(c.messages, w)
			if c.have[w.key] == nil {
				out = append(out, w)
			}
		}
	}
	return out
}

func (c *copying) octets(all []wanted) (n int64) {
	for _, w := range all {
		if info, err := os.Lstat(filepath.Join(c.root, w.file)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// copy copies a message, or links it to an earlier backup's. One that is gone or has another name now is looked for in the next round.
func (c *copying) copy(w wanted) error {
	name := filepath.Join(c.root, filepath.FromSlash(w.file))
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	e := entryOf(c.folder+w.file, info)
	e.UID, e.GUID = w.uid, w.guid
	if from, ok := c.before[keyOf(&e)]; ok {
		linked, err := c.to.link(&from, e.Path)
		if err != nil {
			return err
		}
		if linked {
			e.Sum = from.Sum
			c.got(w, &e, 0)
			c.res.Linked++
			return nil
		}
	}
	if err := c.to.put(&e, f); err != nil {
		if isBroken(err) {
			return err
		}
		c.miss("%s: %v", name, err)
		c.have[w.key] = &Entry{} // once is enough
		return nil
	}
	c.got(w, &e, e.Size)
	c.res.Copied++
	return nil
}

// got notes that the backup has a message.
func (c *copying) got(w wanted, e *Entry, read int64) {
	e.At = e.Path
	c.have[w.key] = e
	c.res.Messages++
	c.res.Bytes += read
	c.progress(Progress{c.user, c.res.Messages, c.res.Bytes})
}

// take reads what there is besides the messages, and those that came late. The account is stopped meanwhile.
func (c *copying) take(fz *maildir.Frozen, late []wanted) error {
	c.account = Account{User: c.user, Root: fz.Root, At: c.Now().UTC()}
	c.small, c.dirs, c.large = nil, nil, nil
	own := map[string]bool{}
	for i := range fz.Mailboxes {
		m := &fz.Mailboxes[i]
		c.account.Mailboxes = append(c.account.Mailboxes, Mailbox{
			Name: m.Name, Folder: m.Folder, ID: string(m.ID), UIDValidity: m.UIDValidity, UIDNext: uint32(m.UIDNext), ModSeq: uint64(m.ModSeq), Messages: m.Count,
		})
		list, err := m.UIDList()
		if err != nil {
			return err
		}
		for name, content := range map[string][]byte{"dovecot-uidlist": list, "dovecot-keywords": m.Keywords()} {
			p := path.Join(m.Folder, name)
			own[p] = true
			if content != nil {
				e := Entry{Mode: 0o600}
				if info, err := os.Lstat(filepath.Join(fz.Root, p)); err == nil {
					e = entryOf("", info)
				}
				e.Path = c.folder + p
				c.small = append(c.small, File{e, content})
			}
		}
	}
	if err := c.walk("", own); err != nil {
		return err
	}
	for _, w := range late {
		f, err := readFile(filepath.Join(fz.Root, filepath.FromSlash(w.file)))
		switch {
		case err == nil:
			c.fresh[w.key] = f
		case !errors.Is(err, fs.ErrNotExist): // another program has just removed it
			return err
		}
	}
	return nil
}

// readFile reads a file with what is known of it.
func readFile(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	b, err := io.ReadAll(f)
	return File{entryOf("", info), b}, err
}

// leftOut are files that are made again from others, and locks.
func leftOut(name string) bool {
	return strings.HasPrefix(name, "buuta.index.") || strings.HasPrefix(name, "buuta.text") || strings.HasPrefix(name, "dovecot.index") ||
		strings.HasPrefix(name, "dovecot.list.index") || strings.HasSuffix(name, ".lock") || strings.Contains(name, "DOVECOT-TRASHED")
}

// walk reads the small files of a folder and those below it.
func (c *copying) walk(dir string, own map[string]bool) error {
	at := filepath.Join(c.root, dir)
	entries, err := os.ReadDir(at)
	if err != nil {
		return err
	}
	if info, err := os.Stat(at); err == nil {
		c.dirs = append(c.dirs, dirEntryOf(c.folder+dir, info))
	}
	mailbox := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "cur" && e.IsDir() })
	for _, e := range entries {
		name := e.Name()
		p := path.Join(dir, name)
		switch {
		case leftOut(name) || own[p]:
		case e.IsDir() && mailbox && (name == "cur" || name == "new" || name == "tmp"):
			if info, err := e.Info(); err == nil {
				c.dirs = append(c.dirs, dirEntryOf(c.folder+p, info))
			}
		case e.IsDir():
			if err := c.walk(p, own); err != nil {
				return err
			}
		case e.Type().IsRegular():
			info, err := e.Info()
			if err == nil && info.Size() > fewOctets {
				c.large = append(c.large, p)
				continue
			}
			var f File
			if err == nil {
				f, err = readFile(filepath.Join(c.root, p))
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			f.Path = c.folder + p
			c.small = append(c.small, f)
		}
	}
	return nil
}

// write puts what was read into the backup, and under its final name what was copied before.
func (c *copying) write() error {
	if err := c.late(); err != nil {
		return err
	}
	if err := broken(c.man.write(line{Account: &c.account})); err != nil {
		return err
	}
	c.res.Accounts++
	for i := range c.dirs {
		d := &c.dirs[i]
		if err := c.to.mkdir(strings.TrimSuffix(d.Path, "/")); err != nil {
			return broken(err)
		}
		if err := c.note(d); err != nil {
			return err
		}
	}
	for i := range c.small {
		if err := c.keep(c.small[i].Entry, c.small[i].Content); err != nil {
			return err
		}
	}
	for _, p := range c.large {
		if err := c.file(filepath.Join(c.root, p), c.folder+p); err != nil {
			return err
		}
	}
	for _, w := range c.messages {
		e := c.have[w.key]
		delete(c.have, w.key)
		if e == nil || e.Path == "" {
			continue
		}
		e.Path, e.UID, e.GUID = c.folder+w.file, w.uid, w.guid
		if err := c.to.move(e); err != nil {
			return err
		}
		if err := c.note(e); err != nil {
			return err
		}
	}
	for _, e := range c.have { // removed or moved since
		if e.At != "" {
			c.res.Messages--
			if err := c.to.drop(e.At); err != nil {
				return err
			}
		}
	}
	return nil
}

// late puts the messages into the backup that came late.
func (c *copying) late() error {
	for _, w := range c.messages {
		f, ok := c.fresh[w.key]
		if !ok {
			continue
		}
		e := f.Entry
		e.Path, e.Size = c.folder+w.file, int64(len(f.Content))
		if err := c.to.put(&e, bytes.NewReader(f.Content)); err != nil {
			return err
		}
		c.got(w, &e, e.Size)
		c.res.Copied++
	}
	return nil
}
