package thread

import (
	"cmp"
	"slices"

	"github.com/buuta/mail/imap"
)

// earlier orders nodes by sent date, then by their place in the mailbox.
func (b *Builder) earlier(x, y int32) int {
	return cmp.Or(cmp.Compare(b.msgs[x].date, b.msgs[y].date), cmp.Compare(b.msgs[x].num, b.msgs[y].num))
}

// OrderedSubject makes threads of messages with the same base subject: "poor man's threading" (RFC 5256 section 3). The
// messages were added with [Builder.AddSubject].
func (b *Builder) OrderedSubject() []imap.Thread {
	nodes := make([]int32, 0, b.real)
	for i := 1; i < len(b.msgs); i++ {
		nodes = append(nodes, int32(i))
	}
	// Which subject comes first doesn't show: the threads are put in order by date.
	slices.SortFunc(nodes, func(x, y int32) int {
		return cmp.Or(cmp.Compare(b.msgs[x].subject, b.msgs[y].subject), b.earlier(x, y))
	})
	var roots []int32
	replies := map[int32][]int32{}
	for i := 0; i < len(nodes); {
		j := i + 1
		for j < len(nodes) && b.msgs[nodes[j]].subject == b.msgs[nodes[i]].subject {
			j++
		}
		roots = append(roots, nodes[i])
		if j > i+1 {
			replies[nodes[i]] = nodes[i+1 : j]
		}
		i = j
	}
	slices.SortFunc(roots, b.earlier)
	return b.emit(roots, func(n int32) []int32 { return replies[n] })
}
