package mirror

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// send uploads the messages that were made here, each once.
func (s *session) send(ctx context.Context, out Outbox) error {
	// A message that is found on the server answers one draft, also when there are several with the same content.
	taken := map[mail.UID]bool{}
	s.next = s.box.UIDNext
	drafts, err := out.Drafts(ctx)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if err := s.sendOne(ctx, out, d, taken); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) sendOne(ctx context.Context, out Outbox, d Draft, taken map[mail.UID]bool) error {
	if d.UIDNext > 0 && d.UIDValidity == s.box.UIDValidity {
		uid, err := FindContent(ctx, s.c, d.UIDNext, d.Size, func() (io.ReadCloser, error) { return out.Open(ctx, d.ID) }, taken)
		if err != nil {
			return err
		}
		if uid > 0 {
			taken[uid] = true
			return out.Sent(ctx, d.ID, uid)
		}
	}
	// STATUS of a selected mailbox is allowed and cheap enough; what SELECT said may be long ago.
	next := s.next
	if st, err := s.c.Status(ctx, s.Mailbox, imap.StatusUIDNext); err == nil && st.UIDNext > 0 {
		next = st.UIDNext
	} else if err != nil && !imapclient.Refused(err) {
		return err
	}
	if err := out.Attempt(ctx, d.ID, s.box.UIDValidity, max(next, 1)); err != nil {
		return err
	}
	content, err := out.Open(ctx, d.ID)
	if err != nil {
		return err
	}
	defer content.Close()
	done, err := s.c.Append(ctx, s.Mailbox, imapclient.Draft{Flags: d.Flags, InternalDate: d.InternalDate, Content: content, Size: d.Size})
	if err != nil {
		return err
	}
	s.res.Sent++
	var uid mail.UID
	if len(done.UIDs) == 1 {
		uid = done.UIDs[0]
		taken[uid] = true
		s.next = max(s.next, uid+1)
	}
	return out.Sent(ctx, d.ID, uid)
}

// FindContent looks in the selected mailbox for a message with the content that open gives, among those with a UID of next or
// above, of this size, that are not in taken. It returns 0 when there is none. With it an APPEND whose answer was lost need not
// be guessed about.
func FindContent(ctx context.Context, c *imapclient.Client, next mail.UID, size int64, open func() (io.ReadCloser, error), taken map[mail.UID]bool) (mail.UID, error) {
	var candidates []mail.UID
	for msg, err := range c.Fetch(ctx, imapclient.UIDs(mail.UIDRangeSet(next, mail.MaxUID)), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchSize)}) {
		if err != nil {
			return 0, err
		}
		// "n:*" names the last message also when it is below n.
		if msg.UID >= next && msg.Size == size && !taken[msg.UID] {
			candidates = append(candidates, msg.UID)
		}
	}
	if len(candidates) == 0 {
		return 0, nil
	}
	r, err := open()
	if err != nil {
		return 0, err
	}
	want, err := sum(r)
	r.Close()
	if err != nil {
		return 0, err
	}
	for msg, err := range c.Fetch(ctx, imapclient.UID(candidates...), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}, Stream: true}) {
		if err != nil {
			return 0, err
		}
		var got [sha256.Size]byte
		if msg.Body != nil {
			if got, err = sum(msg.Body); err != nil {
				return 0, err
			}
		} else {
			data, _ := msg.Section(imap.Section{})
			got = sha256.Sum256(data)
		}
		if got == want {
			return msg.UID, nil
		}
	}
	return 0, nil
}

func sum(r io.Reader) (out [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return out, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
