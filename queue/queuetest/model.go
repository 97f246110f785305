package queuetest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/queue"
	"pgregory.net/rapid"
)

// model is what a storage should hold.
type model struct {
	state map[string]queue.State
	done  map[string]bool // the first of two recipients is delivered
	lease map[string]*queue.Lease
	edit  map[string]queue.Op
}

// testModel does random things to a storage and to a map and holds them against each other. Time is out of it: what
// waits, waits for an hour.
func testModel(s *suite) {
	rapid.Check(s.T, func(t *rapid.T) {
		m := &model{map[string]queue.State{}, map[string]bool{}, map[string]*queue.Lease{}, map[string]queue.Op{}}
		pick := func(ok func(string) bool) string {
			var ids []string
			for _, id := range slices.Sorted(maps.Keys(m.state)) {
				if ok(id) {
					ids = append(ids, id)
				}
			}
			if len(ids) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(ids).Draw(t, "id")
		}
		leased := func(id string) bool { return m.lease[id] != nil }
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(*rapid.T) { m.state[s.put("a@example.org", "b@example.net", "c@example.net")] = queue.Incoming },
			"later": func(*rapid.T) {
				m.state[s.putAt(time.Now().Add(time.Hour), "a@example.org", "b@example.net", "c@example.net")] = queue.Deferred
			},
			"held": func(*rapid.T) {
				m.state[s.place(queue.Placement{Held: true}, "a@example.org", "b@example.net", "c@example.net")] = queue.Held
			},
			"claim": func(t *rapid.T) {
				for _, l := range s.claim() {
					if m.state[l.ID] != queue.Incoming {
						t.Fatalf("%s is leased from %q", l.ID, m.state[l.ID])
					}
					if got := l.Message.Recipients[0].State == queue.Delivered; got != m.done[l.ID] {
						t.Fatalf("%s: first recipient done: got %v, want %v", l.ID, got, m.done[l.ID])
					}
					m.state[l.ID], m.lease[l.ID] = queue.Active, l
				}
				for id, st := range m.state {
					if st == queue.Incoming {
						t.Fatalf("%s is due but was not leased", id)
					}
				}
			},
			"record": func(t *rapid.T) {
				id := pick(leased)
				s.noError(s.st.Record(s.ctx, m.lease[id], []queue.Outcome{outcome(queue.Delivered, false, 0)}), "Record")
				m.done[id] = true
			},
			"finish": func(t *rapid.T) {
				id := pick(leased)
				f := queue.Finish{Retry: time.Now().Add(time.Hour), Done: rapid.Bool().Draw(t, "done")}
				s.finish(m.lease[id], f)
				m.finish(id, f.Done)
			},
			"edit": func(t *rapid.T) {
				id := pick(func(string) bool { return true })
				op := rapid.SampledFrom([]queue.Op{queue.OpHold, queue.OpRelease, queue.OpFlush, queue.OpRequeue, queue.OpDelete}).Draw(t, "op")
				_, err := s.st.Edit(s.ctx, byID(id), op)
				s.noError(err, "Edit")
				m.apply(id, op)
			},
			"reopen": func(*rapid.T) {
				s.reopen()
				for id := range m.lease {
					m.state[id] = queue.Incoming
				}
				clear(m.lease)
				clear(m.edit)
			},
			"": func(t *rapid.T) {
				if got := s.states(); !maps.Equal(got, m.state) {
					t.Fatalf("states: got %v, want %v", got, m.state)
				}
			},
		})
		for id := range m.state { // for the next round
			if s.text(id) != content {
				t.Fatalf("%s: content is another", id)
			}
		}
		s.reopen()
		_, err := s.st.Edit(s.ctx, queue.Filter{}, queue.OpDelete)
		s.noError(err, "Edit")
	})
}

func (m *model) finish(id string, done bool) {
	delete(m.lease, id)
	op := m.edit[id]
	delete(m.edit, id)
	switch {
	case done || op == queue.OpDelete:
		delete(m.state, id)
		delete(m.done, id)
	case op == queue.OpHold:
		m.state[id] = queue.Held
	case op != 0:
		m.state[id] = queue.Incoming
	default:
		m.state[id] = queue.Deferred
	}
}

func (m *model) apply(id string, op queue.Op) {
	if m.lease[id] != nil {
		switch old := m.edit[id]; {
		case old == queue.OpDelete, op == queue.OpFlush, op == queue.OpRelease && old != queue.OpHold:
		default:
			m.edit[id] = op
		}
		return
	}
	to := map[queue.Op]string{
		queue.OpHold: "incoming deferred", queue.OpRelease: "hold", queue.OpFlush: "deferred",
		queue.OpRequeue: "deferred hold", queue.OpDelete: "incoming deferred hold",
	}[op]
	if !slices.Contains(strings.Fields(to), string(m.state[id])) {
		return
	}
	switch op {
	case queue.OpHold:
		m.state[id] = queue.Held
	case queue.OpDelete:
		delete(m.state, id)
		delete(m.done, id)
	default:
		m.state[id] = queue.Incoming
	}
}
