package imapclient

import (
	"context"

	"github.com/buuta/mail/imap"
)

// GenURLAuth has the server authorize URLs, each of which ends with ";URLAUTH=" and for whom it is (RFC 4467): whoever is given one of the
// results can read what it names, as a submission server does for BURL. It needs URLAUTH.
func (c *Client) GenURLAuth(ctx context.Context, rumps ...string) ([]string, error) {
	var urls []string
	if !c.Has(imap.CapURLAuth) {
		return nil, c.unsupported("GENURLAUTH", imap.CapURLAuth)
	}
	cmd := &command{name: "GENURLAUTH", rule: rule{moves: true, class: "URLAUTH"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "GENURLAUTH" {
			return false
		}
		for d.Err() == nil && len(urls) < len(rumps) {
			urls = append(urls, d.AString())
			if !d.TrySP() {
				break
			}
		}
		return true
	}
	return answer(ctx, c, cmd, &urls, func(e *imap.Encoder) {
		for _, u := range rumps {
			e.SP().AString(u).Raw(" INTERNAL")
		}
	})
}

// ResetURLKey makes all URLs worthless that were authorized for a mailbox, or for all mailboxes where it is "" (RFC 4467). It needs
// URLAUTH.
func (c *Client) ResetURLKey(ctx context.Context, mailbox string) error {
	if !c.Has(imap.CapURLAuth) {
		return c.unsupported("RESETKEY", imap.CapURLAuth)
	}
	return c.run(ctx, &command{name: "RESETKEY", rule: rule{moves: true, class: "URLAUTH"}}, func(e *imap.Encoder) {
		if mailbox != "" {
			e.SP().Mailbox(mailbox)
		}
	})
}

// URLContent is what an authorized URL names.
type URLContent struct {
	URL   string
	Valid bool // false: the server doesn't say why
	Data  []byte
}

// FetchURLs reads what authorized URLs name, in memory (URLFETCH, RFC 4467). It needs URLAUTH.
func (c *Client) FetchURLs(ctx context.Context, urls ...string) ([]URLContent, error) {
	var out []URLContent
	if !c.Has(imap.CapURLAuth) {
		return nil, c.unsupported("URLFETCH", imap.CapURLAuth)
	}
	cmd := &command{name: "URLFETCH", rule: rule{moves: true, class: "URLFETCH"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "URLFETCH" {
			return false
		}
		for d.Err() == nil && len(out) < len(urls) {
			u := URLContent{URL: d.AString()}
			d.SP()
			var text string
			text, u.Valid = d.NString()
			if u.Valid {
				u.Data = []byte(text)
			}
			if out = append(out, u); !d.TrySP() {
				break
			}
		}
		return true
	}
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) {
		for _, u := range urls {
			e.SP().AString(u)
		}
	})
}
