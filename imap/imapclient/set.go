package imapclient

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Set names messages of the selected mailbox: by UIDs, by sequence numbers, or as the result that a search saved. Sequence
// numbers change with every EXPUNGE; prefer UIDs wherever there is a choice.
type Set struct {
	uid  bool
	num  imap.NumSet
	uids mail.UIDSet // with uid and without num.Saved

	rounds int // how often a server with MESSAGELIMIT may yet stop in it; 0: it has not yet
}

// UIDs is the messages with these UIDs.
func UIDs(s mail.UIDSet) Set {
	set := Set{uid: true, uids: s}
	for _, r := range s.Ranges() {
		n := imap.NumRange{First: uint32(r.First), Last: uint32(r.Last)}
		if r.Last == mail.MaxUID {
			n.Last = 0
		}
		if r.First == mail.MaxUID {
			n.First = 0
		}
		set.num.Ranges = append(set.num.Ranges, n)
	}
	return set
}

// UID is the messages with these UIDs.
func UID(uids ...mail.UID) Set { return UIDs(mail.UIDSetOf(uids...)) }

// All is every message, by UID.
func All() Set { return UIDs(mail.AllUIDs()) }

// Seqs is the messages with these sequence numbers.
func Seqs(s imap.SeqSet) Set { return Set{num: imap.NumSet{Ranges: s.Ranges()}} }

// Saved is the messages that the last search with Save has found, by UID (RFC 5182).
func Saved() Set { return Set{uid: true, num: imap.NumSet{Saved: true}} }

// Empty reports whether the set has no message.
func (s Set) Empty() bool { return !s.num.Saved && len(s.num.Ranges) == 0 }

// String writes the set as it stands in a command.
func (s Set) String() string { return s.num.String() }

// command returns a command's name for the set.
func (s Set) command(name string) string {
	if s.uid {
		return "UID " + name
	}
	return name
}

// contains reports whether an answer about this message may be about one of the set.
func (s Set) contains(seq uint32, uid mail.UID) bool {
	switch {
	case s.num.Saved:
		return true
	case s.uid:
		if uid == 0 {
			return true // the server hasn't said yet, or never does
		}
		// n:* names the last message even if n is above its UID (RFC 9051 section 6.4.8).
		r := s.num.Ranges
		return s.uids.Contains(uid) || len(r) > 0 && r[len(r)-1].Last == 0
	}
	for _, r := range s.num.Ranges {
		if seq >= r.First && seq <= r.Last || r.Last == 0 && seq >= r.First {
			return true
		}
	}
	return false
}

// maxSetText is how long a set may be in one command: with the rest of the command it fits a line of 8192 octets (RFC 9051
// section 4).
const maxSetText = 7000

// pieces cuts the set so that each piece fits a command.
func (s Set) pieces() []Set {
	if s.num.Saved || len(s.num.Ranges) <= maxSetText/22 {
		return []Set{s}
	}
	var out []Set
	size, start := 0, 0
	cut := func(end int) {
		p := Set{uid: s.uid, num: imap.NumSet{Ranges: s.num.Ranges[start:end]}}
		for _, r := range p.num.Ranges {
			first, last := mail.UID(r.First), mail.UID(r.Last)
			if first == 0 {
				first = mail.MaxUID
			}
			if last == 0 {
				last = mail.MaxUID
			}
			p.uids.AddRange(first, last)
		}
		out, start, size = append(out, p), end, 0
	}
	for i, r := range s.num.Ranges {
		n := len(imap.NumSet{Ranges: []imap.NumRange{r}}.String()) + 1
		if size+n > maxSetText {
			cut(i)
		}
		size += n
	}
	cut(len(s.num.Ranges))
	return out
}

// needSet refuses a set that can't be sent.
func (c *Client) needSet(command string, s Set) error {
	if s.Empty() {
		return &Error{Command: command, Host: c.host, Err: badArgument("empty set of messages")}
	}
	return nil
}

// badArgument says what is wrong with an argument.
type badArgument string

func (e badArgument) Error() string        { return string(e) }
func (e badArgument) Is(target error) bool { return target == ErrBadArgument }

// oneLine refuses what could not be written into a command as it is.
func oneLine(s string) error {
	if strings.ContainsAny(s, "\r\n\x00") {
		return badArgument("line end or NUL in an argument")
	}
	return nil
}
