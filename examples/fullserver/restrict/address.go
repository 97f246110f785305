package restrict

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/buuta/mail/smtp/verify"
)

// domainOf returns what stands behind the last "@", false when there is none.
func domainOf(address string) (string, bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return "", false
	}
	return address[i+1:], true
}

// sender asks what is about the sender.
func (s *stage) sender(name string) verdict {
	from := s.Sender
	switch name {
	case "reject_non_fqdn_sender":
		return s.complete(from, kindSender)
	case "reject_unknown_sender_domain", "reject_unknown_address":
		return s.known(from, kindSender)
	case "reject_unverified_sender":
		return s.unverified(from, kindSender, &s.k.UnverifiedSender)
	case "reject_unlisted_sender":
		if r := s.k.Addresses.UnlistedSender(s.ctx, from); r != nil {
			s.reply = s.soften(r)
			return reject
		}
		return dunno
	}
	return s.owner(name, from)
}

// owner compares the sender with who has logged in.
func (s *stage) owner(name, from string) verdict {
	if s.k.SenderLogin == nil && s.k.Owner == nil || from == "" {
		return dunno
	}
	login := s.Client.Login
	if login == "" && name == "reject_authenticated_sender_login_mismatch" || login != "" && name == "reject_unauthenticated_sender_login_mismatch" {
		return dunno
	}
	found, its, err := s.ownerOf(from)
	if err != nil {
		s.log("warning: smtpd_sender_login_maps: " + err.Error())
		return s.refuse(451, mail.EnhancedCode{4, 3, 0}, from, kindSender, "Temporary lookup failure")
	}
	switch {
	case login == "" && found && name != "reject_authenticated_sender_login_mismatch":
		return s.refuse(553, policyDSN, from, kindSender, "not logged in")
	case login == "" || its || !found && name == "reject_known_sender_login_mismatch" || name == "reject_unauthenticated_sender_login_mismatch":
		return dunno
	}
	return s.refuse(553, policyDSN, from, kindSender, "not owned by user "+login)
}

// ownerOf reports whether an address belongs to anybody, and whether to who has logged in.
func (s *stage) ownerOf(from string) (known, its bool, err error) {
	if s.k.Owner != nil {
		return s.k.Owner(s.ctx, s.Visit, from)
	}
	owners, known, err := s.k.Addresses.Find(s.ctx, s.k.SenderLogin, "smtpd_sender_login_maps", rewrite.Unquote(s.k.Addresses.Complete(from)))
	for o := range strings.FieldsFuncSeq(owners, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		its = its || strings.EqualFold(o, s.Client.Login)
	}
	return known, its, err
}

// complete wants a domain with a dot.
func (s *stage) complete(address, kind string) verdict {
	if address == "" || kind == kindRecipient && strings.EqualFold(address, "postmaster") {
		return dunno
	}
	domain, ok := domainOf(rewrite.Unquote(address)) // "user@domain" in quotes has one, as Postfix sees it
	if ok && (strings.HasPrefix(domain, "[") || fullName(domain)) {
		return dunno
	}
	return s.refuse(code(s.k.Codes.NonFQDN, 504), mail.EnhancedCode{5, 5, 2}, address, kind, "need fully-qualified address")
}

// known wants a domain that the DNS knows, where it isn't one of ours.
func (s *stage) known(address, kind string) verdict {
	if address == "" {
		return dunno
	}
	w, err := s.k.Addresses.Resolve(s.ctx, s.Sender, s.k.Addresses.Complete(address))
	if err != nil {
		s.reply = s.soften(rewrite.ReplyOf(address, err))
		return reject
	}
	domain, ok := domainOf(w.Recipient)
	if !ok || w.Bad || w.Class != rewrite.Default || strings.HasPrefix(domain, "[") {
		return dunno
	}
	dsn, null := mail.EnhancedCode{4, 1, 2}, mail.EnhancedCode{5, 1, 10}
	nullCode := 556
	if kind == kindSender {
		dsn, null, nullCode = mail.EnhancedCode{4, 1, 8}, mail.EnhancedCode{5, 7, 27}, 550
	}
	switch s.k.exists(s.ctx, domain) {
	case missing:
		return s.refuse(code(s.k.Codes.UnknownAddress, 450), dsn, address, kind, "Domain not found")
	case unclear:
		return s.later(450, dsn, address, kind, "Domain not found")
	case refusesMail:
		return s.refuse(nullCode, null, address, kind, "Domain "+domain+" does not accept mail (nullMX)")
	}
	return dunno
}

// unverified wants an address that takes mail.
func (s *stage) unverified(address, kind string, u *Unverified) verdict {
	if address == "" {
		return dunno
	}
	a := s.k.Verify(s.ctx, s.k.Addresses.Complete(address))
	reply, word := code(u.Defer, 450), "unverified"
	switch a.Status {
	case verify.Deliverable:
		return dunno
	case verify.Undeliverable:
		reply = code(u.Reject, 450)
	}
	if reply/100 == 5 {
		word = "undeliverable"
	}
	text := a.Text
	if u.Reason != "" {
		text = u.Reason
	}
	dsn := mail.EnhancedCode{reply / 100, 1, 1}
	if kind == kindSender {
		dsn[2] = 7
	}
	text = word + " address: " + strings.ToValidUTF8(text[:min(len(text), 250)], "")
	switch {
	case reply/100 == 2: // only to be told
		s.log("<" + rewrite.Unquote(address) + ">: " + kind + " " + text)
		return dunno
	case reply/100 == 4 && !u.Now:
		return s.later(reply, dsn, rewrite.Unquote(address), kind, text)
	}
	return s.refuse(reply, dsn, address, kind, text)
}

// recipientRule asks what is about the recipient.
func (s *stage) recipientRule(name string) verdict {
	to := s.recipient
	if to == "" {
		return dunno // before RCPT
	}
	switch name {
	case "reject_non_fqdn_recipient":
		return s.complete(to, kindRecipient)
	case "reject_unknown_recipient_domain":
		return s.known(to, kindRecipient)
	case "reject_unverified_recipient":
		return s.unverified(to, kindRecipient, &s.k.UnverifiedRecipient)
	case "reject_unlisted_recipient":
		if s.k.TakeUnknown {
			return dunno
		}
		if r := s.k.Addresses.Unlisted(s.ctx, s.Sender, to); r != nil {
			s.reply = s.soften(r)
			return reject
		}
		return dunno
	}
	w, err := s.k.Addresses.Resolve(s.ctx, s.Sender, s.k.Addresses.Complete(to))
	if err != nil {
		s.reply = s.soften(rewrite.ReplyOf(to, err))
		return reject
	}
	ours := w.Class != rewrite.Default && (!w.Routed || s.k.UntrustedRouting)
	switch name {
	case "permit_auth_destination":
		if ours {
			return permit
		}
	case "permit_mx_backup":
		if domain, _ := domainOf(w.Recipient); ours || !w.Routed && s.backupFor(domain) {
			return permit
		}
	case "reject_unauth_destination", "check_relay_domains":
		if !ours {
			return s.refuseWith(code(s.k.Codes.Relay, 554), policyDSN, "<"+rewrite.Unquote(to)+">: Relay access denied")
		}
	case "defer_unauth_destination":
		if !ours {
			return s.refuseWith(454, laterDSN, "<"+rewrite.Unquote(to)+">: Relay access denied")
		}
	}
	return dunno
}
