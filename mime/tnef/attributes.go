package tnef

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/mime"
)

// reader sorts attributes into a message.
type reader struct {
	m    *Message
	p    *Parser
	left int  // properties that may still be read
	full bool // Limits.Attachments is reached: attributes of attachments are passed over
}

func (r *reader) message(id uint32, data []byte) {
	m := r.m
	switch id {
	case attOEMCodePage:
		if len(data) >= 4 {
			m.CodePage = int(binary.LittleEndian.Uint32(data) & 0xffff)
		}
	case attMessageClass:
		m.Class = strings.TrimPrefix(r.name(data), "IPM.Microsoft Mail.")
	case attSubject:
		m.Subject = r.name(data)
	case attMessageID:
		m.MessageID = strings.Trim(r.name(data), "<>")
	case attBody:
		m.Text = r.text(data)
	case attMsgProps:
		r.properties(data, r.messageProperty)
	}
}

// attachment reads an attribute of the last attachment. Each begins with attAttachRendData (MS-OXTNEF section 2.1.3.3.15).
func (r *reader) attachment(id uint32, data []byte) {
	m := r.m
	if id == attAttachRend || len(m.Attachments) == 0 && !r.full {
		if len(m.Attachments) >= orDefault(r.p.Limits.Attachments, 1000) {
			r.full, m.Damaged = true, true
			return
		}
		m.Attachments = append(m.Attachments, Attachment{})
	}
	if r.full {
		return
	}
	a := &m.Attachments[len(m.Attachments)-1]
	switch id {
	case attAttachData:
		if a.Data == nil {
			a.Data = data
		}
	case attAttachTitle, attAttachName:
		if a.Filename == "" {
			a.Filename = r.name(data)
		}
	case attAttachModify:
		a.Modified = date(data)
	case attAttachProps:
		r.properties(data, func(id, typ uint16, v []byte) { r.attachmentProperty(a, id, typ, v) })
	}
}

// date reads a DTR structure: seven 16-bit numbers from the year on (MS-OXTNEF section 2.1.3.3.2), a time without a zone.
func date(b []byte) time.Time {
	if len(b) < 12 {
		return time.Time{}
	}
	var n [6]int
	for i := range n {
		n[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60 {
		return time.Time{}
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
}

// name reads a short string in the stream's code page.
func (r *reader) name(b []byte) string {
	if limit := orDefault(r.p.Limits.NameBytes, 4<<10); len(b) > limit {
		b, r.m.Damaged = b[:limit], true
	}
	return strings.TrimSpace(r.text(b))
}

// text reads a string in the stream's code page, up to its NUL.
func (r *reader) text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	return mime.DecodeCharset(charsetOf(r.m.CodePage), b, r.p.CharsetReader)
}

// charsetOf names a Windows code page as mail does.
func charsetOf(page int) string {
	switch page {
	case 0, 1252, 20127:
		return "windows-1252"
	case 65001:
		return "utf-8"
	case 932:
		return "shift_jis"
	case 936:
		return "gbk"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	case 20866:
		return "koi8-r"
	case 21866:
		return "koi8-u"
	case 50220, 50221, 50222:
		return "iso-2022-jp"
	case 51932:
		return "euc-jp"
	case 54936:
		return "gb18030"
	}
	if page >= 28591 && page <= 28606 {
		return "iso-8859-" + strconv.Itoa(page-28590)
	}
	return "windows-" + strconv.Itoa(page)
}
