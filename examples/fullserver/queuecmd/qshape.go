package queuecmd

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/queue"
)

const qshapeUsage = "qshape [-s] [-p] [-l] [-b bucket_count] [-t bucket_time] [-n min] [queue...]"

// shape is a table of how many recipients (or messages) wait for each domain, by age.
type shape struct {
	bounds []time.Duration // of all columns but the last
	rows   map[string][]int
}

// qshape is qshape(1): which domains mail waits for (-s: whose senders it has), by how long it has been in the queue. -p counts domains above
// as well, -n leaves out those with fewer, -l has columns of equal width.
func qshape(ctx context.Context, e *Env, args []string) error {
	opts, names, err := getopt.Flags{With: "bcntmw", Without: "lps"}.Parse(args)
	ok := err == nil
	columns, first, least := 10, 5, 0
	var senders, parents, linear bool
	for _, o := range opts {
		n, err := strconv.Atoi(o.Value)
		number := err == nil && n > 0 && n <= 100000
		switch o.Letter {
		case 'b':
			columns, ok = min(n, 64), ok && number && n <= 64
		case 't':
			first, ok = n, ok && number
		case 'n':
			least, ok = n, ok && number
		case 's':
			senders = true
		case 'p':
			parents = true
		case 'l':
			linear = true
		}
	}
	var states []queue.State
	for _, name := range names {
		if ok = ok && slices.Contains(anywhere, queue.State(name)); ok {
			states = append(states, queue.State(name))
		}
	}
	if !ok {
		return usage(qshapeUsage)
	}
	if states == nil {
		states = []queue.State{queue.Incoming, queue.Active}
	}
	s := newShape(columns, time.Duration(first)*time.Minute, linear)
	for m, err := range e.Queue.List(ctx, queue.Filter{States: states}) {
		if err != nil {
			return err
		}
		if m.Message == nil {
			continue
		}
		age := e.now().Sub(m.Arrived)
		if senders {
			s.count(domainOf(m.From), age, parents)
			continue
		}
		for i := range m.Recipients {
			if r := &m.Recipients[i]; r.State == queue.Pending {
				s.count(domainOf(r.Address), age, parents)
			}
		}
	}
	w := bufio.NewWriter(e.Stdout)
	s.write(w, least)
	return w.Flush()
}

func newShape(columns int, first time.Duration, linear bool) *shape {
	s := &shape{rows: map[string][]int{}}
	for i, at := 1, first; i < columns; i++ {
		s.bounds = append(s.bounds, at)
		if linear {
			at += first
		} else {
			at *= 2
		}
	}
	return s
}

// domainOf is the domain of an address. The null sender has a name of its own, as in qshape.
func domainOf(address string) string {
	if address == "" {
		return "MAILER-DAEMON"
	}
	return strings.ToLower(oneLine(address[strings.LastIndexByte(address, '@')+1:]))
}

const total = "TOTAL"

func (s *shape) count(domain string, age time.Duration, parents bool) {
	column := len(s.bounds)
	for i, b := range s.bounds {
		if age < b {
			column = i
			break
		}
	}
	add := func(row string) {
		r := s.rows[row]
		if r == nil {
			r = make([]int, len(s.bounds)+2)
			s.rows[row] = r
		}
		r[0]++
		r[1+column]++
	}
	add(total)
	add(domain)
	if parents {
		for i := strings.IndexByte(domain, '.'); i > 0 && i < len(domain); {
			add(domain[i:]) // ".example.test"
			next := strings.IndexByte(domain[i+1:], '.')
			if next < 0 {
				return
			}
			i += 1 + next
		}
	}
}

// write prints the rows, most first.
func (s *shape) write(w *bufio.Writer, least int) {
	heads := []string{"T"}
	for _, b := range s.bounds {
		heads = append(heads, strconv.Itoa(int(b/time.Minute)))
	}
	last := ""
	if len(s.bounds) > 0 {
		last = heads[len(heads)-1]
	}
	heads = append(heads, last+"+")
	if s.rows[total] == nil {
		s.rows[total] = make([]int, len(heads))
	}
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = max(3, len(h)+1, len(strconv.Itoa(s.rows[total][i]))+1)
	}
	row := func(name string, cells func(i int) string) {
		fmt.Fprintf(w, "%39s", name)
		for i, width := range widths {
			fmt.Fprintf(w, "%*s", width, cells(i))
		}
		w.WriteByte('\n')
	}
	row("", func(i int) string { return heads[i] })
	names := make([]string, 0, len(s.rows))
	for name, cells := range s.rows {
		if name != total && cells[0] >= least {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := s.rows[b][0] - s.rows[a][0]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range append([]string{total}, names...) {
		row(name, func(i int) string { return strconv.Itoa(s.rows[name][i]) })
	}
}
