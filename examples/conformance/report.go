package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/buuta/mail/examples/conformance/script"
)

// report is what came of a run.
type report struct {
	Name        string
	Begun       time.Time
	Took        time.Duration
	Results     []script.Result
	Interrupted bool
	Cleaning    error // what stays in the account
}

// play plays the cases, and keeps the results of the clauses that are wanted.
func (o *options) play(ctx context.Context, t *script.Target, cases []*script.Case, stderr io.Writer) *report {
	out := &report{Name: t.Name, Begun: time.Now()}
	r := script.NewRunner(t)
	p := newProgress(stderr, len(cases))
	for i, c := range cases {
		if ctx.Err() != nil {
			break
		}
		p.show(i, c)
		results := r.Run(ctx, c)
		if ctx.Err() != nil {
			break // what was cut off says nothing of the server
		}
		for _, result := range results {
			if o.wanted(c, result.Check) {
				out.Results = append(out.Results, result)
			}
		}
	}
	p.done()
	out.Took, out.Interrupted = time.Since(out.Begun), ctx.Err() != nil
	if out.Cleaning = r.Close(ctx); out.Cleaning != nil {
		fmt.Fprintln(stderr, "conformance:", out.Cleaning)
	}
	return out
}

func (r *report) count(o script.Outcome) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Outcome == o {
			n++
		}
	}
	return n
}

// bad counts the clauses of a level that are not kept.
func (r *report) bad(level script.Level) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Bad() && r.Results[i].Check.Level == level {
			n++
		}
	}
	return n
}

// progress is a line on a terminal that says how far it is.
type progress struct {
	w     io.Writer
	total int
}

func newProgress(w io.Writer, total int) *progress {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progress{w, total}
		}
	}
	return &progress{}
}

func (p *progress) show(i int, c *script.Case) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K%d/%d %s: %.60s", i+1, p.total, c.Script, c.Title)
	}
}

func (p *progress) done() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// write writes the reports that are wanted.
func (o *options) write(r *report, stdout io.Writer) error {
	if o.json != "-" {
		if err := table(stdout, o, r); err != nil {
			return err
		}
	}
	for _, to := range []struct {
		file  string
		write func(io.Writer, *options, *report) error
	}{{o.json, writeJSON}, {o.html, writeHTML}, {o.junit, writeJUnit}} {
		if to.file == "" {
			continue
		}
		if to.file == "-" {
			if err := to.write(stdout, o, r); err != nil {
				return err
			}
			continue
		}
		f, err := os.Create(to.file)
		if err != nil {
			return err
		}
		err = to.write(f, o, r)
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return err
		}
	}
	return nil
}
