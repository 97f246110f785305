package imap

import (
	"strconv"
	"strings"
)

// FetchAtt is a kind of FETCH data item, by its name in a command without section and partial (RFC 9051 section 6.4.5).
type FetchAtt string

// The fetch attributes. FetchBodySection and FetchBinary have a [Section]; FetchBody is the bare BODY, the structure
// without extension data. The RFC822 attributes are RFC 3501's, ModSeq RFC 7162's.
const (
	FetchEnvelope      FetchAtt = "ENVELOPE"
	FetchFlags         FetchAtt = "FLAGS"
	FetchInternalDate  FetchAtt = "INTERNALDATE"
	FetchSize          FetchAtt = "RFC822.SIZE"
	FetchUID           FetchAtt = "UID"
	FetchBody          FetchAtt = "BODY"
	FetchBodyStructure FetchAtt = "BODYSTRUCTURE"
	FetchBodySection   FetchAtt = "BODY[]"
	FetchBinary        FetchAtt = "BINARY[]"
	FetchBinarySize    FetchAtt = "BINARY.SIZE"
	FetchRFC822        FetchAtt = "RFC822"
	FetchRFC822Header  FetchAtt = "RFC822.HEADER"
	FetchRFC822Text    FetchAtt = "RFC822.TEXT"
	FetchModSeq        FetchAtt = "MODSEQ"
	FetchEmailID       FetchAtt = "EMAILID"  // RFC 8474
	FetchThreadID      FetchAtt = "THREADID" // RFC 8474
	FetchSaveDate      FetchAtt = "SAVEDATE" // RFC 8514
	FetchPreview       FetchAtt = "PREVIEW"  // RFC 8970
)

// FetchItem is one thing that FETCH asks for.
type FetchItem struct {
	Att     FetchAtt
	Section Section  // of FetchBodySection, FetchBinary and FetchBinarySize
	Peek    bool     // BODY.PEEK, BINARY.PEEK: \Seen is not set
	Partial *Partial // <offset.size>; nil for all
	Lazy    bool     // PREVIEW (LAZY): only what is at hand
}

// Partial is the octets from Offset on, at most Size of them.
type Partial struct{ Offset, Size uint32 }

// SectionSpec says which piece of a part a section is.
type SectionSpec string

// The pieces; SectionAll is the whole part.
const (
	SectionAll          SectionSpec = ""
	SectionHeader       SectionSpec = "HEADER"
	SectionFields       SectionSpec = "HEADER.FIELDS"
	SectionFieldsExcept SectionSpec = "HEADER.FIELDS.NOT"
	SectionText         SectionSpec = "TEXT"
	SectionMIME         SectionSpec = "MIME"
)

// Section is what stands between the brackets of BODY[…]: a path of part numbers, none for the message itself, and the
// piece wanted of it. The zero value is the whole message.
type Section struct {
	Part   []int
	Spec   SectionSpec
	Fields []string // of SectionFields and SectionFieldsExcept, as the client wrote them
}

// String writes the section without brackets, as a response repeats it: "1.2.HEADER.FIELDS (Date From)".
func (s Section) String() string {
	var b strings.Builder
	for i, n := range s.Part {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(n))
	}
	if s.Spec != SectionAll {
		if len(s.Part) > 0 {
			b.WriteByte('.')
		}
		b.WriteString(string(s.Spec))
	}
	if s.Spec == SectionFields || s.Spec == SectionFieldsExcept {
		b.WriteString(" (")
		for i, f := range s.Fields {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(AString(f))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Label writes the item's name as it stands in a response: "BODY[1]<0>" where the request was "BODY.PEEK[1]<0.512>".
func (f FetchItem) Label() string {
	s := string(f.Att)
	switch f.Att {
	case FetchBodySection, FetchBinary:
		s = strings.TrimSuffix(s, "[]") + "[" + f.Section.String() + "]"
	case FetchBinarySize:
		s += "[" + f.Section.String() + "]"
	}
	if f.Partial != nil {
		s += "<" + strconv.FormatUint(uint64(f.Partial.Offset), 10) + ">"
	}
	return s
}

// String writes the item as it stands in a command.
func (f FetchItem) String() string {
	s := f.Label()
	if f.Partial != nil {
		s = strings.TrimSuffix(s, ">") + "." + strconv.FormatUint(uint64(f.Partial.Size), 10) + ">"
	}
	if f.Peek {
		s = strings.Replace(s, "[", ".PEEK[", 1)
	}
	if f.Lazy {
		s += " (LAZY)"
	}
	return s
}
