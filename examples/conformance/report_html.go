package main

import (
	"html/template"
	"io"
	"strings"

	"github.com/buuta/mail/examples/conformance/script"
)

// page is the report as one file without scripts.
const page = `<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{word "Conformance to the RFCs"}}{{with .R.Name}}: {{.}}{{end}}</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; vertical-align: top }
td:nth-child(-n+3) { white-space: nowrap }
.pass { color: #1a7f37 } .fail { color: #cf222e; font-weight: 600 } .not { opacity: .6 }
blockquote { margin: .3rem 0; padding-left: .8rem; border-left: 3px solid #8886 }
pre { overflow-x: auto; font-size: 13px; background: #8881; padding: .5rem }
</style></head><body>
<h1>{{word "Conformance to the RFCs"}}{{with .R.Name}}: {{.}}{{end}}</h1>
<p>{{.R.Begun.Format "2006-01-02 15:04"}} · {{len .R.Results}} {{word "clauses"}}{{range .Counts}} · {{.N}} {{word .Of}}{{end}}{{if .R.Interrupted}} · {{word "interrupted"}}{{end}}</p>
<table><tr><th>{{word "clause"}}</th><th>{{word "level"}}</th><th>{{word "result"}}</th><th>{{word "what it is about"}}</th></tr>
{{range .R.Results}}<tr><td><a href="https://www.rfc-editor.org/rfc/rfc{{.Check.RFC}}">RFC {{.Check.RFC}}</a> {{word "section"}} {{.Check.Section}}</td><td>{{.Check.Level}}</td>
<td class="{{class .Outcome}}">{{word (print .Outcome)}}</td><td>{{text .Check}}
{{if eq (class .Outcome) "fail"}}<blockquote>{{.Check.Quote}}</blockquote>{{with .Known}}<p>{{word "known"}}: {{.}}</p>{{end}}<pre>{{show .Why}}</pre>
<details><summary>{{name .Case .Check}}</summary><pre>{{.Transcript}}</pre></details>{{else if ne (class .Outcome) "pass"}}<br><small>{{.Why}}</small>{{end}}</td></tr>
{{end}}</table></body></html>
`

func writeHTML(w io.Writer, o *options, r *report) error {
	type count struct {
		N  int
		Of string
	}
	var counts []count
	for _, outcome := range []script.Outcome{script.Pass, script.Fail, script.NotOffered, script.NotReached} {
		counts = append(counts, count{r.count(outcome), string(outcome)})
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"word": o.word,
		"name": name,
		"show": script.Printable,
		"text": func(c *script.Check) string { return c.Text(o.lang) },
		"class": func(o script.Outcome) string {
			class, _, _ := strings.Cut(string(o), " ")
			return class
		},
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Lang": o.lang, "R": r, "Counts": counts})
}
