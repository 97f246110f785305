package web

import (
	"strings"

	"github.com/buuta/mail/examples/dialogue/explain"
)

// Measures of the drawing, in the SVG's units.
const (
	boxWidth, boxHeight = 128, 34
	gapX, gapY          = 34, 66
	perRow              = 3
	margin              = 12
)

// box is a state, arrow a way.
type box struct {
	X, Y, W, H int
	Name       string
	Here       bool
	TextX      int
	TextY      int
}

type arrow struct {
	X1, Y1, X2, Y2 int
	TextX, TextY   int
	By             string
	Taken          bool
}

// station is a place that messages pass.
type station struct {
	Name  string
	Here  bool
	Going bool // the message goes from here to the next one
}

// now draws where things stand behind some notes.
func now(l explain.Lang, p explain.Protocol, notes []explain.Note) nowView {
	st := explain.New(p).State()
	var before string
	place := explain.Place("")
	for _, n := range notes {
		if n.Place != "" {
			place = n.Place
		}
	}
	if len(notes) > 0 {
		last := notes[len(notes)-1]
		st, before = last.After, last.Before.Server
	}
	v := nowView{Client: l.Say(st.Client), Server: l.Say(st.Server)}
	m := explain.MachineOf(p)
	at := map[string]box{}
	nodes := append(append([]string{}, m.Main...), m.Side...)
	for i, node := range nodes {
		row, column := i/perRow, i%perRow
		b := box{X: margin + column*(boxWidth+gapX), Y: margin + row*gapY, W: boxWidth, H: boxHeight, Name: l.Say("short." + node), Here: node == st.Server}
		b.TextX, b.TextY = b.X+boxWidth/2, b.Y+boxHeight/2+5
		v.Machine, at[node] = append(v.Machine, b), b
		v.Height = b.Y + boxHeight + margin
	}
	v.Width = 2*margin + perRow*boxWidth + (perRow-1)*gapX
	for i := 1; i < len(m.Main); i++ {
		v.Arrows = append(v.Arrows, way(at[m.Main[i-1]], at[m.Main[i]], by(m, m.Main[i-1], m.Main[i]), false))
	}
	if before != "" && before != st.Server && !next(m, before, st.Server) {
		v.Arrows = append(v.Arrows, way(at[before], at[st.Server], by(m, before, st.Server), true))
	}
	from, to, moving := strings.Cut(string(place), ">")
	for _, s := range explain.Stations {
		v.Path = append(v.Path, station{l.Say("place." + s), s == string(place) || moving && (s == from || s == to), moving && s == from})
	}
	if place != "" {
		v.Where = l.Say("place.says." + string(place))
	}
	return v
}

func next(m explain.Machine, from, to string) bool {
	for i := 1; i < len(m.Main); i++ {
		if m.Main[i-1] == from && m.Main[i] == to {
			return true
		}
	}
	return false
}

// by is what leads from one state to another.
func by(m explain.Machine, from, to string) string {
	for _, e := range m.Edges {
		if e.From == from && e.To == to {
			return e.By
		}
	}
	return ""
}

// way is an arrow between two boxes' edges.
func way(a, b box, by string, taken bool) arrow {
	w := arrow{By: by, Taken: taken}
	switch {
	case a.Y == b.Y && a.X < b.X:
		w.X1, w.Y1, w.X2, w.Y2 = a.X+a.W, a.Y+a.H/2, b.X, b.Y+b.H/2
	case a.Y == b.Y:
		w.X1, w.Y1, w.X2, w.Y2 = a.X, a.Y+a.H/2, b.X+b.W, b.Y+b.H/2
	case a.Y < b.Y:
		w.X1, w.Y1, w.X2, w.Y2 = a.TextX, a.Y+a.H, b.TextX, b.Y
	default:
		w.X1, w.Y1, w.X2, w.Y2 = a.TextX, a.Y, b.TextX, b.Y+b.H
	}
	w.TextX, w.TextY = (w.X1+w.X2)/2, (w.Y1+w.Y2)/2-5
	return w
}
