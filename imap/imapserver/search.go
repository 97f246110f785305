package imapserver

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
	"github.com/buuta/mail/mime/searchtext"
)

// search is a SEARCH, SORT, THREAD or ESEARCH while it runs.
type search struct {
	c   *Conn
	cmd *command
	sel *selected // the mailbox that is searched; not the session's own where ESEARCH searches others

	now        time.Time
	fields     mail.Fields
	modSeq     bool // MODSEQ is among the keys
	live       bool // the program is kept to be asked of later messages too (RFC 5267)
	fuzzy      int  // FUZZY keys around the one that is compiled
	texts      int  // keys that look for text
	threadKeys bool // THREADID is among the keys
	root       *node
	words      []string // of the keys within FUZZY: what relevancy is about

	msg      searchMessage
	progress *progress
	texter   *searchtext.Extractor // nil until a message is read for its text
}

// handleSearch is SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 5032, RFC 7162 section 3.1.5).
func (c *Conn) handleSearch(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	d := c.dec
	d.SP()
	o := d.SearchOptions()
	key := d.SearchProgram()
	if err := d.CRLF(); err != nil {
		return err
	}
	if err := c.allowSearch(&o, &key, imap.CapContextSearch); err != nil {
		return err
	}
	return c.searchSelected(ctx, cmd, &o, &key, nil)
}

// searchSelected searches the selected mailbox and writes the result, in the order of by unless that is nil.
func (c *Conn) searchSelected(ctx context.Context, cmd *command, o *imap.SearchOptions, key *imap.SearchKey, by []imap.SortCriterion) error {
	if o.Update && c.sel.context(cmd.tag) != nil {
		return imap.Bad("Tag reuse") // RFC 5267 section 4.3
	}
	s := c.newSearch(cmd, c.sel)
	s.live = o.Update
	defer s.msg.close()
	r, err := s.find(ctx, key, o, by)
	if err != nil {
		if o.Save {
			c.sel.saved = mail.UIDSet{} // RFC 5182 section 2.1: a search that fails saves nothing
		}
		return err
	}
	if o.Save {
		c.sel.saved = savedResult(r, o)
	}
	if o.Update {
		c.keepContext(s, r)
	}
	return s.tell(ctx, r, o)
}

func (c *Conn) newSearch(cmd *command, sel *selected) *search {
	return &search{c: c, cmd: cmd, sel: sel, now: c.srv.now()}
}

// find does the search.
func (s *search) find(ctx context.Context, key *imap.SearchKey, o *imap.SearchOptions, by []imap.SortCriterion) (*result, error) {
	if err := s.prepare(ctx, key, o.Charset); err != nil {
		return nil, err
	}
	r := &result{}
	universe := s.root.narrow(s.sel.view.all())
	if by == nil {
		universe, s.cmd.limited = s.c.limitMessages(universe)
	} else {
		r.sorter = thread.NewSorter(by, s.decodeText)
		s.fields |= sortFields(by)
	}
	err := s.run(ctx, universe, func() error {
		m := s.msg.m
		r.add(m)
		if r.sorter != nil {
			_, err := s.addRow(r.sorter)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if needScores(o, by) {
		if err := s.score(ctx, r); err != nil {
			return nil, err
		}
	}
	if r.sorter != nil {
		r.order = r.sorter.Sorted()
	}
	return r, nil
}

// prepare compiles the program.
func (s *search) prepare(ctx context.Context, key *imap.SearchKey, charset string) (err error) {
	if err := checkCharset(charset); err != nil {
		return err
	}
	if err := s.expandFilters(ctx, key); err != nil {
		return err
	}
	if s.root, err = s.compile(key); err != nil {
		return err
	}
	if s.modSeq {
		s.c.enableCondStore()
	}
	return nil
}

// checkCharset refuses charsets that we don't know.
func checkCharset(name string) error {
	switch strings.ToUpper(name) {
	case "", "UTF-8", "US-ASCII":
		return nil
	}
	return &imap.Status{Type: imap.NO, Code: imap.CodeBadCharset, Arg: "(US-ASCII UTF-8)", Text: "Unknown charset."}
}

// run goes through the messages of universe and calls found for each that matches; it is then in s.msg.
func (s *search) run(ctx context.Context, universe mail.UIDSet, found func() error) error {
	universe, err := s.lookUp(ctx, universe)
	if err != nil {
		return err
	}
	s.progress = s.c.progress(s.cmd, universe.Count())
	for m, err := range s.sel.box.Messages(ctx, universe, s.fields) {
		if err != nil {
			return err
		}
		if err := s.progress.step(ctx, 1); err != nil {
			return err
		}
		s.msg.reset(ctx, s.sel.box, &m)
		ok, err := s.eval(s.root)
		if err == nil && ok {
			err = found()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// breathe stops a search that nobody waits for any more, within a message that takes long.
func (s *search) breathe(ctx context.Context) error { return s.progress.step(ctx, 0) }

// validSearchText refuses what is in no charset that we know.
func validSearchText(s string) error {
	if !utf8.ValidString(s) {
		return &imap.Status{Type: imap.NO, Code: imap.CodeBadCharset, Arg: "(US-ASCII UTF-8)", Text: "String is not UTF-8."}
	}
	return nil
}
