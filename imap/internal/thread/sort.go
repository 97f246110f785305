package thread

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// Sorter holds what a SORT compares, a row for each message in the order in which they were found: numbers and texts in
// columns, so that a row costs little besides its texts.
type Sorter struct {
	decode  func(string) string
	by      []imap.SortCriterion
	envs    bool
	uids    []mail.UID
	columns []column
	texts   []byte // of all columns
}

// Row is what a Sorter may need to know of a message; see [Needs].
type Row struct {
	UID          mail.UID
	InternalDate time.Time
	Size         int64
	Envelope     *mime.Envelope // nil: the message is gone
}

// Needs says which fields of a Row besides UID the criteria compare.
func Needs(by []imap.SortCriterion) (date, size, envelope bool) {
	for _, c := range by {
		switch c.Key {
		case imap.SortArrival:
			date = true
		case imap.SortSize:
			size = true
		case imap.SortRelevancy:
		case imap.SortDate:
			date, envelope = true, true
		default:
			envelope = true
		}
	}
	return date, size, envelope
}

// column is what one criterion compares.
type column struct {
	text  bool
	nums  []int64
	spans []span // of the texts
}

// span is a piece of Sorter.texts.
type span struct {
	at   uint64
	size uint16
}

// maxSortText is the length to which texts are compared. Beyond it they count as equal.
const maxSortText = 1024

// NewSorter returns a Sorter by these criteria. decode decodes the encoded words of a header field.
func NewSorter(by []imap.SortCriterion, decode func(string) string) *Sorter {
	s := &Sorter{decode: decode, by: by, columns: make([]column, len(by)), uids: []mail.UID{}}
	_, _, s.envs = Needs(by)
	for i, c := range by {
		switch c.Key {
		case imap.SortArrival, imap.SortDate, imap.SortSize, imap.SortRelevancy:
		default:
			s.columns[i].text = true
		}
	}
	return s
}

// Envelopes reports whether Rows need their envelope.
func (s *Sorter) Envelopes() bool { return s.envs }

// Add takes a message as the next row, whose number it returns. Nothing of r is kept.
func (s *Sorter) Add(r *Row) int32 {
	s.uids = append(s.uids, r.UID)
	for i := range s.by {
		c := &s.columns[i]
		if !c.text {
			c.nums = append(c.nums, sortNumber(r, s.by[i].Key))
			continue
		}
		text := s.sortText(r.Envelope, s.by[i].Key)
		at := len(s.texts)
		s.texts = AppendCasemap(s.texts, text[:min(len(text), maxSortText)])
		size := min(len(s.texts)-at, 2*maxSortText)
		s.texts = s.texts[:at+size]
		c.spans = append(c.spans, span{uint64(at), uint16(size)})
	}
	return int32(len(s.uids) - 1)
}

// sortNumber returns what a number's criterion compares. Relevancy comes in later.
func sortNumber(r *Row, key imap.SortKey) int64 {
	switch key {
	case imap.SortSize:
		return r.Size
	case imap.SortArrival:
		return r.InternalDate.UnixNano()
	case imap.SortDate:
		if r.Envelope != nil {
			return SentDate(r.Envelope, r.InternalDate).Unix()
		}
	}
	return 0
}

// SentDate is the time in the Date field, "adjusted by time zone to normalize to UTC", or where there is none the
// internal date (RFC 5256 section 2.2).
func SentDate(env *mime.Envelope, internal time.Time) time.Time {
	if t, err := mime.ParseDate(env.Date.Value); err == nil {
		return t
	}
	return internal
}

// sortText returns the text that a criterion compares, before the collation. "If the associated RFC-822 header for a
// particular criterion is absent, it is treated as the empty string." (RFC 5256 section 3)
func (s *Sorter) sortText(env *mime.Envelope, key imap.SortKey) string {
	if env == nil {
		return ""
	}
	switch key {
	case imap.SortSubject:
		base, _ := BaseSubject(s.decode(env.Subject.Value))
		return base
	case imap.SortCc:
		return firstMailbox(env.Cc)
	case imap.SortFrom:
		return firstMailbox(env.From)
	case imap.SortTo:
		return firstMailbox(env.To)
	case imap.SortDisplayFrom:
		return s.displayName(env.From)
	case imap.SortDisplayTo:
		return s.displayName(env.To)
	}
	return ""
}

// firstMailbox is "[IMAP] addr-mailbox of the first … address": of a group, that is its name (RFC 9051 section 7.5.2).
func firstMailbox(list []mime.Address) string {
	if len(list) == 0 {
		return ""
	}
	if list[0].Kind != mime.AddressMailbox {
		return list[0].Name
	}
	return list[0].Mailbox
}

// displayName is the DISPLAY sort value of the first address (RFC 5957 section 3).
func (s *Sorter) displayName(list []mime.Address) string {
	if len(list) == 0 {
		return ""
	}
	a := &list[0]
	if a.Kind != mime.AddressMailbox {
		return a.Name // ENVELOPE shows the name of a group as its addr-mailbox
	}
	if name := s.decode(a.Name); name != "" {
		return name
	}
	if a.Mailbox != "" && a.Host != "" {
		return a.Mailbox + "@" + a.Host
	}
	return a.Mailbox
}

// Compare orders rows by the criteria, and then as they are in the mailbox.
func (s *Sorter) Compare(x, y int32) int {
	for i := range s.columns {
		c := &s.columns[i]
		n := 0
		if c.text {
			n = bytes.Compare(s.text(c.spans[x]), s.text(c.spans[y]))
		} else {
			n = cmp.Compare(c.nums[x], c.nums[y])
		}
		if s.by[i].Reverse != (s.by[i].Key == imap.SortRelevancy) {
			n = -n // "The message with the highest score is returned first." (RFC 6203 section 6)
		}
		if n != 0 {
			return n
		}
	}
	return cmp.Compare(s.uids[x], s.uids[y])
}

func (s *Sorter) text(p span) []byte { return s.texts[p.at : p.at+uint64(p.size)] }

// UID returns the message of a row.
func (s *Sorter) UID(row int32) mail.UID { return s.uids[row] }

// Rows returns the rows in their order.
func (s *Sorter) Rows() []int32 {
	rows := make([]int32, len(s.uids))
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortFunc(rows, s.Compare)
	return rows
}

// Sorted returns the messages in their order.
func (s *Sorter) Sorted() []mail.UID {
	rows := s.Rows()
	out := make([]mail.UID, len(rows))
	for i, r := range rows {
		out[i] = s.uids[r]
	}
	return out
}

// SetScores fills in what RELEVANCY compares.
func (s *Sorter) SetScores(scores map[mail.UID]uint8) {
	for i := range s.by {
		if s.by[i].Key != imap.SortRelevancy {
			continue
		}
		for row, u := range s.uids {
			s.columns[i].nums[row] = int64(scores[u])
		}
	}
}
