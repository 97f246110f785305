package imapserver

import (
	"context"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// item writes one data item with its name.
func (f *fetch) item(item *imap.FetchItem, label string) error {
	e := f.c.enc
	switch item.Att {
	case imap.FetchFlags:
		e.Raw("FLAGS ").Flags(f.m.Flags, f.c.sel.isRecent(f.m.UID))
	case imap.FetchUID:
		e.Raw("UID ").Number(uint64(f.m.UID))
	case imap.FetchInternalDate:
		e.Raw("INTERNALDATE ").DateTime(f.m.InternalDate)
	case imap.FetchSize:
		e.Raw("RFC822.SIZE ").Number(uint64(f.m.Size))
	case imap.FetchModSeq:
		e.Raw("MODSEQ (").Number(uint64(f.m.ModSeq)).Raw(")")
	case imap.FetchSaveDate:
		e.Raw("SAVEDATE ")
		if f.m.SaveDate.IsZero() {
			e.Raw("NIL")
		} else {
			e.DateTime(f.m.SaveDate)
		}
	case imap.FetchEmailID:
		e.Raw("EMAILID (").Raw(string(f.m.GUID)).Raw(")")
	case imap.FetchThreadID:
		e.Raw("THREADID (").Raw(f.env.ThreadID(string(f.m.GUID))).Raw(")")
	case imap.FetchPreview:
		e.Raw("PREVIEW ").NString(f.preview(item))
	case imap.FetchEnvelope:
		e.Raw("ENVELOPE ")
		writeEnvelope(e, f.env)
	case imap.FetchBody:
		e.Raw("BODY ")
		writeStructure(e, f.index.Root, false)
	case imap.FetchBodyStructure:
		e.Raw("BODYSTRUCTURE ")
		writeStructure(e, f.index.Root, true)
	case imap.FetchBinary, imap.FetchBinarySize:
		return f.binary(item, label)
	default:
		e.Raw(label).SP()
		return f.section(item)
	}
	return nil
}

// preview returns the first words of a message; set is false when they are not at hand and need not be found (RFC 8970
// section 4.1).
func (f *fetch) preview(item *imap.FetchItem) (text string, set bool) {
	if f.index == nil {
		return "", !item.Lazy
	}
	return f.index.Preview, true
}

// section writes the content of a section as a literal, or NIL when there is no such section.
func (f *fetch) section(item *imap.FetchItem) error {
	switch item.Section.Spec {
	case imap.SectionFields, imap.SectionFieldsExcept:
		return f.headerFields(item)
	}
	span, ok := f.locate(item)
	if !ok {
		f.c.enc.Raw("NIL")
		return nil
	}
	if p := item.Partial; p != nil {
		from := min(int64(p.Offset), span.Size)
		span = mime.Span{Offset: span.Offset + from, Size: min(int64(p.Size), span.Size-from)}
	}
	f.c.enc.Literal(span.Size, io.NewSectionReader(f.body, span.Offset, span.Size), false)
	f.count(span.Size)
	return f.c.enc.Err()
}

// locate finds where a section lies.
func (f *fetch) locate(item *imap.FetchItem) (mime.Span, bool) {
	switch item.Att {
	case imap.FetchRFC822Header:
		return f.index.Locate(nil, mime.SectionHeader)
	case imap.FetchRFC822Text:
		return f.index.Locate(nil, mime.SectionText)
	case imap.FetchRFC822:
		return mime.Span{Size: f.body.Size()}, true
	}
	if isWhole(*item) {
		return mime.Span{Size: f.body.Size()}, true
	}
	part := partNumber(item)
	switch item.Section.Spec {
	case imap.SectionHeader, imap.SectionFields, imap.SectionFieldsExcept:
		return f.index.Locate(part, mime.SectionHeader)
	case imap.SectionText:
		return f.index.Locate(part, mime.SectionText)
	case imap.SectionMIME:
		return f.index.Locate(part, mime.SectionMIME)
	}
	return f.index.Locate(part, mime.SectionAll)
}

// partNumber returns a section's part number as package mime takes it.
func partNumber(item *imap.FetchItem) []uint32 {
	part := make([]uint32, len(item.Section.Part))
	for i, n := range item.Section.Part {
		part[i] = uint32(n)
	}
	return part
}

// count notes that a body or a piece of one was sent.
func (f *fetch) count(n int64) {
	f.c.end.Bodies++
	f.c.end.BodyBytes += n
}

// isWhole reports whether the item is BODY[].
func isWhole(i imap.FetchItem) bool {
	return i.Att == imap.FetchBodySection && i.Section.Spec == imap.SectionAll && len(i.Section.Part) == 0
}

func (f *fetch) openBody(ctx context.Context) (err error) {
	var body mail.Body
	if f.bodies != nil {
		body, err = f.bodies.Open(ctx, f.m.UID)
	} else {
		body, err = f.box.OpenBody(ctx, f.m.UID)
	}
	if err == nil {
		f.body = body
	}
	return err
}

func (f *fetch) closeBody() {
	if f.body != nil {
		_ = f.body.Close()
	}
}

// openIndex takes what the items need of the index that the store keeps, or makes one from the message.
func (f *fetch) openIndex(ctx context.Context) (err error) {
	switch {
	case f.needIndex || f.lazy && len(f.m.Index) > 0:
		f.index, err = mime.DecodeIndex(f.m.Index)
	case f.needEnv:
		f.env, err = f.envs.Decode(f.m.Index)
	default:
		return nil
	}
	if err != nil {
		if f.body == nil {
			if err := f.openBody(ctx); err != nil {
				return err
			}
		}
		if f.index, err = mime.BuildIndex(f.body, f.body.Size(), nil); err != nil {
			return err
		}
	}
	if f.index != nil {
		f.env = f.index.Root.Envelope
	}
	return nil
}
