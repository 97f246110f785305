package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

	// UIDList and Keywords are what dovecot-uidlist and dovecot-keywords would be if they were written now: every message has its UID there.
	// Keywords is nil where there are none.
	UIDList, Keywords []byte

	st *state
}

// FrozenMessage is one message of a FrozenMailbox.
type FrozenMessage struct {
	UID  mail.UID
	GUID mail.GUID
	Base string // the file's name without flags, which no other message of the account has and which stays when flags change
	File string // the file within Root
}

// Messages yields the messages in the order of their UIDs. It is for as long as the account is frozen.
func (m *FrozenMailbox) Messages() iter.Seq[FrozenMessage] {
	return func(yield func(FrozenMessage) bool) {
		dir := m.Folder
		if dir != "" {
			dir += "/"
		}
		for b, s := range m.st.all {
			where := uint8(inNew)
			if s.bits&slotCur != 0 {
				where = inCur
			}
			if !yield(FrozenMessage{mail.UID(s.uid), publicGUID(m.st.rawGUID(b, s)), m.st.base(b, s), dir + whereDir(where) + "/" + m.st.fileName(b, s)}) {
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
	sh := s.start()
	info, err := sh.fs.Stat(root)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("%w: %q", mail.ErrNoAccount, account)
	}
	if err != nil {
		return err
	}
	a := newAccount(s, sh, account, root)
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
	select {
	case a.tree.move <- struct{}{}: // else who moves messages could hold one mailbox and wait for another
		defer func() { <-a.tree.move }()
	case <-ctx.Done():
		return ctx.Err()
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
		box, err := b.frozen(name, folders[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fz.Mailboxes = append(fz.Mailboxes, box)
	}
	return f(fz)
}

// freeze keeps all others from changing the box, once it is in step with its folder.
func (b *box) freeze(ctx context.Context) (thaw func(), err error) {
	timer := time.NewTimer(freezeEach)
	defer timer.Stop()
	select {
	case b.w <- struct{}{}:
	case <-timer.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	lock, err := lockWithin(ctx, b.sh.fs, b.dir+"/"+lockName, freezeEach, freezePause)
	if errors.Is(err, mail.ErrStoreInUse) {
		err = errBusy
	}
	if err != nil {
		<-b.w
		return nil, err
	}
	thaw = func() {
		lock.Close()
		<-b.w
	}
	if err := b.locked(ctx, nil); err != nil {
		thaw()
		return nil, err
	}
	return thaw, nil
}

// frozen tells what the box is. The caller has frozen it.
func (b *box) frozen(name, folder string) (FrozenMailbox, error) {
	st := b.st
	m := FrozenMailbox{
		Name: name, Folder: folder, ID: mail.MailboxID(st.id), UIDValidity: st.validity, UIDNext: mail.UID(st.next), ModSeq: mail.ModSeq(st.high),
		Count: st.n, st: st,
	}
	other, err := otherFields(b.sh.fs, b.dir)
	if err != nil {
		return m, err
	}
	m.UIDList = appendUIDHeader(nil, &st.head)
	for blk, s := range st.all {
		base := st.base(blk, s)
		m.UIDList = appendUIDEntry(m.UIDList, s.uid, blk.guid(s), other[base], base)
	}
	if slices.ContainsFunc(st.keywords, func(k string) bool { return k != "" }) {
		m.Keywords = formatKeywords(st.keywords)
	}
	return m, nil
}
