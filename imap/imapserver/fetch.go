package imapserver

import (
	"bytes"
	"context"
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// handleFetch is FETCH (RFC 9051 section 6.4.5, RFC 7162 section 3.1.4 and 3.2.6).
func (c *Conn) handleFetch(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	d := c.dec
	d.SP()
	set := d.SequenceSet()
	d.SP()
	f := &fetch{c: c, srv: c.srv, cmd: cmd, box: c.sel.box}
	f.items = d.FetchItems()
	if d.TrySP() {
		f.modifiers()
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if err := f.allowed(); err != nil {
		return err
	}
	f.plan()
	uids, err := c.resolve(cmd, set)
	if err != nil {
		return err
	}
	if uids, err = f.page(uids); err != nil {
		return err
	}
	if f.vanished {
		known := set.UIDs(max(c.sel.maxUID, 1))
		gone, _, err := c.changesSince(ctx, c.sel, f.since, known)
		if err != nil {
			return err
		}
		if !gone.Empty() {
			c.enc.Raw("* VANISHED (EARLIER) ").UIDSet(gone).CRLF()
		}
	}
	if f.setSeen && c.maySee(ctx) {
		if err := f.markSeen(ctx, uids); err != nil {
			return err
		}
	}
	return f.run(ctx, uids)
}

// fetch is a FETCH while it runs. Its buffers serve one message after the other.
type fetch struct {
	c     *Conn
	srv   *Server
	cmd   *command
	box   mail.Mailbox
	items []imap.FetchItem

	changed  bool        // CHANGEDSINCE was given
	since    mail.ModSeq // only messages changed after it
	vanished bool        // VANISHED
	partial  *imap.PartialRange

	fields    mail.Fields
	labels    []string // of items with a section
	needIndex bool     // the structure
	needEnv   bool     // the envelope, or what index has with it
	lazy      bool     // the structure where the store has it
	needBody  bool
	setSeen   bool
	showFlags bool // FLAGS is among the items

	nowSeen mail.UIDSet // \Seen was set by this command

	bodies mail.Bodies // nil: the store doesn't read ahead, or no body is wanted
	m      *mail.Message
	index  *mime.Index
	env    *mime.Envelope
	envs   mime.EnvelopeDecoder
	body   mail.Body
	header []byte // of the part headerOf, so that several HEADER.FIELDS read it once
	have   mime.Span
	out    []byte
	r      bytes.Reader
}

// modifiers reads "(CHANGEDSINCE n VANISHED)".
func (f *fetch) modifiers() {
	d := f.c.dec
	d.List(func() {
		switch word := d.Keyword(); {
		case word == "CHANGEDSINCE" && !f.c.isDisabled(imap.CapCondStore):
			d.SP()
			f.since, f.changed = mail.ModSeq(d.Number64()), true
		case word == "VANISHED" && f.c.qresync && f.cmd.uid:
			f.vanished = true
		case word == "PARTIAL" && f.cmd.uid && f.c.announces(imap.CapPartial):
			f.partialModifier()
		default:
			d.Fail(imap.Bad("Unknown FETCH modifier"))
		}
	})
	if f.vanished && !f.changed {
		d.Fail(imap.Bad("VANISHED needs CHANGEDSINCE"))
	}
}

// allowed refuses items of extensions that have been taken away.
func (f *fetch) allowed() error {
	for i := range f.items {
		var ext imap.Capability
		switch f.items[i].Att {
		case imap.FetchModSeq:
			ext = imap.CapCondStore
		case imap.FetchEmailID, imap.FetchThreadID:
			ext = imap.CapObjectID
		case imap.FetchSaveDate:
			ext = imap.CapSaveDate
		case imap.FetchPreview:
			ext = imap.CapPreview
		case imap.FetchBinary, imap.FetchBinarySize:
			ext = imap.CapBinary
		}
		if ext != "" && f.c.isDisabled(ext) {
			return imap.Bad("Unknown data item")
		}
	}
	return nil
}

// plan finds out what the items need.
func (f *fetch) plan() {
	hasUID, hasModSeq := false, false
	f.labels = make([]string, len(f.items))
	for i, item := range f.items {
		switch item.Att {
		case imap.FetchFlags:
			f.showFlags = true
			f.fields |= mail.FieldFlags
		case imap.FetchModSeq:
			f.fields |= mail.FieldFlags
			hasModSeq = true
		case imap.FetchInternalDate:
			f.fields |= mail.FieldDate
		case imap.FetchSaveDate:
			f.fields |= mail.FieldDate
		case imap.FetchEmailID:
			f.fields |= mail.FieldGUID
		case imap.FetchThreadID:
			f.fields |= mail.FieldGUID
			f.needEnv = true
		case imap.FetchSize:
			f.fields |= mail.FieldSize
		case imap.FetchUID:
			hasUID = true
		case imap.FetchEnvelope:
			f.needEnv = true
		case imap.FetchBody, imap.FetchBodyStructure:
			f.needIndex = true
		case imap.FetchPreview:
			f.needIndex, f.lazy = f.needIndex || !item.Lazy, true
			f.fields |= mail.FieldIndex
		case imap.FetchBinarySize:
			f.needIndex, f.needBody = true, true
			f.labels[i] = item.Label()
		default:
			f.needBody = true
			f.needIndex = f.needIndex || item.Att != imap.FetchRFC822 && !isWhole(item)
			f.setSeen = f.setSeen || !item.Peek
			f.labels[i] = item.Label()
		}
	}
	if f.needIndex || f.needEnv {
		f.fields |= mail.FieldIndex
	}
	if hasModSeq || f.changed {
		f.c.enableCondStore()
	}
	if f.changed {
		f.fields |= mail.FieldFlags
	}
	if (f.cmd.uid || f.c.qresync) && !hasUID && !f.c.uidOnly {
		f.items = append([]imap.FetchItem{{Att: imap.FetchUID}}, f.items...)
		f.labels = append([]string{""}, f.labels...)
	}
	if !hasModSeq && (f.changed || f.showFlags && f.c.condStore) {
		f.items = append(f.items, imap.FetchItem{Att: imap.FetchModSeq})
		f.labels = append(f.labels, "")
	}
}

// markSeen sets \Seen on all messages at once, before their bodies go out: so the flag change costs one commit, and the
// responses can tell of it (RFC 9051 section 6.4.5).
func (f *fetch) markSeen(ctx context.Context, uids mail.UIDSet) error {
	var unseen mail.UIDSet
	for m, err := range f.c.sel.box.Messages(ctx, uids, mail.FieldFlags) {
		if err != nil {
			return err
		}
		if m.Flags.System&mail.Seen == 0 && (!f.changed || m.ModSeq > f.since) {
			unseen.Add(m.UID)
		}
	}
	if unseen.Empty() {
		return nil
	}
	res, err := f.c.sel.box.SetFlags(ctx, unseen, mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.Flags{System: mail.Seen}})
	if errors.Is(err, mail.ErrReadOnly) {
		return nil
	}
	if err != nil {
		return err
	}
	f.nowSeen = res.Changed
	f.fields |= mail.FieldFlags
	f.c.sel.told, f.c.sel.toldAt = res.Changed, res.ModSeq
	return nil
}

// run writes the responses.
func (f *fetch) run(ctx context.Context, uids mail.UIDSet) error {
	sel := f.c.sel
	if r, ok := sel.box.(mail.BodyReader); ok && f.needBody {
		f.bodies = r.ReadBodies(ctx, uids)
		defer f.bodies.Close()
	}
	n := 0
	for m, err := range sel.box.Messages(ctx, uids, f.fields) {
		if err != nil {
			return err
		}
		n++
		if f.changed && m.ModSeq <= f.since {
			continue
		}
		seq, ok := sel.view.seq(m.UID)
		if !ok {
			continue
		}
		err = f.message(ctx, seq, &m)
		if errors.Is(err, mail.ErrExpunged) {
			n--
			continue
		}
		if err != nil {
			return err
		}
		if err := f.c.enc.Err(); err != nil {
			return err
		}
	}
	if n < uids.Count() && !f.cmd.uid {
		return mail.ErrExpunged
	}
	return nil
}

// message writes one FETCH response. What can fail is opened before the first octet.
func (f *fetch) message(ctx context.Context, seq uint32, m *mail.Message) error {
	f.m, f.index, f.env, f.body, f.have = m, nil, nil, nil, mime.Span{}
	defer f.closeBody()
	if f.needBody {
		if err := f.openBody(ctx); err != nil {
			return err
		}
	}
	if err := f.openIndex(ctx); err != nil {
		return err
	}
	for i := range f.items {
		if f.unknownEncoding(&f.items[i]) {
			return imap.No(imap.CodeUnknownCTE, "Content-Transfer-Encoding is not known.")
		}
	}
	sel := f.c.sel
	if f.fields&mail.FieldFlags != 0 && sel.addKeywords(m.Flags.Keywords) {
		f.c.tellFlags(sel)
	}
	e := f.c.beginFetch(seq, m.UID)
	for i := range f.items {
		if i > 0 {
			e.SP()
		}
		if err := f.item(&f.items[i], f.labels[i]); err != nil {
			return err
		}
	}
	if !f.showFlags && f.nowSeen.Contains(m.UID) {
		e.Raw(" FLAGS ").Flags(m.Flags, sel.isRecent(m.UID))
		if f.c.condStore {
			e.Raw(" MODSEQ (").Number(uint64(m.ModSeq)).Raw(")")
		}
	}
	e.Raw(")").CRLF()
	return nil
}
