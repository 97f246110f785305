package imapserver

import (
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// eval reports whether the message in s.msg matches.
func (s *search) eval(n *node) (bool, error) {
	switch n.op {
	case imap.SearchAnd, imap.SearchFuzzy:
		for _, k := range n.kids {
			if ok, err := s.eval(k); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case imap.SearchOr:
		for _, k := range n.kids {
			if ok, err := s.eval(k); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case imap.SearchNot:
		ok, err := s.eval(n.kids[0])
		return !ok && err == nil, err
	}
	if n.cost == costRecord {
		return s.evalRecord(n), nil
	}
	ok, err := s.evalContent(n)
	if errors.Is(err, mail.ErrExpunged) {
		return false, nil // gone since: it matches nothing
	}
	return ok, err
}

// evalRecord decides by what the mailbox knows of the message.
func (s *search) evalRecord(n *node) bool {
	m := s.msg.m
	switch n.op {
	case imap.SearchAll:
		return true
	case imap.SearchSeq, imap.SearchUID, imap.SearchRecent:
		return n.set.Contains(m.UID)
	case imap.SearchOld:
		return !n.set.Contains(m.UID)
	case imap.SearchNew:
		return m.Flags.System&mail.Seen == 0 && n.set.Contains(m.UID)
	case imap.SearchAnswered, imap.SearchDeleted, imap.SearchDraft, imap.SearchFlagged, imap.SearchSeen:
		return m.Flags.System&n.system != 0
	case imap.SearchUnanswered, imap.SearchUndeleted, imap.SearchUndraft, imap.SearchUnflagged, imap.SearchUnseen:
		return m.Flags.System&n.system == 0
	case imap.SearchKeyword:
		return m.Flags.Has(n.field)
	case imap.SearchUnkeyword:
		return !m.Flags.Has(n.field)
	case imap.SearchLarger:
		return m.Size > n.num
	case imap.SearchSmaller:
		return m.Size < n.num
	case imap.SearchModSeq:
		return m.ModSeq >= mail.ModSeq(n.num)
	case imap.SearchEmailID:
		return string(m.GUID) == n.field
	case imap.SearchSaveDateSupported:
		return true
	case imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince:
		at := m.SaveDate
		if at.IsZero() {
			at = m.InternalDate // "MUST use the internal date attribute instead" (RFC 8514 section 4.3)
		}
		return matchDate(n, at)
	case imap.SearchOlder:
		return s.now.Sub(m.InternalDate) >= time.Duration(n.num)*time.Second
	case imap.SearchYounger:
		return s.now.Sub(m.InternalDate) <= time.Duration(n.num)*time.Second
	}
	return matchDate(n, m.InternalDate)
}

// matchDate compares days, "disregarding time and timezone" (RFC 9051 section 6.4.4): the day where the date was written.
func matchDate(n *node, t time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch n.op {
	case imap.SearchBefore, imap.SearchSentBefore, imap.SearchSavedBefore:
		return day.Before(n.date)
	case imap.SearchOn, imap.SearchSentOn, imap.SearchSavedOn:
		return day.Equal(n.date)
	case imap.SearchSince, imap.SearchSentSince, imap.SearchSavedSince:
		return !day.Before(n.date)
	}
	return false
}

// evalContent decides by the message's index or content.
func (s *search) evalContent(n *node) (bool, error) {
	if n.text != nil {
		return s.evalText(n)
	}
	if n.asked {
		return n.found.Contains(s.msg.m.UID), nil
	}
	return s.evalEnvelope(n)
}

// evalEnvelope decides by the message's envelope.
func (s *search) evalEnvelope(n *node) (bool, error) {
	env, err := s.msg.envelope()
	if err != nil {
		return false, err
	}
	switch n.op {
	case imap.SearchSentBefore, imap.SearchSentOn, imap.SearchSentSince:
		t, err := mime.ParseDate(env.Date.Value)
		return err == nil && matchDate(n, t), nil
	case imap.SearchThreadID:
		return env.ThreadID(string(s.msg.m.GUID)) == n.field, nil
	}
	return false, nil
}

// inAddresses looks at addresses in the form that people write them.
func (s *search) inAddresses(f *finder, list []mime.Address) bool {
	for i := range list {
		a := &list[i]
		var b strings.Builder
		b.WriteString(s.decodeText(a.Name))
		if a.Kind == mime.AddressMailbox {
			b.WriteString(" <")
			b.WriteString(a.Mailbox)
			b.WriteByte('@')
			b.WriteString(a.Host)
			b.WriteByte('>')
		}
		if f.in(b.String()) {
			return true
		}
	}
	return false
}
