package imapclient

import (
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// Message is what a server tells of a message: the items that were asked for, and those it adds by itself.
type Message struct {
	Seq          uint32   // sequence number at that moment
	UID          mail.UID // 0 where the server hasn't said
	Has          Has      // which of the fields below are set
	Flags        mail.Flags
	Recent       bool // \Recent (IMAP4rev1)
	ModSeq       mail.ModSeq
	InternalDate time.Time
	SaveDate     time.Time // zero where the server doesn't know (RFC 8514)
	Size         int64     // octets
	Envelope     *mime.Envelope
	Structure    *mime.Part // BODYSTRUCTURE or BODY; of its spans only Body.Size is known
	EmailID      mail.GUID  // RFC 8474
	ThreadID     string     // RFC 8474; "" for none
	Preview      string     // RFC 8970; "" for none
	Sections     []Section
	Extra        []imap.Extended // items that aren't known here, as they came: X-GM-MSGID, …

	// Body is the content of the section that is streamed (see FetchOptions.Stream), nil if there is none. It can be read until
	// the loop goes on.
	Body *Body
}

// Has says which fields of a [Message] a server has told.
type Has uint16

// The fields.
const (
	HasFlags Has = 1 << iota
	HasModSeq
	HasInternalDate
	HasSaveDate
	HasSize
	HasEnvelope
	HasStructure
	HasEmailID
	HasThreadID
	HasPreview
	hasUID
	hasSection
)

// Section is a piece of a message's content.
type Section struct {
	Item imap.FetchItem // as the server names it: BODY[…], BINARY[…], RFC822, …; of Partial only Offset is known
	NIL  bool           // there is no such section
	Data []byte         // nil also for a section that is streamed
	Size int64          // octets; of BINARY.SIZE what it says
}

// Section returns the content of a section of BODY[…] or BINARY[…]: the whole message for the zero Section. ok is false when it
// isn't there.
func (m *Message) Section(s imap.Section) (data []byte, ok bool) {
	want := strings.ToUpper(s.String())
	for i := range m.Sections {
		got := &m.Sections[i]
		if got.Item.Att != imap.FetchBinarySize && !got.NIL && strings.ToUpper(got.Item.Section.String()) == want {
			return got.Data, true
		}
	}
	return nil, false
}

// field returns the body of a header field that was fetched, unfolded; "" when it isn't there.
func (m *Message) field(name string) string {
	for i := range m.Sections {
		if s := &m.Sections[i]; s.Item.Section.Spec == imap.SectionFields || s.Item.Section.Spec == imap.SectionHeader {
			if v := mime.ParseHeader(s.Data, nil).Get(name); v != "" {
				return v
			}
		}
	}
	return ""
}

// add takes over what came behind the section that was streamed.
func (m *Message) add(b *Body) {
	b.mu.Lock()
	t := b.tail
	b.tail = nil
	b.mu.Unlock()
	if t != nil {
		m.merge(t)
	}
}

// merge takes over what another response says of the same message.
func (m *Message) merge(t *Message) {
	has := func(h Has) bool { return t.Has&h != 0 }
	if has(hasUID) {
		m.UID = t.UID
	}
	if has(HasFlags) {
		m.Flags, m.Recent = t.Flags, t.Recent
	}
	if has(HasModSeq) {
		m.ModSeq = t.ModSeq
	}
	if has(HasInternalDate) {
		m.InternalDate = t.InternalDate
	}
	if has(HasSaveDate) {
		m.SaveDate = t.SaveDate
	}
	if has(HasSize) {
		m.Size = t.Size
	}
	if has(HasEnvelope) {
		m.Envelope = t.Envelope
	}
	if has(HasStructure) {
		m.Structure = t.Structure
	}
	if has(HasEmailID) {
		m.EmailID = t.EmailID
	}
	if has(HasThreadID) {
		m.ThreadID = t.ThreadID
	}
	if has(HasPreview) {
		m.Preview = t.Preview
	}
	m.Has |= t.Has
	m.Sections, m.Extra = append(m.Sections, t.Sections...), append(m.Extra, t.Extra...)
}

// Items returns fetch items for attributes that have no section.
func Items(atts ...imap.FetchAtt) []imap.FetchItem {
	out := make([]imap.FetchItem, len(atts))
	for i, a := range atts {
		out[i].Att = a
	}
	return out
}

// Peek returns the fetch item for a section, which doesn't set \Seen. The zero Section is the whole message.
func Peek(s imap.Section) imap.FetchItem {
	return imap.FetchItem{Att: imap.FetchBodySection, Section: s, Peek: true}
}

// Headers returns the fetch item for some header fields.
func Headers(names ...string) imap.FetchItem {
	return Peek(imap.Section{Spec: imap.SectionFields, Fields: names})
}

// PeekPart returns the fetch item for the body of a part, in its transfer encoding: PeekPart(1, 2) is BODY.PEEK[1.2].
func PeekPart(number ...int) imap.FetchItem { return Peek(imap.Section{Part: number}) }
