package imap

// ThreadAlgorithm is a way to make threads of messages (RFC 5256 section 3).
type ThreadAlgorithm string

// The algorithms. REFS is draft-ietf-morg-inthread's: as REFERENCES, but without regard to subjects, and the threads in
// the order of their latest messages.
const (
	ThreadOrderedSubject ThreadAlgorithm = "ORDEREDSUBJECT"
	ThreadReferences     ThreadAlgorithm = "REFERENCES"
	ThreadRefs           ThreadAlgorithm = "REFS"
)

// Thread is a message with those that answer it. Num is its number or UID, 0 for a message that isn't there, whose
// answers only are known; that is found at the top of a thread only.
type Thread struct {
	Num     uint32
	Replies []Thread
}

// ThreadProgram requires what follows THREAD: the algorithm, the charset, and the search program.
func (d *Decoder) ThreadProgram() (alg ThreadAlgorithm, charset string, key SearchKey) {
	alg = ThreadAlgorithm(d.Keyword())
	d.SP()
	charset = d.AString()
	d.SP()
	return alg, charset, d.SearchProgram()
}

// ThreadProgram writes what follows THREAD. An empty charset is written as UTF-8: the command must have one.
func (e *Encoder) ThreadProgram(alg ThreadAlgorithm, charset string, key SearchKey) *Encoder {
	e.Raw(string(alg)).SP().charset(charset)
	return e.SearchKey(key)
}

// Threads writes what follows THREAD in a response (RFC 5256 section 4). It needs no stack for deep threads.
func (e *Encoder) Threads(list []Thread) *Encoder {
	if len(list) == 0 {
		return e
	}
	e.SP()
	stack := [][]Thread{list} // what is left to write, the innermost last
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if len(*top) == 0 {
			if stack = stack[:len(stack)-1]; len(stack) > 0 {
				e.Raw(")")
			}
			continue
		}
		t := &(*top)[0]
		*top = (*top)[1:]
		for t.Num == 0 && len(t.Replies) == 1 {
			t = &t.Replies[0] // a lone child of what isn't there can't be written as such
		}
		if t.Num == 0 && len(t.Replies) == 0 {
			continue // nothing that could be written
		}
		e.Raw("(")
		t = e.threadMembers(t)
		e.FlushFull()
		stack = append(stack, t.Replies)
	}
	return e
}

// threadMembers writes a message and, as long as there is exactly one answer, that answer; it returns the last.
func (e *Encoder) threadMembers(t *Thread) *Thread {
	if t.Num == 0 {
		return t
	}
	e.Number(uint64(t.Num))
	for len(t.Replies) == 1 {
		t = &t.Replies[0]
		if t.Num != 0 { // else its answers are written as those of the message above it
			e.SP().Number(uint64(t.Num))
			e.FlushFull()
		}
	}
	if len(t.Replies) > 1 {
		e.SP()
	}
	return t
}

// Threads reads what follows THREAD in a response, to the end of the line. How deep threads are is bounded by the length
// of the line only, and costs no stack.
func (d *Decoder) Threads() []Thread {
	d.TrySP()
	var top []Thread
	// at is where the next thing is to go: the lists that are open, the innermost last. A list's own members are a chain
	// of single answers below one another.
	at := []*[]Thread{&top}
	for !d.AtEnd() {
		switch {
		case d.Try('('):
			list := at[len(at)-1]
			*list = append(*list, Thread{})
			at = append(at, d.threadMembers(&(*list)[len(*list)-1]))
		case d.Try(')'):
			if at = at[:len(at)-1]; len(at) == 0 {
				d.fail("Unexpected )")
				return nil
			}
			if len(at) == 1 {
				d.TrySP() // some servers have it between threads
			}
		default:
			d.fail("Thread expected before " + describe(d.line))
			return nil
		}
	}
	if len(at) != 1 {
		d.fail("Thread not complete")
	}
	return top
}

// threadMembers reads the numbers at the beginning of a thread-list and returns where lists within it go.
func (d *Decoder) threadMembers(t *Thread) *[]Thread {
	if d.Peek('(') {
		return &t.Replies
	}
	t.Num = d.NZNumber()
	for d.TrySP() && !d.Peek('(') && d.err == nil {
		t.Replies = []Thread{{Num: d.NZNumber()}}
		t = &t.Replies[0]
	}
	return &t.Replies
}
