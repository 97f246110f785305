package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/buuta/mail"
)

// Account makes an account a source and a target. Origin, in a target, says where messages come from: a copy with the same Origin that is
// begun again within a day, with or without a token, adds nothing twice ([mail.AppendOptions]). Close closes what
// it has opened, not the account.
type Account struct {
	mail.Account
	Origin string

	// As a source.
	names []string // yet to come, the open one first
	known []string
	box   mail.Mailbox
	at    accountPos
	next  func() (mail.Message, error, bool)
	stop  func()
	body  mail.Body

	// As a target.
	to     mail.Mailbox
	toName string
	tx     mail.Append
}

var (
	_ Source = (*Account)(nil)
	_ Target = (*Account)(nil)
)

// accountPos is a place in an account.
type accountPos struct {
	Mailbox  string   `json:"b"`
	Validity uint32   `json:"v"`
	UID      mail.UID `json:"u"`
}

// list reads the names once.
func (a *Account) list(ctx context.Context) error {
	if a.known != nil {
		return nil
	}
	for info, err := range a.Account.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		if !info.NoSelect && !info.NonExistent {
			a.known = append(a.known, info.Name)
		}
	}
	a.names = a.known
	return nil
}

// Mailboxes implements Source.
func (a *Account) Mailboxes(ctx context.Context) ([]string, error) {
	err := a.list(ctx)
	return a.known, err
}

// Seek implements Source.
func (a *Account) Seek(ctx context.Context, pos string) error {
	var p accountPos
	if err := json.Unmarshal([]byte(pos), &p); err != nil {
		return ErrToken
	}
	if err := a.list(ctx); err != nil {
		return err
	}
	a.endBox()
	a.names, a.at = a.known, accountPos{}
	if p.Mailbox == "" {
		return nil
	}
	for len(a.names) > 0 && a.names[0] != p.Mailbox {
		a.names = a.names[1:]
	}
	if len(a.names) == 0 {
		return fmt.Errorf("%w: there is no mailbox %q", ErrToken, p.Mailbox)
	}
	return a.openBox(ctx, p)
}

// openBox opens the first of the names, behind p.
func (a *Account) openBox(ctx context.Context, p accountPos) error {
	m, err := a.Account.Open(ctx, a.names[0])
	if err != nil {
		return err
	}
	a.box = m
	st, err := m.State(ctx)
	if err != nil {
		return err
	}
	if p.Validity != 0 && p.Validity != st.UIDValidity {
		return fmt.Errorf("%w: mailbox %q has been made anew", ErrToken, a.names[0])
	}
	a.at = accountPos{a.names[0], st.UIDValidity, p.UID}
	if p.UID == mail.MaxUID {
		a.next, a.stop = func() (mail.Message, error, bool) { return mail.Message{}, nil, false }, func() {}
		return nil
	}
	a.next, a.stop = iter.Pull2(m.Messages(ctx, mail.UIDRangeSet(p.UID+1, mail.MaxUID), mail.FieldFlags|mail.FieldDate|mail.FieldGUID))
	return nil
}

func (a *Account) endBox() {
	if a.body != nil {
		a.body.Close()
		a.body = nil
	}
	if a.stop != nil {
		a.stop()
	}
	if a.box != nil {
		a.box.Close()
	}
	a.box, a.next, a.stop = nil, nil, nil
}

// Next implements Source. Messages that go meanwhile are left out.
func (a *Account) Next(ctx context.Context) (*Message, error) {
	if err := a.list(ctx); err != nil {
		return nil, err
	}
	for {
		if a.body != nil {
			a.body.Close()
			a.body = nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if a.box == nil {
			if len(a.names) == 0 {
				return nil, io.EOF
			}
			err := a.openBox(ctx, accountPos{})
			if errors.Is(err, mail.ErrNoMailbox) || errors.Is(err, mail.ErrPermission) {
				a.endBox()
				gone := a.names[0]
				a.names = a.names[1:]
				return nil, &MessageError{gone, err}
			}
			if err != nil {
				return nil, err
			}
		}
		msg, err, ok := a.next()
		if !ok {
			a.endBox()
			a.names = a.names[1:]
			continue
		}
		if err != nil {
			return nil, err
		}
		a.at.UID = msg.UID
		a.body, err = a.box.OpenBody(ctx, msg.UID)
		if errors.Is(err, mail.ErrExpunged) {
			a.body = nil
			continue
		}
		if err != nil {
			a.body = nil
			return nil, err
		}
		return &Message{
			Mailbox: a.names[0], Flags: msg.Flags, Date: msg.InternalDate, GUID: msg.GUID,
			Body: io.NewSectionReader(a.body, 0, a.body.Size()),
			ID:   fmt.Sprintf("%s UID %d", a.names[0], msg.UID),
		}, nil
	}
}

// Pos implements Source.
func (a *Account) Pos() string {
	b, _ := json.Marshal(a.at) // of strings and numbers
	return string(b)
}

// Resume implements Target. Nothing is to be done: what wasn't committed isn't there.
func (a *Account) Resume(context.Context, string) error { return nil }

// Mailbox implements Target.
func (a *Account) Mailbox(ctx context.Context, name string) error {
	if name == "INBOX" {
		return nil
	}
	_, err := a.Account.Create(ctx, name, nil)
	switch {
	case err == nil || errors.Is(err, mail.ErrExists):
		return nil
	case errors.Is(err, mail.ErrBadName):
		return &MessageError{name, err}
	}
	return err
}

// Put implements Target.
func (a *Account) Put(ctx context.Context, m *Message) error {
	if a.tx == nil || a.toName != m.Mailbox {
		if err := a.commit(ctx); err != nil {
			return err
		}
		if a.toName != m.Mailbox {
			if a.to != nil {
				a.to.Close()
			}
			var err error
			a.toName = ""
			if a.to, err = a.Account.Open(ctx, m.Mailbox); err != nil {
				a.to = nil
				return err
			}
			a.toName = m.Mailbox
		}
		var err error
		if a.tx, err = a.to.Append(ctx); err != nil {
			return err
		}
	}
	opts := &mail.AppendOptions{Flags: m.Flags, InternalDate: m.Date, GUID: m.GUID}
	if a.Origin != "" {
		sum := sha256.Sum256([]byte(a.Origin + "\x00" + m.Mailbox + "\x00" + m.ID))
		opts.Token = hex.EncodeToString(sum[:])
	}
	err := a.tx.Add(ctx, m.Body, opts)
	var one *MessageError
	if errors.Is(err, mail.ErrTooLarge) && !errors.As(err, &one) {
		err = &MessageError{m.ID, err}
	}
	return err
}

func (a *Account) commit(ctx context.Context) error {
	if a.tx == nil {
		return nil
	}
	tx := a.tx
	a.tx = nil
	defer tx.Abort()
	_, err := tx.Commit(ctx)
	return err
}

// Flush implements Target.
func (a *Account) Flush(ctx context.Context) (string, error) { return "", a.commit(ctx) }

// Close implements Source and Target.
func (a *Account) Close() error {
	a.endBox()
	if a.tx != nil {
		a.tx.Abort()
		a.tx = nil
	}
	if a.to != nil {
		a.to.Close()
		a.to = nil
	}
	return nil
}
