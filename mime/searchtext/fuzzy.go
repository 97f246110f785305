package searchtext

import "bytes"

// word is a word of a fuzzy query. It is found within other words, and if it is long enough also with one error: a letter too
// many, too few, another, or two that changed places.
type word struct {
	whole       finder
	left, right finder // two halves; with one error in the word one of them is still whole
	errors      bool
}

// minErrors is the length from which a word may have an error; in shorter ones it makes too many others of them.
const minErrors = 5

func newWord(w []byte) word {
	out := word{whole: newFinder(w), errors: len(w) >= minErrors}
	for _, c := range w {
		out.errors = out.errors && c < 0x80
	}
	if out.errors {
		h := len(w) / 2
		out.left, out.right = newFinder(w[:h]), newFinder(w[h:])
	}
	return out
}

// cost is how often looking for the word stops, in units of nothing in particular.
func (w *word) cost() int {
	if w.errors {
		return w.left.cost() + w.right.cost()
	}
	return w.whole.cost()
}

func (w *word) needs() [][]byte {
	if w.errors {
		return [][]byte{w.left.needle, w.right.needle}
	}
	return [][]byte{w.whole.needle}
}

func (w *word) in(s []byte) bool {
	if !w.errors {
		return w.whole.index(s) >= 0
	}
	for at := 0; ; { // finds the word without an error, too
		i := w.left.index(s[at:])
		if i < 0 {
			break
		}
		at += i + len(w.left.needle)
		if beginsNearly(s[at:], w.right.needle) {
			return true
		}
		at -= len(w.left.needle) - 1
	}
	for at := 0; ; {
		i := w.right.index(s[at:])
		if i < 0 {
			return false
		}
		at += i
		if endsNearly(s[:at], w.left.needle) {
			return true
		}
		at++
	}
}

// beginsNearly reports whether s begins with w but for one error.
func beginsNearly(s, w []byte) bool {
	i := 0
	for i < len(w) && i < len(s) && s[i] == w[i] {
		i++
	}
	if i == len(w) {
		return true
	}
	s, w = s[i:], w[i:]
	switch {
	case bytes.HasPrefix(s, w[1:]): // too few
		return true
	case len(s) == 0:
		return false
	case bytes.HasPrefix(s[1:], w[1:]), bytes.HasPrefix(s[1:], w):
		return true
	}
	return len(s) > 1 && len(w) > 1 && s[0] == w[1] && s[1] == w[0] && bytes.HasPrefix(s[2:], w[2:])
}

// endsNearly reports whether s ends with w but for one error.
func endsNearly(s, w []byte) bool {
	for len(w) > 0 && len(s) > 0 && s[len(s)-1] == w[len(w)-1] {
		s, w = s[:len(s)-1], w[:len(w)-1]
	}
	n, m := len(s), len(w)
	switch {
	case m == 0:
		return true
	case bytes.HasSuffix(s, w[:m-1]):
		return true
	case n == 0:
		return false
	case bytes.HasSuffix(s[:n-1], w[:m-1]), bytes.HasSuffix(s[:n-1], w):
		return true
	}
	return n > 1 && m > 1 && s[n-1] == w[m-2] && s[n-2] == w[m-1] && bytes.HasSuffix(s[:n-2], w[:m-2])
}
