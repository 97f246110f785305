// Package screen shows explained lines on a terminal: in colours where they are wanted, broken at its width.
package screen

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/buuta/mail/examples/dialogue/explain"
)

// Screen is how it is shown. Lines end with LF; a terminal in raw mode needs who writes for it to add CR.
type Screen struct {
	Lang   explain.Lang
	Width  int  // in columns; less than 40 is taken for 40
	Colour bool // by ANSI sequences
}

// The colours: of the sides, of what is said of them, of mistakes, and of where we are.
const (
	clientColour  = "36;1"
	serverColour  = "32;1"
	faint         = "2"
	mistakeColour = "31;1"
	here          = "7"
	bold          = "1"
)

func (s *Screen) paint(colour, text string) string {
	if !s.Colour || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s *Screen) width() int { return max(s.Width, 40) }

// Line is a line of the exchange: who says it to whom, and what.
func (s *Screen) Line(n explain.Note) string {
	colour, arrow := clientColour, "C → S"
	if n.Side == explain.Server {
		colour, arrow = serverColour, "S → C"
	}
	return s.paint(colour, arrow) + "  " + strings.Join(wrap(n.Text, s.width()-7, strings.Repeat(" ", 7)), "\n")
}

// Note writes all that is known of a line, the line itself not.
func (s *Screen) Note(w io.Writer, n explain.Note, words bool) {
	var b strings.Builder
	for _, m := range n.Says {
		s.block(&b, "", "  · ", s.Lang.Text(m))
	}
	for _, m := range n.Mistakes {
		s.block(&b, mistakeColour, "  ✗ ", s.Lang.Text(m))
	}
	if words {
		s.words(&b, n.Words)
	}
	if n.Place != "" {
		s.block(&b, "", "  ✉ ", s.Lang.Say("place.says."+string(n.Place)))
	}
	if n.After.Server != "" {
		s.block(&b, faint, "  ", s.States(n.After))
	}
	if len(n.Cites) > 0 && words {
		s.block(&b, faint, "  ", strings.Join(unique(n.Cites), ", "))
	}
	io.WriteString(w, b.String())
}

// States says what both sides are doing.
func (s *Screen) States(st explain.State) string {
	return s.Lang.Say("side.C") + ": " + s.Lang.Say(st.Client) + "; " + s.Lang.Say("side.S") + ": " + s.Lang.Say(st.Server)
}

func unique(list []string) []string {
	var out []string
	for _, v := range list {
		if !strings.Contains("\x00"+strings.Join(out, "\x00")+"\x00", "\x00"+v+"\x00") {
			out = append(out, v)
		}
	}
	return out
}

// words lists a line's words, each with its meaning.
func (s *Screen) words(b *strings.Builder, list []explain.Word) {
	column := 0
	for _, w := range list {
		if n := columns(w.Text); n <= 24 {
			column = max(column, n)
		}
	}
	for _, w := range list {
		text := w.Text
		if columns(text) > s.width()/2 {
			text = clip(text, s.width()/2)
		}
		pad := strings.Repeat(" ", max(0, column-columns(text)))
		lead := 4 + max(column, columns(text)) + 2
		lines := wrap(s.Lang.Text(w.Message), s.width()-lead, strings.Repeat(" ", lead))
		fmt.Fprintf(b, "    %s%s  %s\n", s.paint(bold, text), pad, strings.Join(lines, "\n"))
	}
}

// Block writes a text with something before its first line.
func (s *Screen) Block(w io.Writer, lead, text string) {
	var b strings.Builder
	s.block(&b, "", lead, text)
	io.WriteString(w, b.String())
}

func (s *Screen) block(b *strings.Builder, colour, lead, text string) {
	indent := strings.Repeat(" ", columns(lead))
	for i, line := range wrap(text, s.width()-columns(lead), "") {
		if i > 0 {
			lead = indent
		}
		b.WriteString(s.paint(colour, lead+line) + "\n")
	}
}

// wrap breaks a text into lines of so many columns, at spaces where there are some. indent comes before all but the first.
func wrap(text string, limit int, indent string) []string {
	limit = max(limit, 12)
	var out []string
	line, n := "", 0
	flush := func() {
		if len(out) > 0 {
			line = indent + line
		}
		out = append(out, line)
		line, n = "", 0
	}
	for word := range strings.SplitSeq(text, " ") {
		size := columns(word)
		if n > 0 && n+1+size > limit {
			flush()
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		for size > limit-n {
			head := clip(word, limit-n+1)
			head = strings.TrimSuffix(head, "…")
			if head == "" {
				break
			}
			line, word = line+head, word[len(head):]
			size = columns(word)
			flush()
		}
		line, n = line+word, n+size
	}
	flush()
	return out
}

// clip shortens a text to so many columns, the last of which is "…".
func clip(text string, limit int) string {
	n := 0
	for i, r := range text {
		if n += columns(string(r)); n >= limit {
			return text[:i] + "…"
		}
	}
	return text
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
