package doveadm

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// everyBranch reports whether a query names mailboxes whichever way it matches.
func (q *query) everyBranch() bool {
	switch q.op {
	case "mailbox", "guid":
		return true
	case "and":
		return slices.ContainsFunc(q.kids, (*query).everyBranch)
	case "or":
		return !slices.ContainsFunc(q.kids, func(k *query) bool { return !k.everyBranch() })
	}
	return false
}

// names are the mailboxes that a query names in full.
func (q *query) names() (out []string) {
	if q.op == "mailbox" && !strings.ContainsAny(q.box, "*?%") {
		return []string{q.box}
	}
	for _, k := range q.kids {
		out = append(out, k.names()...)
	}
	return out
}

// in is what is left of a query in one mailbox: a search, or the answer for all messages.
func (q *query) in(name, guid string) (key *imap.SearchKey, always bool) {
	switch q.op {
	case "mailbox":
		ok, _ := path.Match(strings.ReplaceAll(q.box, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
		return nil, ok || q.box == name || strings.EqualFold(q.box, "INBOX") && name == "INBOX"
	case "guid":
		return nil, q.box == guid
	case "key":
		return &q.key, false
	case "not":
		k, always := q.kids[0].in(name, guid)
		if k == nil {
			return nil, !always
		}
		return &imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{*k}}, false
	}
	var keys []imap.SearchKey
	for _, kid := range q.kids {
		k, always := kid.in(name, guid)
		switch {
		case k != nil:
			keys = append(keys, *k)
		case always == (q.op == "or"): // this one decides
			return nil, always
		}
	}
	switch {
	case len(keys) == 0:
		return nil, q.op == "and"
	case len(keys) == 1:
		return &keys[0], false
	case q.op == "and":
		return &imap.SearchKey{Op: imap.SearchAnd, Keys: keys}, false
	}
	or := keys[len(keys)-1]
	for i := len(keys) - 2; i >= 0; i-- {
		or = imap.SearchKey{Op: imap.SearchOr, Keys: []imap.SearchKey{keys[i], or}}
	}
	return &or, false
}

// searchable are a user's mailboxes that hold messages.
func (s *session) searchable(ctx context.Context) (out []*imap.ListData, err error) {
	for l, err := range s.List(ctx, &imapclient.ListOptions{Status: imap.StatusMailboxID}) {
		if err != nil {
			return nil, err
		}
		if l.Selectable() {
			out = append(out, l)
		}
	}
	return out, nil
}

func guidOf(l *imap.ListData) string {
	if l.Status == nil {
		return ""
	}
	return string(l.Status.MailboxID)
}

// found selects each mailbox in which a query matches something and gives the messages.
func (c *call) found(ctx context.Context, s *session, readOnly bool, f func(box, guid string, uids mail.UIDSet) error) error {
	boxes, err := s.searchable(ctx)
	if err != nil {
		return err
	}
	for _, name := range c.query.names() {
		if !slices.ContainsFunc(boxes, func(l *imap.ListData) bool {
			return l.Name == name || strings.EqualFold(name, "INBOX") && l.Name == "INBOX"
		}) {
			c.fail(s.user, exitNotFound, "Couldn't get mailbox '%s' GUID: Mailbox doesn't exist: %s", name, name)
			return nil
		}
	}
	for _, l := range boxes {
		key, always := c.query.in(l.Name, guidOf(l))
		if key == nil && !always {
			continue
		}
		if key == nil {
			key = &imap.SearchKey{Op: imap.SearchAll}
		}
		if _, err := s.Select(ctx, l.Name, &imapclient.SelectOptions{ReadOnly: readOnly}); err != nil {
			c.fail(s.user, statusOf(err), "Can't open mailbox '%s': %s", l.Name, because(err, l.Name))
			continue
		}
		r, err := s.Search(ctx, *key, nil)
		if err != nil {
			return err
		}
		if r.UIDs.Empty() {
			continue
		}
		if err := f(l.Name, guidOf(l), r.UIDs); err != nil {
			return err
		}
	}
	return nil
}
