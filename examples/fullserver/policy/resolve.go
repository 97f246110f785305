package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
	"golang.org/x/net/idna"
)

// Sender returns a reverse-path as it goes on: with a domain, and rewritten. The null sender stays.
func (p *Policy) Sender(ctx context.Context, from string) (string, error) {
	if w, err := p.Rules.Resolve(ctx, "", p.Rules.Complete(from)); err == nil && w.Bad && from != "" && !strings.HasPrefix(from, "-") {
		return from, mail.NewReply(501, mail.EnhancedCode{5, 1, 7}, "Bad sender address syntax")
	}
	out, err := p.Rules.Sender(ctx, from)
	if err != nil {
		return from, rewrite.ReplyOf(from, err)
	}
	return out, nil
}

// Recipients finds out whom a forward-path stands for: one target, or several where there is a virtual alias. The error is the reply to
// RCPT for an address that nobody has, and for one that can't be looked up now.
func (p *Policy) Recipients(ctx context.Context, sender, to string) ([]Target, error) {
	if list, ok, err := p.returned(ctx, sender, to); ok {
		return list, err
	}
	if p.refusesUnknown() {
		if reply := p.Rules.Unlisted(ctx, sender, to); reply != nil {
			return nil, reply
		}
	}
	list, err := p.Rules.Recipients(ctx, to)
	if err != nil {
		return nil, rewrite.ReplyOf(to, err)
	}
	out := make([]Target, 0, len(list))
	for _, a := range list {
		t, err := p.resolve(ctx, sender, a, to)
		switch {
		case err == nil:
		case len(list) == 1 && (p.refusesUnlisted(t.Class) && !p.Rules.NoMapping || mail.ReplyOf(err).Temporary()):
			return nil, err
		default:
			// One of several, or one whom nobody is to be refused for: the queue returns the message to its sender, or tries it again.
			t = Target{Address: a, Class: Remote, Kind: rewrite.Default}
			if w, werr := p.Rules.Resolve(ctx, sender, a); werr == nil {
				t.Kind, t.Nexthop, t.Routed = w.Class, w.Nexthop, w.Routed
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// refusesUnknown reports whether recipients are to be refused who don't exist.
func (p *Policy) refusesUnknown() bool {
	return p.set.Addresses.UnlistedRecipient && !p.overrides.Without("no_unknown_recipient_checks")
}

// refusesUnlisted reports whether who doesn't exist is refused when he is named: without local_recipient_maps nobody of this machine is.
func (p *Policy) refusesUnlisted(c Class) bool {
	return p.refusesUnknown() && (c != Local || p.Rules.LocalRecipients != nil)
}

// Resolve finds out where mail for an address goes that aliases have been looked up for already. The error is the reply to an address that
// nobody has.
func (p *Policy) Resolve(to string) (Target, error) {
	return p.ResolveFrom(context.Background(), "", to)
}

// ResolveFrom is Resolve where the way may depend on the sender.
func (p *Policy) ResolveFrom(ctx context.Context, sender, to string) (Target, error) {
	return p.resolve(ctx, sender, p.Rules.Complete(to), to)
}

// Owns reports whether a user may send from an address: mail for it is his, or smtpd_sender_login_maps says so.
func (p *Policy) Owns(ctx context.Context, account, login, from string) (bool, error) {
	if p.login != nil {
		value, found, err := p.Rules.Find(ctx, p.login, "smtpd_sender_login_maps", from)
		if err != nil {
			return false, rewrite.ReplyOf(from, err)
		}
		if found {
			names := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
			if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, login) || strings.EqualFold(n, account) }) {
				return true, nil
			}
		}
	}
	targets, err := p.Recipients(ctx, "", from)
	if reply := mail.ReplyOf(err); reply != nil && reply.Temporary() {
		return false, err
	}
	for _, t := range targets {
		whose := t.Account
		// What comes for him goes on by his .forward, or is handed to mailbox_transport or virtual_transport: it is his all the same.
		if whose == "" && (t.Class == Local || t.Kind == rewrite.VirtualMailbox) {
			if whose, err = p.Mailbox(ctx, t.Address); err != nil {
				return false, rewrite.ReplyOf(from, &rewrite.LookupError{Table: "userdb", Address: from, Err: err})
			}
		}
		if whose != "" && whose == account {
			return true, nil
		}
	}
	return false, nil
}

// UnlistedSenders reports whether senders at our domains must exist (smtpd_reject_unlisted_sender).
func (p *Policy) UnlistedSenders() bool { return p.set.Addresses.UnlistedSender }

// Kind finds out what a forward-path's domain is, and whether its local part leads elsewhere.
func (p *Policy) Kind(ctx context.Context, to string) (Target, error) {
	w, err := p.Rules.Resolve(ctx, "", p.Rules.Complete(to))
	if err != nil {
		return Target{}, rewrite.ReplyOf(to, err)
	}
	if w.Bad {
		return Target{}, mail.NewReply(501, mail.EnhancedCode{5, 1, 3}, "Bad recipient address syntax")
	}
	return Target{Address: w.Recipient, Class: Class(w.Transport), Kind: w.Class, Nexthop: w.Nexthop, Routed: w.Routed}, nil
}

// resolve is ResolveFrom for an address in full; said is what replies name.
func (p *Policy) resolve(ctx context.Context, sender, address, said string) (Target, error) {
	w, err := p.Rules.Resolve(ctx, sender, address)
	if err != nil {
		return Target{}, rewrite.ReplyOf(said, err)
	}
	t := Target{Address: w.Recipient, Class: Class(w.Transport), Kind: w.Class, Nexthop: w.Nexthop, Routed: w.Routed}
	said = rewrite.Unquote(said)
	switch {
	case w.Bad:
		return t, mail.NewReply(501, mail.EnhancedCode{5, 1, 3}, "Bad recipient address syntax")
	case w.Transport == "error", w.Transport == "retry":
		code, text := w.Undeliverable()
		if code[1] == 0 && code[2] == 0 {
			code[1], code[2] = 1, 1
		}
		if w.Transport == "retry" {
			code[0] = 4
		}
		return t, mail.NewReply(code[0]*100+50, code, "<"+said+">: Recipient address rejected: "+text)
	case t.Class == Local:
		return p.local(ctx, t, said)
	case t.Class == Virtual:
		local, domain := halves(rewrite.Unquote(t.Address))
		if t.Account, err = p.mailbox(ctx, local, domain); err != nil {
			return t, rewrite.ReplyOf(said, &rewrite.LookupError{Table: "userdb", Address: t.Address, Err: err})
		}
		if t.Account == "" {
			return t, p.unknown(said, "virtual mailbox", p.Rules.MailboxCode)
		}
	default:
		if strings.EqualFold(t.Nexthop, domainOf(t.Address)) {
			t.Nexthop = strings.ToLower(t.Nexthop)
		}
	}
	return t, nil
}

// local finds the mailbox of an address of this machine, or leaves it to the queue where aliases, a .forward or luser_relay may have more to say.
func (p *Policy) local(ctx context.Context, t Target, said string) (Target, error) {
	user, domain := halves(rewrite.Unquote(t.Address))
	aliased, err := p.Aliased(ctx, user)
	switch {
	case err != nil:
		return t, rewrite.ReplyOf(said, &rewrite.LookupError{Table: "alias_maps", Address: user, Err: err})
	case aliased:
		return t, nil
	}
	account, err := p.mailbox(ctx, user, domain)
	if account == "" && err == nil && strings.EqualFold(user, "mailer-daemon") {
		account, err = p.mailbox(ctx, "postmaster", domain) // who writes to the sender of reports means him
	}
	forwards := false
	if err == nil && account != "" {
		forwards, err = p.forwards(ctx, account, user)
	}
	if err != nil {
		return t, rewrite.ReplyOf(said, &rewrite.LookupError{Table: "userdb", Address: t.Address, Err: err})
	}
	c := &p.set.Local
	switch {
	case account == "" && strings.EqualFold(user, p.set.Notices.DoubleBounceSender): // what a report about a report says is nobody's
		t.Class, t.Nexthop = "discard", "undeliverable postmaster notification discarded"
	case account == "" && c.Strangers():
	case account == "":
		return t, p.unknown(said, "local recipient", p.Rules.LocalCode)
	case !c.Elsewhere() && !forwards:
		t.Account = account
	}
	return t, nil
}

// Aliased reports whether alias_maps has something for a user of this machine, with or without his extension.
func (p *Policy) Aliased(ctx context.Context, user string) (bool, error) {
	_, found, err := p.Alias(ctx, user)
	return found, err
}

// Alias returns what alias_maps has for a user of this machine.
func (p *Policy) Alias(ctx context.Context, user string) (string, bool, error) {
	if p.alias == nil {
		return "", false, nil
	}
	value, found, err := p.alias.Find(ctx, user)
	if !found && err == nil {
		if name, ext := p.Rules.Extension(user); ext != "" {
			return p.alias.FindPart(ctx, name)
		}
	}
	return value, found, err
}

// usualForward is forward_path's default.
const usualForward = "$home/.forward${recipient_delimiter}${extension}, $home/.forward"

// forwards reports whether a user has a .forward, or may have one.
func (p *Policy) forwards(ctx context.Context, account, user string) (bool, error) {
	home, err := p.FindHome(ctx, account)
	if home == "" || err != nil || p.set.Local.ForwardPath != usualForward {
		return home != "", err
	}
	names := []string{".forward"}
	if _, ext := p.Rules.Extension(user); ext != "" {
		if strings.ContainsAny(ext, "/\x00") {
			return true, nil
		}
		names = append(names, ".forward"+ext)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(home, name)); !errors.Is(err, os.ErrNotExist) {
			return true, nil
		}
	}
	return false, nil
}

// FindHome returns where an account's own files are, "" where it has none.
func (p *Policy) FindHome(ctx context.Context, account string) (string, error) {
	if f, ok := p.users.(Finder); ok && account != "" {
		return f.FindHome(ctx, account)
	}
	return p.Home(account), nil
}

// Home returns where an account's own files are, "" where that isn't known.
func (p *Policy) Home(account string) string {
	if h, ok := p.users.(Homes); ok && account != "" {
		return h.Home(account)
	}
	return ""
}

// Mailbox returns the account of an address of this machine, "" for nobody's. An error says that nobody knows.
func (p *Policy) Mailbox(ctx context.Context, address string) (string, error) {
	local, domain := halves(rewrite.Unquote(address))
	return p.mailbox(ctx, local, domain)
}

// account asks who has a name.
func (p *Policy) account(ctx context.Context, name string) (account string, ok bool, err error) {
	if f, ok := p.users.(Finder); ok {
		return f.Find(ctx, name)
	}
	account, ok = p.users.Account(name)
	return account, ok, nil
}

// mailbox returns whose mailbox an address is, with or without its extension, "" for nobody's.
func (p *Policy) mailbox(ctx context.Context, local, domain string) (string, error) {
	names := []string{local}
	if user, ext := p.Rules.Extension(local); ext != "" {
		names = append(names, user)
	}
	domains := []string{domain}
	if d, ok := p.names[fold(domain)]; ok && d != domain {
		domains = append(domains, d)
	}
	ours, err := p.Rules.IsLocal(ctx, domain)
	if (ours && err == nil || domain == "") && !strings.EqualFold(domain, p.home) {
		domains = append(domains, p.home)
	}
	for _, d := range domains {
		for _, n := range names {
			if a, ok, err := p.account(ctx, n+"@"+d); ok || err != nil {
				return a, err
			}
		}
	}
	if !strings.EqualFold(local, "postmaster") {
		return "", nil
	}
	// RFC 5321 section 4.5.1: "Any system that includes an SMTP server … MUST support the reserved mailbox postmaster".
	if a, ok, err := p.account(ctx, p.set.PostmasterAddress); ok || err != nil {
		return a, err
	}
	return p.users.First(), nil
}

func (p *Policy) unknown(said, table string, code int) error {
	text := "User unknown"
	if !p.Rules.HideTable {
		text += " in " + table + " table"
	}
	if code == 0 {
		code = 550
	}
	return mail.NewReply(code, mail.EnhancedCode{code / 100, 1, 1}, "<"+said+">: Recipient address rejected: "+text)
}

func halves(address string) (local, domain string) {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i], address[i+1:]
	}
	return address, ""
}

func domainOf(address string) string {
	_, d := halves(address)
	return d
}

// fold brings a domain into the one form in which it is compared: lower case, and as the DNS has it (RFC 5890).
func fold(d string) string {
	d = strings.ToLower(d)
	for i := range len(d) {
		if d[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(d); err == nil {
				return a
			}
			break
		}
	}
	return d
}
