package main

import (
	"encoding/xml"
	"io"

	"github.com/buuta/mail/examples/conformance/script"
)

type junitSuites struct {
	XMLName xml.Name      `xml:"testsuites"`
	Suites  []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

// writeJUnit writes a suite for each script. A clause that says SHOULD or MAY and isn't kept is skipped, with what came.
func writeJUnit(w io.Writer, o *options, r *report) error {
	var out junitSuites
	for i := range r.Results {
		res := &r.Results[i]
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != res.Case.Script {
			out.Suites = append(out.Suites, &junitSuite{Name: res.Case.Script})
		}
		s := out.Suites[len(out.Suites)-1]
		c := junitCase{Class: res.Case.Script, Name: string(res.Check.Level) + " " + clause(res.Check) + ": " + res.Check.Text(o.lang)}
		text := &junitText{Message: script.Printable(res.Why), Text: res.Check.Quote + "\n\n" + res.Transcript}
		switch {
		case res.Bad() && (res.Check.Level == script.Must || o.strict):
			c.Failure = text
			s.Failures++
		case res.Outcome != script.Pass:
			c.Skipped = &junitText{Message: text.Message}
			s.Skipped++
		}
		s.Tests++
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
