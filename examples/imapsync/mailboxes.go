package main

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// pair is a mailbox of the source and what it becomes.
type pair struct {
	from, to string
	uses     []mail.SpecialUse
	missing  bool // there
	follow   bool // it is subscribed
}

// pairs finds out which mailbox becomes which.
func (s *syncer) pairs(ctx context.Context) ([]pair, error) {
	there, err := list(ctx, s.to)
	if err != nil {
		return nil, err
	}
	here, err := list(ctx, s.from)
	if err != nil {
		return nil, err
	}
	sourcePrefix, err := prefix(ctx, s.from)
	if err != nil {
		return nil, err
	}
	targetPrefix, err := prefix(ctx, s.to)
	if err != nil {
		return nil, err
	}
	separator := "/"
	byUse := map[mail.SpecialUse]string{}
	names := map[string]bool{}
	for _, l := range there {
		names[l.Name] = true
		if l.Delimiter != 0 {
			separator = string(l.Delimiter)
		}
		for _, u := range l.Use() {
			if byUse[u] == "" && l.Selectable() {
				byUse[u] = l.Name
			}
		}
	}
	var out []pair
	taken := map[string]bool{}
	for _, l := range here {
		// What shows messages that lie elsewhere, too, would double them.
		if !l.Selectable() || slices.Contains(l.Use(), mail.UseAll) || slices.Contains(l.Use(), mail.UseFlagged) {
			continue
		}
		p := pair{from: l.Name, to: strings.TrimPrefix(l.Name, sourcePrefix), uses: l.Use(), follow: l.Has(`\Subscribed`)}
		if l.Delimiter != 0 && separator != string(l.Delimiter) {
			p.to = strings.ReplaceAll(strings.ReplaceAll(p.to, separator, "_"), string(l.Delimiter), separator)
		}
		if strings.EqualFold(l.Name, "INBOX") {
			p.to = "INBOX"
		} else {
			p.to = targetPrefix + p.to
		}
		for _, u := range p.uses {
			if byUse[u] != "" && !taken[byUse[u]] {
				p.to = byUse[u]
				break
			}
		}
		for taken[p.to] {
			p.to += "_"
		}
		taken[p.to] = true
		p.missing = p.to != "INBOX" && !names[p.to]
		out = append(out, p)
	}
	return out, nil
}

// prefix returns what the names of the user's own mailboxes begin with: "INBOX." on Courier and some Cyrus.
func prefix(ctx context.Context, c *imapclient.Client) (string, error) {
	all, err := c.Namespaces(ctx)
	for _, n := range all {
		if n.Kind == mail.PersonalNamespace {
			return n.Prefix, err
		}
	}
	return "", err
}

func list(ctx context.Context, c *imapclient.Client) (out []*imap.ListData, err error) {
	for l, err := range c.List(ctx, nil) {
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// ensure makes the mailbox there.
func (s *syncer) ensure(ctx context.Context, p *pair) error {
	if p.missing {
		if _, err := s.to.Create(ctx, p.to, p.uses...); err != nil {
			if there, lerr := s.there(ctx, p.to); lerr != nil || !there {
				return err
			}
		}
	}
	if p.follow {
		if err := s.to.Subscribe(ctx, p.to); err != nil && !imapclient.Refused(err) {
			return err
		}
	}
	return nil
}

// there tells whether the mailbox has appeared since the mailboxes were listed: another session made it, or the one of a run that was
// killed. Not every server says so with ALREADYEXISTS.
func (s *syncer) there(ctx context.Context, name string) (bool, error) {
	all, err := list(ctx, s.to)
	return slices.ContainsFunc(all, func(l *imap.ListData) bool { return l.Name == name && l.Selectable() }), err
}
