//go:build unix

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

// try plays all dialogues against a system. Whatever it does not do has to be known.
func try(t *testing.T, s system) *report {
	target := s.start(t)
	target.Security, target.Stress, target.Timeout = true, true, 20*time.Second
	o, err := parseFlags([]string{"-only", os.Getenv("CONFORMANCE_ONLY")}, os.Stderr)
	require.NoError(t, err)
	cases, err := o.cases()
	require.NoError(t, err)
	r, err := o.play(t.Context(), target, cases, t.Output())
	require.NoError(t, err)
	for i := range r.Results {
		res := &r.Results[i]
		switch {
		case res.Outcome == script.Fail && res.Known == "" && res.Check.Level != script.May:
			t.Errorf("%s: %s %s: %s\n%s\n%s", name(res.Case, res.Check), res.Check.Level, clause(res.Check), res.Check.En, res.Why, res.Transcript)
		case res.Outcome == script.Pass && res.Check.KnownOf(target.Name) != "":
			t.Errorf("%s: what is known is no longer so: %s", name(res.Case, res.Check), res.Check.KnownOf(target.Name))
		}
	}
	t.Logf("%s: %d clauses, %d pass, %d fail, %d not offered, %d not reached, %v", s.name, len(r.Results), r.count(script.Pass), r.count(script.Fail),
		r.count(script.NotOffered), r.count(script.NotReached), r.Took.Round(time.Second))
	require.NotZero(t, r.count(script.Pass))
	return r
}

func TestSystems(t *testing.T) {
	for _, s := range systems {
		t.Run(strings.ReplaceAll(s.name, "+", "-"), func(t *testing.T) {
			t.Parallel() // most of it is waiting
			try(t, s)
		})
	}
}
