package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A queue file is made of lines "kind key=value key=value": words that a person can read. A value stands as it is when
// it is plain, else quoted as Go quotes strings, so that no byte of an address or a reply can end a line or a value.

// lineWriter builds lines.
type lineWriter struct{ buf []byte }

func (w *lineWriter) kind(k string) { w.buf = append(w.buf, k...) }

func (w *lineWriter) end() { w.buf = append(w.buf, '\n') }

func (w *lineWriter) str(key, value string) {
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, key...)
	w.buf = append(w.buf, '=')
	if isPlain(value) {
		w.buf = append(w.buf, value...)
	} else {
		w.buf = strconv.AppendQuote(w.buf, value)
	}
}

// opt writes a value that has one.
func (w *lineWriter) opt(key, value string) {
	if value != "" {
		w.str(key, value)
	}
}

func (w *lineWriter) num(key string, n int64) {
	if n != 0 {
		w.str(key, strconv.FormatInt(n, 10))
	}
}

func (w *lineWriter) flag(key string, on bool) {
	if on {
		w.str(key, "yes")
	}
}

func (w *lineWriter) time(key string, t time.Time) {
	if !t.IsZero() {
		w.str(key, t.UTC().Format(time.RFC3339Nano))
	}
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// line is a line read back.
type line struct {
	kind string
	keys []string
	vals []string
}

// parseLine takes a line, without its end, apart. It costs time linear in its length.
func parseLine(s string) (line, error) {
	var l line
	l.kind, s, _ = strings.Cut(s, " ")
	if l.kind == "" {
		return l, fmt.Errorf("%w: empty line", ErrCorrupt)
	}
	for s != "" {
		key, rest, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return l, fmt.Errorf("%w: no value in %q", ErrCorrupt, clip(s))
		}
		var val string
		if strings.HasPrefix(rest, `"`) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return l, fmt.Errorf("%w: bad quoting in %q", ErrCorrupt, clip(s))
			}
			if val, err = strconv.Unquote(q); err != nil {
				return l, fmt.Errorf("%w: bad quoting in %q", ErrCorrupt, clip(s))
			}
			rest = rest[len(q):]
			if rest != "" && rest[0] != ' ' {
				return l, fmt.Errorf("%w: text after a value in %q", ErrCorrupt, clip(s))
			}
			s = strings.TrimPrefix(rest, " ")
		} else {
			val, s, _ = strings.Cut(rest, " ")
		}
		l.keys, l.vals = append(l.keys, key), append(l.vals, val)
	}
	return l, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// get returns a value, "" when it isn't there.
func (l *line) get(key string) string {
	v, _ := l.lookup(key)
	return v
}

func (l *line) lookup(key string) (string, bool) {
	for i, k := range l.keys {
		if k == key {
			return l.vals[i], true
		}
	}
	return "", false
}

func (l *line) num(key string) (int64, error) {
	v := l.get(key)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: bad number %s=%q", ErrCorrupt, key, clip(v))
	}
	return n, nil
}

func (l *line) time(key string) (time.Time, error) {
	v := l.get(key)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: bad time %s=%q", ErrCorrupt, key, clip(v))
	}
	return t.UTC(), nil
}
