package imap

import (
	"strconv"
	"strings"
	"time"
)

// SearchOp is a search key's name (RFC 9051 section 6.4.4).
type SearchOp string

// The search keys that are no atom of their own: a parenthesised list, of which all must match, and a sequence-set.
const (
	SearchAnd SearchOp = "("
	SearchSeq SearchOp = "SEQ"
)

// The search keys. NEW, OLD and RECENT are RFC 3501's; OLDER and YOUNGER RFC 5032's; MODSEQ RFC 7162's; EMAILID and THREADID
// RFC 8474's; those with SAVE RFC 8514's; FUZZY RFC 6203's; FILTER RFC 5466's; UIDAFTER and UIDBEFORE RFC 9738's.
const (
	SearchAll               SearchOp = "ALL"
	SearchAnswered          SearchOp = "ANSWERED"
	SearchBcc               SearchOp = "BCC"
	SearchBefore            SearchOp = "BEFORE"
	SearchBody              SearchOp = "BODY"
	SearchCc                SearchOp = "CC"
	SearchDeleted           SearchOp = "DELETED"
	SearchDraft             SearchOp = "DRAFT"
	SearchEmailID           SearchOp = "EMAILID"
	SearchFilter            SearchOp = "FILTER"
	SearchFlagged           SearchOp = "FLAGGED"
	SearchFrom              SearchOp = "FROM"
	SearchFuzzy             SearchOp = "FUZZY"
	SearchHeader            SearchOp = "HEADER"
	SearchKeyword           SearchOp = "KEYWORD"
	SearchLarger            SearchOp = "LARGER"
	SearchModSeq            SearchOp = "MODSEQ"
	SearchNew               SearchOp = "NEW"
	SearchNot               SearchOp = "NOT"
	SearchOld               SearchOp = "OLD"
	SearchOlder             SearchOp = "OLDER"
	SearchOn                SearchOp = "ON"
	SearchOr                SearchOp = "OR"
	SearchRecent            SearchOp = "RECENT"
	SearchSavedBefore       SearchOp = "SAVEDBEFORE"
	SearchSavedOn           SearchOp = "SAVEDON"
	SearchSavedSince        SearchOp = "SAVEDSINCE"
	SearchSaveDateSupported SearchOp = "SAVEDATESUPPORTED"
	SearchSeen              SearchOp = "SEEN"
	SearchSentBefore        SearchOp = "SENTBEFORE"
	SearchSentOn            SearchOp = "SENTON"
	SearchSentSince         SearchOp = "SENTSINCE"
	SearchSince             SearchOp = "SINCE"
	SearchSmaller           SearchOp = "SMALLER"
	SearchSubject           SearchOp = "SUBJECT"
	SearchText              SearchOp = "TEXT"
	SearchThreadID          SearchOp = "THREADID"
	SearchTo                SearchOp = "TO"
	SearchUID               SearchOp = "UID"
	SearchUIDAfter          SearchOp = "UIDAFTER"
	SearchUIDBefore         SearchOp = "UIDBEFORE"
	SearchUnanswered        SearchOp = "UNANSWERED"
	SearchUndeleted         SearchOp = "UNDELETED"
	SearchUndraft           SearchOp = "UNDRAFT"
	SearchUnflagged         SearchOp = "UNFLAGGED"
	SearchUnkeyword         SearchOp = "UNKEYWORD"
	SearchUnseen            SearchOp = "UNSEEN"
	SearchYounger           SearchOp = "YOUNGER"
)

// SearchKey is a node of a search program. Which fields count depends on Op.
type SearchKey struct {
	Op    SearchOp
	Keys  []SearchKey // of AND (any number), OR (two), NOT and FUZZY (one)
	Set   NumSet      // of SEQ and UID
	Field string      // of HEADER: the field's name; of KEYWORD and UNKEYWORD: the flag; of EMAILID and THREADID: the id; of FILTER: its name; of MODSEQ: entry name and type, or ""
	Value string      // of the string keys, UTF-8
	Num   uint64      // of LARGER and SMALLER: octets; of OLDER and YOUNGER: seconds; of MODSEQ: the mod-sequence; of UIDAFTER and UIDBEFORE: the UID
	Date  time.Time   // of the date keys: midnight UTC of that date, the zone having no meaning
}

// String writes the key as it stands in a command, strings quoted where they must be and never as literals: it is for
// logs and tests. A client writes keys with [Encoder.SearchKey].
func (k SearchKey) String() string { return string(k.append(nil, appendQuoted)) }

func (k SearchKey) append(b []byte, str func([]byte, string) []byte) []byte {
	list := func(b []byte, keys []SearchKey) []byte {
		for i, sub := range keys {
			if i > 0 {
				b = append(b, ' ')
			}
			b = sub.append(b, str)
		}
		return b
	}
	switch k.Op {
	case SearchAnd:
		return append(list(append(b, '('), k.Keys), ')')
	case SearchSeq:
		return k.Set.append(b)
	}
	b = append(b, k.Op...)
	switch k.Op {
	case SearchUID:
		b = k.Set.append(append(b, ' '))
	case SearchOr, SearchNot, SearchFuzzy:
		b = list(append(b, ' '), k.Keys)
	case SearchHeader:
		b = str(append(str(append(b, ' '), k.Field), ' '), k.Value)
	case SearchKeyword, SearchUnkeyword, SearchEmailID, SearchThreadID, SearchFilter:
		b = append(append(b, ' '), k.Field...)
	case SearchBcc, SearchBody, SearchCc, SearchFrom, SearchSubject, SearchText, SearchTo:
		b = str(append(b, ' '), k.Value)
	case SearchLarger, SearchSmaller, SearchOlder, SearchYounger, SearchUIDAfter, SearchUIDBefore:
		b = strconv.AppendUint(append(b, ' '), k.Num, 10)
	case SearchModSeq:
		if k.Field != "" {
			b = append(append(b, ' '), k.Field...)
		}
		b = strconv.AppendUint(append(b, ' '), k.Num, 10)
	case SearchBefore, SearchOn, SearchSince, SearchSentBefore, SearchSentOn, SearchSentSince, SearchSavedBefore, SearchSavedOn,
		SearchSavedSince:
		b = k.Date.AppendFormat(append(b, ' '), "2-Jan-2006")
	}
	return b
}

// isAtom reports whether s can stand as an atom where a string is expected.
func isAtom(s string) bool {
	if s == "" || strings.EqualFold(s, "NIL") {
		return false
	}
	for i := range len(s) {
		if !isAStringChar(s[i]) {
			return false
		}
	}
	return true
}
