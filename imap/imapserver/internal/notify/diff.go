package notify

import (
	"bytes"
	"slices"
	"strings"
)

// Change is what has become of a mailbox. Old is what it was, with an empty Name when it was not known; New what it is, likewise
// when it is gone. Where both have names and these differ, it was renamed.
type Change struct{ Old, New Entry }

// Renamed reports whether the mailbox has another name now.
func (c *Change) Renamed() bool {
	return c.Old.Name != "" && c.New.Name != "" && c.Old.Name != c.New.Name
}

// Name is the mailbox's name, the new one if it has one.
func (c *Change) Name() string {
	if c.New.Name != "" {
		return c.New.Name
	}
	return c.Old.Name
}

// Diff returns what differs between a snapshot and the entries of now, which are sorted by name. A mailbox that is there under
// another name is one change; of those below one that was renamed nothing is said as long as they moved along with it (RFC
// 5465 section 5.4: "its children are renamed too. No additional MailboxName events are sent for children in this case").
func Diff(old Snapshot, now []Entry) (changes []Change) {
	var gone, come []Entry
	r := reader{data: old.data}
	more := r.next()
	for i := 0; i < len(now) || more; {
		order := 1 // the old one is behind the new one
		if more {
			order = -1
			if i < len(now) {
				order = compare(r.name, now[i].Name)
			}
		}
		switch {
		case order == 0:
			if was := &r.e; !same(was, &now[i]) {
				changes = append(changes, Change{r.entry(), now[i]})
			}
			more = r.next()
			i++
		case order < 0:
			gone = append(gone, r.entry())
			more = r.next()
		default:
			come = append(come, now[i])
			i++
		}
	}
	return append(changes, pair(gone, come)...)
}

func compare(a []byte, b string) int { return bytes.Compare(a, []byte(b)) }

// pair makes changes of what has gone and come: renames where the id is the same.
func pair(gone, come []Entry) (changes []Change) {
	byID := make(map[uint64]int, len(gone))
	for i := range gone {
		if gone[i].Exists && gone[i].ID != 0 {
			byID[gone[i].ID] = i
		}
	}
	moved := make(map[int]bool)
	var renames []Change
	for i := range come {
		from, ok := byID[come[i].ID]
		if !ok || !come[i].Exists || moved[from] {
			changes = append(changes, Change{New: come[i]})
			continue
		}
		moved[from] = true
		renames = append(renames, Change{gone[from], come[i]})
	}
	for i := range gone {
		if !moved[i] {
			changes = append(changes, Change{Old: gone[i]})
		}
	}
	for i := range renames {
		if c := &renames[i]; !slices.ContainsFunc(renames, func(above Change) bool { return movedAlong(&above, c) }) {
			changes = append(changes, *c)
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name(), b.Name()) })
	return changes
}

// movedAlong reports whether c is a mailbox below one that was renamed, and has kept its place there.
func movedAlong(above, c *Change) bool {
	was, ok := strings.CutPrefix(c.Old.Name, above.Old.Name+"/")
	is, ok2 := strings.CutPrefix(c.New.Name, above.New.Name+"/")
	return ok && ok2 && was == is
}

// same reports whether nothing has changed.
func same(a, b *Entry) bool {
	return a.ID == b.ID && a.Exists == b.Exists && a.Subscribed == b.Subscribed && a.NoAccess == b.NoAccess && a.Counted == b.Counted &&
		a.UIDValidity == b.UIDValidity && a.UIDNext == b.UIDNext && a.Messages == b.Messages && a.Unseen == b.Unseen &&
		a.ModSeq == b.ModSeq && slices.Equal(a.Notes, b.Notes)
}

// ChangedNotes returns the names of the annotations that are other than they were, new, or gone. Where one of the two was not
// looked at there are none.
func (c *Change) ChangedNotes() (names []string) {
	if c.Old.Notes == nil || c.New.Notes == nil {
		return nil
	}
	i, j := 0, 0
	for i < len(c.Old.Notes) || j < len(c.New.Notes) {
		switch {
		case j == len(c.New.Notes) || i < len(c.Old.Notes) && c.Old.Notes[i].Name < c.New.Notes[j].Name:
			names = append(names, c.Old.Notes[i].Name)
			i++
		case i == len(c.Old.Notes) || c.New.Notes[j].Name < c.Old.Notes[i].Name:
			names = append(names, c.New.Notes[j].Name)
			j++
		default:
			if c.Old.Notes[i].Sum != c.New.Notes[j].Sum {
				names = append(names, c.New.Notes[j].Name)
			}
			i++
			j++
		}
	}
	return names
}
