// Package i18n has the texts of web pages in English and Vietnamese.
package i18n

import (
	"fmt"
	"io/fs"
	"regexp"
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

// Catalogues are the texts of all languages.
type Catalogues struct{ texts map[Lang]map[string]string }

// Load reads en.txt and vi.txt of a folder, or of several, which have no key in common. Each line is "key = text"; %s and %d stand for what a page puts in.
func Load(folders ...fs.FS) (*Catalogues, error) {
	c := &Catalogues{map[Lang]map[string]string{}}
	for _, l := range Langs() {
		m := map[string]string{}
		for _, dir := range folders {
			if err := read(m, dir, l); err != nil {
				return nil, err
			}
		}
		c.texts[l] = m
	}
	return c, nil
}

func read(m map[string]string, dir fs.FS, l Lang) error {
	b, err := fs.ReadFile(dir, string(l)+".txt")
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		key, text, ok := strings.Cut(line, " = ")
		if _, twice := m[key]; !ok || twice {
			return fmt.Errorf("i18n: %s.txt line %d: %q is not a new key with a text", l, i+1, line)
		}
		m[key] = text
	}
	return nil
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

// Problems are what is wrong with the catalogues: keys that a language lacks, texts that put in other things than the English one. English has its
// singulars besides. A test of each site looks at them.
func (c *Catalogues) Problems() (out []string) {
	verbs := regexp.MustCompile(`%[a-z]`)
	for k, text := range c.texts[EN] {
		if strings.TrimSpace(text) == "" {
			out = append(out, "en: "+k+" is empty")
		}
		if plural, one := strings.CutSuffix(k, ".one"); one {
			if !c.Has(EN, plural) {
				out = append(out, "en: "+k+" without "+plural)
			}
			continue
		}
		if other, ok := c.texts[VI][k]; !ok || strings.TrimSpace(other) == "" {
			out = append(out, "vi lacks "+k)
		} else if fmt.Sprint(verbs.FindAllString(text, -1)) != fmt.Sprint(verbs.FindAllString(other, -1)) {
			out = append(out, k+": other things to put in")
		}
	}
	for k := range c.texts[VI] {
		if !c.Has(EN, k) {
			out = append(out, "en lacks "+k)
		}
	}
	return out
}
