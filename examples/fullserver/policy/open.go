package policy

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/smtp/rewrite"
)

// opener opens what parameters name and remembers the first error.
type opener struct {
	ctx     context.Context
	p       *Policy
	o       lookup.Options
	parents []string // parent_domain_matches_subdomains
	err     error
}

// open fills p.Rules.
func (p *Policy) open(ctx context.Context, o *Options) error {
	a := &p.set.Addresses
	x := p.opener(ctx, o)
	p.alias = x.list("alias_maps", p.set.Local.AliasMaps, func(o *lookup.Options) { o.Aliases, o.NoGroups = true, true })
	p.login = x.list("smtpd_sender_login_maps", p.set.Receiving.SenderLoginMaps, nil)
	r := &rewrite.Rules{
		Hostname: p.set.MyHostname, Origin: p.set.MyOrigin, Domain: p.set.MyDomain,
		NoOrigin: !a.AppendAtMyOrigin, AppendDomain: a.AppendDotMyDomain, NoBangpath: !a.SwapBangpath, NoPercentHack: !a.PercentHack,
		NoDequote: !a.ResolveDequoted, NullDomain: a.ResolveNullDomain, AllowMinus: a.AllowMinUser, Empty: a.EmptyRecipient,
		Delimiter: a.RecipientDelimiter, PlainOwner: !p.set.Local.OwnerRequest, Propagate: where(a.PropagateExtensions),

		OwnAddress: p.own(o.Own),

		Canonical:             x.table("canonical_maps", a.CanonicalMaps),
		SenderCanonical:       x.table("sender_canonical_maps", a.SenderCanonicalMaps),
		RecipientCanonical:    x.table("recipient_canonical_maps", a.RecipientCanonicalMaps),
		CanonicalFor:          kinds(a.CanonicalClasses),
		SenderCanonicalFor:    kinds(a.SenderCanonicalClasses),
		RecipientCanonicalFor: kinds(a.RecipientCanonicalClasses),
		Masquerade:            a.MasqueradeDomains, MasqueradeFor: kinds(a.MasqueradeClasses),
		MasqueradeExceptions: x.domains("masquerade_exceptions", a.MasqueradeExceptions),
		VirtualAlias:         x.table("virtual_alias_maps", a.VirtualAliasMaps),
		SMTPGeneric:          x.table("smtp_generic_maps", a.GenericMaps),
		SenderBCC:            x.table("sender_bcc_maps", a.SenderBCCMaps),
		RecipientBCC:         x.table("recipient_bcc_maps", a.RecipientBCCMaps),
		Limits:               rewrite.Limits{Recursion: int(a.VirtualAliasRecursion), Expansion: int(a.VirtualAliasExpansion), Address: int(a.VirtualAliasLength)},

		LocalTransport: a.LocalTransport, VirtualTransport: a.VirtualTransport, RelayTransport: a.RelayTransport, DefaultTransport: a.DefaultTransport,
		Relayhost:        p.set.RelayHost,
		SenderRelayhost:  x.table("sender_dependent_relayhost_maps", a.SenderRelayhostMaps),
		SenderTransport:  x.table("sender_dependent_default_transport_maps", a.SenderTransportMaps),
		NullSenderKey:    a.NullRelayhostKey,
		Transport:        x.table("transport_maps", a.TransportMaps),
		TransportParents: slices.Contains(a.ParentDomainMatches, "transport_maps"),
		Relocated:        x.table("relocated_maps", a.RelocatedMaps),

		LocalRecipients:  x.table("local_recipient_maps", a.LocalRecipientMaps),
		RelayRecipients:  x.table("relay_recipient_maps", a.RelayRecipientMaps),
		VirtualMailboxes: x.table("virtual_mailbox_maps", a.VirtualMailboxMaps),
		Known:            []string{"postmaster", "mailer-daemon", p.set.Notices.DoubleBounceSender},
		HideTable:        !a.ShowTableName,
		LocalCode:        int(a.UnknownLocalCode), RelayCode: int(a.UnknownRelayCode), AliasCode: int(a.UnknownAliasCode), MailboxCode: int(a.UnknownMailboxCode),
	}
	r.Local = x.domains("mydestination", a.MyDestination) // after the tables, which lists of domains name by default
	r.VirtualAliasHosts = x.domains("virtual_alias_domains", a.VirtualAliasDomains)
	r.VirtualMailbox = x.domains("virtual_mailbox_domains", a.VirtualMailboxDomains)
	r.Relay = x.domains("relay_domains", a.RelayDomains)
	p.Rules = r
	for _, list := range []string{a.MyDestination, a.VirtualMailboxDomains} {
		for _, d := range config.Members(list) {
			p.names[fold(d)] = d
		}
	}
	p.inTwoLists()
	p.openNetworks(x)
	p.openProbes(x)
	p.openSRS(x)
	p.restrictions(x, o)
	for _, t := range []struct{ param, value string }{
		{"local_transport", a.LocalTransport}, {"virtual_transport", a.VirtualTransport}, {"relay_transport", a.RelayTransport}, {"default_transport", a.DefaultTransport},
	} {
		known := Transports
		if o.Transports != nil {
			known = o.Transports
		}
		if name, _, _ := strings.Cut(t.value, ":"); !slices.Contains(known, name) {
			x.fail(t.param, fmt.Errorf("there is no transport %q: there are %s", name, strings.Join(known, ", ")))
		}
	}
	return x.err
}

func (p *Policy) opener(ctx context.Context, o *Options) *opener {
	x := &opener{ctx: ctx, p: p, o: o.Tables, parents: p.set.Addresses.ParentDomainMatches}
	x.o.Warn = o.Warn
	x.o.Types = map[string]lookup.Opener{"unix": p.unix}
	for name, open := range o.Tables.Types {
		x.o.Types[name] = open
	}
	return x
}

// For returns the policy that counts now as a service sees it that has parameters of its own: restrictions, mynetworks, who may log in as whom, and
// the tables of who there is; and receive_override_options. How addresses are rewritten and where they lead is the same for all (it is cleanup's and trivial-rewrite's business in
// Postfix, which know nothing of a service's parameters). It must be closed before p is.
func (p *Policy) For(ctx context.Context, s *config.Settings, o Options) (*Policy, error) {
	base := p.Now()
	d := &Policy{Rules: base.Rules, set: s, users: base.users, names: base.names, home: base.home, alias: base.alias, login: base.login, srs: base.srs, probes: base.probes, overrides: s.Filters}
	x := d.opener(ctx, &o)
	was, a := &base.set.Addresses, &s.Addresses
	if s.Receiving.SenderLoginMaps != base.set.Receiving.SenderLoginMaps {
		d.login = x.list("smtpd_sender_login_maps", s.Receiving.SenderLoginMaps, nil)
	}
	rules := *base.Rules
	for _, t := range []struct {
		param, was, text string
		to               *rewrite.Table
	}{
		{"local_recipient_maps", was.LocalRecipientMaps, a.LocalRecipientMaps, &rules.LocalRecipients},
		{"relay_recipient_maps", was.RelayRecipientMaps, a.RelayRecipientMaps, &rules.RelayRecipients},
		{"virtual_mailbox_maps", was.VirtualMailboxMaps, a.VirtualMailboxMaps, &rules.VirtualMailboxes},
	} {
		if t.text != t.was {
			*t.to, d.Rules = x.table(t.param, t.text), &rules
		}
	}
	if s.Filters.Without("no_address_mappings") {
		rules.NoMapping, d.Rules = true, &rules
	}
	d.openNetworks(x)
	d.restrictions(x, &o)
	if x.err != nil {
		_ = d.Close()
		return nil, x.err
	}
	return d, nil
}

// Transports are the names of the ways that mail goes: those of Postfix's master.cf that are here too.
var Transports = []string{"discard", "error", "lmtp", "local", "relay", "retry", "smtp", "virtual"}

// inTwoLists notes domains that are of two classes: Postfix warns of them too.
func (p *Policy) inTwoLists() {
	a := &p.set.Addresses
	for _, d := range config.Members(a.VirtualMailboxDomains) {
		if slices.ContainsFunc(config.Members(a.MyDestination), func(m string) bool { return fold(m) == fold(d) }) {
			p.notes = append(p.notes, "do not list domain "+strings.ToLower(d)+" in BOTH mydestination and virtual_mailbox_domains: it is taken as the former")
		}
	}
	for _, d := range config.Members(a.VirtualAliasDomains) {
		if slices.ContainsFunc(config.Members(a.VirtualMailboxDomains+","+a.MyDestination), func(m string) bool { return fold(m) == fold(d) && !strings.Contains(m, ":") }) {
			p.notes = append(p.notes, "do not list domain "+strings.ToLower(d)+" in BOTH virtual_alias_domains and mydestination or virtual_mailbox_domains")
		}
	}
}

// fail remembers an error.
func (x *opener) fail(param string, err error) {
	if x.err == nil {
		x.err = &ParamError{param, err}
	}
}

// list opens tables; nil when there are none.
func (x *opener) list(param, text string, more func(*lookup.Options)) *lookup.List {
	if strings.TrimSpace(text) == "" || x.err != nil {
		return nil
	}
	o := x.o
	if more != nil {
		more(&o)
	}
	l, err := lookup.OpenList(x.ctx, text, &o)
	if err != nil {
		x.fail(param, err)
		return nil
	}
	x.p.tables = append(x.p.tables, l)
	return l
}

// table is list as package rewrite takes it.
func (x *opener) table(param, text string) rewrite.Table {
	var more func(*lookup.Options)
	if param == "local_recipient_maps" {
		text, more = x.localRecipients(text), nil
	}
	l := x.list(param, text, more)
	if param == "local_recipient_maps" && x.p.alias != nil && l != nil {
		return lookup.NewList(l, x.p.alias)
	}
	if l == nil {
		return nil
	}
	return l
}

// localRecipients leaves out the alias_maps in local_recipient_maps: they are open already, and read in another way.
func (x *opener) localRecipients(text string) string {
	own := config.Members(x.p.set.Local.AliasMaps)
	return strings.Join(slices.DeleteFunc(config.Members(text), func(m string) bool { return slices.Contains(own, m) }), ", ")
}

// domains reads a list of domains; nil when it is empty.
func (x *opener) domains(param, text string) rewrite.Domains {
	members := config.Members(text)
	if len(members) == 0 || x.err != nil {
		return nil
	}
	m, err := rewrite.ParseDomains(x.ctx, members, rewrite.MatcherOptions{
		Subdomains: param == "relay_domains", Parents: param == "relay_domains" && slices.Contains(x.parents, param),
		Open: func(ctx context.Context, spec string) (rewrite.Table, error) {
			t, err := lookup.Open(ctx, spec, &x.o)
			if err == nil {
				x.p.tables = append(x.p.tables, t)
			}
			return t, err
		},
	})
	if err != nil {
		x.fail(param, err)
		return nil
	}
	return m
}

// unix is the table of that type: passwd.byname are the users who have mailboxes here.
func (p *Policy) unix(ctx context.Context, name string, o *lookup.Options) (lookup.Table, error) {
	if name != "passwd.byname" {
		return nil, fmt.Errorf("only unix:passwd.byname is here: the users of passwd_file")
	}
	return lookup.TableFunc(func(ctx context.Context, key string) (string, bool, error) {
		local, domain := halves(key)
		if !strings.Contains(key, "@") {
			domain = p.home
		}
		account, err := p.mailbox(ctx, local, domain)
		return account, account != "", err
	}), nil
}

// own reports whether an address literal is this machine's, by inet_interfaces and proxy_interfaces.
func (p *Policy) own(machine func(netip.Addr) bool) func(netip.Addr) bool {
	var list []netip.Addr
	all, loopback := false, false
	for _, s := range slices.Concat(p.set.Addresses.InetInterfaces, p.set.Addresses.ProxyInterfaces) {
		switch a, err := netip.ParseAddr(strings.Trim(s, "[]")); {
		case err == nil:
			list = append(list, a.Unmap())
		case s == "all":
			all = true
		default: // loopback-only, localhost, or a name, whose address this server doesn't ask for
			loopback = true
		}
	}
	return func(a netip.Addr) bool {
		return (all || loopback) && a.IsLoopback() || all && machine != nil && machine(a) || slices.Contains(list, a)
	}
}

// where and kinds are lists of words as package rewrite has them.
func where(words []string) rewrite.Where {
	names := map[string]rewrite.Where{"canonical": rewrite.InCanonical, "virtual": rewrite.InVirtual, "alias": rewrite.InAlias, "forward": rewrite.InForward, "include": rewrite.InInclude, "generic": rewrite.InGeneric}
	w := rewrite.Nowhere
	for _, s := range words {
		w |= names[s]
	}
	return w
}

func kinds(words []string) rewrite.Kind {
	names := map[string]rewrite.Kind{"envelope_sender": rewrite.EnvelopeSender, "envelope_recipient": rewrite.EnvelopeRecipient, "header_sender": rewrite.HeaderSender, "header_recipient": rewrite.HeaderRecipient}
	k := rewrite.NoKind
	for _, s := range words {
		k |= names[s]
	}
	return k
}
