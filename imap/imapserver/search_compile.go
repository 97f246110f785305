package imapserver

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime/searchtext"
)

// node is a search key made ready: sets resolved, texts folded, children with the cheap ones first.
type node struct {
	op     imap.SearchOp
	kids   []*node
	cost   int
	set    mail.UIDSet
	system mail.SystemFlags
	field  string
	query  mail.TextQuery    // of keys that look for text
	text   *searchtext.Query // query made ready
	found  mail.UIDSet       // with asked: where the store has found it
	asked  bool
	num    int64
	date   time.Time
	fuzzy  bool // within FUZZY (RFC 6203)
}

// What evaluating a key costs, roughly: a look at the message's record, at its index, at its header, at all of it.
const (
	costRecord = iota
	costIndex
	costHeader
	costBody
)

// compile makes a search key ready and notes which fields of messages it needs.
func (s *search) compile(k *imap.SearchKey) (*node, error) {
	n := &node{op: k.Op, field: k.Field, num: int64(k.Num), date: k.Date}
	if err := validSearchText(k.Value); err != nil {
		return nil, err
	}
	if k.Op == imap.SearchFuzzy {
		s.fuzzy++
		defer func() { s.fuzzy-- }()
	}
	if n.fuzzy = s.fuzzy > 0; n.fuzzy && isTextKey(k.Op) && k.Value != "" {
		s.words = append(s.words, strings.Fields(k.Value)...)
	}
	for i := range k.Keys {
		kid, err := s.compile(&k.Keys[i])
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
		n.cost = max(n.cost, kid.cost)
	}
	slices.SortStableFunc(n.kids, func(a, b *node) int { return cmp.Compare(a.cost, b.cost) })
	sel := s.sel
	switch k.Op {
	case imap.SearchSeq, imap.SearchUID:
		n.set = s.resolve(k)
	case imap.SearchUIDAfter, imap.SearchUIDBefore:
		n.op, n.set = imap.SearchUID, uidSide(k)
	case imap.SearchAnswered, imap.SearchUnanswered:
		n.system = mail.Answered
	case imap.SearchDeleted, imap.SearchUndeleted:
		n.system = mail.Deleted
	case imap.SearchDraft, imap.SearchUndraft:
		n.system = mail.Draft
	case imap.SearchFlagged, imap.SearchUnflagged:
		n.system = mail.Flagged
	case imap.SearchSeen, imap.SearchUnseen, imap.SearchNew:
		n.system = mail.Seen
		n.set = sel.recent
	case imap.SearchKeyword, imap.SearchUnkeyword:
		s.fields |= mail.FieldFlags
	case imap.SearchRecent, imap.SearchOld:
		n.set = sel.recent
	case imap.SearchBefore, imap.SearchOn, imap.SearchSince, imap.SearchOlder, imap.SearchYounger:
		s.fields |= mail.FieldDate
	case imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince:
		s.fields |= mail.FieldDate
	case imap.SearchEmailID:
		s.fields |= mail.FieldGUID
	case imap.SearchThreadID:
		s.threadKeys = true
		s.fields |= mail.FieldGUID
		if _, ok := s.sel.box.(mail.ThreadSearcher); !ok {
			s.fields |= mail.FieldIndex
		}
		n.cost = costIndex
	case imap.SearchLarger, imap.SearchSmaller:
		s.fields |= mail.FieldSize
	case imap.SearchModSeq:
		s.fields |= mail.FieldFlags
		s.modSeq = true
	case imap.SearchSentBefore, imap.SearchSentOn, imap.SearchSentSince:
		s.fields |= mail.FieldIndex
		n.cost = costIndex
	}
	if isTextKey(k.Op) {
		s.compileText(n, k)
	}
	if s.texts > s.c.srv.limits(true).SearchTexts {
		return nil, &imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Too many keys that read messages."}
	}
	if n.system != 0 {
		s.fields |= mail.FieldFlags
	}
	return n, nil
}

// uidSide returns the UIDs after or before the one that the key names (RFC 9738 section 3.2).
func uidSide(k *imap.SearchKey) mail.UIDSet {
	u := mail.UID(k.Num)
	switch {
	case k.Op == imap.SearchUIDAfter && u < mail.MaxUID:
		return mail.UIDRangeSet(u+1, mail.MaxUID)
	case k.Op == imap.SearchUIDBefore && u > 1:
		return mail.UIDRangeSet(1, u-1)
	}
	return mail.UIDSet{}
}

// resolve turns a set into the UIDs it names. Numbers that no message has match nothing: unlike FETCH, SEARCH asks which
// messages there are.
func (s *search) resolve(k *imap.SearchKey) mail.UIDSet {
	v := &s.sel.view
	switch {
	case k.Set.Saved:
		return s.sel.saved
	case k.Op == imap.SearchUID && s.live:
		return k.Set.UIDs(mail.MaxUID) // messages to come are meant too
	case k.Op == imap.SearchUID:
		return v.intersect(k.Set.UIDs(max(v.last(), 1)))
	case v.count() == 0:
		return mail.UIDSet{}
	}
	var seqs imap.SeqSet
	inside := intersection(k.Set.UIDs(mail.UID(v.count())), mail.UIDRangeSet(1, mail.UID(v.count())))
	for _, r := range inside.Ranges() {
		seqs.AddRange(uint32(r.First), uint32(r.Last))
	}
	return v.uids(seqs)
}

// compileText makes a key ready that looks for text.
func (s *search) compileText(n *node, k *imap.SearchKey) {
	n.query = textQuery(k, n.fuzzy)
	n.text = searchtext.NewQuery(n.query)
	s.texts++
	if n.cost = costBody; n.text.HeaderOnly() {
		n.cost = costHeader
	}
	if _, ok := s.sel.box.(mail.TextSearcher); !ok {
		s.fields |= mail.FieldIndex
	}
}

// narrow returns those UIDs of all that can match as far as sets alone decide.
func (n *node) narrow(all mail.UIDSet) mail.UIDSet {
	if n.asked {
		return intersection(all, n.found)
	}
	switch n.op {
	case imap.SearchSeq, imap.SearchUID, imap.SearchRecent:
		return intersection(all, n.set)
	case imap.SearchAnd, imap.SearchFuzzy:
		for _, k := range n.kids {
			all = k.narrow(all)
		}
	}
	return all
}
