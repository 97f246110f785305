package imap

import (
	"strings"
	"time"

	"github.com/buuta/mail"
)

// SearchProgram requires a search program: one key or more, which must all match, with spaces between them. depth and the
// number of keys are limited. Charset and RETURN options, which stand before it, are read by [Decoder.SearchOptions].
func (d *Decoder) SearchProgram() SearchKey {
	s := searchDecoder{Decoder: d}
	root := SearchKey{Op: SearchAnd}
	for d.ok() {
		root.Keys = append(root.Keys, s.key())
		if d.AtEnd() || !d.TrySP() {
			break
		}
	}
	if len(root.Keys) == 1 {
		return root.Keys[0]
	}
	return root
}

// searchDecoder counts the keys of one program.
type searchDecoder struct {
	*Decoder
	keys int
}

func (d *searchDecoder) key() (k SearchKey) {
	if !d.ok() {
		return k
	}
	if d.keys++; d.keys > d.Limits.Keys {
		d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Search program too long"})
		return k
	}
	c := byte(0)
	if len(d.line) > 0 {
		c = d.line[0]
	}
	switch {
	case c == '(':
		k.Op = SearchAnd
		d.List(func() { k.Keys = append(k.Keys, d.key()) })
		if d.err == nil && len(k.Keys) == 0 {
			d.fail("Search key expected")
		}
		return k
	case c == '*' || c == '$' || c-'0' <= 9:
		return SearchKey{Op: SearchSeq, Set: d.SequenceSet()}
	}
	k.Op = SearchOp(d.Keyword())
	d.arguments(&k)
	return k
}

// arguments reads what follows a key's name.
func (d *searchDecoder) arguments(k *SearchKey) {
	switch k.Op {
	case SearchAll, SearchAnswered, SearchDeleted, SearchDraft, SearchFlagged, SearchNew, SearchOld, SearchRecent, SearchSeen,
		SearchSaveDateSupported, SearchUnanswered, SearchUndeleted, SearchUndraft, SearchUnflagged, SearchUnseen:
		return
	}
	d.SP()
	switch k.Op {
	case SearchNot, SearchFuzzy:
		d.enter()
		k.Keys = []SearchKey{d.key()}
		d.depth--
	case SearchOr:
		d.enter()
		first := d.key()
		d.SP()
		k.Keys = []SearchKey{first, d.key()}
		d.depth--
	case SearchUID:
		k.Set = d.SequenceSet()
	case SearchHeader:
		k.Field = d.fieldName()
		d.SP()
		k.Value = d.AString()
	case SearchBcc, SearchBody, SearchCc, SearchFrom, SearchSubject, SearchText, SearchTo:
		k.Value = d.AString()
	case SearchKeyword, SearchUnkeyword:
		if k.Field = d.Atom(); d.err == nil && !mail.ValidKeyword(k.Field) {
			d.fail("Bad keyword")
		}
	case SearchLarger, SearchSmaller:
		k.Num = d.Number64()
	case SearchUIDAfter, SearchUIDBefore:
		k.Num = uint64(d.NZNumber())
	case SearchFilter:
		if k.Field = d.Atom(); strings.Contains(k.Field, "/") {
			d.fail("Bad filter name")
		}
	case SearchOlder, SearchYounger:
		k.Num = uint64(d.NZNumber())
	case SearchModSeq:
		if d.Peek('"') {
			k.Field = d.modSeqEntry()
			d.SP()
		}
		k.Num = d.Number64()
	case SearchEmailID, SearchThreadID:
		k.Field = d.objectID()
	case SearchBefore, SearchOn, SearchSince, SearchSentBefore, SearchSentOn, SearchSentSince, SearchSavedBefore, SearchSavedOn,
		SearchSavedSince:
		k.Date = d.Date()
	default:
		d.err = nil
		d.fail("Unknown search key " + describe([]byte(k.Op)))
		k.Date = time.Time{}
	}
}

// objectID reads an object identifier: 1 to 255 of A-Z a-z 0-9 "_" and "-" (RFC 8474 section 7).
func (d *searchDecoder) objectID() string {
	id := d.Atom()
	for i := range len(id) {
		if c := id[i]; (c|0x20) < 'a' || (c|0x20) > 'z' {
			if (c < '0' || c > '9') && c != '_' && c != '-' {
				d.fail("Bad object identifier")
				return ""
			}
		}
	}
	if len(id) > 255 {
		d.fail("Object identifier too long")
	}
	return id
}

// modSeqEntry reads the optional entry name and type of MODSEQ, which servers without per-flag mod-sequences check and
// then ignore (RFC 7162 section 3.1.5).
func (d *searchDecoder) modSeqEntry() string {
	entry := d.quoted()
	d.SP()
	switch t := d.Keyword(); t {
	case "ALL", "PRIV", "SHARED":
		return string(appendQuoted(nil, entry)) + " " + t
	}
	d.fail("Bad entry type")
	return ""
}
