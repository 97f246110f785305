package lookup

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// ErrNoEntry says that a file has no such key.
var ErrNoEntry = errors.New("there is no entry of that name")

// Text is a file of "key value" lines (hash:, lmdb:, texthash: …) that is being changed. Comments, the order, and what isn't changed stay as they are.
type Text struct{ lines []string }

// NewText takes a file's text.
func NewText(b []byte) *Text {
	t := &Text{}
	for line := range strings.Lines(string(b)) {
		t.lines = append(t.lines, line)
	}
	return t
}

// Bytes returns the text as it is by now.
func (t *Text) Bytes() []byte { return []byte(strings.Join(t.lines, "")) }

// All goes through the entries in the order of the file, with keys as they are written there.
func (t *Text) All(yield func(key, value string) bool) {
	for _, e := range t.entries() {
		if !yield(e.key, e.value) {
			return
		}
	}
}

// entry is a logical line: the physical ones of which it is made, without comments between them.
type entry struct {
	key, value string
	lines      []int
}

func (t *Text) entries() []entry {
	var out []entry
	for i, line := range t.lines {
		line = strings.TrimSuffix(line, "\n")
		visible := source.TrimLeft(line)
		switch {
		case visible == "" || visible[0] == '#':
		case !source.IsSpace(line[0]):
			out = append(out, entry{key: line, lines: []int{i}})
		case len(out) > 0:
			e := &out[len(out)-1]
			e.key += line
			e.lines = append(e.lines, i)
		}
	}
	for i := range out {
		e := &out[i]
		end, _ := keyEnd(e.key)
		e.key, e.value = e.key[:end], source.Trim(e.key[end:])
	}
	return out
}

// Get returns what a key, in any case, stands for.
func (t *Text) Get(key string) (value string, found bool) {
	for _, e := range t.entries() {
		if fold(e.key, false) == fold(key, false) {
			return e.value, true
		}
	}
	return "", false
}

// Set gives a key another value, where it stands; a new one comes at the end.
func (t *Text) Set(key, value string) error {
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }
	end, balanced := keyEnd(key)
	switch {
	case key == "" || key[0] == '#' || end < len(key) || !balanced || strings.ContainsFunc(key, bad):
		return errors.New(source.Quote(key) + " can't be a table's key")
	case source.Trim(value) == "" || strings.ContainsFunc(value, bad):
		return errors.New(source.Quote(value) + " can't be a table's value")
	}
	for _, e := range t.entries() {
		if fold(e.key, false) != fold(key, false) {
			continue
		}
		t.lines[e.lines[0]] = e.key + gap(t.lines[e.lines[0]], e.key) + value + "\n"
		t.cut(e.lines[1:])
		return nil
	}
	if n := len(t.lines); n > 0 && !strings.HasSuffix(t.lines[n-1], "\n") {
		t.lines[n-1] += "\n"
	}
	t.lines = append(t.lines, key+"    "+value+"\n")
	return nil
}

// gap is the white space behind the key of a line.
func gap(line, key string) string {
	rest := strings.TrimPrefix(line, key)
	if g := rest[:len(rest)-len(source.TrimLeft(rest))]; strings.Trim(g, " \t") == "" && g != "" {
		return g
	}
	return "    "
}

// Delete takes a key out, as often as it stands there.
func (t *Text) Delete(key string) error {
	var lines []int
	for _, e := range t.entries() {
		if fold(e.key, false) == fold(key, false) {
			lines = append(lines, e.lines...)
		}
	}
	if lines == nil {
		return ErrNoEntry
	}
	t.cut(lines)
	return nil
}

// cut takes lines out; they are in order.
func (t *Text) cut(lines []int) {
	kept := t.lines[:0]
	for i, line := range t.lines {
		if len(lines) > 0 && lines[0] == i {
			lines = lines[1:]
			continue
		}
		kept = append(kept, line)
	}
	t.lines = kept
}
