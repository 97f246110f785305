package screen

import (
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/dialogue/explain"
)

func short(l explain.Lang, node string) string { return l.Say("short." + node) }

// Chain is the machine in one line, or as few as it takes, with the present state marked.
func (s *Screen) Chain(w io.Writer, p explain.Protocol, now string) {
	m := explain.MachineOf(p)
	line, n := "  ", 2
	nodes := m.Main
	for _, side := range m.Side {
		if side == now {
			nodes = append(nodes[:len(nodes):len(nodes)], side)
		}
	}
	for i, node := range nodes {
		name := short(s.Lang, node)
		text := " " + name + " "
		if node == now {
			text = "[" + name + "]"
		}
		arrow := ""
		if i > 0 {
			arrow = "─"
			if i >= len(m.Main) {
				arrow = " "
			}
		}
		if size := columns(arrow + text); n+size > s.width() {
			io.WriteString(w, line+"\n")
			line, n = "    ", 4
		}
		n += columns(arrow + text)
		if node == now {
			text = s.paint(here, text)
		}
		line += arrow + text
	}
	io.WriteString(w, line+"\n")
}

// Machine is all of the machine: states below each other, the ways between them, the present state marked.
func (s *Screen) Machine(w io.Writer, p explain.Protocol, now string) {
	m := explain.MachineOf(p)
	last := m.Main[len(m.Main)-1]
	for i, node := range m.Main {
		s.node(w, m, node, now)
		if node == last {
			break
		}
		by := []string{}
		for _, e := range m.Edges {
			if e.From == node && e.To == m.Main[i+1] {
				by = append(by, e.By)
			}
		}
		fmt.Fprintf(w, "  │ %s\n", strings.Join(by, ", "))
		if len(by) > 0 {
			fmt.Fprint(w, "  ▼\n")
		}
	}
	fmt.Fprintln(w)
	for _, node := range m.Side {
		s.node(w, m, node, now)
	}
}

// node is a state with the ways from it that don't lead to the next one.
func (s *Screen) node(w io.Writer, m explain.Machine, node, now string) {
	mark, name := "  ○ ", short(s.Lang, node)
	if node == now {
		mark, name = "▶ ● ", s.paint(here, " "+name+" ")
	}
	next := ""
	for i, main := range m.Main[:len(m.Main)-1] {
		if main == node {
			next = m.Main[i+1]
		}
	}
	var ways []string
	for _, e := range m.Edges {
		switch {
		case e.From != node || e.To == next || strings.HasSuffix(e.To, ".closed"):
		case e.To == node:
			ways = append(ways, e.By+" ↺")
		default:
			ways = append(ways, e.By+" → "+short(s.Lang, e.To))
		}
	}
	text := mark + name
	if len(ways) > 0 {
		used := 4 + columns(short(s.Lang, node)) + 2
		text += "   " + s.paint(faint, strings.Join(wrap(strings.Join(ways, ", "), s.width()-used-3, "  │   "), "\n"))
	}
	fmt.Fprintln(w, text)
}

// Path is the way of a message, with where it is marked.
func (s *Screen) Path(w io.Writer, place explain.Place) {
	from, to, moving := strings.Cut(string(place), ">")
	line, n := "  ", 2
	for i, station := range explain.Stations {
		name := s.Lang.Say("place." + station)
		arrow := ""
		if i > 0 {
			arrow = " → "
			if moving && station == to {
				arrow = " ✉→ "
			}
		}
		text := name
		if station == string(place) {
			text = "[" + name + " ✉]"
		}
		if size := columns(arrow + text); n+size > s.width() {
			io.WriteString(w, line+"\n")
			line, n = "    ", 4
		}
		n += columns(arrow + text)
		if station == string(place) || moving && (station == from || station == to) {
			text = s.paint(here, text)
		}
		line += arrow + text
	}
	io.WriteString(w, line+"\n")
}
