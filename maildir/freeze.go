package maildir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Frozen is an account's mail as of one moment, while nothing in it changes.
type Frozen struct {
	Root      string // the account's folder
	Mailboxes []FrozenMailbox
}

// FrozenMailbox is one mailbox of a Frozen.
type FrozenMailbox struct {
	Name        string
	Folder      string // within Root; "" is INBOX's
	ID          mail.MailboxID
	UIDValidity uint32
	UIDNext     mail.UID
	ModSeq      mail.ModSeq
	Count       int

	b *box
}

// FrozenMessage is one message of a FrozenMailbox.
type FrozenMessage struct {
	UID  mail.UID
	GUID mail.GUID
	Base string // the file's name without flags, which no other message of the account has and which stays when flags change
	File string // the file within Root
}

// UIDList returns what dovecot-uidlist would be if it were written now: every message has its UID there. It is for as long as the account
// is frozen.
func (m *FrozenMailbox) UIDList() ([]byte, error) {
	st := m.b.st
	other, err := otherFields(m.b.sh.fs, m.b.dir)
	if err != nil {
		return nil, err
	}
	out := appendUIDHeader(nil, &st.head)
	for b, s := range st.all {
		base := st.base(b, s)
		out = appendUIDEntry(out, s.uid, b.guid(s), other[base], base)
	}
	return out, nil
}

// Keywords returns what dovecot-keywords would be, nil where there are none. It is for as long as the account is frozen.
func (m *FrozenMailbox) Keywords() []byte {
	if !slices.ContainsFunc(m.b.st.keywords, func(k string) bool { return k != "" }) {
		return nil
	}
	return formatKeywords(m.b.st.keywords)
}

// Messages yields the messages in the order of their UIDs. It is for as long as the account is frozen.
func (m *FrozenMailbox) Messages() iter.Seq[FrozenMessage] {
	return func(yield func(FrozenMessage) bool) {
		dir := m.Folder
		if dir != "" {
			dir += "/"
		}
		st := m.b.st
		for b, s := range st.all {
			where := uint8(inNew)
			if s.bits&slotCur != 0 {
				where = inCur
			}
			if !yield(FrozenMessage{mail.UID(s.uid), publicGUID(st.rawGUID(b, s)), st.base(b, s), dir + whereDir(where) + "/" + st.fileName(b, s)}) {
				return
			}
		}
	}
}

const (
	freezeEach  = 500 * time.Millisecond // for one mailbox's lock; then all are given back, for whoever has it may wait for one that we hold
	freezePause = 2 * time.Millisecond   // a mailbox that gets much mail is free for moments only
	freezeRest  = 4 * mostPause          // between two tries: who waits for a lock that was given back looks every mostPause, and must find it free
	freezeWait  = 2 * time.Minute
)

// Freeze calls f while no program of this package's, in this process or another, changes anything in an account's mailboxes: for copies of
// several files that must fit each other, of one mailbox or of several. What is to be written has been; messages that other programs
// have delivered have their UIDs. Deliveries wait meanwhile, and fail for now (mail.ErrStoreInUse) after half a minute, so f should
// take no longer than reading some small files does. Programs that don't take these locks, Dovecot among them, go on. An account that
// has no folder is mail.ErrNoAccount; one whose locks can't be had is mail.ErrStoreInUse. f must not use the Store.
func (s *Store) Freeze(ctx context.Context, account string, f func(*Frozen) error) error {
	root, err := s.accountDir(account)
	if err != nil {
		return err
	}
	a, err := s.existing(account, root)
	if err != nil {
		return err
	}
	defer a.end()
	for begun := time.Now(); ; {
		err := a.freeze(ctx, f)
		if !errors.Is(err, errBusy) {
			return err
		}
		if time.Since(begun) > freezeWait {
			return fmt.Errorf("%w: %w", mail.ErrStoreInUse, err)
		}
		t := time.NewTimer(freezeRest)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

var errBusy = errors.New("a mailbox is being changed all the time")

// freeze is one try.
func (a *account) freeze(ctx context.Context, f func(*Frozen) error) error {
	moved, err := a.tree.moving(ctx) // else who moves messages could hold one mailbox and wait for another
	if err != nil {
		return err
	}
	defer moved()
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	folders, err := a.folders()
	if err != nil {
		return err
	}
	folders[inbox] = ""
	fz := &Frozen{Root: a.root}
	var boxes []*box
	var thaws []func()
	defer func() {
		for _, thaw := range thaws { // all of them before anything that takes time
			thaw()
		}
		for _, b := range boxes {
			a.sh.release(a.s, b)
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		b := a.acquire(strings.TrimSuffix(a.root+"/"+folders[name], "/"), name)
		boxes = append(boxes, b)
		thaw, err := b.freeze(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		thaws = append(thaws, thaw)
		fz.Mailboxes = append(fz.Mailboxes, b.frozen(name, folders[name]))
	}
	return f(fz)
}

// freeze keeps all others from changing the box, once it is in step with its folder.
func (b *box) freeze(ctx context.Context) (thaw func(), err error) {
	soon, cancel := context.WithTimeout(ctx, freezeEach)
	defer cancel()
	release, err := b.writer(soon)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), errBusy)
	}
	lock, err := lockWithin(ctx, b.sh.fs, b.dir+"/"+lockName, freezeEach, freezePause)
	if errors.Is(err, mail.ErrStoreInUse) {
		err = errBusy
	}
	if err != nil {
		release()
		return nil, err
	}
	thaw = func() {
		lock.Close()
		release()
	}
	if err := b.locked(ctx, nil); err != nil {
		thaw()
		return nil, err
	}
	return thaw, nil
}

// frozen tells what the box is. The caller has frozen it.
func (b *box) frozen(name, folder string) FrozenMailbox {
	st := b.st
	return FrozenMailbox{
		Name: name, Folder: folder, ID: mail.MailboxID(st.id), UIDValidity: st.validity, UIDNext: mail.UID(st.next), ModSeq: mail.ModSeq(st.high),
		Count: st.n, b: b,
	}
}
