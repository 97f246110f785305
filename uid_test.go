package mail_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
)

// TestUIDSetModel holds a UIDSet against the plainest set there is.
func TestUIDSetModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uid := rapid.OneOf(rapid.Uint32Range(0, 40), rapid.Uint32Range(1<<32-20, 1<<32-1))
		var s mail.UIDSet
		model := map[mail.UID]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			a := mail.UID(uid.Draw(t, "a"))
			b := min(a+mail.UID(rapid.Uint32Range(0, 5).Draw(t, "len")), mail.MaxUID)
			if b < a {
				b = mail.MaxUID
			}
			if rapid.Bool().Draw(t, "swap") {
				s.AddRange(b, a)
			} else {
				s.AddRange(a, b)
			}
			for u := uint64(a); u <= uint64(b); u++ {
				if u > 0 {
					model[mail.UID(u)] = true
				}
			}
		}
		require.Equal(t, len(model), s.Count())
		require.Equal(t, len(model) == 0, s.Empty())
		got := slices.Collect(s.All())
		require.Len(t, got, len(model))
		require.True(t, slices.IsSorted(got))
		for _, u := range got {
			require.True(t, model[u])
			require.True(t, s.Contains(u))
			require.Equal(t, model[u-1], s.Contains(u-1))
		}
		for i, r := range s.Ranges() {
			require.LessOrEqual(t, r.First, r.Last)
			if i > 0 {
				require.Greater(t, uint64(r.First), uint64(s.Ranges()[i-1].Last)+1, "ranges that touch are one")
			}
		}
	})
}

func TestUIDSetEdges(t *testing.T) {
	require.Equal(t, "1:*", mail.AllUIDs().String())
	require.Equal(t, 1<<32-1, mail.AllUIDs().Count())
	require.True(t, mail.UIDRangeSet(0, 0).Empty(), "UID 0 does not exist")
	require.Equal(t, "1:3", mail.UIDRangeSet(0, 3).String())
	require.Equal(t, "2:4,9", mail.UIDSetOf(9, 3, 2, 4, 3).String())
	s := mail.UIDSetOf(5)
	c := s.Clone()
	c.Add(6)
	require.Equal(t, "5", s.String(), "a clone shares nothing")
	s.AddSet(mail.UIDSetOf(1, 6))
	require.Equal(t, "1,5:6", s.String())
	s.Add(mail.MaxUID)
	s.AddRange(mail.MaxUID-1, mail.MaxUID)
	require.Equal(t, "1,5:6,4294967294:*", s.String())
	for range mail.AllUIDs().All() {
		break // a loop over everything can be left
	}
}

func ExampleUIDSet() {
	var set mail.UIDSet
	set.AddRange(1, 3)
	set.Add(7)
	set.Add(4)
	fmt.Println(set, set.Count(), set.Contains(5))
	// Output: 1:4,7 5 false
}

func BenchmarkUIDSetAddAscending(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var s mail.UIDSet
		for u := mail.UID(1); u <= 1000; u++ {
			s.Add(u * 2)
		}
	}
}
