package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/buuta/mail"
)

// renameNested moves a folder and with it those below, in one step. The tree is locked; from is known to hold mailboxes. A
// folder in the place of to, because mailboxes lie below it, is mail.ErrExists.
func (a *account) renameNested(ctx context.Context, from, to string, folders map[string]string) error {
	fsys := a.sh.fs
	// Moves between mailboxes hold the writers of two; so does this.
	moved, err := a.tree.moving(ctx)
	if err != nil {
		return err
	}
	defer moved()
	target := a.root + "/" + a.s.folderName(to)
	if _, err := fsys.Stat(target); err == nil {
		if fsys.Remove(target) != nil {
			return fmt.Errorf("%w: %q has mailboxes below it", mail.ErrExists, to)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := ""
	boxes := map[string]*box{} // by what is behind from
	for name, folder := range folders {
		rest, ok := strings.CutPrefix(name, from)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		up := folder
		for range strings.Count(rest, "/") {
			up = path.Dir(up)
		}
		if dir != "" && dir != up {
			return fmt.Errorf("%w: %q is two folders, %q and %q", mail.ErrBadName, from, dir, up)
		}
		dir = up
		b := a.acquire(a.root+"/"+folder, name)
		defer a.sh.release(a.s, b)
		release, err := b.writer(ctx)
		if err != nil {
			return err
		}
		defer release()
		boxes[rest] = b
	}
	dir = a.root + "/" + dir
	if err := a.makeParents(to, folders); err != nil {
		return err
	}
	if err := fsys.Rename(dir, target); err != nil {
		return err
	}
	for rest, b := range boxes {
		b.moved(target+strings.TrimPrefix(b.folder(), dir), to+rest)
	}
	if !a.s.NoSync {
		for _, d := range []string{path.Dir(target), path.Dir(dir)} {
			if err := fsys.SyncDir(d); err != nil {
				return err
			}
		}
	}
	a.prune(dir)
	return nil
}
