package thread

import (
	"cmp"
	"slices"

	"github.com/buuta/mail/imap"
)

// forest is the threads once the messages that aren't there are out of the way: steps (2) and (3) of REFERENCES.
type forest struct {
	b     *Builder
	roots []int32   // in no order
	kids  [][]int32 // by node, nil for most
}

// References makes threads of the messages added with [Builder.Add], as REFERENCES says (RFC 5256 section 3).
func (b *Builder) References() []imap.Thread {
	f := b.prune()
	f.sortKids() // (6), and the order within dummies that (4) needs
	f.sortRoots()
	f.mergeSubjects()
	f.sortKids()
	f.sortRoots()
	return b.emit(f.roots, func(n int32) []int32 { return f.kids[n] })
}

// Refs makes threads as REFERENCES does, but of references alone, and in the order of the most recent message of each.
func (b *Builder) Refs() []imap.Thread {
	f := b.prune()
	f.sortKids()
	latest := make([]int64, len(b.msgs))
	for _, r := range f.roots {
		latest[r] = f.latest(r)
	}
	slices.SortFunc(f.roots, func(x, y int32) int {
		return cmp.Or(cmp.Compare(latest[x], latest[y]), f.earlier(x, y))
	})
	return b.emit(f.roots, func(n int32) []int32 { return f.kids[n] })
}

// latest returns the date of the most recent message of a thread.
func (f *forest) latest(root int32) (at int64) {
	at = f.b.msgs[f.first(root)].date
	stack := []int32{root}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if m := &f.b.msgs[n]; m.num != 0 {
			at = max(at, m.date)
		}
		stack = append(stack, f.kids[n]...)
	}
	return at
}

// prune leaves out the messages that aren't there, their children going to the nearest ancestor that is; "do not promote the
// children if doing so would make them children of the root, unless there is only one child".
func (b *Builder) prune() *forest {
	f := &forest{b: b, kids: make([][]int32, len(b.msgs))}
	shown := make([]int32, len(b.msgs)) // of a dummy: where its children go, the topmost dummy if no ancestor is there
	var path []int32
	var tops []int32
	for n := int32(1); n < int32(len(b.msgs)); n++ {
		if b.msgs[n].num == 0 {
			if b.par[n] == 0 {
				tops = append(tops, n)
			}
			continue
		}
		if b.par[n] == 0 {
			f.roots = append(f.roots, n)
			continue
		}
		p := b.par[n]
		path = path[:0]
		for b.msgs[p].num == 0 && b.par[p] != 0 && shown[p] == 0 {
			path = append(path, p)
			p = b.par[p]
		}
		if shown[p] != 0 {
			p = shown[p]
		}
		for _, d := range path {
			shown[d] = p
		}
		f.kids[p] = append(f.kids[p], n)
	}
	for _, t := range tops {
		switch kids := f.kids[t]; len(kids) {
		case 0:
		case 1:
			f.roots, f.kids[t] = append(f.roots, kids[0]), nil
		default:
			f.roots = append(f.roots, t)
		}
	}
	return f
}

// first returns the message by which a node is put in order: of a dummy, its first child.
func (f *forest) first(n int32) int32 {
	for f.b.msgs[n].num == 0 && len(f.kids[n]) > 0 {
		n = f.kids[n][0]
	}
	return n
}

func (f *forest) earlier(x, y int32) int { return f.b.earlier(f.first(x), f.first(y)) }

// sortKids puts each set of siblings in order by sent date. Dummies are found at the top only, so that no set depends on
// another's order but theirs, which comes last.
func (f *forest) sortKids() {
	for _, kids := range f.kids {
		if len(kids) > 1 {
			slices.SortFunc(kids, f.b.earlier)
		}
	}
}

func (f *forest) sortRoots() { slices.SortFunc(f.roots, f.earlier) }

// mergeSubjects is step (5): "Gather together messages under the root that have the same base subject text."
func (f *forest) mergeSubjects() {
	table := map[uint64]int32{}
	subject := func(n int32) uint64 { return f.b.msgs[f.first(n)].subject }
	dummy := func(n int32) bool { return f.b.msgs[n].num == 0 }
	reply := func(n int32) bool { return f.b.msgs[n].reply }
	for _, n := range f.roots { // (B)
		s := subject(n)
		if s == 0 {
			continue
		}
		in, there := table[s]
		if !there || !dummy(in) && (dummy(n) || reply(in) && !reply(n)) {
			table[s] = n
		}
	}
	roots := f.roots
	gone := map[int32]bool{}
	var made []int32
	for _, n := range roots { // (C)
		s := subject(n)
		if s == 0 {
			continue
		}
		switch in := table[s]; {
		case in == n:
		case dummy(in) && dummy(n):
			f.kids[in] = append(f.kids[in], f.kids[n]...)
			f.kids[n] = nil
			gone[n] = true
		case dummy(in), reply(n) && !reply(in):
			f.kids[in] = append(f.kids[in], n)
			gone[n] = true
		default:
			d := f.dummy(s)
			f.kids[d] = []int32{in, n}
			gone[in], gone[n] = true, true
			made = append(made, d)
			table[s] = d
		}
	}
	f.roots = append(slices.DeleteFunc(roots, func(n int32) bool { return gone[n] }), made...)
}

// dummy makes a node for a message that isn't there, of threads with the subject s.
func (f *forest) dummy(s uint64) int32 {
	f.b.msgs = append(f.b.msgs, message{subject: s})
	f.kids = append(f.kids, nil)
	return int32(len(f.b.msgs) - 1)
}
