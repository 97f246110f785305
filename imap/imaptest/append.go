package imaptest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

func (v *view) Append(ctx context.Context) (mail.Append, error) {
	unlock, err := v.enter(ctx, "Append", 0)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if v.user.rights(v.box)&(mail.RightInsert|mail.RightPost) == 0 {
		return nil, mail.ErrPermission
	}
	return &appending{box: v}, nil
}

// appending implements [mail.Append].
type appending struct {
	box   *view
	list  []*message
	need  mail.Rights // what Commit takes
	token string
	ended bool
}

func (a *appending) Add(ctx context.Context, r io.Reader, opts *mail.AppendOptions) error {
	if opts == nil {
		opts = &mail.AppendOptions{}
	}
	need := mail.RightInsert
	if opts.Post {
		need = mail.RightPost
	}
	unlock, err := a.box.enter(ctx, "Add", need)
	if err != nil {
		return err
	}
	unlock()
	if a.ended {
		return errEnded
	}
	if err := checkKeywords(opts.Flags); err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	index, err := mime.BuildIndex(bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		return err
	}
	m := &message{content: content}
	if m.Index, err = index.AppendBinary(nil); err != nil {
		return err
	}
	m.Flags = mail.Flags{System: opts.Flags.System, Keywords: slices.Clone(opts.Flags.Keywords)}
	m.Size, m.GUID, m.InternalDate = int64(len(content)), opts.GUID, opts.InternalDate
	if m.InternalDate.IsZero() {
		m.InternalDate = a.box.account.store.now()
	}
	a.list, a.need = append(a.list, m), a.need|need
	a.token += opts.Token
	return nil
}

func (a *appending) Commit(ctx context.Context) (mail.Appended, error) {
	unlock, err := a.box.enter(ctx, "Commit", a.need)
	if err != nil {
		return mail.Appended{}, err
	}
	if a.ended {
		unlock()
		return mail.Appended{}, errEnded
	}
	a.ended = true
	acc := a.box.account
	key := a.box.user.name + "\x00" + a.token
	if t, ok := acc.tokens[key]; ok && a.token != "" && acc.store.now().Sub(t.at) < 24*time.Hour {
		unlock()
		return t.done, nil
	}
	if err := acc.roomFor(a.list); err != nil {
		unlock()
		return mail.Appended{}, err
	}
	for _, m := range a.list {
		if m.GUID == "" {
			acc.guids++
			m.GUID = mail.GUID(fmt.Sprintf("msg-%d-%s", acc.guids, a.box.id))
		}
	}
	uids := a.box.add(a.list, a.box.user)
	done := mail.Appended{UIDValidity: a.box.validity, UIDs: uids, ModSeq: a.box.modSeq}
	if a.token != "" {
		acc.tokens[key] = token{done, acc.store.now()}
	}
	unlock()
	a.box.wake()
	return done, nil
}

func (a *appending) Abort() error {
	a.list, a.ended = nil, true
	return nil
}
