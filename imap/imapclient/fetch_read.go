package imapclient

import (
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// streamFrom is the size above which a section is streamed when that was asked for.
const streamFrom = 4096

// readFetch reads a FETCH response behind its name (RFC 9051 section 7.5.2) and gives it to the command that it answers, or
// tells it as news. With UIDONLY uid comes in place of seq (RFC 9586 section 3.3).
func (c *Client) readFetch(seq uint32, uid mail.UID) {
	d := c.dec
	m := &Message{Seq: seq, UID: uid}
	if uid > 0 {
		m.Has |= hasUID
	}
	var owner *command // known before the end only for a message that is streamed
	var body *Body
	size := int64(len(d.Rest()))
	d.Special('(')
	for d.Err() == nil {
		for d.TrySP() {
		}
		if d.Try(')') {
			break
		}
		label := d.FetchLabel()
		d.SP()
		if d.Err() != nil {
			break
		}
		if owner != nil && body == nil { // the loop has m now
			body, m = m.Body, &Message{Seq: seq, UID: uid}
		}
		size += c.readItem(m, label, &owner)
	}
	if owner != nil {
		if c.spoil(owner); body != nil {
			body.mu.Lock()
			body.tail = m
			body.mu.Unlock()
		}
		return
	}
	c.mu.Lock()
	owner = c.owner(m)
	c.mu.Unlock()
	if owner != nil {
		if c.spoil(owner); d.Err() == nil {
			owner.fetch.push(m, size)
		}
	} else if d.Err() == nil {
		c.changeMailbox(hasNews)
		c.tell(MessageEvent{m})
	}
}

// readItem reads one item into m, and returns how many octets of it are held in memory besides the line.
func (c *Client) readItem(m *Message, label imap.FetchItem, owner **command) int64 {
	d := c.dec
	has := attribute(label.Att)
	switch label.Att {
	case imap.FetchUID:
		m.UID = mail.UID(d.NZNumber())
	case imap.FetchFlags:
		m.Flags, m.Recent, _ = d.FetchFlags()
	case imap.FetchModSeq:
		m.ModSeq = d.ModSeqItem()
	case imap.FetchInternalDate:
		m.InternalDate = d.FetchDate()
	case imap.FetchSaveDate:
		m.SaveDate = d.FetchDate()
	case imap.FetchSize:
		m.Size = int64(d.Number64())
	case imap.FetchEnvelope:
		m.Envelope = d.Envelope()
	case imap.FetchBody, imap.FetchBodyStructure:
		m.Structure = d.BodyStructure()
	case imap.FetchEmailID:
		m.EmailID = mail.GUID(strings.Trim(d.RawValue(), "()"))
	case imap.FetchThreadID:
		if m.ThreadID = strings.Trim(d.RawValue(), "()"); strings.EqualFold(m.ThreadID, "NIL") {
			m.ThreadID = ""
		}
	case "PREVIEW":
		m.Preview, _ = d.NString()
	case imap.FetchBinarySize:
		m.Sections = append(m.Sections, Section{Item: label, Size: int64(d.Number64())})
	case imap.FetchBodySection, imap.FetchBinary, imap.FetchRFC822, imap.FetchRFC822Header, imap.FetchRFC822Text:
		m.Has |= hasSection
		return c.readSection(m, label, owner)
	default:
		m.Extra = append(m.Extra, imap.Extended{Name: string(label.Att), Value: d.RawValue()})
		return 0
	}
	m.Has |= has
	return 0
}

// readSection reads a section's content, or lends it to a loop.
func (c *Client) readSection(m *Message, label imap.FetchItem, owner **command) int64 {
	d := c.dec
	s := Section{Item: label}
	if !d.PeekLiteral() {
		text, ok := d.NString()
		s.NIL, s.Data, s.Size = !ok, []byte(text), int64(len(text))
		m.Sections = append(m.Sections, s)
		return s.Size
	}
	l := d.Literal()
	s.Size = l.Size
	if l.Size > streamFrom && *owner == nil {
		c.mu.Lock()
		cmd := c.owner(m)
		c.mu.Unlock()
		if cmd != nil && cmd.fetch.stream && !(cmd.fetch.keep != nil && cmd.fetch.keep(label)) {
			*owner = cmd
			m.Sections = append(m.Sections, s)
			m.Body = &Body{size: l.Size, left: l.Size, r: d.OpenLiteral(l), done: make(chan struct{}), scratch: &cmd.fetch.scratch}
			cmd.fetch.push(m, 0)
			cmd.fetch.lend(m.Body)
			_ = d.DiscardLiteral() // an error stays in d
			return 0
		}
	}
	if l.Size > c.lim.Literal {
		d.Fail(&imap.Status{Type: imap.BAD, Code: imap.CodeTooBig, Text: "Literal of " + label.Label() + " too large"})
		return 0
	}
	s.Data = make([]byte, l.Size)
	if _, err := io.ReadFull(d.OpenLiteral(l), s.Data); err != nil {
		return 0 // of the connection, and kept in d
	}
	m.Sections = append(m.Sections, s)
	return s.Size
}
