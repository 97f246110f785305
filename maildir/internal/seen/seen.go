// Package seen keeps one user's \Seen flags for a mailbox that belongs to somebody else, and gives that user a view of the
// mailbox's ModSeqs in which the user's own changes have theirs, without touching the mailbox.
//
// A change of the user's own is noted with the mailbox's highest ModSeq at that moment, and adds one to all ModSeqs after it:
// what the mailbox calls m is m plus the number of own changes before m in the user's view. So both grow in one order, nothing
// in the view ever goes down, and every ModSeq of the view can be translated back.
package seen

import (
	"cmp"
	"maps"
	"slices"

	"github.com/buuta/mail"
)

// maxSteps is how many places between the mailbox's changes are told apart. Above it the oldest are thrown together: what
// lies between them then gets higher ModSeqs, so that somebody who comes back after very long hears of changes twice.
const maxSteps = 4096

// Table is what is known of a mailbox under one UIDVALIDITY. It is not safe for use by several goroutines at once.
type Table struct {
	Validity uint32
	steps    []step
	marks    map[mail.UID]Mark
	on       int
}

// step says that after the mailbox's ModSeq at there is add to be added.
type step struct{ at, add uint64 }

// Mark is the user's \Seen of one message, and the ModSeq of its last change.
type Mark struct {
	On     bool
	ModSeq uint64
}

// New returns an empty table.
func New(validity uint32) *Table { return &Table{Validity: validity, marks: map[mail.UID]Mark{}} }

// Mark returns a message's mark; the zero Mark is that of one never seen.
func (t *Table) Mark(uid mail.UID) Mark { return t.marks[uid] }

// Marks returns all that there are. The map must not be changed, and changes with the table.
func (t *Table) Marks() map[mail.UID]Mark { return t.marks }

// On is how many messages are marked as seen, among them such as may have gone from the mailbox.
func (t *Table) On() int { return t.on }

// View returns the ModSeq in the user's view of one of the mailbox's.
func (t *Table) View(m uint64) uint64 {
	i, _ := slices.BinarySearchFunc(t.steps, m, func(s step, m uint64) int { return cmp.Compare(s.at, m) })
	if i == 0 {
		return m
	}
	return m + t.steps[i-1].add
}

// High returns the highest ModSeq of the view when that of the mailbox is m.
func (t *Table) High(m uint64) uint64 {
	n := len(t.steps)
	if n == 0 {
		return m
	}
	last := t.steps[n-1]
	return max(m, last.at) + last.add
}

// Back returns the highest ModSeq of the mailbox that is not after v in the user's view.
func (t *Table) Back(v uint64) uint64 {
	before := uint64(0)
	i, _ := slices.BinarySearchFunc(t.steps, v, func(s step, v uint64) int {
		// The last step that v has reached.
		if s.at+s.add <= v {
			return -1
		}
		return 1
	})
	if i < len(t.steps) {
		// v is before the end of step i, maybe among its changes.
		if i > 0 {
			before = t.steps[i-1].add
		}
		return min(v-min(v, before), t.steps[i].at)
	}
	if i > 0 {
		before = t.steps[i-1].add
	}
	return v - before
}

// Change is one change of the user's own.
type Change struct {
	At, Add uint64      // the mailbox's ModSeq, and what is added to those after it; their sum is the change's own ModSeq
	On, Off mail.UIDSet // what the messages are after it
}

// Next returns the place of a change when the mailbox's highest ModSeq is high. The first change of all begins far above what
// may have been told before, of a table that was lost: base is the time in microseconds.
func (t *Table) Next(high, base uint64) Change {
	n := len(t.steps)
	if n == 0 {
		return Change{At: high, Add: max(base, 1)}
	}
	last := t.steps[n-1]
	return Change{At: max(high, last.at), Add: last.add + 1}
}

// Apply does a change.
func (t *Table) Apply(c Change) {
	if n := len(t.steps); n > 0 && t.steps[n-1].at == c.At {
		t.steps[n-1].add = c.Add
	} else {
		t.steps = append(t.steps, step{c.At, c.Add})
	}
	t.put(c.On, Mark{true, c.At + c.Add})
	t.put(c.Off, Mark{false, c.At + c.Add})
	if len(t.steps) > maxSteps {
		half := maxSteps / 2
		last := t.steps[half-1]
		t.steps = slices.Delete(t.steps, 1, half)
		t.steps[0].add = last.add
	}
}

func (t *Table) put(set mail.UIDSet, m Mark) {
	for uid := range set.All() {
		if t.marks[uid].On != m.On {
			if m.On {
				t.on++
			} else {
				t.on--
			}
		}
		t.marks[uid] = m
	}
}

// Prune forgets messages that are gone.
func (t *Table) Prune(exists func(mail.UID) bool) {
	maps.DeleteFunc(t.marks, func(uid mail.UID, m Mark) bool {
		gone := !exists(uid)
		if gone && m.On {
			t.on--
		}
		return gone
	})
}
