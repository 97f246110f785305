package textcache

import "context"

// Turn is what those who add to one mailbox's files have in common within a process: one of them has its turn, the others wait, and who comes next
// knows where the one before has left off.
type Turn struct {
	held chan struct{}
	end  end // of the files; only who holds the turn looks
}

// NewTurn returns a Turn that nobody has.
func NewTurn() *Turn { return &Turn{held: make(chan struct{}, 1)} }

// take waits for the turn. A nil Turn is always free.
func (t *Turn) take(ctx context.Context) error {
	if t == nil {
		return nil
	}
	select {
	case t.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Turn) leave() {
	if t != nil {
		<-t.held
	}
}

// end is how files were left.
type end struct {
	header
	text, index, sealed int64
	loose               int
	top                 uint32 // the highest UID that has an entry
}

// leftAt notes how the files were left; v is nil when that isn't known.
func (t *Turn) leftAt(v *view, top uint32) {
	if t == nil {
		return
	}
	if t.end = (end{}); v != nil {
		t.end = end{v.header, v.textEnd, v.indexEnd, v.sealed, v.loose, top}
	}
}

// resume goes on where the files were left, without looking through them: they have no entry of first, or above. It reports false when
// that isn't known, or others have been there.
func (t *Turn) resume(v *view, first uint32) bool {
	if t == nil || t.end.header != v.header || t.end.text == 0 || first <= t.end.top || v.index == nil {
		return false
	}
	text, err := v.text.Stat()
	if err != nil || text.Size() != t.end.text {
		return false
	}
	index, err := v.index.Stat()
	if err != nil || index.Size() != t.end.index {
		return false
	}
	v.textEnd, v.indexEnd, v.sealed, v.loose = t.end.text, t.end.index, t.end.sealed, t.end.loose
	return true
}
