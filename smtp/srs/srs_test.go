package srs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/srs"
)

// at is when the addresses below were made.
func at(days int) func() time.Time {
	return func() time.Time { return time.Unix(1795731372, 0).AddDate(0, 0, days) }
}

// What postsrsd 1.10 makes with the same secret on the same day, and what it says of what comes back, in any case.
func TestAsPostsrsd(t *testing.T) {
	r := &srs.Rewriter{Domain: "fwd.example", Secrets: []string{"geheim123"}, Now: at(0)}
	for _, tt := range []struct{ from, want, back string }{
		{"alice@example.org", "SRS0=YgJX=JP=example.org=alice@fwd.example", ""},
		{"Bob.Smith+x@Example.ORG", "SRS0=ncbd=JP=Example.ORG=Bob.Smith+x@fwd.example", ""},
		{"a=b@example.org", "SRS0=6Q95=JP=example.org=a=b@fwd.example", ""},
		{"SRS0joe@example.org", "SRS0=cnpZ=JP=example.org=SRS0joe@fwd.example", ""},
		{"SRS0=aaaa=bb=orig.example=joe@other.example", "SRS1=V9Z9=other.example==aaaa=bb=orig.example=joe@fwd.example", ""},
		{"SRS1=zzzz=first.example==aaaa=bb=orig.example=joe@second.example", "SRS1=RHCD=first.example==aaaa=bb=orig.example=joe@fwd.example", "SRS0=aaaa=bb=orig.example=joe@first.example"},
		{"srs0+aaaa+bb+orig.example+joe@other.example", "SRS1=2NCd=other.example=+aaaa+bb+orig.example+joe@fwd.example", "SRS0+aaaa+bb+orig.example+joe@other.example"},
		{"SRS0-aaaa-bb-o.example-joe@other.example", "SRS1=5Yip=other.example=-aaaa-bb-o.example-joe@fwd.example", ""},
	} {
		got, err := r.Forward(tt.from)
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
		back := tt.back
		if back == "" {
			back = tt.from
		}
		for _, change := range []func(string) string{strings.ToUpper, strings.ToLower, func(s string) string { return s }} {
			got, err = r.Reverse(change(tt.want))
			require.NoError(t, err)
			require.True(t, strings.EqualFold(back, got), "%s: %s", back, got)
		}
		require.Equal(t, back, got)
		require.True(t, srs.Is(tt.want))
	}
	for _, same := range []string{"", "x@fwd.example", "x@FWD.example"} {
		got, err := r.Forward(same)
		require.NoError(t, err)
		require.Equal(t, same, got)
	}
	for address, want := range map[string]error{
		"x@fwd.example": srs.ErrNotSRS, "SRS0=x@fwd.example": srs.ErrSyntax, "SRS0=xxxx=bb=orig.example=joe@fwd.example": srs.ErrHash,
		"SRS0=YgJX=JP=example.org=mallory@fwd.example": srs.ErrHash, "SRS0=YgJX=JP=example.com=alice@fwd.example": srs.ErrHash, "SRS0=YgJX=JQ=example.org=alice@fwd.example": srs.ErrHash,
		"SRS0=YgJX=JP=example.org=alice@other.example": srs.ErrNotSRS, "SRS1=V9Z9=other.example=aaaa@fwd.example": srs.ErrSyntax, "SRS0=YgJX=JP=example.org=@fwd.example": srs.ErrSyntax,
		"SRS2=YgJX=JP=example.org=alice@fwd.example": srs.ErrNotSRS, "SRS0": srs.ErrNotSRS, "": srs.ErrNotSRS, "SRS0=YgJ=JP=example.org=alice@fwd.example": srs.ErrHash,
	} {
		_, err := r.Reverse(address)
		require.ErrorIs(t, err, want, address)
	}
	for _, bad := range []string{"x", "@example.org", "x@"} {
		_, err := r.Forward(bad)
		require.ErrorIs(t, err, srs.ErrSyntax)
	}
}

func TestAge(t *testing.T) {
	const made = "SRS0=YgJX=JP=example.org=alice@fwd.example"
	for day, want := range map[int]error{0: nil, 21: nil, 22: srs.ErrExpired, -1: srs.ErrExpired, 500: srs.ErrExpired, 1024: nil} {
		r := &srs.Rewriter{Domain: "fwd.example", Secrets: []string{"geheim123"}, Now: at(day)}
		_, err := r.Reverse(made)
		require.ErrorIs(t, err, want, "%d", day)
	}
}

// A new secret signs from now on, and what the old one has signed is still taken back.
func TestSecrets(t *testing.T) {
	r := &srs.Rewriter{Domain: "fwd.example", Secrets: []string{"new", "geheim123"}, Now: at(0), Separator: '+', HashLength: 8}
	got, err := r.Forward("alice@example.org")
	require.NoError(t, err)
	require.Regexp(t, `^SRS0\+[^=]{8}=JP=example\.org=alice@fwd\.example$`, got)
	back, err := r.Reverse(got)
	require.NoError(t, err)
	require.Equal(t, "alice@example.org", back)
	r.HashLength = 0
	back, err = r.Reverse("SRS0=YgJX=JP=example.org=alice@fwd.example")
	require.NoError(t, err)
	require.Equal(t, "alice@example.org", back)
}

func FuzzReverse(f *testing.F) {
	f.Add("SRS0=YgJX=JP=example.org=alice@fwd.example")
	f.Add("SRS1=V9Z9=other.example==aaaa=bb=orig.example=joe@fwd.example")
	f.Add("a=b@c")
	r := &srs.Rewriter{Domain: "fwd.example", Secrets: []string{"geheim123"}, Now: at(0)}
	f.Fuzz(func(t *testing.T, address string) {
		_, _ = r.Reverse(address)
		got, err := r.Forward(address)
		if err != nil || got == address {
			return
		}
		back, err := r.Reverse(got)
		if err != nil {
			t.Fatalf("%q became %q: %v", address, got, err)
		}
		if !srs.Is(address) && back != address {
			t.Fatalf("%q came back as %q", address, back)
		}
	})
}

func ExampleRewriter() {
	r := &srs.Rewriter{Domain: "example.org", Secrets: []string{"geheim123"}, Now: at(0)}
	from, _ := r.Forward("alice@example.net")
	back, err := r.Reverse(from)
	fmt.Println(from)
	fmt.Println(back, err)
	// Output:
	// SRS0=FPxT=JP=example.net=alice@example.org
	// alice@example.net <nil>
}

func BenchmarkForward(b *testing.B) {
	r := &srs.Rewriter{Domain: "example.org", Secrets: []string{"geheim123"}}
	b.ReportAllocs()
	for b.Loop() {
		r.Forward("alice@example.net")
	}
}
