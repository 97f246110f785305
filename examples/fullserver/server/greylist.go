package server

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/hostlist"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/greylist"
)

// greylister sends strangers away once, with postgrey's words in replies and log.
type greylister struct {
	s       *Server
	d       *door
	list    *greylist.List
	clients *hostlist.List // that are not greylisted
}

// greylister makes that of a door; nil where there is none. All doors share the list.
func (s *Server) greylister(d *door) (*greylister, error) {
	g := &d.set.Greylist
	if !g.On {
		return nil, nil
	}
	if s.greylist == nil {
		o := greylist.Options{Delay: g.Delay, RetryWindow: g.RetryWindow, MaxAge: g.MaxAge, AutoAllow: int(g.AutoAllow), ByHost: g.ByHost, Warn: s.warnOfTable}
		if g.AutoAllow == 0 {
			o.AutoAllow = -1
		}
		if g.File == "" {
			return nil, s.cfg.ErrorFor("greylist_file", errors.New("is empty"))
		}
		if err := s.makeDir("greylist_file", filepath.Dir(g.File)); err != nil {
			return nil, err
		}
		l, err := greylist.Open(g.File, o)
		if err != nil {
			return nil, s.cfg.ErrorFor("greylist_file", err)
		}
		s.onClose(func() {
			if err := l.Close(); err != nil {
				s.warnOfTable(err)
			}
		})
		s.greylist = l
	}
	clients, err := s.hostList(d, "greylist_exceptions", g.Exceptions)
	if err != nil {
		return nil, err
	}
	return &greylister{s, d, s.greylist, clients}, nil
}

// ask is the intake's: a reply for who has to come back, or a header field for who did.
func (g *greylister) ask(c *smtp.Conn, sender, recipient string) (field string, r *mail.Reply) {
	ip := ipOf(c.RemoteAddr())
	if !ip.IsValid() {
		return "", nil
	}
	say := func(action, reason string) {
		name := c.ClientName()
		if name == "" {
			name = "unknown"
		}
		line := "action=" + action + ", reason=" + reason + ", client_name=" + name + ", client_address=" + ip.String()
		if sender != "" {
			line += ", sender=" + sender
		}
		g.s.log.Print("postgrey", line, ", recipient="+recipient)
	}
	switch {
	case g.clients.Has(c.ClientName(), ip):
		say("pass", "client whitelist")
		return "", nil
	case exempt(g.d.set.Greylist.ForAllOf, recipient):
		say("pass", "recipient whitelist")
		return "", nil
	}
	v := g.list.Check(ip, sender, recipient)
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Round(time.Second).Seconds())) }
	switch {
	case v.Known:
		say("pass", "client AWL")
	case v.Wait > 0:
		why := "new"
		if !v.New {
			why = "early-retry (" + seconds(v.Wait) + "s missing)"
		}
		say("greylist", why)
		_, domain, _ := strings.Cut(recipient, "@")
		text := strings.NewReplacer("%s", seconds(v.Wait), "%r", domain).Replace(g.d.set.Greylist.Text)
		return "", mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "<"+recipient+">: Recipient address rejected: "+text)
	case v.Delayed > 0:
		say("pass", "triplet found, delay="+seconds(v.Delayed))
		now := time.Now()
		if g.s.opts.Now != nil {
			now = g.s.opts.Now()
		}
		return strings.NewReplacer("%t", seconds(v.Delayed), "%h", g.d.set.MyHostname, "%d", now.Format(time.RFC1123Z)).Replace(g.d.set.Greylist.Header), nil
	default:
		say("pass", "triplet found")
	}
	return "", nil
}

// exempt reports whether a recipient is in a list of user@domain, user@ and domain, an extension of the user left out.
func exempt(list []string, recipient string) bool {
	user, domain, _ := strings.Cut(strings.ToLower(recipient), "@")
	plain, _, _ := strings.Cut(user, "+")
	for _, e := range list {
		u, d, address := strings.Cut(strings.ToLower(e), "@")
		switch {
		case !address && (domain == u || strings.HasSuffix(domain, "."+u)),
			address && (u == user || u == plain) && (d == "" || d == domain):
			return true
		}
	}
	return false
}
