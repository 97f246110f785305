package doveadm

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

func mailboxCommands() []*command {
	name := []column{{key: "mailbox", bare: true}}
	return []*command{
		{name: "mailbox list", flags: "78s", usage: "[-7|-8] [-s] [<mailbox mask> [...]]", out: name, each: mailboxList},
		{name: "mailbox status", flags: "t", usage: "[-t] <fields> <mailbox mask> [...]", least: 2, out: name, once: statusFields, each: mailboxStatus},
		{name: "mailbox create", flags: "s", usage: "[-s] <mailbox> [...]", least: 1, each: eachName("create", func(ctx context.Context, s *session, box string) error {
			_, err := s.Create(ctx, box)
			return err
		})},
		{name: "mailbox delete", flags: "rs", usage: "[-r] [-s] <mailbox> [...]", least: 1, each: mailboxDelete},
		{name: "mailbox rename", flags: "s", usage: "[-s] <old name> <new name>", least: 2, each: mailboxRename},
		{name: "mailbox subscribe", usage: "<mailbox> [...]", least: 1, each: eachName("subscribe", func(ctx context.Context, s *session, box string) error { return s.Subscribe(ctx, box) })},
		{name: "mailbox unsubscribe", usage: "<mailbox> [...]", least: 1, each: eachName("unsubscribe", func(ctx context.Context, s *session, box string) error { return s.Unsubscribe(ctx, box) })},
		{name: "mailbox mutf7", flags: "78", usage: "[-7|-8] <name> [...]", least: 1, once: mutf7},
	}
}

// eachName does something with each mailbox that is named, and with -s changes the subscriptions too.
func eachName(what string, do func(ctx context.Context, s *session, box string) error) func(context.Context, *call, *session) error {
	return func(ctx context.Context, c *call, s *session) error {
		for _, box := range c.args {
			err := do(ctx, s, box)
			if err == nil && c.flag('s') {
				err = s.Subscribe(ctx, box)
			}
			if err != nil {
				c.fail(s.user, statusOf(err), "Can't %s mailbox %s: %s", what, box, because(err, box))
			}
		}
		return nil
	}
}

// listed are the mailboxes that match one of the masks, INBOX first.
func (c *call) listed(ctx context.Context, s *session, masks []string, o *imapclient.ListOptions) (out []*imap.ListData, err error) {
	for l, err := range s.List(ctx, o) {
		if err != nil {
			return nil, err
		}
		if len(masks) == 0 || slices.ContainsFunc(masks, func(m string) bool { return matches(m, l.Name) }) {
			out = append(out, l)
		}
	}
	return out, nil
}

// matches is IMAP's: "*" stands for anything and "%" for anything within a level.
func matches(mask, name string) bool {
	mask = strings.NewReplacer("[", `\[`, `\`, `\\`).Replace(mask)
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	var try func(mask, name string) bool
	try = func(mask, name string) bool {
		i := strings.IndexByte(mask, '%')
		if i < 0 {
			ok, _ := path.Match(flat(mask), flat(name))
			return ok
		}
		head, rest := mask[:i], mask[i+1:]
		for end := 0; end <= len(name); end++ { // names are short, and who gives the mask is the administrator
			for begin := 0; begin <= end; begin++ {
				if ok, _ := path.Match(flat(head), flat(name[:begin])); ok && !strings.Contains(name[begin:end], "/") && try(rest, name[end:]) {
					return true
				}
			}
		}
		return false
	}
	return try(mask, name)
}

func mailboxList(ctx context.Context, c *call, s *session) error {
	list, err := c.listed(ctx, s, c.args, &imapclient.ListOptions{Subscribed: c.flag('s')})
	if err != nil {
		return err
	}
	for _, l := range list {
		name := l.Name
		if c.flag('7') {
			name = imap.EncodeUTF7(name)
		}
		c.print.row(name)
	}
	return nil
}

// statusItem is a field of mailbox status.
type statusItem struct {
	name string
	item imap.StatusItems
	text func(d *imap.StatusData) string
	sum  func(d *imap.StatusData) int64 // nil: -t has no use for it
}

// statusItems are in the order in which Dovecot shows them.
var statusItems = []statusItem{
	{"messages", imap.StatusMessages, func(d *imap.StatusData) string { return decimal(d.Messages) }, func(d *imap.StatusData) int64 { return int64(d.Messages) }},
	{"recent", imap.StatusRecent, func(d *imap.StatusData) string { return decimal(d.Recent) }, func(d *imap.StatusData) int64 { return int64(d.Recent) }},
	{"uidnext", imap.StatusUIDNext, func(d *imap.StatusData) string { return decimal(d.UIDNext) }, nil},
	{"uidvalidity", imap.StatusUIDValidity, func(d *imap.StatusData) string { return decimal(d.UIDValidity) }, nil},
	{"unseen", imap.StatusUnseen, func(d *imap.StatusData) string { return decimal(d.Unseen) }, func(d *imap.StatusData) int64 { return int64(d.Unseen) }},
	{"highestmodseq", imap.StatusHighestModSeq, func(d *imap.StatusData) string { return decimal(d.HighestModSeq) }, nil},
	{"vsize", imap.StatusSize, func(d *imap.StatusData) string { return decimal(d.Size) }, func(d *imap.StatusData) int64 { return d.Size }},
	{"guid", imap.StatusMailboxID, func(d *imap.StatusData) string { return string(d.MailboxID) }, nil},
}

func decimal[T ~uint32 | ~uint64 | ~int64](n T) string {
	if n < 0 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(uint64(n), 10)
}

// statusFields reads which fields are wanted; state is their places in statusItems.
func statusFields(_ context.Context, c *call) error {
	words := strings.Fields(c.args[0])
	var which []int
	for i, f := range statusItems {
		if slices.Contains(words, f.name) || slices.Contains(words, "all") {
			if !(c.flag('t') && f.sum == nil) {
				which = append(which, i)
				c.print.cols = append(c.print.cols, column{key: f.name})
			}
		}
	}
	for _, w := range words {
		if w != "all" && !slices.ContainsFunc(statusItems, func(f statusItem) bool { return f.name == w }) {
			return fatalf(exitUsage, "Unknown status field: %s", w)
		}
	}
	if c.flag('t') { // the sum has no name
		c.print.cols = slices.DeleteFunc(c.print.cols, func(col column) bool { return col.key == "mailbox" })
	}
	c.state = which
	return nil
}

func mailboxStatus(ctx context.Context, c *call, s *session) error {
	which := c.state.([]int)
	var items imap.StatusItems
	for _, i := range which {
		items |= statusItems[i].item
	}
	list, err := c.listed(ctx, s, c.args[1:], &imapclient.ListOptions{Status: items | imap.StatusMessages})
	if err != nil {
		return err
	}
	sums := make([]int64, len(which))
	for _, l := range list {
		if !l.Selectable() || l.Status == nil {
			continue
		}
		row := []string{l.Name}
		for n, i := range which {
			row = append(row, statusItems[i].text(l.Status))
			if c.flag('t') {
				sums[n] += statusItems[i].sum(l.Status)
			}
		}
		if !c.flag('t') {
			c.print.row(row...)
		}
	}
	if c.flag('t') {
		row := make([]string, len(sums))
		for i, n := range sums {
			row[i] = decimal(n)
		}
		c.print.row(row...)
	}
	return nil
}

// mailboxDelete takes mailboxes away; with -r those below them first.
func mailboxDelete(ctx context.Context, c *call, s *session) error {
	for _, box := range c.args {
		names := []string{box}
		if c.flag('r') {
			below, err := c.listed(ctx, s, []string{box + "/*"}, nil)
			if err != nil {
				return err
			}
			for _, l := range below {
				names = append([]string{l.Name}, names...)
			}
		}
		for _, name := range names {
			err := s.Delete(ctx, name)
			if err == nil && c.flag('s') {
				err = s.Unsubscribe(ctx, name)
			}
			if err != nil {
				c.fail(s.user, statusOf(err), "Can't delete mailbox %s: %s", name, because(err, name))
			}
		}
	}
	return nil
}

func mailboxRename(ctx context.Context, c *call, s *session) error {
	from, to := c.args[0], c.args[1]
	err := s.Rename(ctx, from, to)
	if err == nil && c.flag('s') {
		if err = s.Unsubscribe(ctx, from); err == nil {
			err = s.Subscribe(ctx, to)
		}
	}
	if err != nil {
		c.fail(s.user, statusOf(err), "Can't rename mailbox %s to %s: %s", from, to, because(err, from))
	}
	return nil
}

// mutf7 writes names as IMAP4rev1 has them, or with -7 such names as people have them.
func mutf7(_ context.Context, c *call) error {
	for _, name := range c.args {
		if c.flag('7') {
			text, err := imap.DecodeUTF7(name)
			if err != nil {
				return fatalf(exitTemp, "%s: %v", name, err)
			}
			fmt.Fprintln(c.Stdout, text)
			continue
		}
		fmt.Fprintln(c.Stdout, imap.EncodeUTF7(name))
	}
	return nil
}
