package webmail

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp/mailauth/authres"
)

// oneClick returns the address to which a message's list takes "List-Unsubscribe=One-Click" (RFC 8058); "" where the trusted server has not found that a good signature covers
// both fields, which somebody else could have written else ("MUST have a valid DKIM identifier … that covers both", section 4).
func oneClick(h *mime.Header, servID string) string {
	address := h.List().OneClick
	u, err := url.Parse(address)
	if address == "" || err != nil || u.User != nil || u.Host == "" || u.Port() != "" && u.Port() != "443" || count(h, "List-Unsubscribe") != 1 || count(h, "List-Unsubscribe-Post") != 1 {
		return ""
	}
	r := trustedResults(h, servID)
	if r == nil {
		return ""
	}
	for _, m := range r.Methods {
		if !strings.EqualFold(m.Name, "dkim") || m.Result != authres.Pass {
			continue
		}
		for f := range h.Fields("DKIM-Signature") {
			t := dkimTags(f.Value())
			short := m.Prop("header", "b")
			if short != "" && strings.HasPrefix(t["b"], short) && strings.EqualFold(t["d"], m.Prop("header", "d")) && covers(t["h"], "List-Unsubscribe") && covers(t["h"], "List-Unsubscribe-Post") {
				return address
			}
		}
	}
	return ""
}

func count(h *mime.Header, name string) (n int) {
	for range h.Fields(name) {
		n++
	}
	return n
}

// dkimTags reads a DKIM-Signature's tags (RFC 6376 section 3.2), without blanks. Whether it is well written the server has seen.
func dkimTags(value string) map[string]string {
	out := map[string]string{}
	for tag := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(tag, "=")
		out[strings.TrimSpace(name)] = strings.Join(strings.Fields(v), "")
	}
	return out
}

func covers(list, name string) bool {
	for f := range strings.SplitSeq(list, ":") {
		if strings.EqualFold(f, name) {
			return true
		}
	}
	return false
}

// unsubscribe asks a message's list to send no more, as RFC 8058 has it: one POST, with nothing that tells who asks but the address itself.
func (q *request) unsubscribe() error {
	address, back := "", ""
	err := q.withMessage(func(_ context.Context, _ *imapclient.Client, box *imapclient.Mailbox, m *message) error {
		address, back = oneClick(m.header, q.cfg.AuthservID), messageURL(box.Name, m.UID)
		return nil
	})
	if err != nil {
		return err
	}
	if address == "" {
		return notFound
	}
	err = q.postUnsubscribe(address)
	u, _ := url.Parse(address)
	q.cfg.Log.Info("webmail: one-click unsubscribe", "user", q.sess.User, "host", u.Host, "err", err)
	if err != nil {
		return &failure{status: http.StatusBadGateway, key: "unsubscribe.failed", args: []any{clean(u.Hostname(), 255)}}
	}
	return q.remember(&done{key: "done.unsubscribe", args: []any{clean(u.Hostname(), 255)}}, back)
}

// postUnsubscribe posts it. Any answer of the 2xx kind is a good one; redirects are none (RFC 8058 section 3.1).
func (q *request) postUnsubscribe(address string) error {
	r, err := http.NewRequestWithContext(q.ctx, "POST", address, strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "buuta")
	resp, err := q.cfg.Outward.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return &failure{status: resp.StatusCode, key: resp.Status}
	}
	return nil
}
