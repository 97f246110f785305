package imapserver

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver/internal/thread"
	"github.com/buuta/mail/mime"
)

// sorter holds what a SORT compares, a row for each message in the order in which they were found: numbers and texts in
// columns, so that a row costs little besides its texts.
type sorter struct {
	by      []imap.SortCriterion
	uids    []mail.UID
	columns []column
	texts   []byte // of all columns
}

// column is what one criterion compares.
type column struct {
	text  bool
	nums  []int64
	spans []span // of the texts
}

// span is a piece of sorter.texts.
type span struct {
	at   uint64
	size uint16
}

// maxSortText is the length to which texts are compared. Beyond it they count as equal.
const maxSortText = 1024

func newSorter(by []imap.SortCriterion) *sorter {
	s := &sorter{by: by, columns: make([]column, len(by)), uids: []mail.UID{}}
	for i, c := range by {
		switch c.Key {
		case imap.SortArrival, imap.SortDate, imap.SortSize, imap.SortRelevancy:
		default:
			s.columns[i].text = true
		}
	}
	return s
}

// fields returns what the criteria need of a message.
func (s *sorter) fields() (f mail.Fields) {
	for _, c := range s.by {
		switch c.Key {
		case imap.SortArrival:
			f |= mail.FieldDate
		case imap.SortSize:
			f |= mail.FieldSize
		case imap.SortRelevancy:
		case imap.SortDate:
			f |= mail.FieldDate | mail.FieldIndex
		default:
			f |= mail.FieldIndex
		}
	}
	return f
}

// add takes the message in q.msg as the next row.
func (s *sorter) add(q *search) error {
	s.uids = append(s.uids, q.msg.m.UID)
	for i := range s.by {
		c := &s.columns[i]
		if !c.text {
			n, err := sortNumber(q, s.by[i].Key)
			if err != nil {
				return err
			}
			c.nums = append(c.nums, n)
			continue
		}
		text, err := sortText(q, s.by[i].Key)
		if err != nil {
			return err
		}
		at := len(s.texts)
		s.texts = thread.AppendCasemap(s.texts, text[:min(len(text), maxSortText)])
		size := min(len(s.texts)-at, 2*maxSortText)
		s.texts = s.texts[:at+size]
		c.spans = append(c.spans, span{uint64(at), uint16(size)})
	}
	return nil
}

// sortNumber returns what a number's criterion compares. Relevancy comes in later.
func sortNumber(q *search, key imap.SortKey) (int64, error) {
	switch key {
	case imap.SortSize:
		return q.msg.m.Size, nil
	case imap.SortArrival:
		return q.msg.m.InternalDate.UnixNano(), nil
	case imap.SortDate:
		env, err := q.msg.envelope()
		if err != nil {
			return 0, ignoreExpunged(err)
		}
		return sentDate(env, q.msg.m).Unix(), nil
	}
	return 0, nil
}

// sentDate is the time in the Date field, "adjusted by time zone to normalize to UTC", or where there is none the
// internal date (RFC 5256 section 2.2).
func sentDate(env *mime.Envelope, m *mail.Message) time.Time {
	if t, err := mime.ParseDate(env.Date.Value); err == nil {
		return t
	}
	return m.InternalDate
}

// sortText returns the text that a criterion compares, before the collation. "If the associated RFC-822 header for a
// particular criterion is absent, it is treated as the empty string." (RFC 5256 section 3)
func sortText(q *search, key imap.SortKey) (string, error) {
	env, err := q.msg.envelope()
	if err != nil {
		return "", ignoreExpunged(err)
	}
	switch key {
	case imap.SortSubject:
		base, _ := thread.BaseSubject(q.decodeText(env.Subject.Value))
		return base, nil
	case imap.SortCc:
		return firstMailbox(env.Cc), nil
	case imap.SortFrom:
		return firstMailbox(env.From), nil
	case imap.SortTo:
		return firstMailbox(env.To), nil
	case imap.SortDisplayFrom:
		return displayName(q, env.From), nil
	case imap.SortDisplayTo:
		return displayName(q, env.To), nil
	}
	return "", nil
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
func displayName(q *search, list []mime.Address) string {
	if len(list) == 0 {
		return ""
	}
	a := &list[0]
	if a.Kind != mime.AddressMailbox {
		return a.Name // ENVELOPE shows the name of a group as its addr-mailbox
	}
	if name := q.decodeText(a.Name); name != "" {
		return name
	}
	if a.Mailbox != "" && a.Host != "" {
		return a.Mailbox + "@" + a.Host
	}
	return a.Mailbox
}

// compare orders rows by the criteria, and then as they are in the mailbox.
func (s *sorter) compare(x, y int32) int {
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

func (s *sorter) text(p span) []byte { return s.texts[p.at : p.at+uint64(p.size)] }

// rows returns the rows in their order.
func (s *sorter) rows() []int32 {
	rows := make([]int32, len(s.uids))
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortFunc(rows, s.compare)
	return rows
}

// sorted returns the messages in their order.
func (s *sorter) sorted() []mail.UID {
	rows := s.rows()
	out := make([]mail.UID, len(rows))
	for i, r := range rows {
		out[i] = s.uids[r]
	}
	return out
}

// setScores fills in what RELEVANCY compares.
func (s *sorter) setScores(scores map[mail.UID]uint8) {
	for i := range s.by {
		if s.by[i].Key != imap.SortRelevancy {
			continue
		}
		for row, u := range s.uids {
			s.columns[i].nums[row] = int64(scores[u])
		}
	}
}
