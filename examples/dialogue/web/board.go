// Package web shows explained exchanges on a web page: a transcript that needs no scripts, and that grows as lines come where they run. What
// comes from the wire is escaped by html/template, and a content security policy lets nothing run but the page's own file.
package web

import (
	"strconv"
	"sync"

	"github.com/buuta/mail/examples/dialogue/explain"
)

// Limits of what is kept.
const (
	maxTalks = 50
	maxNotes = 5000 // of one exchange; what comes later is not shown
)

// Board holds exchanges, and tells who looks at them what is new.
type Board struct {
	lang  explain.Lang // where the request doesn't say
	mu    sync.Mutex
	talks []*Talk
	last  int
	news  chan struct{} // closed at each change
}

// Talk is one exchange on the board.
type Talk struct {
	board    *Board
	ID       string
	Protocol explain.Protocol
	Title    string
	notes    []explain.Note
	over     bool
}

// New makes an empty board.
func New(l explain.Lang) *Board { return &Board{lang: l, news: make(chan struct{})} }

// Begin puts an exchange on the board. The oldest goes when there are too many.
func (b *Board) Begin(p explain.Protocol, title string) *Talk {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	t := &Talk{board: b, ID: strconv.Itoa(b.last), Protocol: p, Title: title}
	b.talks = append(b.talks, t)
	if len(b.talks) > maxTalks {
		b.talks = b.talks[1:]
	}
	b.changed()
	return t
}

// changed wakes who waits. The board is locked.
func (b *Board) changed() {
	close(b.news)
	b.news = make(chan struct{})
}

// Add adds lines to an exchange. A nil Talk takes them and forgets them.
func (t *Talk) Add(notes ...explain.Note) {
	if t == nil || len(notes) == 0 {
		return
	}
	t.board.mu.Lock()
	defer t.board.mu.Unlock()
	t.notes = append(t.notes, notes[:min(len(notes), maxNotes-len(t.notes))]...)
	t.board.changed()
}

// End says that nothing more comes.
func (t *Talk) End() {
	if t == nil {
		return
	}
	t.board.mu.Lock()
	defer t.board.mu.Unlock()
	t.over = true
	t.board.changed()
}

// find returns an exchange, what is known of it from a line on, and what tells of the next change. "" is the newest.
func (b *Board) find(id string, from int) (t *Talk, notes []explain.Note, over bool, news <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.talks) - 1; i >= 0; i-- {
		if t = b.talks[i]; id == "" || t.ID == id {
			return t, t.notes[min(max(from, 0), len(t.notes)):], t.over, b.news
		}
	}
	return nil, nil, false, b.news
}

// list returns all exchanges, the newest first.
func (b *Board) list() []*Talk {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*Talk
	for i := len(b.talks) - 1; i >= 0; i-- {
		out = append(out, b.talks[i])
	}
	return out
}
