package imapserver

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime/searchtext"
)

// hasFuzzy reports whether FUZZY is in the program.
func hasFuzzy(key *imap.SearchKey) bool {
	return eachKey(key, func(k *imap.SearchKey) error {
		if k.Op == imap.SearchFuzzy {
			return errFound
		}
		return nil
	}) != nil
}

var errFound = errors.New("found")

// isTextKey reports whether a key looks for text.
func isTextKey(op imap.SearchOp) bool {
	switch op {
	case imap.SearchBcc, imap.SearchBody, imap.SearchCc, imap.SearchFrom, imap.SearchHeader, imap.SearchSubject, imap.SearchText,
		imap.SearchTo:
		return true
	}
	return false
}

// needScores reports whether the answer or its order needs relevancy scores.
func needScores(o *imap.SearchOptions, by []imap.SortCriterion) bool {
	return o.Relevancy || slices.ContainsFunc(by, func(c imap.SortCriterion) bool { return c.Key == imap.SortRelevancy })
}

// score gives each message that was found its relevancy, 1 to 100: most for a subject that begins with what was looked for,
// less for one that holds it or some of it, or for addresses, least for what only the text holds.
func (s *search) score(ctx context.Context, r *result) error {
	r.scores = make(map[mail.UID]uint8, r.n)
	finders := make([]*finder, len(s.words))
	for i, w := range s.words {
		finders[i] = newFinder(w)
	}
	for m, err := range s.sel.box.Messages(ctx, r.uids, mail.FieldIndex) {
		if err != nil {
			return err
		}
		if err := s.progress.step(ctx, 0); err != nil {
			return err
		}
		s.msg.reset(ctx, s.sel.box, &m)
		n, err := s.scoreOf(finders)
		if err != nil {
			return err
		}
		r.scores[m.UID] = n
	}
	if r.sorter != nil {
		r.sorter.SetScores(r.scores)
	}
	return nil
}

// The scores of one word or phrase.
const (
	scoreSubjectStart = 100
	scoreSubject      = 80
	scoreAddress      = 60
	scoreText         = 25
)

func (s *search) scoreOf(finders []*finder) (uint8, error) {
	env, err := s.msg.envelope()
	if err != nil {
		return 1, ignoreExpunged(err)
	}
	subject := s.decodeText(env.Subject.Value)
	total := 0
	for _, f := range finders {
		switch {
		case f.in(subject):
			total += scoreSubject
			if bytes.HasPrefix(searchtext.Fold(subject), f.needle) {
				total += scoreSubjectStart - scoreSubject
			}
		case s.inAddresses(f, env.From), s.inAddresses(f, env.To), s.inAddresses(f, env.Cc):
			total += scoreAddress
		default:
			total += scoreText
		}
	}
	return uint8(max(1, total/max(1, len(finders)))), nil
}

// scoresOf returns the scores of the messages that the answer names, in its order (RFC 6203 section 4).
func (r *result) scoresOf(o *imap.SearchOptions) []uint8 {
	a, b := 0, r.n
	if o.Partial != nil {
		a, b = o.Partial.Slice(r.n)
	}
	list, set := r.part(a, b)
	out := make([]uint8, 0, b-a)
	if list == nil {
		for u := range set.All() {
			out = append(out, r.scores[u])
		}
	}
	for _, u := range list {
		out = append(out, r.scores[u])
	}
	return out
}

// ignoreExpunged is for looks at a message that may have gone meanwhile: it then counts as one without content.
func ignoreExpunged(err error) error {
	if errors.Is(err, mail.ErrExpunged) {
		return nil
	}
	return err
}
