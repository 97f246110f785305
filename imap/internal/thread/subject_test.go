package thread

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// RFC 5256 section 2.1, each rule, and section 3: "A message is considered to be a reply or forward if the base subject
// extraction rules … remove any of the following: a subj-refwd, a "(fwd)" subj-trailer, or a subj-fwd-hdr and subj-fwd-trl."
func TestBaseSubject(t *testing.T) {
	for _, test := range []struct {
		in, want string
		reply    bool
	}{
		{"", "", false},
		{"plain", "plain", false},
		{"  a \t b\r\n c ", "a b c", false},                                                                // (1)
		{"a (fwd)", "a", true}, {"a (FWD) (fwd)  ", "a", true}, {"a(fwd)", "a", true}, {"(fwd)", "", true}, // (2)
		{"Re: a", "a", true}, {"RE:a", "a", true}, {"re : a", "a", true}, {"fw: a", "a", true}, {"Fwd: a", "a", true}, // (3)
		{"Re[2]: a", "a", true}, {"re [x] : a", "a", true}, {"re [x]: [y] a", "a", true}, {"Re: re: fwd:a", "a", true},
		{"[list] Re: a", "a", true}, {"[l][m] Re: a", "a", true},
		{"[list] a", "a", false}, {"[a] [b] c", "c", false}, // (4)
		{"[only]", "[only]", false}, {"[a] [only]", "[only]", false}, {"Re: [only]", "[only]", true}, {"[a] Re:", "", true},
		{"Re: [a] Re: [b] c", "c", true},                                                     // (5)
		{"[fwd: a]", "a", true}, {"[Fwd: Re: a]", "a", true}, {"[fwd: [fwd: a]]", "a", true}, // (6)
		{"[fwd: a] ", "a", true}, {"[fwd: a] b", "b", false}, {"[fwd:]", "", true}, {"[fwd: a (fwd)]", "a", true},
		{"Re: [fwd: a]", "a", true}, {"[fwd: [x] a]", "a", true}, {"[x] [fwd: a]", "a", true},
		// What only looks like it.
		{"Re a", "Re a", false}, {"reply: a", "reply: a", false}, {"fwdd: a", "fwdd: a", false}, {"[a", "[a", false},
		{"[a[b] c", "[a[b] c", false}, {"AW: a", "AW: a", false}, {"re[a]b: c", "re[a]b: c", false}, {"(fwd) a", "(fwd) a", false},
		{"re[: a", "re[: a", false}, {"re[a][b]: c", "re[a][b]: c", false},
	} {
		base, reply := BaseSubject(test.in)
		require.Equal(t, test.want, base, "%q", test.in)
		require.Equal(t, test.reply, reply, "%q", test.in)
	}
}

// Hostile subjects cost no more than their length.
func TestBaseSubjectLinear(t *testing.T) {
	for _, piece := range []string{"[a]", "re:", "[", "[fwd:", "re[", "[a] re:", "]", "(fwd)", " ", "[a", "re[a]"} {
		for _, tail := range []string{"", "x", "]", "[a", "re:x"} {
			s := strings.Repeat(piece, 1<<18) + tail
			start := time.Now()
			BaseSubject(s)
			BaseSubject(tail + s + "]")
			require.Less(t, time.Since(start), 20*time.Second, "%q %q", piece, tail)
		}
	}
}

func FuzzBaseSubject(f *testing.F) {
	for _, s := range []string{"Re: [a] [fwd: b (fwd)]", "[a][b]re[c] :d", "fw : x", "[fwd:re:]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base, _ := BaseSubject(s)
		require.LessOrEqual(t, len(base), len(s))
		again, reply := BaseSubject(base)
		require.Equal(t, base, again) // nothing is left to remove
		require.False(t, reply)
		naive, r := naiveBase(s)
		require.Equal(t, naive, base, "%q", s)
		_, wasReply := BaseSubject(s)
		require.Equal(t, r, wasReply, "%q", s)
	})
}

// naiveBase does the seven steps one by one as they are written.
func naiveBase(s string) (string, bool) {
	reply := false
	s = strings.NewReplacer("\t", " ", "\r", " ", "\n", " ").Replace(s) // (1)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	hasFold := func(s, p string) bool { return len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) }
	blob := func(s string) int { // length of a subj-blob
		if s == "" || s[0] != '[' {
			return 0
		}
		for i := 1; i < len(s); i++ {
			if s[i] == '[' {
				return 0
			}
			if s[i] == ']' {
				for i++; i < len(s) && s[i] == ' '; i++ {
				}
				return i
			}
		}
		return 0
	}
	refwd := func(s string) int {
		n := 0
		switch {
		case hasFold(s, "re"):
			n = 2
		case hasFold(s, "fwd"):
			n = 3
		case hasFold(s, "fw"):
			n = 2
		default:
			return 0
		}
		for n < len(s) && s[n] == ' ' {
			n++
		}
		n += blob(s[n:])
		if n < len(s) && s[n] == ':' {
			return n + 1
		}
		return 0
	}
	for {
		for again := true; again; { // (2)
			again = false
			if strings.HasSuffix(s, " ") {
				s, again = s[:len(s)-1], true
			}
			if len(s) >= 5 && strings.EqualFold(s[len(s)-5:], "(fwd)") {
				s, again, reply = s[:len(s)-5], true, true
			}
		}
		for again := true; again; { // (5)
			again = false
			for more := true; more; { // (3)
				more = false
				if strings.HasPrefix(s, " ") {
					s, more = s[1:], true
				}
				at := 0
				for blob(s[at:]) > 0 {
					at += blob(s[at:])
				}
				if n := refwd(s[at:]); n > 0 {
					s, more, reply = s[at+n:], true, true
				}
			}
			if n := blob(s); n > 0 && n < len(s) { // (4)
				s, again = s[n:], true
			}
		}
		if !hasFold(s, "[fwd:") || !strings.HasSuffix(s, "]") { // (6)
			return s, reply
		}
		s, reply = s[5:len(s)-1], true
	}
}

// RFC 5051 section 2.
func TestCasemap(t *testing.T) {
	for in, want := range map[string]string{
		"Hello": "HELLO", "": "", "é": "E\u0301", "E\u0301": "E\u0301", "ǆ": "D\u007a\u030c", // its example: U+01C4 becomes U+0044 U+007A U+030C
		"Ǆ": "D\u007a\u030c", "ﬁ": "fi", "Đ": "Đ", "đ": "Đ", "ệ": "E\u0323\u0302", "각": "\u1100\u1161\u11a8", "가": "\u1100\u1161",
		"a\xff": "a\xff", // "The original string is used unchanged with the i;octet comparator"
		"ÀB":    "A\u0300B", "ß": "ß", "𐐨": "𐐀",
	} {
		require.Equal(t, want, string(AppendCasemap(nil, in)), "%q", in)
	}
}
