package queue

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// Reports must not go to whom they don't concern. To a null reverse-path nothing is sent at all (RFC 5321 section 6.1: see
// Notify.DoubleBounce); what this file has is about the others.

// isForged reports whether it isn't sure enough that the message came from its sender. A notification would tell somebody
// else about mail that he hasn't sent: silently dropping is for messages of which that is known (RFC 5321 section 6.2).
func (q *Queue) isForged(m *Message) bool {
	least := q.Notify.LeastOrigin
	if least == mail.OriginUnknown {
		least = mail.OriginNeutral
	}
	return m.From != "" && m.Options.Origin != mail.OriginUnknown && m.Options.Origin < least
}

// askedFor returns those of rcpts about whose delay the sender is told. A program that has sent a message by itself has nobody
// who waits for a warning, unless it has asked for one. Failures it must hear of; "delayed" DSNs are the site's to give (RFC 3461
// section 5.2.5: "MAY").
func (q *Queue) askedFor(ctx context.Context, j *job, rcpts []int) (asked []int, err error) {
	for _, i := range rcpts {
		if j.msg.Recipients[i].Options.Notify&mail.NotifyDelay != 0 {
			asked = append(asked, i)
		}
	}
	if len(asked) == len(rcpts) || j.msg.Size < 0 {
		return rcpts, nil
	}
	content, err := q.storage.Content(ctx, j.list.lease)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	automatic, err := isAutomatic(content)
	if automatic {
		return asked, err
	}
	return rcpts, err
}

// maxHeader is how much of a message is looked at for its header.
const maxHeader = 64 << 10

// isAutomatic reports whether a message's Auto-Submitted field says anything but "no" (RFC 3834 section 5).
func isAutomatic(r io.Reader) (bool, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxHeader))
	if err != nil {
		return false, err
	}
	word, _, _ := strings.Cut(mime.ParseHeader(raw, nil).Get("Auto-Submitted"), ";")
	word = strings.TrimSpace(word)
	for strings.HasPrefix(word, "(") { // a comment
		_, word, _ = strings.Cut(word, ")")
		word = strings.TrimSpace(word)
	}
	word, _, _ = strings.Cut(word, "(")
	word = strings.TrimSpace(word)
	return word != "" && !strings.EqualFold(word, "no"), nil
}
