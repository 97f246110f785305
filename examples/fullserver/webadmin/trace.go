package webadmin

import (
	"net/http"
	"strings"

	"github.com/buuta/mail/examples/fullserver/trace"
)

type traceData struct {
	Query   string
	Stories []string
	Left    int
	Asked   bool
	NoLog   bool
}

// tracePage tells what became of messages, in the words of "fullserver trace".
func (q *request) tracePage() error {
	d := traceData{Query: strings.TrimSpace(q.arg("q")), NoLog: q.cfg.LogFile == ""}
	if d.Query != "" && !d.NoLog {
		if err := q.turn(); err != nil {
			return err
		}
		defer q.endTurn()
		keep := func(s *trace.Story) bool { return q.who.Tells(q.ctx, s) }
		found, left, err := trace.Find(q.ctx, trace.Rotated(q.cfg.LogFile), d.Query, 20, keep)
		if err != nil {
			return err
		}
		d.Asked, d.Left = true, left
		for i := len(found) - 1; i >= 0; i-- {
			var b strings.Builder
			found[i].Tell(&b, string(q.lang))
			d.Stories = append(d.Stories, b.String())
		}
	}
	return q.render(http.StatusOK, "trace", q.page("trace.title"), d)
}

// turn waits until one more may read a log or ask the DNS: either takes time.
func (q *request) turn() error {
	select {
	case q.slow <- struct{}{}:
		return nil
	case <-q.ctx.Done():
		return q.ctx.Err()
	}
}

func (q *request) endTurn() { <-q.slow }
