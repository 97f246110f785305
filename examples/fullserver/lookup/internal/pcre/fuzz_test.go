package pcre

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// FuzzCompile: a pattern is compiled, left out or refused; both machines take what is translated for them, and agree on what matches.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`^(a)(b)?$`, `(?i)[[:alpha:]]+\b`, `(a*)*b`, `(?<n>a)\k<n>`, `[\d\-\]x]{2,3}?`, `(?x) a # c`, `\Qa.b\E+`, `(?=a)(?<!b).`, `(a)?(?(1)b|c)`, `[^\x00-\xff]`, `\x{e9}|\351|é`, `a++(?>b|c)`, `(?:a|)*$`, `[a-\Qz\E]`} {
		f.Add(s, "imx", "ab@c")
		f.Add(s, "UEA", "\xe9b")
	}
	f.Fuzz(func(t *testing.T, pattern, flags, key string) {
		if len(pattern) > 100 || len(key) > 50 || strings.Trim(flags, Flags) != "" || strings.ContainsRune(pattern, 0) {
			return
		}
		m, err := Compile(pattern, flags, 50*time.Millisecond)
		if err != nil {
			if invalid := rules.Invalid(""); !errors.As(err, &invalid) && !strings.Contains(err.Error(), "is not supported in pcre tables") {
				t.Fatalf("%q: %v", pattern, err)
			}
			return
		}
		loc, ok, err := m.Match(key, true)
		if err != nil {
			return // it took too long
		}
		if ok && len(loc) < 2*(m.Groups()+1) {
			t.Fatalf("%q: %d groups, %v", pattern, m.Groups(), loc)
		}
		for i := range loc {
			if loc[i] > len(key) || i%2 == 1 && loc[i] < loc[i-1] {
				t.Fatalf("%q: %v in %q", pattern, loc, key)
			}
		}
		x := m.(*matcher)
		if x.fast == nil || strings.HasSuffix(key, "\n") {
			return
		}
		fast := x.fast
		x.fast = nil
		slow, also, err := x.Match(key, true)
		if err != nil && !strings.Contains(err.Error(), "backtracking limit") {
			t.Fatalf("%q for regexp2: %v", pattern, err)
		}
		x.fast = fast
		if err == nil && (also != ok || ok && !equal(slow, loc)) {
			t.Fatalf("%q on %q: %v %v, regexp2: %v %v", pattern, key, loc, ok, slow, also)
		}
	})
}

// equal compares groups; a group's text is what counts.
func equal(a, b []int) bool {
	for i := 2; i < min(len(a), len(b)); i++ {
		if a[i] != b[i] && !(a[i-i%2] == a[i-i%2+1] && b[i-i%2] == b[i-i%2+1]) {
			return false
		}
	}
	return true
}

// Which machine runs a pattern: what is common runs in time in proportion to the key.
func TestMachine(t *testing.T) {
	for pattern, fast := range map[string]bool{
		`^(.*)@(.*)$`: true, `^(?!owner-)(.*)`: false, `(a)\1`: false, `a++`: false, `\R`: false, `(a*)*`: true, `[[:alpha:]]{3,}?\bx`: true, `a{2000}`: false, `(?i)a(?-i:b)`: true, `(?<n>a)`: true, `a{1001}`: false,
	} {
		m, err := Compile(pattern, "", time.Second)
		require.NoError(t, err, pattern)
		require.Equal(t, fast, m.(*matcher).fast != nil, pattern)
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, pattern := range map[string]string{"regexp": `^(.*)-outgoing@(.*)$`, "regexp2": `^(?!owner-)(.*)-outgoing@(.*)$`} {
		b.Run(name, func(b *testing.B) {
			m, err := Compile(pattern, "", time.Second)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, _ := m.Match("list-outgoing@lists.example.com", true); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}
