package doveadm

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

func serverCommands() []*command {
	return []*command{
		{name: "who", flags: "1", usage: "[-1] [<user mask>] [<ip/bits>]", once: who, out: []column{{key: "username"}, {key: "connections", title: "#", right: true}, {key: "service", title: "proto"}, {key: "pids", title: "(pids)"}, {key: "ips", title: "(ips)"}}},
		{name: "kick", usage: "<user mask>|<ip/bits>", least: 1, once: kick},
		{name: "quota get", usage: "", once: quotaForm, each: quotaGet, out: []column{{key: "root", title: "Quota name"}, {key: "type", title: "Type"}, {key: "value", title: "Value", right: true}, {key: "limit", title: "Limit", right: true}, {key: "percent", title: "%", right: true}}},
		{name: "quota recalc", usage: "", each: resync},
		{name: "force-resync", usage: "<mailbox mask>", least: 1, each: resync},
		{name: "index", flags: "q", usage: "<mailbox mask>", least: 1, each: index},
		{name: "reload", usage: "", once: func(_ context.Context, c *call) error { return c.toServer(c.Reload) }},
		{name: "stop", usage: "", once: func(_ context.Context, c *call) error { return c.toServer(c.Stop) }},
		{name: "log find", usage: "", once: logFind},
		{name: "log errors", usage: "", once: logErrors},
	}
}

func (c *call) toServer(f func()) error {
	if f == nil {
		return fatalf(exitTemp, "no server is running")
	}
	f()
	return nil
}

// chosen makes a test of the words of who and kick: a mask of user names, a network, or both.
func (c *call) chosen() func(Session) bool {
	var masks []string
	var nets []netip.Prefix
	for _, a := range c.args {
		if p, err := netip.ParsePrefix(a); err == nil {
			nets = append(nets, p)
		} else if ip, err := netip.ParseAddr(a); err == nil {
			nets = append(nets, netip.PrefixFrom(ip, ip.BitLen()))
		} else {
			masks = append(masks, a)
		}
	}
	return func(s Session) bool {
		ip, _ := netip.ParseAddr(s.IP)
		name := len(masks) == 0 || slices.ContainsFunc(masks, func(m string) bool { ok, _ := path.Match(m, s.User); return ok })
		return name && (len(nets) == 0 || slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) }))
	}
}

// who lists those who have logged in. A number stands where Dovecot has a process's: that of the session.
func who(_ context.Context, c *call) error {
	if c.Sessions == nil {
		return fatalf(exitTemp, "no server is running")
	}
	c.as("table")
	list := c.Sessions()
	match := c.chosen()
	list = slices.DeleteFunc(list, func(s Session) bool { return !match(s) })
	slices.SortFunc(list, func(a, b Session) int {
		if n := strings.Compare(a.User+" "+a.Protocol, b.User+" "+b.Protocol); n != 0 {
			return n
		}
		return int(int64(a.ID - b.ID))
	})
	if c.flag('1') {
		c.print.cols = []column{{key: "username"}, {key: "service", title: "proto"}, {key: "pid"}, {key: "ip"}}
		for _, s := range list {
			c.print.row(s.User, s.Protocol, decimal(s.ID), s.IP)
		}
		return nil
	}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].User == list[0].User && list[n].Protocol == list[0].Protocol {
			n++
		}
		var ids, ips []string
		for _, s := range list[:n] {
			ids = append(ids, decimal(s.ID))
			if !slices.Contains(ips, s.IP) {
				ips = append(ips, s.IP)
			}
		}
		c.print.row(list[0].User, decimal(int64(n)), list[0].Protocol, "("+strings.Join(ids, " ")+")", "("+strings.Join(ips, " ")+")")
		list = list[n:]
	}
	return nil
}

// kick ends sessions.
func kick(_ context.Context, c *call) error {
	if c.Kick == nil {
		return fatalf(exitTemp, "no server is running")
	}
	gone := c.Kick(c.chosen())
	if len(gone) == 0 {
		fmt.Fprintln(c.Stdout, "no users kicked")
		c.status = exitNotFound
		return nil
	}
	var names []string
	for _, s := range gone {
		names = append(names, s.User)
	}
	slices.Sort(names)
	fmt.Fprintln(c.Stdout, "kicked connections from the following users:\n"+strings.Join(slices.Compact(names), " "))
	return nil
}

func quotaForm(_ context.Context, c *call) error {
	c.as("table")
	return nil
}

// quotaGet prints what is used of what there is, storage in KiB.
func quotaGet(ctx context.Context, c *call, s *session) error {
	roots, err := s.QuotaRoots(ctx, "INBOX")
	if err != nil {
		if imapclient.Refused(err) {
			return err
		}
		return nil // nothing is limited
	}
	for _, r := range roots {
		for _, res := range r.Resources {
			if res.Kind != mail.QuotaStorage && res.Kind != mail.QuotaMessages {
				continue
			}
			used, limit := res.Used, res.Limit
			if res.Kind == mail.QuotaStorage {
				used, limit = (used+1023)/1024, limit/1024
			}
			bound, percent := "-", "0"
			if res.Limit > 0 {
				bound, percent = decimal(limit), decimal(used*100/max(limit, 1))
			}
			c.print.row(r.Name, string(res.Kind), decimal(used), bound, percent)
		}
	}
	return nil
}

// resync puts right what is damaged in a user's folders, and tells what was in the mailboxes that are meant.
func resync(ctx context.Context, c *call, s *session) error {
	if c.Repair == nil {
		return fatalf(exitTemp, "mailboxes can't be repaired here")
	}
	u, err := c.Env.Users.Lookup(ctx, s.user)
	if err != nil || u == nil {
		return err
	}
	return c.Repair(ctx, u.Name, func(mailbox, fault string) {
		if len(c.args) == 0 || mailbox == "" || slices.ContainsFunc(c.args, func(m string) bool { return matches(m, mailbox) }) {
			fmt.Fprintf(c.Stderr, "doveadm(%s): Warning: %s\n", s.user, fault)
		}
	})
}

// index has the mailboxes looked through, so that what is asked of them later is there.
func index(ctx context.Context, c *call, s *session) error {
	list, err := c.listed(ctx, s, c.args, nil)
	if err != nil {
		return err
	}
	for _, l := range list {
		if !l.Selectable() {
			continue
		}
		if _, err := s.Select(ctx, l.Name, &imapclient.SelectOptions{ReadOnly: true}); err != nil {
			return err
		}
		for _, err := range s.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchEnvelope)}) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func logFind(_ context.Context, c *call) error {
	file := c.LogFile
	if file == "" {
		file = "standard error"
	}
	for _, kind := range []string{"Debug", "Info", "Warning", "Error", "Fatal"} {
		fmt.Fprintf(c.Stdout, "%s: %s\n", kind, file)
	}
	return nil
}

var complaint = regexp.MustCompile(`\b(warning|error|fatal|panic|Error|Fatal|Panic|Warning): `)

// logErrors prints the lines of the log that tell of something wrong, the last thousand of them.
func logErrors(_ context.Context, c *call) error {
	if c.LogFile == "" {
		return fatalf(exitTemp, "the log goes to standard error: set maillog_file")
	}
	f, err := os.Open(c.LogFile)
	if err != nil {
		return fatalf(exitTemp, "%v", err)
	}
	defer f.Close()
	var last []string
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if complaint.MatchString(sc.Text()) {
			last = append(last, sc.Text())
			if len(last) > 1000 {
				last = last[1:]
			}
		}
	}
	for _, l := range last {
		fmt.Fprintln(c.Stdout, l)
	}
	return sc.Err()
}
