package policy

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
)

// openProbes opens the tables by which probes of addresses find their way, where they are others than those of mail (address_verify_transport_maps and
// its like).
func (p *Policy) openProbes(x *opener) {
	v, a := &p.set.Verify, &p.set.Addresses
	rules, other := *p.Rules, false
	for _, t := range []struct {
		param, text, usual string
		to                 *rewrite.Table
	}{
		{"address_verify_transport_maps", v.TransportMaps, a.TransportMaps, &rules.Transport},
		{"address_verify_sender_dependent_relayhost_maps", v.SenderRelayhostMaps, a.SenderRelayhostMaps, &rules.SenderRelayhost},
		{"address_verify_sender_dependent_default_transport_maps", v.SenderTransportMaps, a.SenderTransportMaps, &rules.SenderTransport},
	} {
		if t.text != t.usual {
			*t.to, other = x.table(t.param, t.text), true
		}
	}
	for _, t := range []struct {
		text string
		to   *string
	}{
		{v.LocalTransport, &rules.LocalTransport}, {v.VirtualTransport, &rules.VirtualTransport}, {v.RelayTransport, &rules.RelayTransport},
		{v.DefaultTransport, &rules.DefaultTransport}, {v.RelayHost, &rules.Relayhost},
	} {
		if t.text != *t.to {
			*t.to, other = t.text, true
		}
	}
	if other {
		p.probes = &Policy{Rules: &rules, set: p.set, users: p.users, names: p.names, home: p.home, networks: p.networks, alias: p.alias, login: p.login}
	}
}

// Probes returns whom an address stands for and where a probe of it goes. The error is the answer for an address that nobody has, and for one that can't
// be looked up now.
func (p *Policy) Probes(ctx context.Context, sender, address string) ([]Target, error) {
	if p.probes != nil {
		return p.probes.Probes(ctx, sender, address)
	}
	list, err := p.Rules.Recipients(ctx, address)
	if err != nil {
		return nil, rewrite.ReplyOf(address, err)
	}
	out := make([]Target, 0, len(list))
	for _, a := range list {
		w, err := p.Rules.Resolve(ctx, sender, a)
		if err != nil {
			return nil, rewrite.ReplyOf(address, err)
		}
		t := Target{Address: w.Recipient, Class: Class(w.Transport), Kind: w.Class, Nexthop: w.Nexthop, Routed: w.Routed}
		if t.Class == Local || t.Class == Virtual {
			if t, err = p.resolve(ctx, sender, a, address); err != nil && len(list) > 1 {
				continue
			} else if reply := mail.ReplyOf(err); reply != nil && reply.Permanent() {
				name := rewrite.Unquote(w.Recipient) // as local(8) and virtual(8) say it
				if t.Class == Local {
					name, _ = halves(name)
				}
				return nil, mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, `unknown user: "`+name+`"`)
			} else if err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}
