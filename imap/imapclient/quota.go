package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// QuotaRoot is what a limit is for: a name, and the resources that are limited (RFC 9208 section 3.2).
type QuotaRoot struct {
	Name      string
	Resources []mail.QuotaResource
}

// QuotaRoots returns the quota roots of a mailbox, with their resources (RFC 9208 section 4.1.2). It needs QUOTA. A mailbox
// without limits has none.
func (c *Client) QuotaRoots(ctx context.Context, mailbox string) ([]QuotaRoot, error) {
	return c.quota(ctx, "GETQUOTAROOT", func(e *imap.Encoder) { e.SP().Mailbox(mailbox) })
}

// Quota returns the resources of a quota root (RFC 9208 section 4.1.1). It needs QUOTA.
func (c *Client) Quota(ctx context.Context, root string) ([]mail.QuotaResource, error) {
	return resources(c.quota(ctx, "GETQUOTA", func(e *imap.Encoder) { e.SP().AString(root) }))
}

// SetQuota sets a root's limits (RFC 9208 section 4.1.3) and returns what holds then; resources that are not in limits lose
// theirs. It needs QUOTA, or QUOTASET where the server makes the difference.
func (c *Client) SetQuota(ctx context.Context, root string, limits ...mail.QuotaResource) ([]mail.QuotaResource, error) {
	return resources(c.quota(ctx, "SETQUOTA", func(e *imap.Encoder) { e.SP().AString(root).SP().QuotaLimits(limits) }))
}

func resources(roots []QuotaRoot, err error) ([]mail.QuotaResource, error) {
	if len(roots) == 0 {
		return nil, err
	}
	return roots[0].Resources, err
}

func (c *Client) quota(ctx context.Context, name string, write func(e *imap.Encoder)) ([]QuotaRoot, error) {
	var out []QuotaRoot
	if !c.Has(imap.CapQuota) {
		return nil, c.unsupported(name, imap.CapQuota)
	}
	at := func(root string) *QuotaRoot {
		for i := range out {
			if out[i].Name == root {
				return &out[i]
			}
		}
		out = append(out, QuotaRoot{Name: root})
		return &out[len(out)-1]
	}
	cmd := &command{name: name, rule: rule{moves: true, class: "QUOTA"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		switch what {
		case "QUOTAROOT":
			_, roots := d.QuotaRoots()
			for _, r := range roots {
				at(r)
			}
			return true
		case "QUOTA":
			if root, res := d.Quota(); d.Err() == nil && len(out) < c.lim.Items {
				at(root).Resources = res
			}
			return true
		}
		return false
	}
	return answer(ctx, c, cmd, &out, write)
}
