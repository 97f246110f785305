package maildirsize

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want File
		ok   bool
	}{
		{"1000S,10C\n200 2\n-50 -1\n", File{Amount{1000, 10}, Amount{150, 1}, 2}, true},
		{"1000S\n0 0\n", File{Amount{1000, 0}, Amount{}, 1}, true},
		{"10C\n5 1\n", File{Amount{0, 10}, Amount{5, 1}, 1}, true},
		{"0S\n5 1\n", File{Amount{}, Amount{5, 1}, 1}, true},
		{"\n5 1\n", File{Amount{}, Amount{5, 1}, 1}, true},
		{"10C,1000S,7Q,x,5,-1S\n5 1\n", File{Amount{1000, 10}, Amount{5, 1}, 1}, true}, // in any order, with what we don't know
		{"99999999999999999999S\n5 1\n", File{Amount{math.MaxInt64, 0}, Amount{5, 1}, 1}, true},
		{"1000S\n         200          2\n", File{Amount{1000, 0}, Amount{200, 2}, 1}, true}, // as Courier pads them
		{"1000S\n200 2\n50", File{Amount{1000, 0}, Amount{200, 2}, 1}, true},                 // being written
		{"1000S\n200 2 more\n", File{Amount{1000, 0}, Amount{200, 2}, 1}, true},

		{"", File{}, false},
		{"1000S", File{}, false},
		{"1000S\n", File{Limits: Amount{1000, 0}}, false},
		{"1000S\n100\n", File{Limits: Amount{1000, 0}}, false},
		{"1000S\n100 x\n", File{Limits: Amount{1000, 0}}, false},
		{"1000S\n\n100 1\n", File{Limits: Amount{1000, 0}}, false},
		{"1000S\n100 1\n-200 -1\n", File{Amount{1000, 0}, Amount{-100, 0}, 2}, false}, // less than nothing
		{"1000S\n9223372036854775807 1\n9223372036854775807 1\n", File{Limits: Amount{1000, 0}}, false},
		{"1000S\n1 1\x00\n", File{Limits: Amount{1000, 0}}, false},
	} {
		got, ok := Parse([]byte(c.in))
		require.Equal(t, c.ok, ok, "%q", c.in)
		require.Equal(t, c.want, got, "%q", c.in)
	}
	long := "1000S\n" + strings.Repeat("10 1\n", MaxSize/5)
	got, ok := Parse([]byte(long))
	require.False(t, ok)
	require.Equal(t, int64(1000), got.Limits.Bytes)
}

func TestFormat(t *testing.T) {
	for want, limits := range map[string]Amount{"1000S,10C": {1000, 10}, "1000S": {1000, 0}, "10C": {0, 10}, "0S": {}} {
		require.Equal(t, want+"\n-5 7\n", string(Format(limits, Amount{-5, 7})))
	}
}

func TestTrusted(t *testing.T) {
	require.True(t, (&File{Lines: 1}).Trusted(15*time.Minute))
	require.False(t, (&File{Lines: 1}).Trusted(15*time.Minute+1))
	require.False(t, (&File{Lines: 2}).Trusted(0))
}

func FuzzParse(f *testing.F) {
	f.Add("1000S,10C\n200 2\n-50 -1\n")
	f.Add("0S\n")
	f.Add("1S,,2C\n 1 1\n")
	f.Fuzz(func(t *testing.T, in string) {
		file, ok := Parse([]byte(in))
		if !ok {
			return
		}
		// What is written anew says the same.
		again, ok := Parse(Format(file.Limits, file.Used))
		require.True(t, ok)
		file.Lines = 1
		require.Equal(t, file, again)
	})
}
