package imapserver

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleSearch is SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 5032, RFC 7162 section 3.1.5).
func (c *Conn) handleSearch(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	d := c.dec
	d.SP()
	opts := d.SearchOptions()
	key := d.SearchProgram()
	if err := d.CRLF(); err != nil {
		return err
	}
	if err := c.allowSearch(&opts, &key, imap.CapContextSearch); err != nil {
		return err
	}
	s := &search{c: c, now: c.srv.now()}
	if err := s.find(ctx, &key, opts.Charset); err != nil {
		if opts.Save {
			c.sel.saved = mail.UIDSet{} // RFC 5182 section 2.1: a search that fails saves nothing
		}
		return err
	}
	s.tell(cmd, &opts)
	return nil
}

// find does the search.
func (s *search) find(ctx context.Context, key *imap.SearchKey, charset string) error {
	switch strings.ToUpper(charset) {
	case "", "UTF-8", "US-ASCII":
	default:
		return &imap.Status{Type: imap.NO, Code: imap.CodeBadCharset, Arg: "(US-ASCII UTF-8)", Text: "Unknown charset."}
	}
	root, err := s.compile(key)
	if err != nil {
		return err
	}
	if s.modSeq {
		s.c.enableCondStore()
	}
	return s.run(ctx, root)
}

// hit is a message that was found.
type hit struct {
	uid    mail.UID
	modSeq mail.ModSeq
}

// run goes through the messages that the program's own sets leave over.
func (s *search) run(ctx context.Context, root *node) error {
	sel := s.c.sel
	universe := root.narrow(sel.view.all())
	defer s.msg.close()
	s.told = time.Now()
	for m, err := range sel.box.Messages(ctx, universe, s.fields) {
		if err != nil {
			return err
		}
		if err := s.breathe(ctx); err != nil {
			return err
		}
		s.msg.reset(ctx, sel.box, &m)
		ok, err := s.eval(root)
		if err != nil {
			return err
		}
		if ok {
			s.hits = append(s.hits, hit{m.UID, m.ModSeq})
		}
	}
	return nil
}

// breathe stops a search that nobody waits for any more. It can't read, because the client may have sent more and closed its
// half, but a word to a client that is gone comes back as an error; others are glad of a sign of life.
func (s *search) breathe(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(s.told) < wait(s.c.srv.Timeouts.Progress, 5*time.Second) {
		return nil
	}
	s.told = now
	s.c.enc.Status("*", &imap.Status{Type: imap.OK, Text: "Still searching."})
	return s.c.enc.Flush()
}

// tell writes the result.
func (s *search) tell(cmd *command, o *imap.SearchOptions) {
	c := s.c
	all := s.hits
	if o.Save {
		c.sel.saved = savedResult(all, o)
	}
	if o.Save && !o.Min && !o.Max && !o.All && !o.Count {
		return // only saved
	}
	if !o.Return && !c.rev2 {
		c.enc.Raw("* SEARCH")
		for _, h := range all {
			c.enc.SP().Number(uint64(s.number(cmd, h.uid)))
		}
		if s.modSeq && len(all) > 0 {
			c.enc.Raw(" (MODSEQ ").Number(uint64(highest(all))).Raw(")")
		}
		c.enc.CRLF()
		return
	}
	if !o.Return {
		o.All = true
	}
	c.enc.Raw("* ESEARCH (TAG ").String(cmd.tag).Raw(")")
	if cmd.uid {
		c.enc.Raw(" UID")
	}
	if n := len(all); n > 0 {
		if o.Min {
			c.enc.Raw(" MIN ").Number(uint64(s.number(cmd, all[0].uid)))
		}
		if o.Max {
			c.enc.Raw(" MAX ").Number(uint64(s.number(cmd, all[n-1].uid)))
		}
		if o.All {
			c.enc.Raw(" ALL ").Raw(s.numberSet(cmd))
		}
	}
	if o.Count {
		c.enc.Raw(" COUNT ").Number(uint64(len(all)))
	}
	if s.modSeq && len(all) > 0 {
		// Of the messages that are returned (RFC 4731 section 3.2).
		of := all
		if !o.All && !o.Count {
			of = nil
			if o.Min {
				of = append(of, all[0])
			}
			if o.Max {
				of = append(of, all[len(all)-1])
			}
		}
		c.enc.Raw(" MODSEQ ").Number(uint64(highest(of)))
	}
	c.enc.CRLF()
}

// number returns a message's number of the kind that the command has.
func (s *search) number(cmd *command, u mail.UID) uint32 {
	if cmd.uid {
		return uint32(u)
	}
	n, _ := s.c.sel.view.seq(u)
	return n
}

func (s *search) numberSet(cmd *command) string {
	var set imap.SeqSet
	for _, h := range s.hits {
		set.Add(s.number(cmd, h.uid))
	}
	return set.String()
}

// savedResult is what "$" stands for afterwards: everything, unless only the first and last were asked for (RFC 5182
// section 2.1).
func savedResult(all []hit, o *imap.SearchOptions) mail.UIDSet {
	var set mail.UIDSet
	only := (o.Min || o.Max) && !o.All && !o.Count
	for i, h := range all {
		if !only || o.Min && i == 0 || o.Max && i == len(all)-1 {
			set.Add(h.uid)
		}
	}
	return set
}

func highest(hits []hit) (m mail.ModSeq) {
	for _, h := range hits {
		m = max(m, h.modSeq)
	}
	return m
}

// validSearchText refuses what is in no charset that we know.
func validSearchText(s string) error {
	if !utf8.ValidString(s) {
		return &imap.Status{Type: imap.NO, Code: imap.CodeBadCharset, Arg: "(US-ASCII UTF-8)", Text: "String is not UTF-8."}
	}
	return nil
}
