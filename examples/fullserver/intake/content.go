package intake

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/smtp/rewrite"
)

// content looks into the message by header_checks and body_checks and returns it as it goes on. What they say of it is done here, or remembered
// for Commit.
func (t *transaction) content(ctx context.Context, r io.Reader) (io.Reader, error) {
	b := t.s.b
	if b.Kind == LMTP || b.Checks == nil {
		return r, nil
	}
	tables := b.Checks()
	if tables.Empty() {
		return r, nil
	}
	in := tables.NewReader(ctx, r, t.note)
	var err error
	if t.checked, err = b.Spooler.Read(in); err != nil {
		return nil, err
	}
	if in.Verdict.Reject != nil {
		return nil, in.Verdict.Reject
	}
	return t.checked.NewReader(), t.obey(ctx, &in.Verdict)
}

// obey does what is said of a message besides refusing it, or remembers it for Commit, with what was said before.
func (t *transaction) obey(ctx context.Context, v *checks.Verdict) error {
	if v.Discard {
		t.discarded, t.rcpts = true, nil
		return nil
	}
	if v.Redirect != "" {
		if err := t.redirect(ctx, v.Redirect); err != nil {
			return err
		}
	}
	for _, to := range v.BCC {
		if err := t.copyTo(ctx, to); err != nil {
			return err
		}
	}
	t.verdict.Hold = t.verdict.Hold || v.Hold
	if v.Filter != "" {
		t.verdict.Filter = v.Filter
	}
	if t.verdict.Hold || t.verdict.Filter != "" {
		for i := range t.rcpts {
			t.rcpts[i].queued = true
		}
	}
	return nil
}

// redirect puts one recipient in the place of all.
func (t *transaction) redirect(ctx context.Context, to string) error {
	targets, err := t.s.b.Policy.Now().Recipients(ctx, t.from, to)
	if err != nil {
		return err
	}
	t.redirected, t.rcpts = true, nil
	for i := range targets {
		t.add(to, mail.RcptOptions{}, targets[i], len(targets))
	}
	return nil
}

// rewriteHead rewrites the addresses in the header that a message begins with: completed, canonical_maps, masquerade_domains. In mail from elsewhere that
// is done only if remote_header_rewrite_domain says so.
func (t *transaction) rewriteHead(ctx context.Context, head []byte) ([]byte, error) {
	b := t.s.b
	if b.Kind == LMTP {
		return head, nil
	}
	origin, ok := b.Policy.Now().HeaderOrigin(t.s.c.RemoteAddr(), t.s.c.Identity() != nil)
	if !ok {
		return head, nil
	}
	end, whole := headerEnd(head, 0)
	if !whole {
		if end = strings.LastIndexByte(string(head), '\n') + 1; end > 0 && len(head) >= maxHeader {
			end = lastField(head[:end])
		}
	}
	out, err := rewrite.Header(head[:end], func(a string, kind rewrite.Kind) (string, error) {
		return b.Policy.Now().Rules.HeaderAddress(ctx, a, origin, kind)
	})
	if err != nil {
		return nil, rewrite.ReplyOf(t.from, err)
	}
	if len(out) == end {
		copy(head, out)
		return head, nil
	}
	return append(out[:len(out):len(out)], head[end:]...), nil
}

// lastField is where the last field of a header that goes on begins.
func lastField(head []byte) int {
	lines := strings.SplitAfter(string(head), "\n")
	n := len(head)
	for i := len(lines) - 1; i > 0; i-- {
		n -= len(lines[i])
		if lines[i] != "" && lines[i][0] != ' ' && lines[i][0] != '\t' {
			break
		}
	}
	return n
}
