package local

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/lookup/aliasfile"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/smtp/rewrite"
)

// plan is what there is to do with a message for one recipient.
type plan struct {
	a         *Agent
	mailboxes []mailbox
	forwards  []forward
	commands  []destination
	files     []destination
	fallback  []fallback
	aliased   bool

	sender string // of the message
	domain string // of the name that is being planned for
	// delivered is the list with an owner, or the user with a .forward, whose members are being planned for; "" for none. Another user among them
	// gets a message of his own through the queue, as with Postfix: what happens to it is told to the owner, and tried again for him alone.
	delivered string
	done      map[string]bool // names and files that were expanded: nothing is expanded twice
	count     int
}

type mailbox struct{ address, account string }

// fallback is somebody who isn't a user, with fallback_transport.
type fallback struct {
	address string
	via     mail.Deliverer
}

type forward struct{ sender, to string }

// destination is a command or a file, with whose list it is from and whose home is its own.
type destination struct {
	text    string
	address string
	account string
	home    string // which a file must be in; "" for one that the site has named
}

const (
	maxPlan    = 20_000  // destinations of one recipient
	maxInclude = 8 << 20 // octets of an :include: file or a .forward
	maxNesting = 100
)

// plan finds out whom an address of this machine stands for.
func (a *Agent) plan(ctx context.Context, sender, address string) (*plan, error) {
	plain := rewrite.Unquote(address)
	i := strings.LastIndexByte(plain, '@')
	p := &plan{a: a, sender: sender, done: map[string]bool{}}
	if i < 0 {
		i = len(plain)
	} else {
		p.domain = plain[i+1:]
	}
	return p, p.name(ctx, sender, plain[:i], 0)
}

// name plans for a local part.
func (p *plan) name(ctx context.Context, sender, name string, depth int) error {
	if depth > maxNesting {
		return mail.NewReply(451, mail.EnhancedCode{4, 6, 0}, "aliases nested too deep at "+name)
	}
	key := "name " + strings.ToLower(name)
	if p.done[key] { // an alias or a .forward that names itself means the mailbox
		if account, err := p.a.Policy.Now().Mailbox(ctx, rewrite.Quote(name+"@"+p.domain)); account == "" || err != nil {
			return err
		}
		return p.user(ctx, sender, name, depth)
	}
	p.done[key] = true
	value, found, err := p.a.Policy.Now().Alias(ctx, name)
	if err != nil {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "alias database unavailable", Err: err}
	}
	if found {
		p.aliased = true
		list, err := aliasfile.ParseDestinations(value)
		if err != nil {
			return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 5}, Text: "mail system configuration error", Err: errors.New("alias " + name + ": " + err.Error())}
		}
		owner, owned, err := p.owner(ctx, sender, name)
		if err != nil {
			return err
		}
		if owned {
			defer p.deliveredTo(rewrite.Quote(name + "@" + p.domain))()
		}
		return p.all(ctx, owner, list, InAlias, "", name, depth)
	}
	return p.user(ctx, sender, name, depth)
}

// deliveredTo sets p.delivered until the function that it returns is called.
func (p *plan) deliveredTo(address string) (restore func()) {
	before := p.delivered
	p.delivered = address
	return func() { p.delivered = before }
}

// owner is who gets what the members of a list bounce: owner-NAME, if there is such an alias, whoever the sender is, as in Postfix. owned says
// that there is one.
func (p *plan) owner(ctx context.Context, sender, name string) (address string, owned bool, err error) {
	if p.a.Policy.Now().Rules.PlainOwner { // owner_request_special = no: owner-NAME is a name like others
		return sender, false, nil
	}
	user, _ := p.a.Policy.Now().Rules.Extension(name)
	owner := "owner-" + strings.ToLower(user)
	value, found, err := p.a.Policy.Now().Alias(ctx, owner)
	switch {
	case err != nil:
		return "", false, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "alias database unavailable", Err: err}
	case found && p.a.Settings.ExpandOwner:
		if list, err := aliasfile.ParseDestinations(value); err == nil && len(list) == 1 && list[0].Kind == aliasfile.Address {
			return p.a.Policy.Now().Rules.Complete(list[0].Text), true, nil
		}
	case !found && p.a.Settings.ResetOwner:
		return p.sender, false, nil
	case !found:
		return sender, false, nil
	}
	return p.a.Policy.Now().Rules.Complete(rewrite.Quote(owner)), true, nil
}

// user plans for who is no alias: a .forward, else the mailbox.
func (p *plan) user(ctx context.Context, sender, name string, depth int) error {
	address := rewrite.Quote(name + "@" + p.domain)
	if p.delivered != "" && !strings.EqualFold(p.delivered, address) {
		p.forward(sender, address)
		return nil
	}
	account, err := p.a.Policy.Now().Mailbox(ctx, address)
	if err != nil {
		return err
	}
	if account == "" {
		return p.nobody(ctx, sender, name, depth)
	}
	home, err := p.a.Policy.Now().FindHome(ctx, account)
	if err != nil {
		return err
	}
	if home != "" {
		list, file, err := p.a.forwardFile(home, name)
		if err != nil {
			return err
		}
		if list != nil && !p.done["forward "+file] && depth <= maxNesting {
			p.done["forward "+file] = true
			defer p.deliveredTo(address)()
			return p.all(ctx, sender, list, InForward, account, name, depth)
		}
	}
	p.mailbox(address, account)
	return nil
}

func (p *plan) mailbox(address, account string) {
	if key := "mailbox " + account; !p.done[key] {
		p.done[key] = true
		p.mailboxes = append(p.mailboxes, mailbox{address, account})
	}
}

// nobody plans for a name that isn't a user's.
func (p *plan) nobody(ctx context.Context, sender, name string, depth int) error {
	s := &p.a.Settings
	address := rewrite.Quote(name + "@" + p.domain)
	bare := p.a.user(address)
	mailboxes, err := p.a.via(ctx, s.MailboxTransports, s.MailboxTransport, bare)
	if err != nil {
		return err
	}
	others, err := p.a.via(ctx, s.FallbackTransports, s.FallbackTransport, bare)
	if err != nil {
		return err
	}
	switch {
	case mailboxes != nil: // it knows users that we don't
		p.mailboxes = append(p.mailboxes, mailbox{address, ""})
		return nil
	case others != nil:
		p.fallback = append(p.fallback, fallback{address, others})
		return nil
	case s.LuserRelay != "":
		user, ext := p.a.Policy.Now().Rules.Extension(name)
		to, ok := expandNames(s.LuserRelay, map[string]string{
			"user": user, "local": name, "domain": p.domain, "recipient": name + "@" + p.domain, "extension": strings.TrimLeft(ext, s.Delimiter), "recipient_delimiter": first(ext),
		}, nil)
		if !ok {
			return mail.NewReply(451, mail.EnhancedCode{4, 3, 5}, "mail system configuration error")
		}
		list, err := aliasfile.ParseDestinations(to)
		if err != nil {
			return mail.NewReply(451, mail.EnhancedCode{4, 3, 5}, "mail system configuration error")
		}
		return p.all(ctx, sender, list, InAlias, "", name, depth)
	}
	if depth > 0 { // one of several, who are to get theirs: the queue tells the sender who isn't there
		p.forward(sender, address)
		return nil
	}
	return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "unknown user: \""+name+"\"")
}

// all plans for a list of destinations. account is whose .forward they are from.
func (p *plan) all(ctx context.Context, sender string, list []aliasfile.Destination, in Kind, account, name string, depth int) error {
	for _, d := range list {
		if p.count++; p.count > maxPlan {
			return mail.NewReply(451, mail.EnhancedCode{4, 6, 0}, "too many destinations for "+name)
		}
		if err := p.one(ctx, sender, d, in, account, name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) one(ctx context.Context, sender string, d aliasfile.Destination, in Kind, account, name string, depth int) error {
	to := destination{text: d.Text, address: rewrite.Quote(name + "@" + p.domain), account: account}
	key := d.Kind.String() + " " + d.Text
	switch d.Kind {
	case aliasfile.Command:
		if !slices.Contains(p.a.Settings.Commands, in) || in == InForward && !p.a.drops() {
			return mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "mail to command is restricted")
		}
		if !p.done[key] {
			p.done[key] = true
			p.commands = append(p.commands, to)
		}
		return nil
	case aliasfile.File:
		if in == InForward {
			to.home = p.a.Policy.Now().Home(account)
		}
		if !slices.Contains(p.a.Settings.Files, in) || in == InForward && to.home == "" {
			return mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "mail to file is restricted")
		}
		if !p.done[key] {
			p.done[key] = true
			p.files = append(p.files, to)
		}
		return nil
	case aliasfile.Include:
		if p.done[key] {
			return nil
		}
		p.done[key] = true
		members, err := p.include(d.Text, in)
		if err != nil {
			return err
		}
		return p.all(ctx, sender, members, InInclude, account, name, depth+1)
	}
	return p.address(ctx, sender, d.Text, depth)
}

// include reads the members of a list in a file.
func (p *plan) include(file string, in Kind) ([]aliasfile.Destination, error) {
	if in == InForward { // Postfix: ":include: is restricted" in a .forward, unless it is the user's own file; a stranger could read others' files
		return nil, mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, ":include: is restricted")
	}
	if !filepath.IsAbs(file) {
		return nil, &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 2, 4}, Text: "bad :include: path", Err: errors.New(file)}
	}
	list, err := readList(file, "")
	if err != nil {
		return nil, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 2, 4}, Text: "error reading :include: file", Err: err}
	}
	return list, nil
}

// address plans for an address: of this machine, which is expanded here and now, or another, which is forwarded to.
func (p *plan) address(ctx context.Context, sender, text string, depth int) error {
	if user, ok := strings.CutPrefix(text, "\\"); ok { // \user: the mailbox itself
		return p.own(user)
	}
	full := p.a.Policy.Now().Rules.Complete(text)
	way, err := p.a.Policy.Now().Rules.Resolve(ctx, sender, full)
	if err != nil {
		return rewrite.ReplyOf(text, err)
	}
	if !way.Bad && way.Transport == string(policy.Local) { // canonical and virtual aliases are for what is forwarded, as with Postfix
		plain, before := rewrite.Unquote(way.Recipient), p.domain
		i := strings.LastIndexByte(plain, '@')
		p.domain = plain[i+1:]
		defer func() { p.domain = before }()
		return p.name(ctx, sender, plain[:i], depth+1)
	}
	targets, err := p.a.Policy.Now().Recipients(ctx, sender, full)
	if reply := mail.ReplyOf(err); reply != nil && reply.Temporary() {
		return reply
	}
	if err != nil { // the queue tells the sender, or the list's owner
		targets = []policy.Target{{Address: full}}
	}
	for _, t := range targets {
		p.forward(sender, t.Address)
	}
	return nil
}

// forward plans for a message of its own to an address.
func (p *plan) forward(sender, to string) {
	if key := "forward to " + sender + " " + strings.ToLower(to); !p.done[key] {
		p.done[key] = true
		p.forwards = append(p.forwards, forward{sender, to})
	}
}

// own plans for a user's mailbox, whatever aliases and .forward say.
func (p *plan) own(user string) error {
	address := p.a.Policy.Now().Rules.Complete(user)
	account, err := p.a.Policy.Now().Mailbox(context.Background(), address)
	if err != nil {
		return err
	}
	if account == "" {
		return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "unknown user: \""+user+"\"")
	}
	p.mailbox(address, account)
	return nil
}

// readList reads destinations, in lines: "#" begins a comment. A file in a user's home is looked for there and nowhere else, whatever links say: what
// it holds may end up in a report to a stranger.
func readList(file, home string) ([]aliasfile.Destination, error) {
	f, err := openList(file, home)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxInclude {
		return nil, errors.New(file + ": not a file of at most 8 MiB")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxInclude))
	if err != nil {
		return nil, err
	}
	out := []aliasfile.Destination{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		list, err := aliasfile.ParseDestinations(line)
		if err != nil {
			return nil, errors.New(file + ": " + strings.TrimPrefix(err.Error(), "aliasfile: "))
		}
		out = append(out, list...)
	}
	return out, nil
}
