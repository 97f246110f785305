package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/archive"
	"github.com/buuta/mail/mime"
)

// Selection says which of a user's messages are meant. The zero value means all.
type Selection struct {
	Mailbox   string // and those below it
	UID       uint32 // in Mailbox itself
	MessageID string // without "<>", as the header has it
	Text      string // in subject, senders, recipients or Message-ID, in upper or lower case
}

// one reports whether single messages are chosen, and not mailboxes.
func (s *Selection) one() bool { return s.UID != 0 || s.MessageID != "" || s.Text != "" }

// has reports whether a mailbox is meant.
func (s *Selection) has(mailbox string) bool {
	return s.Mailbox == "" || mailbox == s.Mailbox || s.UID == 0 && strings.HasPrefix(mailbox, s.Mailbox+"/")
}

// header reports whether a message is meant by its header.
func (s *Selection) header(h *mime.Header) bool {
	if s.MessageID != "" && strings.Trim(strings.TrimSpace(h.Get("Message-ID")), "<>") != strings.Trim(s.MessageID, "<> ") {
		return false
	}
	if s.Text == "" {
		return true
	}
	want := strings.ToLower(s.Text)
	return slices.ContainsFunc([]string{"Subject", "From", "To", "Cc", "Message-ID"}, func(name string) bool {
		return strings.Contains(strings.ToLower(h.Text(name)), want)
	})
}

// Account returns what a backup holds of a user.
func (b *Backup) Account(user string) (*Part, error) {
	for _, p := range b.Accounts {
		if p.User == user {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s has no mail of %s: restore -list tells whose it has", b.Where, user)
}

// mailboxOf returns the name of the mailbox that a message lies in.
func (p *Part) mailboxOf() func(e *Entry) string {
	names := map[string]string{}
	for _, m := range p.Mailboxes {
		names[m.Folder] = m.Name
	}
	prefix := mailFolder(p.User)
	return func(e *Entry) string {
		folder := strings.TrimPrefix(e.Path, prefix)
		for range 2 { // the file and its cur or new
			i := strings.LastIndexByte(folder, '/')
			folder = folder[:max(i, 0)]
		}
		return names[folder]
	}
}

// chosen is which entries a selection can mean, as far as that can be told without reading them.
func (p *Part) chosen(s Selection) func(*Entry) bool {
	mailbox := p.mailboxOf()
	return func(e *Entry) bool { return (s.UID == 0 || e.UID == s.UID) && s.has(mailbox(e)) }
}

// UserResult is what came of it.
type UserResult struct {
	Messages int
	There    int // messages that were not missing
	Skipped  int
	Where    []string // mailboxes
}

// ToUser brings messages of a backup to a user's account, which may be in use. With parent they go to mailboxes below that, which are made;
// without, to where they were, as far as they are missing there: those that have no message with the same GUID. Nothing that is there is
// changed. What is damaged is left out and told.
func (b *Backup) ToUser(ctx context.Context, user string, s Selection, to mail.Account, parent string, damaged func(error)) (UserResult, error) {
	var res UserResult
	p, err := b.Account(user)
	if err != nil {
		return res, err
	}
	chosen := p.chosen(s)
	if parent == "" {
		missing, err := b.missing(ctx, p, to, &res)
		if err != nil {
			return res, err
		}
		in := chosen
		chosen = func(e *Entry) bool { return in(e) && missing(e) }
	}
	var match func(*mime.Header) bool
	if s.one() {
		match = s.header
	}
	src, err := b.read(p, chosen, match)
	if err != nil {
		return res, err
	}
	defer src.Close()
	dst := &archive.Account{Account: to}
	defer dst.Close()
	done, err := archive.Copy(ctx, dst, src, &archive.Options{
		Rename: func(name string) (string, bool) {
			if !s.has(name) {
				return "", false
			}
			if parent != "" {
				name = parent + "/" + name
			}
			if !slices.Contains(res.Where, name) {
				res.Where = append(res.Where, name)
			}
			return name, true
		},
		Skip: func(e *archive.MessageError) error {
			res.Skipped++
			if d, ok := errors.AsType[*Damage](e); ok {
				damaged(d)
			} else {
				damaged(e)
			}
			return nil
		},
	})
	res.Messages = done.Messages
	return res, err
}

// missing tells which messages an account doesn't have in the mailboxes where they were.
func (b *Backup) missing(ctx context.Context, p *Part, to mail.Account, res *UserResult) (func(*Entry) bool, error) {
	have := map[string]map[string]bool{}
	for _, m := range p.Mailboxes {
		box, err := to.Open(ctx, m.Name)
		if errors.Is(err, mail.ErrNoMailbox) {
			continue
		}
		if err != nil {
			return nil, err
		}
		have[m.Name] = map[string]bool{}
		for msg, err := range box.Messages(ctx, mail.AllUIDs(), mail.FieldGUID) {
			if err != nil {
				return nil, errors.Join(err, box.Close())
			}
			have[m.Name][string(msg.GUID)] = true
		}
		if err := box.Close(); err != nil {
			return nil, err
		}
	}
	mailbox := p.mailboxOf()
	return func(e *Entry) bool {
		if have[mailbox(e)][e.GUID] {
			res.There++
			return false
		}
		return true
	}, nil
}

// Listed is a message in a list.
type Listed struct {
	Mailbox string
	UID     uint32
	Date    time.Time // when it arrived
	From    string
	Subject string
	ID      string // Message-ID
}

// Messages tells of a user's messages in a backup.
func (b *Backup) Messages(ctx context.Context, user string, s Selection, each func(Listed), damaged func(error)) error {
	p, err := b.Account(user)
	if err != nil {
		return err
	}
	src, err := b.read(p, p.chosen(s), s.header)
	if err != nil {
		return err
	}
	defer src.Close()
	for {
		m, err := src.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if one, ok := errors.AsType[*archive.MessageError](err); ok {
			damaged(one)
			continue
		}
		if err != nil {
			return err
		}
		h := src.header
		each(Listed{m.Mailbox, src.entry.UID, m.Date, h.Text("From"), h.Text("Subject"), h.Get("Message-ID")})
	}
}
