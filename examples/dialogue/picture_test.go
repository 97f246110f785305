package main

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/recording"
	"github.com/buuta/mail/examples/dialogue/screen"
)

var writePictures = flag.Bool("write", false, "draw the README's pictures anew")

// paint begins or ends a colour on a terminal.
var paint = regexp.MustCompile("\x1b\\[([0-9;]+)m")

const pictureStyle = `<style>
rect{fill:#fff;stroke:#c5d0dd}text{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:13px;fill:#1d2b3a;white-space:pre}
.c36-1{fill:#0b6e80;font-weight:bold}.c32-1{fill:#23743a;font-weight:bold}.c31-1{fill:#b3261e;font-weight:bold}.c2{fill:#64748b}.c1{font-weight:bold}.c7{font-weight:bold;fill:#a05a00;text-decoration:underline}
@media (prefers-color-scheme:dark){rect{fill:#161b22;stroke:#3a4654}text{fill:#e6edf3}.c36-1{fill:#5fd0e4}.c32-1{fill:#7ddb94}.c31-1{fill:#ff8a80}.c2{fill:#9aa9ba}.c7{fill:#f0b35a}}
</style>
`

// terminal draws what a terminal shows.
func terminal(title, text string, columns int) string {
	const wide, high, margin = 7.83, 18, 14 // of a character of DejaVu Sans Mono at 13 px
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	w, h := int(float64(columns)*wide)+2*margin, len(lines)*high+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img"><title>%s</title>`+"\n%s", w, h, w, h, escaped(title), pictureStyle)
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", w-1, h-1)
	class := "c0"
	for i, line := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">`, margin, margin+13+i*high)
		at := 0
		span := func(s string) {
			if s != "" {
				fmt.Fprintf(&b, `<tspan class="%s">%s</tspan>`, class, escaped(s))
			}
		}
		for _, m := range paint.FindAllStringSubmatchIndex(line, -1) {
			span(line[at:m[0]])
			class, at = "c"+strings.ReplaceAll(line[m[2]:m[3]], ";", "-"), m[1]
		}
		span(line[at:])
		b.WriteString("</text>\n")
	}
	return b.String() + "</svg>\n"
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// The README's pictures are what dialogue play shows of MAIL in the textbook's exchange; -write draws them anew.
func TestPictures(t *testing.T) {
	for l, file := range map[explain.Lang]string{explain.English: "play.svg", explain.Vietnamese: "play.vi.svg"} {
		r, err := recording.Open("textbook")
		require.NoError(t, err)
		p := &player{screen: &screen.Screen{Lang: l, Width: 92, Colour: true}, title: r.Title[l], protocol: r.Protocol, notes: r.Notes(), words: true}
		at := slices.IndexFunc(p.notes, func(n explain.Note) bool { return strings.HasPrefix(n.Text, "MAIL ") })
		drawn := terminal(r.Title[l], p.step(at, 40), 92)
		if *writePictures {
			require.NoError(t, os.WriteFile(file, []byte(drawn), 0o644))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(have), drawn, "go test ./examples/dialogue -run TestPictures -write draws %s anew", file)
		for _, readme := range []string{"README.md", "README.vi.md"} {
			text, err := os.ReadFile(readme)
			require.NoError(t, err)
			require.Equal(t, strings.HasSuffix(readme, ".vi.md") == (l == explain.Vietnamese), strings.Contains(string(text), "]("+file+")"))
		}
	}
}
