package pop3

import (
	"context"
	"errors"
	"log/slog"

	"github.com/buuta/mail"
)

// Locker gives out maildrops, each to one session at a time: RFC 1939 section 4, "the POP3 server then acquires an
// exclusive-access lock on the maildrop". IMAP sessions and deliveries are not kept out; POP3's message-numbers stay true
// because UIDs are never used twice.
type Locker interface {
	// LockMaildrop takes the account's lock or returns ErrInUse at once. unlock is called exactly once.
	LockMaildrop(ctx context.Context, account string) (unlock func(), err error)
}

// ErrInUse says that another session has the maildrop: "-ERR [IN-USE]".
var ErrInUse = errors.New("pop3: maildrop is locked by another session")

// LockMaildrop implements [Locker] for this server's own connections, and for other servers that are given it.
func (s *Server) LockMaildrop(_ context.Context, account string) (unlock func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.locked[account]; ok {
		return nil, ErrInUse
	}
	if s.locked == nil {
		s.locked = map[string]struct{}{}
	}
	s.locked[account] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.locked, account)
	}, nil
}

// maildrop is a session's view of the INBOX: the messages that were there when it was opened, numbered from 1.
type maildrop struct {
	account  mail.Account
	mailbox  mail.Mailbox
	unlock   func()
	validity uint32
	messages []message

	// What UIDL needs, once it has asked.
	asked bool
	kept  map[mail.UID]string        // unique-ids that messages have had elsewhere
	names map[mail.UID]mail.FileName // nil when the format has no use for them

	count  int   // of messages not marked as deleted
	size   int64 // of those
	marked int   // as deleted
}

// message is what is kept of each message: 16 octets, so that a large maildrop costs little.
type message struct {
	size    int64
	uid     mail.UID
	deleted bool
	fetched bool
}

// openMaildrop locks and opens the maildrop of an identity.
func (s *Server) openMaildrop(ctx context.Context, id *mail.Identity) (*maildrop, error) {
	if s.Store == nil {
		return nil, errors.New("pop3: server has no Store")
	}
	var locker Locker = s
	if s.Locker != nil {
		locker = s.Locker
	}
	d, opened := new(maildrop), false
	var err error
	defer func() { // also when the store panics
		if !opened {
			d.close()
		}
	}()
	if d.unlock, err = locker.LockMaildrop(ctx, id.AccountName()); err != nil {
		return nil, err
	}
	if d.account, err = s.Store.Account(ctx, id.AccountName()); err != nil {
		return nil, err
	}
	if d.mailbox, err = d.account.Open(ctx, "INBOX"); err != nil {
		return nil, err
	}
	state, err := d.mailbox.State(ctx)
	if err != nil {
		return nil, err
	}
	d.validity = state.UIDValidity
	d.messages = make([]message, 0, state.Messages)
	for m, err := range d.mailbox.Messages(ctx, mail.AllUIDs(), mail.FieldSize) {
		if err != nil {
			return nil, err
		}
		d.messages = append(d.messages, message{size: m.Size, uid: m.UID})
		d.size += m.Size
	}
	if old := len(d.messages) - s.Newest; s.Newest > 0 && old > 0 {
		for _, m := range d.messages[:old] {
			d.size -= m.size
		}
		d.messages = d.messages[old:]
	}
	d.count, opened = len(d.messages), true
	return d, nil
}

// close gives everything back. Nothing is removed.
func (d *maildrop) close() {
	if d.mailbox != nil {
		_ = d.mailbox.Close()
	}
	if d.account != nil {
		_ = d.account.Close()
	}
	if d.unlock != nil {
		d.unlock()
	}
}

// uniqueIDs gets ready what unique-ids are made of. Many sessions never ask for them, and it can mean to read as much as the maildrop's list.
func (d *maildrop) uniqueIDs(ctx context.Context, f *uidlFormat) (err error) {
	if d.asked {
		return nil
	}
	if keeper, ok := d.mailbox.(mail.UniqueIDKeeper); ok {
		if d.kept, err = keeper.UniqueIDs(ctx); err != nil {
			return err
		}
	}
	if f.files {
		if d.names, err = d.fileNames(ctx); err != nil {
			return err
		}
	}
	d.asked = true
	return nil
}

// fileNames returns the names of messages; of those that lie in no files, their GUIDs.
func (d *maildrop) fileNames(ctx context.Context) (map[mail.UID]mail.FileName, error) {
	if namer, ok := d.mailbox.(mail.FileNamer); ok {
		return namer.FileNames(ctx)
	}
	out := make(map[mail.UID]mail.FileName, len(d.messages))
	for m, err := range d.mailbox.Messages(ctx, mail.AllUIDs(), mail.FieldGUID) {
		if err != nil {
			return nil, err
		}
		out[m.UID] = mail.FileName{GUID: string(m.GUID)}
	}
	return out, nil
}

// appendUIDL adds the unique-id of message i, counted from 0, to b, after uniqueIDs.
func (d *maildrop) appendUIDL(b []byte, f *uidlFormat, i int) []byte {
	uid := d.messages[i].uid
	if id := d.kept[uid]; id != "" && validUIDL([]byte(id)) {
		return append(b, id...)
	}
	return f.append(b, d.validity, uid, d.names[uid])
}

// mark marks a message as deleted.
func (d *maildrop) mark(m *message) {
	m.deleted = true
	d.marked++
	d.count--
	d.size -= m.size
}

// reset takes all marks off.
func (d *maildrop) reset() {
	for i := range d.messages {
		if m := &d.messages[i]; m.deleted {
			m.deleted = false
			d.count++
			d.size += m.size
		}
	}
	d.marked = 0
}

// update is the UPDATE state (RFC 1939 section 6): it removes what is marked, and returns how many that were.
func (d *maildrop) update(ctx context.Context, s *Server) (removed int, err error) {
	var deleted, fetched mail.UIDSet
	for _, m := range d.messages {
		switch {
		case m.deleted:
			deleted.Add(m.uid)
		case m.fetched:
			fetched.Add(m.uid)
		}
	}
	if s.MarkSeen && !fetched.Empty() {
		_, err := d.mailbox.SetFlags(ctx, fetched, mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.Flags{System: mail.Seen}})
		if err != nil { // no reason to keep what shall be deleted
			s.log(ctx, slog.LevelWarn, "marking messages as seen", "error", err)
		}
	}
	if deleted.Empty() {
		return 0, nil
	}
	if s.Delete != nil {
		err = s.Delete(ctx, d.account, d.mailbox, deleted)
	} else {
		_, err = d.mailbox.Expunge(ctx, deleted, nil)
	}
	if err != nil {
		return 0, err
	}
	return d.marked, nil
}
