package maildir

import (
	"errors"
	"io/fs"
	"path"

	"github.com/buuta/mail/maildir/internal/foldername"
)

// isMailbox reports whether a folder, other than INBOX's, is a mailbox. In Maildir++ each folder with a mailbox's name is one;
// nested, a folder may be no more than a level above mailboxes, and what makes it one is its cur.
func (a *account) isMailbox(dir string) (bool, error) {
	info, err := a.sh.fs.Stat(dir)
	if err == nil && info.IsDir() && a.s.Layout == LayoutFS {
		info, err = a.sh.fs.Stat(dir + "/cur")
	}
	if errors.Is(err, fs.ErrNotExist) || err != nil && a.s.Layout == LayoutFS {
		return false, nil // or a level above it is a file; a disk that fails does so too when it is looked for
	}
	return err == nil && info.IsDir(), err
}

// folders returns the mailboxes but INBOX, and their folders within the account's.
func (a *account) folders() (map[string]string, error) {
	out := map[string]string{}
	if a.s.Layout == LayoutFS {
		return out, a.nested("", 1, out)
	}
	entries, err := a.sh.fs.ReadDir(a.root)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			a.found(e.Name(), out)
		}
	}
	return out, nil
}

// found notes a mailbox. Of two folders with one name that counts which is spelled as we do.
func (a *account) found(folder string, out map[string]string) {
	name, ok := a.s.mailboxName(folder)
	if !ok {
		return
	}
	if _, twice := out[name]; !twice || a.s.folderName(name) == folder {
		out[name] = folder
	}
}

// nested goes through the folders below one.
func (a *account) nested(below string, depth int, out map[string]string) error {
	entries, err := a.sh.fs.ReadDir(path.Join(a.root, below))
	if err != nil {
		if below != "" && errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if e.Name() == "cur" && below != "" {
			a.found(below, out)
		}
		if _, ok := a.s.naming().Level(e.Name()); ok && depth <= limit(a.s.Limits.Depth, 32) {
			if err := a.nested(path.Join(below, e.Name()), depth+1, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// children reports whether a nested mailbox's folder holds folders of others.
func (a *account) children(dir string) (bool, error) {
	entries, err := a.sh.fs.ReadDir(dir)
	for _, e := range entries {
		if _, ok := a.s.naming().Level(e.Name()); ok && e.IsDir() {
			return true, err
		}
	}
	return false, err
}

// trash is where folders go that are being removed. Dovecot has it in the account's folder; nested it would be shown as a mailbox
// there.
func (a *account) trash() string {
	if a.s.Layout == LayoutFS {
		return a.root + "/tmp/" + foldername.TrashName
	}
	return a.root + "/" + foldername.TrashName
}

// emptyTrash removes what was discarded.
func (a *account) emptyTrash() {
	if err := a.sh.fs.RemoveAll(a.trash()); err != nil {
		a.s.logger().Warn("can't remove a deleted mailbox", "dir", a.trash(), "error", err)
	}
}

// discard takes a mailbox's folder out of the tree, into the trash, which is removed afterwards. Where folders of other mailboxes
// lie in it, it stays, without what makes it a mailbox: cur goes first. dir is gone, or no mailbox any more, when it returns
// without an error; what a crash leaves is discarded when the mailbox is made again.
func (a *account) discard(dir string) error {
	fsys := a.sh.fs
	trash := a.trash()
	if err := a.s.makeDir(trash); err != nil {
		return err
	}
	to := trash + "/" + a.sh.seq.base(a.s.now(), a.sh.host)
	keep := false
	if a.s.Layout == LayoutFS {
		var err error
		if keep, err = a.children(dir); err != nil {
			return err
		}
	}
	if !keep {
		if err := fsys.Rename(dir, to); err != nil {
			return err
		}
		if a.s.NoSync {
			return nil
		}
		return fsys.SyncDir(path.Dir(dir))
	}
	if err := fsys.Mkdir(to, 0o700); err != nil {
		return err
	}
	if err := fsys.Rename(dir+"/cur", to+"/cur"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := a.s.naming().Level(e.Name()); ok && e.IsDir() {
			continue
		}
		if err := fsys.Rename(dir+"/"+e.Name(), to+"/"+e.Name()); err != nil {
			return err
		}
	}
	if a.s.NoSync {
		return nil
	}
	return fsys.SyncDir(dir)
}

// prune removes folders above dir that hold nothing any more.
func (a *account) prune(dir string) {
	if a.s.Layout != LayoutFS {
		return
	}
	for up := path.Dir(dir); len(up) > len(a.root); up = path.Dir(up) {
		if a.sh.fs.Remove(up) != nil {
			return
		}
	}
}
