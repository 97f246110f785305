package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// Rename implements mail.Account. A mailbox can't become its own child: mail.ErrBadName.
func (a *account) Rename(ctx context.Context, from, to string) error {
	from, err := a.s.cleanName(from)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrNoMailbox, err)
	}
	if to, err = a.s.cleanName(to); err != nil {
		return err
	}
	if to == inbox || to == from {
		return fmt.Errorf("%w: %q", mail.ErrExists, to)
	}
	if from == inbox {
		return a.renameInbox(ctx, to)
	}
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("%w: %q lies within %q", mail.ErrBadName, to, from)
	}
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	folders, err := a.folders()
	if err != nil {
		return err
	}
	if _, there := folders[to]; there {
		return fmt.Errorf("%w: %q", mail.ErrExists, to)
	}
	type step struct{ from, to string }
	var steps []step
	for name := range folders {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '/') {
			if _, there := folders[to+rest]; there {
				return fmt.Errorf("%w: %q", mail.ErrExists, to+rest)
			}
			if _, err := a.s.cleanName(to + rest); err != nil {
				return err
			}
			steps = append(steps, step{name, to + rest})
		}
	}
	if len(steps) == 0 {
		return fmt.Errorf("%w: %q", mail.ErrNoMailbox, from)
	}
	if a.s.Layout == LayoutFS {
		return a.renameNested(ctx, from, to, folders)
	}
	// The mailbox before its children: what a crash interrupts is then still one tree beside another.
	slices.SortFunc(steps, func(a, b step) int { return strings.Compare(a.from, b.from) })
	if err := a.makeParents(to, folders); err != nil {
		return err
	}
	for i, s := range steps {
		if err := a.renameOne(ctx, a.root+"/"+folders[s.from], s.from, s.to); err != nil {
			for _, s := range slices.Backward(steps[:i]) {
				err = errors.Join(err, a.renameOne(ctx, a.root+"/"+a.s.folderName(s.to), s.to, s.from))
			}
			return err
		}
	}
	if a.s.NoSync {
		return nil
	}
	return a.sh.fs.SyncDir(a.root)
}

// renameOne moves one mailbox's folder, with those who have it open.
func (a *account) renameOne(ctx context.Context, dir, from, to string) error {
	b := a.acquire(dir, from)
	defer a.sh.release(a.s, b)
	release, err := b.writer(ctx)
	if err != nil {
		return err
	}
	defer release()
	target := a.root + "/" + a.s.folderName(to)
	if err := a.sh.fs.Rename(dir, target); err != nil {
		return err
	}
	b.moved(target, to)
	return nil
}

// moved notes that a mailbox has another folder now. The caller is the writer.
func (b *box) moved(dir, name string) {
	b.mu.Lock()
	from := b.dir
	b.dir, b.name = dir, name
	b.mu.Unlock()
	b.sh.rekey(b, from, dir)
}

// renameInbox moves INBOX's messages to a new mailbox (RFC 9051 section 6.3.6).
func (a *account) renameInbox(ctx context.Context, to string) error {
	if err := a.create(ctx, to, &mail.CreateOptions{}); err != nil {
		return err
	}
	from, err := a.Open(ctx, inbox)
	if err != nil {
		return err
	}
	defer from.Close()
	target, err := a.Open(ctx, to)
	if err != nil {
		return err
	}
	defer target.Close()
	_, err = from.Copy(ctx, mail.AllUIDs(), target.Info().ID, &mail.CopyOptions{Move: true})
	return err
}
