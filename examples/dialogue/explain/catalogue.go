package explain

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// Lang is a language of the catalogue.
type Lang string

// The languages.
const (
	English    Lang = "en"
	Vietnamese Lang = "vi"
)

// Langs are all of them.
var Langs = []Lang{English, Vietnamese}

//go:embed texts/en.txt
var textsEN string

//go:embed texts/vi.txt
var textsVI string

var catalogues = map[Lang]map[string]string{English: read(textsEN), Vietnamese: read(textsVI)}

// LangOf is the language that a locale such as "vi_VN.UTF-8" asks for; English where it is none of ours.
func LangOf(locale string) Lang {
	for _, l := range Langs {
		if strings.HasPrefix(strings.ToLower(locale), string(l)) {
			return l
		}
	}
	return English
}

// read reads a catalogue: "key = text" a line.
func read(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok && !strings.HasPrefix(line, "#") {
			out[key] = value
		}
	}
	return out
}

// known reports whether the catalogue has a key. Both languages have the same.
func known(key string) bool {
	_, ok := catalogues[English][key]
	return ok
}

// Text is a message in a language. Gaps are filled as they are: what is in them is the wire's.
func (l Lang) Text(m Message) string {
	text, ok := catalogues[l][m.Key]
	if !ok {
		if text, ok = catalogues[English][m.Key]; !ok {
			return fmt.Sprintf("[%s]", m.Key)
		}
	}
	if len(m.Args) == 0 {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		digit, after, closed := strings.Cut(rest, "}")
		i, err := strconv.Atoi(digit)
		if !closed || err != nil || i < 1 || i > len(m.Args) {
			b.WriteByte('{')
			text = rest
			continue
		}
		b.WriteString(m.Args[i-1])
		text = after
	}
}

// Say is a sentence of the catalogue in a language.
func (l Lang) Say(key string, args ...string) string { return l.Text(say(key, args...)) }
