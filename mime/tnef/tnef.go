package tnef

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/buuta/mail/mime"
)

// ErrNotTNEF says that the octets don't begin as a TNEF stream does.
var ErrNotTNEF = errors.New("tnef: not a TNEF stream")

// Message is what a TNEF stream holds.
type Message struct {
	Class         string // such as "IPM.Note"
	Subject       string
	MessageID     string // without brackets
	Text          string
	HTML          []byte // in the charset it names itself; never show it without making it safe
	RTFCompressed []byte // as it stands: compressed (MS-OXRTFCP)
	CodePage      int    // of the strings that aren't Unicode; 0 when the stream doesn't say
	Attachments   []Attachment
	Damaged       bool // the stream ends early, or a checksum or a limit says that this isn't all
}

// Attachment is a file in a TNEF stream.
type Attachment struct {
	Filename  string // as the sender wrote it; may be "", a path, or anything
	Type      string // media type; "" when the stream doesn't say, "application/ms-tnef" for a message within, which Parse reads
	ContentID string // without brackets
	Modified  time.Time
	Data      []byte
}

// Limits bound what a stream may hold. The zero value of each field is its default.
type Limits struct {
	Attachments int // default 1,000
	Properties  int // of all sets together; default 100,000
	NameBytes   int // of one name, subject or class; default 4 KiB
}

// Parser reads TNEF streams. The zero value is [Parse].
type Parser struct {
	Limits        Limits
	CharsetReader mime.CharsetReader // for strings in code pages other than 1252 and UTF-8
}

// Parse reads a TNEF stream, the decoded content of an application/ms-tnef part. The only error is ErrNotTNEF. The
// message refers to b.
func Parse(b []byte) (*Message, error) { return (&Parser{}).Parse(b) }

// The attributes that are read (MS-OXTNEF section 2.1.3.3). The upper half is the type.
const (
	signature = 0x223e9f78

	attOEMCodePage   = 0x00069007
	attMessageClass  = 0x00078008
	attSubject       = 0x00018004
	attMessageID     = 0x00018009
	attBody          = 0x0002800c
	attMsgProps      = 0x00069003
	attAttachRend    = 0x00069002
	attAttachData    = 0x0006800f
	attAttachTitle   = 0x00018010
	attAttachModify  = 0x00038013
	attAttachName    = 0x00069001
	attAttachProps   = 0x00069005
	levelMessage     = 1
	levelAttachment  = 2
	attributeHeader  = 9
	attributeTrailer = 2
)

// Parse reads a stream as [Parse] does.
func (p *Parser) Parse(b []byte) (*Message, error) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != signature {
		return nil, ErrNotTNEF
	}
	r := reader{m: &Message{}, p: p, left: orDefault(p.Limits.Properties, 100_000)}
	for b = b[6:]; len(b) > 0; {
		if len(b) < attributeHeader+attributeTrailer {
			r.m.Damaged = true
			break
		}
		level, id, size := b[0], binary.LittleEndian.Uint32(b[1:]), uint64(binary.LittleEndian.Uint32(b[5:]))
		b = b[attributeHeader:]
		if size > uint64(len(b)-attributeTrailer) || level != levelMessage && level != levelAttachment {
			r.m.Damaged = true
			break
		}
		data := b[:size:size]
		sum := binary.LittleEndian.Uint16(b[size:])
		b = b[size+attributeTrailer:]
		if sum != checksum(data) {
			r.m.Damaged = true // and yet it is most likely what was meant
		}
		if level == levelMessage {
			r.message(id, data)
		} else {
			r.attachment(id, data)
		}
	}
	return r.m, nil
}

// checksum adds the octets up (MS-OXTNEF section 2.1.3.1).
func checksum(b []byte) uint16 {
	var sum uint32
	for _, c := range b {
		sum += uint32(c)
	}
	return uint16(sum)
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}
