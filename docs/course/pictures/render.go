package main

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// style has the colours for light and dark pages.
const style = `<style>
.bg{fill:#fff}.zone{fill:#f3f6fa;stroke:#c5d0dd}.box{fill:#fff;stroke:#7d8ea3;stroke-width:1.2}.accent{fill:#fff4df;stroke:#d08a1d;stroke-width:2}.soft{fill:#e8f1ea;stroke:#5d9a6c;stroke-width:1.4}
.line{stroke:#33475b;stroke-width:1.6;fill:none}.dashed{stroke-dasharray:5 4}.head{fill:#33475b}
text{font-family:"DejaVu Sans",Verdana,sans-serif;font-size:12px;text-anchor:middle;fill:#1d2b3a}.z{font-size:14px;fill:#51647a}.b{font-weight:bold;font-size:13px}.a{font-size:11.5px;fill:#33475b}.l{text-anchor:start}.m{font-family:"DejaVu Sans Mono",monospace;font-size:11.5px}
@media (prefers-color-scheme:dark){.bg{fill:#161b22}.zone{fill:#1f2630;stroke:#3a4654}.box{fill:#222b36;stroke:#8295ab}.accent{fill:#3d3015;stroke:#e0a040}.soft{fill:#1d3325;stroke:#6fb381}.line{stroke:#b6c4d4}.head{fill:#b6c4d4}text{fill:#e6edf3}.z{fill:#a3b3c5}.a{fill:#c3cfdc}}
</style>
<defs><marker id="e" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>
`

// command is a line of a source.
type command struct {
	word    string
	n       []int
	options []string
	text    string // in the language that is drawn
}

func (c *command) has(option string) bool { return slices.Contains(c.options, option) }

// shapes are the words, with how many numbers they have and which options they may have.
var shapes = map[string]struct {
	numbers int
	options string
}{
	"size": {2, ""}, "title": {0, ""}, "desc": {0, ""}, "zone": {4, ""}, "box": {4, "accent soft"},
	"arrow": {4, "both dashed below"}, "text": {2, "left bold mono"},
}

// parse reads a line in a language: 0 is English, 1 Vietnamese.
func parse(line string, lang int) (*command, error) {
	parts := strings.Split(line, "|")
	words := strings.Fields(parts[0])
	if len(words) == 0 {
		return nil, fmt.Errorf("a line begins with a word")
	}
	c := &command{word: words[0]}
	shape, ok := shapes[c.word]
	if !ok || len(words) < 1+shape.numbers || len(parts) > 3 {
		return nil, fmt.Errorf("%q is no line of a picture", line)
	}
	for _, w := range words[1 : 1+shape.numbers] {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", w)
		}
		c.n = append(c.n, n)
	}
	for _, w := range words[1+shape.numbers:] {
		if !slices.Contains(strings.Fields(shape.options), w) {
			return nil, fmt.Errorf("%s has no %q", c.word, w)
		}
		c.options = append(c.options, w)
	}
	if len(parts) > 1 {
		c.text = strings.TrimSpace(parts[min(1+lang, len(parts)-1)])
	}
	return c, nil
}

// render draws a source in a language.
func render(source string, lang int) (string, error) {
	var back, front strings.Builder
	texts := map[string]string{}
	var size []int
	for i, line := range strings.Split(source, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		c, err := parse(line, lang)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		switch c.word {
		case "size":
			size = c.n
		case "title", "desc":
			texts[c.word] = escape(c.text)
		case "zone":
			fmt.Fprintf(&back, `<rect class="zone" x="%d" y="%d" width="%d" height="%d" rx="10"/>`+"\n", c.n[0], c.n[1], c.n[2], c.n[3])
			words(&back, c.text, c.n[0]+c.n[2]/2, c.n[1]+22, "z", "z")
		case "box":
			class := "box"
			if len(c.options) > 0 {
				class = c.options[0]
			}
			fmt.Fprintf(&front, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>`+"\n", class, c.n[0], c.n[1], c.n[2], c.n[3])
			lines := strings.Count(c.text, " / ")
			words(&front, c.text, c.n[0]+c.n[2]/2, c.n[1]+c.n[3]/2+5-lines*17/2, "b", "t")
		case "arrow":
			arrow(&front, c)
		case "text":
			class := "a"
			for option, short := range map[string]string{"left": " l", "bold": " b", "mono": " m"} {
				if c.has(option) {
					class += short
				}
			}
			words(&front, c.text, c.n[0], c.n[1], sorted(class), sorted(class))
		}
	}
	if size == nil || texts["title"] == "" || texts["desc"] == "" {
		return "", fmt.Errorf("a picture has a size, a title and a desc")
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t d">`+"\n"+
		`<title id="t">%[3]s</title>`+"\n"+`<desc id="d">%[4]s</desc>`+"\n"+`%[5]s<rect class="bg" width="%[1]d" height="%[2]d" rx="12"/>`+"\n%[6]s%[7]s</svg>\n",
		size[0], size[1], texts["title"], texts["desc"], style, back.String(), front.String()), nil
}

// sorted puts classes in an order that doesn't depend on chance.
func sorted(classes string) string {
	s := strings.Fields(classes)
	slices.Sort(s)
	return strings.Join(s, " ")
}

func arrow(b *strings.Builder, c *command) {
	class, start := "line", ""
	if c.has("dashed") {
		class = "line dashed"
	}
	if c.has("both") {
		start = ` marker-start="url(#e)"`
	}
	fmt.Fprintf(b, `<line class="%s" x1="%d" y1="%d" x2="%d" y2="%d" marker-end="url(#e)"%s/>`+"\n", class, c.n[0], c.n[1], c.n[2], c.n[3], start)
	if c.text == "" {
		return
	}
	x, y := (c.n[0]+c.n[2])/2, (c.n[1]+c.n[3])/2-7-strings.Count(c.text, " / ")*17
	if c.has("below") {
		y = (c.n[1]+c.n[3])/2 + 17
	}
	if c.n[0] == c.n[2] { // a vertical one has it at its side
		words(b, c.text, x+8, y+11, "a l", "a l")
		return
	}
	words(b, c.text, x, y, "a", "a")
}

// words writes lines, the first in a class of its own.
func words(b *strings.Builder, text string, x, y int, first, others string) {
	if text == "" {
		return
	}
	class := first
	for i, line := range strings.Split(text, " / ") {
		fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y+17*i, escape(line))
		class = others
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
