// Package i18n has the texts of the web interface in English and Vietnamese.
package i18n

import (
	"embed"
	"fmt"
	"strings"
	"time"
)

// Lang is a language by its tag.
type Lang string

// The languages. English is what is used where nothing else is asked for.
const (
	EN Lang = "en"
	VI Lang = "vi"
)

// Langs returns the languages that there are.
func Langs() []Lang { return []Lang{EN, VI} }

//go:embed en.txt vi.txt
var files embed.FS

// Catalogues are the texts of all languages.
type Catalogues struct{ texts map[Lang]map[string]string }

// Load reads the catalogues that are compiled in. Each line is "key = text"; %s and %d stand for what a page puts in.
func Load() (*Catalogues, error) {
	c := &Catalogues{map[Lang]map[string]string{}}
	for _, l := range Langs() {
		b, err := files.ReadFile(string(l) + ".txt")
		if err != nil {
			return nil, err
		}
		m := map[string]string{}
		for i, line := range strings.Split(string(b), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			key, text, ok := strings.Cut(line, " = ")
			if _, twice := m[key]; !ok || twice {
				return nil, fmt.Errorf("i18n: %s.txt line %d: %q is not a new key with a text", l, i+1, line)
			}
			m[key] = text
		}
		c.texts[l] = m
	}
	return c, nil
}

// T returns the text of a key in a language, with args put in.
func (c *Catalogues) T(l Lang, key string, args ...any) string {
	text, ok := c.texts[l][key]
	if !ok {
		text, ok = c.texts[EN][key]
	}
	if !ok {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// N is T for a number of things, which is put in first: English has another text for one, under the key with ".one" behind it;
// Vietnamese words don't change.
func (c *Catalogues) N(l Lang, key string, n int, args ...any) string {
	if n == 1 {
		if _, ok := c.texts[l][key+".one"]; ok {
			key += ".one"
		}
	}
	return c.T(l, key, append([]any{n}, args...)...)
}

// Has reports whether a language has the key.
func (c *Catalogues) Has(l Lang, key string) bool {
	_, ok := c.texts[l][key]
	return ok
}

// Keys yields the keys of a language.
func (c *Catalogues) Keys(l Lang, yield func(key, text string)) {
	for k, t := range c.texts[l] {
		yield(k, t)
	}
}

// Match chooses a language by a browser's Accept-Language.
func Match(accept string) Lang {
	if len(accept) > 500 {
		return EN
	}
	for item := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(item), ";")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		for _, l := range Langs() {
			if base == string(l) {
				return l
			}
		}
	}
	return EN
}

// Zone returns the time zone that a language's users are likely to be in.
func (l Lang) Zone() string {
	if l == VI {
		return "Asia/Ho_Chi_Minh"
	}
	return "UTC"
}

// Date writes a day as the language does: dd/MM/yyyy in both.
func (l Lang) Date(t time.Time) string { return t.Format("02/01/2006") }

// Moment writes a day and time.
func (l Lang) Moment(t time.Time) string { return t.Format("02/01/2006 15:04") }

// Short writes a time for a list: the time of today, the day of this year, else the date.
func (l Lang) Short(t, now time.Time) string {
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("02/01")
	}
	return t.Format("02/01/2006")
}

// Size writes a number of octets.
func (l Lang) Size(n int64) string {
	units := [...]string{"B", "KB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f /= 1024
		i++
	}
	s := fmt.Sprintf("%.1f", f)
	if i == 0 || f >= 100 {
		s = fmt.Sprintf("%.0f", f)
	}
	s = strings.TrimSuffix(s, ".0")
	if l == VI {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + " " + units[i]
}
