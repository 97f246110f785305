package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// Create implements mail.Account. A purpose that only a search could serve, \All or \Flagged, is refused with mail.ErrBadName.
func (a *account) Create(ctx context.Context, name string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	name, err := a.s.cleanName(name)
	if err != nil {
		return mail.MailboxInfo{}, err
	}
	if opts == nil {
		opts = &mail.CreateOptions{}
	}
	for _, u := range opts.Use {
		if !slices.Contains([]mail.SpecialUse{mail.UseArchive, mail.UseDrafts, mail.UseImportant, mail.UseJunk, mail.UseSent, mail.UseTrash}, u) {
			return mail.MailboxInfo{}, fmt.Errorf("%w: no mailbox can be made for %s", mail.ErrBadName, u)
		}
	}
	if err := a.create(ctx, name, opts); err != nil {
		return mail.MailboxInfo{}, err
	}
	b, err := a.open(ctx, name)
	if err != nil {
		return mail.MailboxInfo{}, err
	}
	defer a.sh.release(a.s, b)
	info, _, err := a.info(ctx, b)
	return info, err
}

func (a *account) create(ctx context.Context, name string, opts *mail.CreateOptions) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	folders, err := a.folders()
	if err != nil {
		return err
	}
	if _, there := folders[name]; there || name == inbox {
		return fmt.Errorf("%w: %q", mail.ErrExists, name)
	}
	if err := a.makeParents(name, folders); err != nil {
		return err
	}
	return a.makeFolder(name, opts.Use)
}

// makeParents makes the mailboxes that name lacks above it. The tree is locked.
func (a *account) makeParents(name string, folders map[string]string) error {
	most := limit(a.s.Limits.Mailboxes, 10000)
	for _, up := range append(parents(name), name) {
		if _, there := folders[up]; there || up == inbox {
			continue
		}
		if len(folders)+2 > most { // with INBOX and this one
			return fmt.Errorf("%w: an account can have %d mailboxes", mail.ErrLimit, most)
		}
		folders[up] = a.s.folderName(up)
		if up == name {
			break
		}
		if err := a.makeFolder(up, nil); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder makes one mailbox's folder, durably, or nothing. One that a crash leaves half made is completed when it is opened.
func (a *account) makeFolder(name string, use []mail.SpecialUse) error {
	dir := a.root + "/" + a.s.folderName(name)
	if a.s.Layout == LayoutFS {
		if err := a.s.makeDir(path.Dir(dir)); err != nil {
			return err
		}
	}
	undo := a.sh.fs.RemoveAll
	err := a.sh.fs.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) && a.s.Layout == LayoutFS {
		undo = a.discard
		defer a.emptyTrash()
		// A level above mailboxes, maybe with what is left of a mailbox that was deleted.
		if err = a.discard(dir); err == nil {
			err = a.s.makeDir(dir)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %q", mail.ErrExists, name)
	}
	if err != nil {
		return err
	}
	if err := a.fillFolder(dir, use); err != nil {
		return errors.Join(err, undo(dir))
	}
	return nil
}

// fillFolder makes what belongs into a mailbox's folder.
func (a *account) fillFolder(dir string, use []mail.SpecialUse) error {
	for _, d := range []string{"tmp", "new", "cur"} { // cur last: with it a nested folder is a mailbox
		if err := a.sh.fs.Mkdir(dir+"/"+d, 0o700); err != nil {
			return err
		}
	}
	if err := appendFile(a.sh.fs, dir+"/maildirfolder", 0, nil, false); err != nil {
		return err
	}
	if use != nil {
		var b strings.Builder
		for _, u := range use {
			b.WriteString(string(u) + "\n")
		}
		if err := writeFile(a.sh.fs, dir, useName, []byte(b.String()), !a.s.NoSync); err != nil {
			return err
		}
	}
	if a.s.NoSync {
		return nil
	}
	if err := a.sh.fs.SyncDir(dir); err != nil {
		return err
	}
	return a.sh.fs.SyncDir(path.Dir(dir))
}

// Delete implements mail.Account.
func (a *account) Delete(ctx context.Context, name string) error {
	name, err := a.s.cleanName(name)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrNoMailbox, err)
	}
	if name == inbox {
		return fmt.Errorf("%w: INBOX can't be deleted", mail.ErrBadName)
	}
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := a.dir(name)
	if err != nil {
		return err
	}
	b := a.acquire(dir, name)
	defer a.sh.release(a.s, b)
	release, err := b.writer(ctx)
	if err != nil {
		return err
	}
	defer release()
	id := a.readID(dir)
	if err := a.tree.ledger.without(dir, func() error { return a.discard(dir) }); err != nil {
		return err
	}
	b.mu.Lock()
	b.dead = true
	b.mu.Unlock()
	a.sh.rekey(b, dir, "")
	b.wake()
	a.prune(dir)
	if err := a.dropNotes(ctx, id); err != nil {
		a.s.logger().Warn("can't remove a deleted mailbox's annotations", "mailbox", name, "error", err)
	}
	a.emptyTrash()
	return nil
}
