package notify

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/buuta/mail"
)

// Entry is a mailbox as it is at one moment. The one without a name is the server, of which there are only annotations.
type Entry struct {
	Name       string
	ID         uint64 // Hash of the mailbox's id
	Exists     bool   // it can be selected, as far as its name says
	Subscribed bool
	NoAccess   bool // it may be listed but not read
	Counted    bool // the counters are there

	UIDValidity uint32
	UIDNext     mail.UID
	Messages    uint32
	Unseen      uint32
	ModSeq      mail.ModSeq

	Notes []Note // annotations, sorted by name; nil where they are not watched
}

// Note is an annotation with the hash of its value.
type Note struct {
	Name string
	Sum  uint32
}

// Hash makes little of much.
func Hash[T ~string | ~[]byte](s T) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// SetState notes a mailbox's counters.
func (e *Entry) SetState(s mail.State) {
	e.Counted = true
	e.UIDValidity, e.UIDNext, e.Messages, e.Unseen, e.ModSeq = s.UIDValidity, s.UIDNext, s.Messages, s.Unseen, s.HighestModSeq
}

// Snapshot is the entries of an account at one moment, sorted by name. It is one piece of memory without pointers: of each
// name only what differs from the one before, of each number the octets that it needs. 400 mailboxes take about 10 KiB.
type Snapshot struct{ data []byte }

// The flags in front of an entry.
const (
	flagExists = 1 << iota
	flagSubscribed
	flagNoAccess
	flagCounted
	flagNotes
)

// Pack makes a Snapshot of entries, which are sorted by name.
func Pack(entries []Entry) Snapshot {
	b := make([]byte, 0, 32*len(entries))
	last := ""
	for i := range entries {
		e := &entries[i]
		b = append(b, e.flags())
		b = appendShared(b, last, e.Name)
		last = e.Name
		b = binary.BigEndian.AppendUint64(b, e.ID)
		if e.Counted {
			for _, n := range [...]uint64{uint64(e.UIDValidity), uint64(e.UIDNext), uint64(e.Messages), uint64(e.Unseen), uint64(e.ModSeq)} {
				b = binary.AppendUvarint(b, n)
			}
		}
		if e.Notes != nil {
			b = binary.AppendUvarint(b, uint64(len(e.Notes)))
			for _, n := range e.Notes {
				b = appendShared(b, "", n.Name)
				b = binary.BigEndian.AppendUint32(b, n.Sum)
			}
		}
	}
	out := make([]byte, len(b)) // of exactly this size: it stays for long
	copy(out, b)
	return Snapshot{out}
}

// Size returns the snapshot's size in octets.
func (s Snapshot) Size() int { return len(s.data) }

func (e *Entry) flags() (f byte) {
	for i, on := range [...]bool{e.Exists, e.Subscribed, e.NoAccess, e.Counted, e.Notes != nil} {
		if on {
			f |= 1 << i
		}
	}
	return f
}

// appendShared writes how many octets s shares with last, and the rest.
func appendShared(b []byte, last, s string) []byte {
	n := 0
	for n < len(last) && n < len(s) && last[n] == s[n] {
		n++
	}
	b = binary.AppendUvarint(b, uint64(n))
	b = binary.AppendUvarint(b, uint64(len(s)-n))
	return append(b, s[n:]...)
}

// reader goes through a snapshot. Its name is valid until the next step.
type reader struct {
	data []byte
	name []byte
	e    Entry // but for its Name
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.data)
	r.data = r.data[size:]
	return n
}

func (r *reader) shared(into []byte) []byte {
	keep, more := int(r.uvarint()), int(r.uvarint())
	into = append(into[:keep], r.data[:more]...)
	r.data = r.data[more:]
	return into
}

// next steps to the next entry.
func (r *reader) next() bool {
	if len(r.data) == 0 {
		return false
	}
	f := r.data[0]
	r.data = r.data[1:]
	r.name = r.shared(r.name)
	r.e = Entry{ID: binary.BigEndian.Uint64(r.data), Exists: f&flagExists != 0, Subscribed: f&flagSubscribed != 0,
		NoAccess: f&flagNoAccess != 0, Counted: f&flagCounted != 0}
	r.data = r.data[8:]
	if r.e.Counted {
		r.e.UIDValidity, r.e.UIDNext, r.e.Messages = uint32(r.uvarint()), mail.UID(r.uvarint()), uint32(r.uvarint())
		r.e.Unseen, r.e.ModSeq = uint32(r.uvarint()), mail.ModSeq(r.uvarint())
	}
	if f&flagNotes != 0 {
		r.e.Notes = make([]Note, r.uvarint())
		for i := range r.e.Notes {
			r.e.Notes[i].Name = string(r.shared(nil))
			r.e.Notes[i].Sum = binary.BigEndian.Uint32(r.data)
			r.data = r.data[4:]
		}
	}
	return true
}

// entry returns a copy of the entry that the reader is at.
func (r *reader) entry() Entry {
	e := r.e
	e.Name = string(r.name)
	return e
}
