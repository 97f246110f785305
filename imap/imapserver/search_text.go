package imapserver

import (
	"bytes"
	"context"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// textQuery returns what a key that looks for text asks. FROM, SUBJECT and their like are searches of that header field.
func textQuery(k *imap.SearchKey, fuzzy bool) mail.TextQuery {
	q := mail.TextQuery{In: mail.InHeader, Field: k.Field, Text: k.Value, Fuzzy: fuzzy}
	switch k.Op {
	case imap.SearchBody:
		q.In = mail.InBody
	case imap.SearchText:
		q.In = mail.InText
	case imap.SearchHeader:
	default:
		q.Field = string(k.Op)
	}
	return q
}

// storeSearch is what a store finds without a look at each message; nil is what it can't.
type storeSearch struct {
	texts   mail.TextSearcher
	threads mail.ThreadSearcher
}

func searchOf(box mail.Mailbox) (l storeSearch) {
	l.texts, _ = box.(mail.TextSearcher)
	l.threads, _ = box.(mail.ThreadSearcher)
	return l
}

// asks reports whether there is anything to ask the store.
func (s *search) asks(l storeSearch) bool {
	return l.texts != nil && s.texts > 0 || l.threads != nil && s.threadKeys
}

// lookUp has the store find the texts and threads that the program looks for, if it can, in the messages of universe, and returns those of
// them that are left over.
func (s *search) lookUp(ctx context.Context, universe mail.UIDSet) (mail.UIDSet, error) {
	l := searchOf(s.sel.box)
	if universe.Empty() || !s.asks(l) {
		return universe, nil
	}
	err := s.c.while(ctx, s.cmd, func(ctx context.Context) error { return s.root.lookUp(ctx, l, universe) })
	return s.root.narrow(universe), err
}

// forget drops what the store has found.
func (n *node) forget() {
	n.found, n.asked = mail.UIDSet{}, false
	for _, k := range n.kids {
		k.forget()
	}
}

// lookUp finds the texts and threads below n in the messages of in. Of keys that must all match, each is asked of what those before it leave over.
func (n *node) lookUp(ctx context.Context, l storeSearch, in mail.UIDSet) (err error) {
	switch {
	case n.text != nil && l.texts != nil:
		n.found, err = l.texts.SearchText(ctx, in, n.query)
		n.asked = err == nil
		return err
	case n.op == imap.SearchThreadID && l.threads != nil:
		n.found, err = l.threads.SearchThread(ctx, in, n.field)
		n.asked = err == nil
		return err
	}
	narrows := n.op == imap.SearchAnd || n.op == imap.SearchFuzzy
	for _, k := range n.kids {
		if err := k.lookUp(ctx, l, in); err != nil {
			return err
		}
		if narrows {
			in = k.narrow(in)
		}
	}
	return nil
}

// evalText decides by what the store has found, or else by the message itself.
func (s *search) evalText(n *node) (bool, error) {
	if n.asked {
		return n.found.Contains(s.msg.m.UID), nil
	}
	if n.text.Everything() {
		return true, nil
	}
	t, err := s.readText(n.text.HeaderOnly())
	return err == nil && n.text.Match(t), err
}

// readText reads the message's text, once for all keys, or that of its header.
func (s *search) readText(header bool) (searchtext.Text, error) {
	m := &s.msg
	if m.hasText || header && m.hasHeader {
		return m.text, nil
	}
	if err := m.openIndex(); err != nil {
		return m.text, err
	}
	if err := m.openBody(); err != nil {
		return m.text, err
	}
	if s.texter == nil {
		s.texter = &searchtext.Extractor{CharsetReader: s.c.srv.CharsetReader, Max: int(s.c.srv.limits(true).TextBytes)}
	}
	read := s.texter.Message
	if header {
		read = s.texter.Header
	}
	t, err := read(m.ctx, textSource{s, m.body}, m.index.Root)
	if err == nil {
		m.text, m.hasHeader, m.hasText = t, true, !header
	}
	return m.text, err
}

// textSource is a message that is being read for its text: the client is told now and then that this goes on.
type textSource struct {
	s *search
	r io.ReaderAt
}

func (t textSource) ReadAt(p []byte, off int64) (int, error) {
	if err := t.s.breathe(t.s.msg.ctx); err != nil {
		return 0, err
	}
	return t.r.ReadAt(p, off)
}

// decodeText decodes the encoded words of a header field.
func (s *search) decodeText(v string) string {
	return (&mime.TextDecoder{CharsetReader: s.c.srv.CharsetReader}).Decode(v)
}

// finder looks for one text in pieces of an envelope, folded as SEARCH does.
type finder struct{ needle []byte }

func newFinder(s string) *finder { return &finder{searchtext.Fold(s)} }

func (f *finder) empty() bool { return len(f.needle) == 0 }

// in reports whether the text is in s.
func (f *finder) in(s string) bool { return f.empty() || bytes.Contains(searchtext.Fold(s), f.needle) }
