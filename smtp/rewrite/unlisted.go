package rewrite

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// Unlisted returns the reply to a recipient that doesn't exist, nil when there is one, as smtpd_reject_unlisted_recipient has it: an address in a
// canonical or virtual alias table exists; otherwise the table of its class decides, local_recipient_maps, relay_recipient_maps or
// virtual_mailbox_maps, and where there is none everybody exists. address is as the client said it. An error of a table is a 451.
func (r *Rules) Unlisted(ctx context.Context, sender, address string) *mail.Reply {
	return r.unlisted(ctx, sender, address, "Recipient")
}

// UnlistedSender is Unlisted for a sender (smtpd_reject_unlisted_sender).
func (r *Rules) UnlistedSender(ctx context.Context, address string) *mail.Reply {
	if address == "" {
		return nil
	}
	return r.unlisted(ctx, address, address, "Sender")
}

func (r *Rules) unlisted(ctx context.Context, sender, said, what string) *mail.Reply {
	if what == "Recipient" && strings.EqualFold(said, "postmaster") {
		return nil // without a domain: RFC 5321 section 4.5.1 has everybody take it
	}
	address := said
	said = Unquote(said) // Postfix shows it without quotes
	if address == "" {
		address = r.empty()
	}
	full := r.Complete(address)
	w, err := r.Resolve(ctx, sender, full)
	if err != nil {
		return ReplyOf(said, err)
	}
	detail := 1 // X.1.1 is about recipients, X.1.0 about senders
	if what == "Sender" {
		detail = 0
	}
	refuse := func(code, class, detail int, text string) *mail.Reply {
		if code != 0 && code/100 != class {
			class = code / 100
		}
		return mail.NewReply(or(code, 550), mail.EnhancedCode{class, 1, detail}, "<"+said+">: "+what+" address rejected: "+text)
	}
	switch {
	case w.Bad && what == "Sender":
		return mail.NewReply(501, mail.EnhancedCode{5, 1, 7}, "Bad sender address syntax")
	case w.Bad:
		return mail.NewReply(501, mail.EnhancedCode{5, 1, 3}, "Bad recipient address syntax")
	}
	key := Unquote(w.Recipient)
	for _, t := range []named{{r.RecipientCanonical, "recipient_canonical_maps"}, {r.SenderCanonical, "sender_canonical_maps"}, {r.Canonical, "canonical_maps"}, {r.VirtualAlias, "virtual_alias_maps"}} {
		if t.name == "recipient_canonical_maps" && what == "Sender" || t.name == "sender_canonical_maps" && what != "Sender" {
			continue
		}
		if _, _, found, err := r.findAddress(ctx, t, key); found {
			return nil
		} else if err != nil {
			return ReplyOf(said, err)
		}
	}
	unknown := func(code int, t named, name string) *mail.Reply {
		if t.Table == nil {
			return nil
		}
		if _, _, found, err := r.findAddress(ctx, t, key); found {
			return nil
		} else if err != nil {
			return ReplyOf(said, err)
		}
		return refuse(code, 5, detail, "User unknown"+r.table(name))
	}
	switch {
	case w.Class == VirtualAlias:
		if what == "Sender" {
			detail = 7 // as Postfix has it, for this class alone
		}
		return refuse(r.AliasCode, 5, detail, "User unknown"+r.table("virtual alias"))
	case w.Transport == "error" || w.Transport == "retry":
		return r.undeliverable(said, what, &w)
	case w.Class == Local && r.known(localOf(key)):
		return nil
	case w.Class == Local:
		return unknown(r.LocalCode, named{r.LocalRecipients, "local_recipient_maps"}, "local recipient")
	case w.Class == RelayTo:
		return unknown(r.RelayCode, named{r.RelayRecipients, "relay_recipient_maps"}, "relay recipient")
	case w.Class == VirtualMailbox:
		return unknown(r.MailboxCode, named{r.VirtualMailboxes, "virtual_mailbox_maps"}, "virtual mailbox")
	}
	return nil
}

// known reports whether a local part is one that the mail system writes as itself.
func (r *Rules) known(local string) bool {
	names := r.Known
	if names == nil {
		names = []string{"postmaster", "mailer-daemon", "double-bounce"}
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, local) })
}

// undeliverable is the reply to an address whose transport is error: its next hop says why.
func (r *Rules) undeliverable(said, what string, w *Way) *mail.Reply {
	class := 5
	if w.Transport == "retry" {
		class = 4
	}
	code, text := w.Undeliverable()
	if code[0] = class; code[1] == 0 && code[2] == 0 {
		code[1], code[2] = 1, 1
	}
	if what == "Sender" && code[1] == 1 && code[2] >= 1 && code[2] <= 6 {
		code[2] = map[int]int{1: 0, 2: 8, 3: 7, 4: 0, 5: 0, 6: 0}[code[2]]
	}
	return mail.NewReply(class*100+50, code, "<"+said+">: "+what+" address rejected: "+text)
}

// Undeliverable returns what the next hop of transport error, or retry, says: an enhanced code and a text.
func (w *Way) Undeliverable() (mail.EnhancedCode, string) {
	code := mail.EnhancedCode{5, 0, 0}
	if w.Transport == "retry" {
		code[0] = 4
	}
	first, rest, _ := strings.Cut(w.Nexthop, " ")
	parts := strings.Split(first, ".")
	if len(parts) != 3 {
		return code, w.Nexthop
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > 999 {
			return code, w.Nexthop
		}
		n[i] = v
	}
	if n[0] != 4 && n[0] != 5 && n[0] != 2 {
		return code, w.Nexthop
	}
	return n, strings.TrimLeft(rest, " ")
}
