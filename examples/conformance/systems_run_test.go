//go:build unix

package main

import (
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

var (
	writeDoc  = flag.Bool("write", false, "try the slow systems too, and write docs/conformance.md")
	onlyThese = flag.String("only", "", "clauses to try, as conformance -only has them")
)

// try plays all dialogues against a system. Whatever it does not do has to be known, and what is known has to be so.
func try(t *testing.T, s system) *report {
	target := s.start(t)
	target.Security, target.Stress, target.Timeout = true, true, 20*time.Second
	o, err := parseFlags([]string{"-only", *onlyThese}, os.Stderr)
	require.NoError(t, err)
	cases, err := o.cases()
	require.NoError(t, err)
	r := o.play(t.Context(), target, cases, t.Output())
	require.NoError(t, r.Cleaning)
	for i := range r.Results {
		res := &r.Results[i]
		switch {
		case res.Bad() && res.Known == "":
			t.Errorf("%s: %s %s: %s\n%s\n%s", name(res.Case, res.Check), res.Check.Level, clause(res.Check), res.Check.En, res.Why, res.Transcript)
		case res.Outcome == script.Fail:
			t.Logf("%s: known: %s\n%s", name(res.Case, res.Check), res.Known, res.Why)
		case res.Outcome == script.Pass && res.Check.KnownOf(target.Name) != "":
			t.Errorf("%s: what is known is no longer so: %s", name(res.Case, res.Check), res.Check.KnownOf(target.Name))
		}
	}
	t.Logf("%s: %d clauses, %d pass, %d fail, %d not offered, %d not reached, %v", s.name, len(r.Results), r.count(script.Pass), r.count(script.Fail),
		r.count(script.NotOffered), r.count(script.NotReached), r.Took.Round(time.Second))
	require.NotZero(t, r.count(script.Pass))
	return r
}

// Ours keep every clause but those that are known; what others are known not to keep, they don't.
func TestSystems(t *testing.T) {
	var mu sync.Mutex
	reports := make([]*report, len(systems))
	t.Run("systems", func(t *testing.T) {
		for i, s := range systems {
			t.Run(strings.ReplaceAll(s.name, "+", "-"), func(t *testing.T) {
				if s.slow && !*writeDoc {
					t.Skip("takes minutes: make conformance tries it")
				}
				t.Parallel() // most of it is waiting
				r := try(t, s)
				mu.Lock()
				defer mu.Unlock()
				reports[i] = r
			})
		}
	})
	if *writeDoc && !t.Failed() {
		f, err := os.Create("../../docs/conformance.md")
		require.NoError(t, err)
		require.NoError(t, document(f, reports))
		require.NoError(t, f.Close())
	}
}
