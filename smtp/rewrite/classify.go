package rewrite

import (
	"context"
	"strings"
)

// classify finds the class of a domain elsewhere, and the transport and next hop that it has without transport_maps.
func (r *Rules) classify(ctx context.Context, sender string, w *Way) error {
	domain := w.domain()
	w.Nexthop = domain
	ok, err := r.match(ctx, r.VirtualAliasHosts, "virtual_alias_domains", domain)
	if err != nil {
		return err
	}
	if ok {
		w.Class, w.Transport, w.Nexthop = VirtualAlias, "error", "5.1.1 User unknown"+r.table("virtual alias")
		return nil
	}
	if ok, err = r.match(ctx, r.VirtualMailbox, "virtual_mailbox_domains", domain); err != nil {
		return err
	}
	if ok {
		w.Class = VirtualMailbox
		setTransport(w, or(r.VirtualTransport, "virtual"))
		return nil
	}
	if ok, err = r.match(ctx, r.Relay, "relay_domains", domain); err != nil {
		return err
	}
	key := Unquote(sender)
	if sender == "" {
		key = or(r.NullSenderKey, "<>")
	}
	transport := or(r.RelayTransport, "relay")
	w.Class = RelayTo
	if !ok {
		w.Class, transport = Default, or(r.DefaultTransport, "smtp")
		value, err := r.bySender(ctx, named{r.SenderTransport, "sender_dependent_default_transport_maps"}, key)
		if err != nil {
			return err
		}
		transport = or(value, transport)
	}
	hop, err := r.bySender(ctx, named{r.SenderRelayhost, "sender_dependent_relayhost_maps"}, key)
	if err != nil {
		return err
	}
	if hop = or(hop, r.Relayhost); hop != "" {
		w.Nexthop = hop
	}
	setTransport(w, transport)
	return nil
}

// bySender looks a sender up; "DUNNO" is nothing.
func (r *Rules) bySender(ctx context.Context, t named, key string) (string, error) {
	value, _, _, err := r.findAddress(ctx, t, key)
	if strings.EqualFold(value, "DUNNO") {
		value = ""
	}
	return value, err
}

// setTransport takes "transport" or "transport:nexthop".
func setTransport(w *Way, s string) {
	transport, hop, _ := strings.Cut(s, ":")
	w.Transport = transport
	if hop != "" {
		w.Nexthop = hop
	}
}

// table is what replies add to "User unknown".
func (r *Rules) table(name string) string {
	if r.HideTable {
		return ""
	}
	return " in " + name + " table"
}

// transport asks transport_maps: for the address, then without its extension, then for its domain and those above, then for "*".
func (r *Rules) transport(ctx context.Context, w *Way) error {
	if r.Transport == nil {
		return nil
	}
	t := named{r.Transport, "transport_maps"}
	domain := w.domain()
	value, found, err := r.findTransport(ctx, t, w.Recipient, domain)
	if err != nil || !found {
		return err
	}
	transport, hop, _ := strings.Cut(value, ":")
	if transport != "" {
		w.Transport = transport
	}
	switch {
	case hop != "":
		w.Nexthop = hop
	case transport == "":
	case transport == "error" || transport == "retry":
		w.Nexthop = "Address is undeliverable"
	default:
		w.Nexthop = domain
	}
	return nil
}

func (r *Rules) findTransport(ctx context.Context, t named, address, domain string) (string, bool, error) {
	if value, found, err := t.findForms(ctx, address, false); found || err != nil {
		return value, found, err
	}
	local, _, _ := split(address)
	if user, ext := r.extension(local); ext != "" {
		if value, found, err := t.findForms(ctx, user+"@"+domain, true); found || err != nil {
			return value, found, err
		}
	}
	if value, found, err := t.find(ctx, domain, true); found || err != nil {
		return value, found, err
	}
	for key := range above(domain, r.TransportParents) {
		if value, found, err := t.find(ctx, key, true); found || err != nil {
			return value, found, err
		}
	}
	return t.find(ctx, "*", true)
}

// relocated makes an address that has moved an error that says where to.
func (r *Rules) relocated(ctx context.Context, w *Way) error {
	value, _, found, err := r.findAddress(ctx, named{r.Relocated, "relocated_maps"}, w.Recipient)
	if err == nil && found {
		w.Transport, w.Nexthop = "error", "5.1.6 User has moved to "+value
	}
	return err
}
