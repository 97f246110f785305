package doveadm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// column is a value of each record.
type column struct {
	key, title string // title "": key
	bare       bool   // flow shows the value alone
	right      bool   // a table has it at the right
	long       bool   // pager begins it on a line of its own
}

func (c column) heading() string {
	if c.title != "" {
		return c.title
	}
	return c.key
}

// formatter writes records.
type formatter interface {
	record(w io.Writer, cols []column, values []string)
	end(w io.Writer, cols []column)
}

var formatters = map[string]func() formatter{
	"flow":  func() formatter { return flow{} },
	"tab":   func() formatter { return &tab{} },
	"table": func() formatter { return &table{} },
	"pager": func() formatter { return &pager{} },
	"json":  func() formatter { return &jsonList{} },
}

// printer collects the values of a record.
type printer struct {
	w     *bufio.Writer
	f     formatter
	cols  []column
	first string // the user, where there are many
}

// newPrinter writes as -f says, or else in the form that goes with the columns.
func newPrinter(w io.Writer, format string, cols []column) *printer {
	p := &printer{w: bufio.NewWriter(w), cols: cols}
	if format == "" {
		format = "flow"
	}
	p.f = formatters[format]()
	return p
}

// as says in which form a command writes when no other is asked for.
func (c *call) as(format string) {
	if c.format == "" {
		c.print.f = formatters[format]()
	}
}

// row writes a record.
func (p *printer) row(values ...string) {
	if len(values) < len(p.cols) {
		values = append([]string{p.first}, values...)
	}
	p.f.record(p.w, p.cols, values)
}

func (p *printer) end() error {
	if p.cols != nil {
		p.f.end(p.w, p.cols)
	}
	return p.w.Flush()
}

// flow is "title=value title=value".
type flow struct{}

func (flow) record(w io.Writer, cols []column, values []string) {
	for i, c := range cols {
		if i > 0 {
			fmt.Fprint(w, " ")
		}
		if !c.bare && c.key != "username" {
			fmt.Fprint(w, c.key+"=")
		}
		fmt.Fprint(w, values[i])
	}
	fmt.Fprintln(w)
}

func (flow) end(io.Writer, []column) {}

// tab is a line of titles and a line a record, with tabs between the values.
type tab struct{ begun bool }

var tabEscaper = strings.NewReplacer("\x01", "\x011", "\t", "\x01t", "\r", "\x01r", "\n", "\x01n", "\x00", "\x010")

func (t *tab) titles(w io.Writer, cols []column) {
	if !t.begun {
		t.begun = true
		for i, c := range cols {
			fmt.Fprint(w, map[bool]string{true: "\t"}[i > 0]+c.heading())
		}
		fmt.Fprintln(w)
	}
}

func (t *tab) record(w io.Writer, cols []column, values []string) {
	t.titles(w, cols)
	for i, v := range values {
		fmt.Fprint(w, map[bool]string{true: "\t"}[i > 0]+tabEscaper.Replace(v))
	}
	fmt.Fprintln(w)
}

func (t *tab) end(w io.Writer, cols []column) { t.titles(w, cols) }

// table is columns as wide as what is in them.
type table struct{ rows [][]string }

func (t *table) record(_ io.Writer, _ []column, values []string) {
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(v)
	}
	t.rows = append(t.rows, row)
}

func (t *table) end(w io.Writer, cols []column) {
	titles := make([]string, len(cols))
	for i, c := range cols {
		titles[i] = c.heading()
	}
	rows := slices.Concat([][]string{titles}, t.rows)
	for _, r := range rows {
		var b strings.Builder
		for i, v := range r {
			width := 0
			for _, other := range rows {
				width = max(width, utf8.RuneCountInString(other[i]))
			}
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(v))
			if cols[i].right {
				v, pad = pad+v, ""
			}
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v + pad)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// pager is a line a value, and a form feed between records.
type pager struct{ begun bool }

func (p *pager) record(w io.Writer, cols []column, values []string) {
	if p.begun {
		fmt.Fprint(w, "\f\n")
	}
	p.begun = true
	for i, c := range cols {
		if !c.long {
			fmt.Fprintf(w, "%s: %s\n", c.heading(), values[i])
			continue
		}
		fmt.Fprintf(w, "%s:\n%s", c.heading(), values[i])
		if !strings.HasSuffix(values[i], "\n") {
			fmt.Fprintln(w)
		}
	}
}

func (p *pager) end(io.Writer, []column) {}

// jsonList is a list of objects, whose values are strings.
type jsonList struct{ begun bool }

func (j *jsonList) record(w io.Writer, cols []column, values []string) {
	open := ","
	if !j.begun {
		j.begun, open = true, "["
	}
	fmt.Fprint(w, open+"{")
	for i, c := range cols {
		fmt.Fprint(w, map[bool]string{true: ","}[i > 0]+quoteJSON(c.key)+":"+quoteJSON(values[i]))
	}
	fmt.Fprint(w, "}")
}

func (j *jsonList) end(w io.Writer, _ []column) {
	if !j.begun {
		fmt.Fprint(w, "[")
	}
	fmt.Fprint(w, "]")
}

func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}
