package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// searchMessage is the message that a search looks at, opened as far as was needed.
type searchMessage struct {
	ctx   context.Context
	box   mail.Mailbox
	m     *mail.Message // &cur
	cur   mail.Message
	env   *mime.Envelope
	index *mime.Index
	body  mail.Body

	text               searchtext.Text
	hasHeader, hasText bool // which of text is there
}

// envelope returns the message's envelope without reading more of its index than that.
func (m *searchMessage) envelope() (*mime.Envelope, error) {
	if m.env == nil && m.index == nil && len(m.m.Index) > 0 {
		m.env, _ = mime.DecodeEnvelope(m.m.Index) // on error the message itself is read
	}
	if m.env == nil {
		if err := m.openIndex(); err != nil {
			return nil, err
		}
		m.env = m.index.Root.Envelope
	}
	return m.env, nil
}

func (m *searchMessage) reset(ctx context.Context, box mail.Mailbox, msg *mail.Message) {
	m.close()
	*m = searchMessage{ctx: ctx, box: box, cur: *msg}
	m.m = &m.cur
}

func (m *searchMessage) close() {
	if m.body != nil {
		_ = m.body.Close()
		m.body = nil
	}
}

func (m *searchMessage) openBody() (err error) {
	if m.body == nil {
		m.body, err = m.box.OpenBody(m.ctx, m.m.UID)
	}
	return err
}

func (m *searchMessage) openIndex() (err error) {
	if m.index != nil {
		return nil
	}
	if len(m.m.Index) > 0 {
		if m.index, err = mime.DecodeIndex(m.m.Index); err == nil {
			return nil
		}
	}
	if err = m.openBody(); err != nil {
		return err
	}
	m.index, err = mime.BuildIndex(m.body, m.body.Size(), nil)
	return err
}
