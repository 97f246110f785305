package imap

import (
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// ListData is a LIST, XLIST or LSUB response: a mailbox, or a level of hierarchy (RFC 9051 section 7.3.1).
type ListData struct {
	Attrs     []string // "\HasChildren", "\Sent": as the server writes them
	Delimiter rune     // between the levels of names; 0: there are no levels
	Name      string   // UTF-8
	OldName   string   // what the mailbox was called before a RENAME (RFC 9051 section 6.3.9.7); "" for none
	ChildInfo []string // CHILDINFO: which selection options match something below (RFC 5258 section 3.5)
	Extended  []Extended

	// What comes in a response of its own behind this one.
	Status   *StatusData       // of RETURN (STATUS …)
	MyRights *mail.Rights      // of RETURN (MYRIGHTS) (RFC 8440)
	Metadata []mail.Annotation // of RETURN (METADATA (…)) (RFC 9590): the entries that have a value
}

// Extended is an item of extended data that isn't known here, with its value in wire form.
type Extended struct{ Name, Value string }

// Has reports whether the mailbox has the attribute, in any case.
func (l *ListData) Has(attr string) bool {
	return slices.ContainsFunc(l.Attrs, func(a string) bool { return strings.EqualFold(a, attr) })
}

// Selectable reports whether the mailbox can be selected: it is there, and more than a level of hierarchy.
func (l *ListData) Selectable() bool { return !l.Has(`\Noselect`) && !l.Has(`\NonExistent`) }

// Use returns what the mailbox is for (RFC 6154).
func (l *ListData) Use() (out []mail.SpecialUse) {
	for _, u := range [...]mail.SpecialUse{mail.UseAll, mail.UseArchive, mail.UseDrafts, mail.UseFlagged, mail.UseImportant,
		mail.UseJunk, mail.UseSent, mail.UseTrash} {
		if l.Has(string(u)) {
			out = append(out, u)
		}
	}
	return out
}

// ListData requires what follows "LIST ": attributes, delimiter, name and extended data.
func (d *Decoder) ListData() *ListData {
	l := new(ListData)
	d.looseList(func() {
		if d.Try('\\') {
			l.Attrs = append(l.Attrs, `\`+d.Atom())
		} else {
			l.Attrs = append(l.Attrs, d.Atom())
		}
	})
	d.SP()
	if delim, ok := d.NString(); ok {
		l.Delimiter = []rune(delim + "\x00")[0]
	}
	d.SP()
	l.Name = d.ListMailbox()
	if !d.TrySP() || d.AtEnd() {
		return l
	}
	d.looseList(func() {
		name := upper(d.AString())
		d.SP()
		switch name {
		case "OLDNAME":
			d.looseList(func() { l.OldName = d.Mailbox() })
		case "CHILDINFO":
			d.looseList(func() { l.ChildInfo = append(l.ChildInfo, upper(d.AString())) })
		default:
			l.Extended = append(l.Extended, Extended{name, d.RawValue()})
		}
	})
	return l
}

// looseList reads a list as responses have it, with spaces too many or too few.
func (d *Decoder) looseList(f func()) {
	d.Special('(')
	d.enter()
	for i := 0; d.ok(); i++ {
		for d.TrySP() {
		}
		if d.Try(')') {
			d.depth--
			return
		}
		if i >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "List too long"})
			return
		}
		f()
	}
}

// StatusData is a STATUS response (RFC 9051 section 7.3.4). Items that the server didn't send have no bit in Has and are zero.
type StatusData struct {
	Name           string
	Has            StatusItems
	Messages       uint32
	Recent         uint32
	Unseen         uint32
	Deleted        uint32
	UIDNext        mail.UID
	UIDValidity    uint32
	Size           int64
	HighestModSeq  mail.ModSeq
	AppendLimit    int64          // octets; -1: none
	DeletedStorage int64          // octets (RFC 9208)
	MailboxID      mail.MailboxID // RFC 8474
	Extended       []Extended
}

// StatusItems is a set of what STATUS asks for.
type StatusItems uint16

// The items, with the extensions that they need where IMAP4rev2 doesn't have them.
const (
	StatusMessages       StatusItems = 1 << iota
	StatusUIDNext                    //
	StatusUIDValidity                //
	StatusUnseen                     //
	StatusDeleted                    // IMAP4rev2, or QUOTA=RES-MESSAGE
	StatusSize                       // IMAP4rev2, or STATUS=SIZE
	StatusRecent                     // IMAP4rev1
	StatusHighestModSeq              // CONDSTORE
	StatusAppendLimit                // APPENDLIMIT
	StatusMailboxID                  // OBJECTID
	StatusDeletedStorage             // QUOTA=RES-STORAGE
)

// statusNames are the items' names in the order of their bits.
func statusNames() []string {
	return []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT", "HIGHESTMODSEQ", "APPENDLIMIT",
		"MAILBOXID", "DELETED-STORAGE"}
}

// String writes the items as a command has them: "(MESSAGES UNSEEN)".
func (s StatusItems) String() string {
	var b strings.Builder
	b.WriteByte('(')
	for i, name := range statusNames() {
		if s&(1<<i) != 0 {
			if b.Len() > 1 {
				b.WriteByte(' ')
			}
			b.WriteString(name)
		}
	}
	b.WriteByte(')')
	return b.String()
}

// StatusData requires what follows "STATUS ".
func (d *Decoder) StatusData() *StatusData {
	s := &StatusData{Name: d.ListMailbox()}
	for d.TrySP() {
	}
	d.looseList(func() {
		name := upper(d.Atom())
		d.SP()
		i := slices.Index(statusNames(), name)
		if i >= 0 {
			s.Has |= 1 << i
		}
		switch StatusItems(1) << max(i, 0) {
		case StatusUIDNext:
			s.UIDNext = mail.UID(d.Number())
		case StatusUIDValidity:
			s.UIDValidity = d.Number()
		case StatusUnseen:
			s.Unseen = d.Number()
		case StatusDeleted:
			s.Deleted = d.Number()
		case StatusSize:
			s.Size = int64(d.Number64())
		case StatusRecent:
			s.Recent = d.Number()
		case StatusHighestModSeq:
			s.HighestModSeq = mail.ModSeq(d.Number64())
		case StatusAppendLimit:
			if s.AppendLimit = -1; !d.TryWord("NIL") {
				s.AppendLimit = int64(d.Number64())
			}
		case StatusMailboxID:
			d.looseList(func() { s.MailboxID = mail.MailboxID(d.Atom()) })
		case StatusDeletedStorage:
			s.DeletedStorage = int64(d.Number64())
		default:
			if i < 0 {
				s.Extended = append(s.Extended, Extended{name, d.RawValue()})
			} else {
				s.Messages = d.Number()
			}
		}
	})
	return s
}

// ListData writes what follows "LIST ". Status and Extended are left out: the one is a response of its own, the other is not
// known here.
func (e *Encoder) ListData(l *ListData) *Encoder {
	e.Raw("(").Raw(strings.Join(l.Attrs, " ")).Raw(") ")
	if l.Delimiter == 0 {
		e.Raw("NIL ")
	} else {
		e.String(string(l.Delimiter)).SP()
	}
	e.Mailbox(l.Name)
	if len(l.ChildInfo) == 0 && l.OldName == "" {
		return e
	}
	e.Raw(" (")
	if len(l.ChildInfo) > 0 {
		e.Raw(`"CHILDINFO" ("`).Raw(strings.Join(l.ChildInfo, `" "`)).Raw(`")`)
	}
	if l.OldName != "" {
		if len(l.ChildInfo) > 0 {
			e.SP()
		}
		e.Raw(`"OLDNAME" (`).Mailbox(l.OldName).Raw(")")
	}
	return e.Raw(")")
}
