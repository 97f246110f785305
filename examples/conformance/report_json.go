package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/buuta/mail/examples/conformance/script"
)

// jsonReport is the report as JSON. Fields are added, never renamed.
type jsonReport struct {
	Server      string       `json:"server,omitempty"`
	Begun       time.Time    `json:"begun"`
	Seconds     float64      `json:"seconds"`
	Interrupted bool         `json:"interrupted,omitempty"`
	Clauses     []jsonClause `json:"clauses"`
}

type jsonClause struct {
	Name       string         `json:"name"`
	Protocol   string         `json:"protocol"`
	RFC        int            `json:"rfc"`
	Section    string         `json:"section"`
	Level      script.Level   `json:"level"`
	Quote      string         `json:"quote"`
	En         string         `json:"en"`
	Vi         string         `json:"vi"`
	Outcome    script.Outcome `json:"outcome"`
	Why        string         `json:"why,omitempty"`
	Known      string         `json:"known,omitempty"`
	Transcript string         `json:"transcript,omitempty"`
}

func writeJSON(w io.Writer, o *options, r *report) error {
	out := jsonReport{Server: r.Name, Begun: r.Begun, Seconds: r.Took.Seconds(), Interrupted: r.Interrupted, Clauses: []jsonClause{}}
	for i := range r.Results {
		res := &r.Results[i]
		c := jsonClause{Name: name(res.Case, res.Check), Protocol: string(res.Case.Protocol), RFC: res.Check.RFC, Section: res.Check.Section,
			Level: res.Check.Level, Quote: res.Check.Quote, En: res.Check.En, Vi: res.Check.Vi, Outcome: res.Outcome, Why: res.Why, Known: res.Known}
		if res.Outcome == script.Fail || o.all {
			c.Transcript = res.Transcript
		}
		out.Clauses = append(out.Clauses, c)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(out)
}
