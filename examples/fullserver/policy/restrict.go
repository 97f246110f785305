package policy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/restrict"
	"github.com/buuta/mail/smtp/rewrite"
)

// restrictions opens the lists of smtpd_client_restrictions and its like.
func (p *Policy) restrictions(x *opener, o *Options) {
	if x.err != nil {
		return
	}
	r := &p.set.Receiving
	c := restrict.Config{
		Client: r.ClientRestrictions, Helo: r.HeloRestrictions, Sender: r.SenderRestrictions, Relay: r.RelayRestrictions, Recipient: r.RecipientRestrictions,
		Data: r.DataRestrictions, EndOfData: r.EndOfDataRestrictions, Etrn: r.EtrnRestrictions, Classes: map[string]string{},
		Immediate: !r.DelayReject, RelayLast: !r.RelayFirst, DefaultPolicyAction: r.PolicyDefault, SoftBounce: p.set.Notices.SoftBounce, Proxy: p.set.Filters.Proxy != "",
		// Who doesn't exist is found out when it is found out whom a recipient stands for.
		AnyRecipient: true, TakeUnknown: p.overrides.Without("no_unknown_recipient_checks"), UntrustedRouting: p.set.Addresses.AllowUntrustedRoutes, WholeNames: !hasWord(p.set.Addresses.ParentDomainMatches, "smtpd_access_maps"),
		NullSenderKey: r.NullAccessKey,
		Codes: restrict.Codes{
			Access: int(r.Codes.AccessReject), AccessDefer: int(r.Codes.AccessDefer), Reject: int(r.Codes.Reject), Defer: int(r.Codes.Defer), RBL: int(r.Codes.RBL),
			Relay: int(r.Codes.Relay), Plaintext: int(r.Codes.Plaintext), MultiBounce: int(r.Codes.MultiBounce), InvalidName: int(r.Codes.InvalidName),
			NonFQDN: int(r.Codes.NonFQDN), UnknownAddress: int(r.Codes.UnknownAddress), UnknownClient: int(r.Codes.UnknownClient), UnknownHelo: int(r.Codes.UnknownHelo),
		},
		Addresses: p.Rules, Own: p.Rules.OwnAddress, RBLReply: r.RBLReply, RBLReplies: x.table("rbl_reply_maps", r.RBLReplyMaps),
		RelayCerts: x.table("relay_clientcerts", p.set.ClientCerts.Relay),
		Networks:   func(a netip.Addr) bool { return !a.IsValid() || p.inNetworks(a) },
		Owner: func(ctx context.Context, v *restrict.Visit, sender string) (known, owns bool, err error) {
			return p.ownerOf(ctx, v.Client.Account, v.Client.Login, sender)
		},
		Open: func(ctx context.Context, spec string) (rewrite.Table, error) {
			l, err := lookup.OpenList(ctx, spec, &x.o)
			if err == nil {
				p.tables = append(p.tables, l)
			}
			return l, err
		},
		Verify: o.Verify, UnverifiedRecipient: unverified(&p.set.Verify.Recipient), UnverifiedSender: unverified(&p.set.Verify.Of),
		SocketDir: p.set.QueueDirectory, Resolver: o.Resolver, Log: o.Restricted,
	}
	for _, name := range r.RestrictionClasses {
		text, ok := "", false
		if o.Parameter != nil {
			text, ok = o.Parameter(name)
		}
		if !ok {
			x.fail("smtpd_restriction_classes", errors.New("there is no parameter "+name))
			return
		}
		c.Classes[name] = text
	}
	k, err := restrict.New(x.ctx, c)
	if l, ok := errors.AsType[*restrict.ListError](err); ok {
		x.fail(l.Param, errors.New(l.Reason))
		return
	}
	p.restrict = k
}

func unverified(u *config.Unverified) restrict.Unverified {
	return restrict.Unverified{Reject: int(u.Reject), Defer: int(u.Defer), Reason: u.Reason, Now: u.Tempfail == "defer"}
}

func hasWord(list []string, word string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// Visit begins a client's visit, whose commands are judged by smtpd_client_restrictions and its like.
func (p *Policy) Visit(c restrict.Client) *restrict.Visit { return p.restrict.Visit(c) }

// MayRelay returns nil when a client may send to an address elsewhere, and otherwise the reply to RCPT.
func (p *Policy) MayRelay(ctx context.Context, client net.Addr, login, to string) error {
	c := restrict.Client{Login: login, Account: login}
	if a, ok := client.(*net.TCPAddr); ok {
		ip, _ := netip.AddrFromSlice(a.IP)
		c.Addr = ip.Unmap()
	}
	v := p.Visit(c)
	if r := v.Mail(ctx, ""); r != nil {
		return r
	}
	if r := v.Recipient(ctx, to); r != nil {
		return r
	}
	return nil
}

// ownerOf reports whether a sender's address belongs to anybody here, and whether to this user.
func (p *Policy) ownerOf(ctx context.Context, account, login, sender string) (known, owns bool, err error) {
	if login != "" {
		owns, err = p.Owns(ctx, account, login, sender)
	}
	if owns || err != nil {
		return owns, owns, err
	}
	targets, err := p.Recipients(ctx, "", sender)
	if reply := mail.ReplyOf(err); reply != nil && reply.Temporary() {
		return false, false, err
	}
	if p.login != nil {
		if _, known, err = p.Rules.Find(ctx, p.login, "smtpd_sender_login_maps", rewrite.Unquote(p.Rules.Complete(sender))); err != nil {
			return false, false, err
		}
	}
	return known || slices.ContainsFunc(targets, func(t Target) bool { return t.Account != "" }), false, nil
}
