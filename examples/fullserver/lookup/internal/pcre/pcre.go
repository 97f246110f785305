// Package pcre compiles Perl-compatible regular expressions as Postfix's pcre tables have them: those of PCRE2 10.42 over octets, without
// its Unicode mode.
//
// A pattern is translated and then run by one of two machines. Package regexp takes time in proportion to the text; it runs all patterns that
// have no back references, look-around, atomic groups or conditions. The others are run by regexp2, which tries possibilities as
// PCRE does, for a limited time. What neither can do is refused by name: recursion, verbs, \K, branch reset, \X, \p.
package pcre

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// Flags are what may stand behind a pattern. Each time that it stands there switches it: i (case doesn't matter) and s (a dot is any octet)
// are on at first, m (^ and $ at lines), x (white space and comments), A (matches at the beginning), E ($ is the very end) and U
// (repetitions are short) off. X says nothing any more.
const Flags = "imsxAEUX"

// Compile compiles a pattern. The matcher gives up after most time, with an error. A rules.Invalid is what PCRE doesn't take either.
func Compile(pattern, flags string, most time.Duration) (rules.Matcher, error) {
	f := modes{
		fold: !rules.Toggled(flags, "i"), dotAll: !rules.Toggled(flags, "s"), lines: rules.Toggled(flags, "m"), spaced: rules.Toggled(flags, "x"),
		end: rules.Toggled(flags, "E"), lazy: rules.Toggled(flags, "U"),
	}
	anchored := rules.Toggled(flags, "A")
	t, err := translate(pattern, f, anchored, true)
	if err != nil {
		return nil, err
	}
	m := &matcher{groups: t.groups, loops: t.loops}
	m.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		t, err := translate(pattern, f, anchored, false)
		if err != nil {
			return nil, err
		}
		re, err := regexp2.Compile(t.out, regexp2.None)
		if err != nil {
			return nil, fmt.Errorf("too much for us: %w", err)
		}
		re.MatchTimeout = most
		return re, nil
	})
	if !t.backtracks {
		if re, err := regexp.Compile(t.out); err == nil { // else: larger than package regexp takes
			m.fast = &rules.Octets{Re: re}
			return m, nil
		}
	}
	_, err = m.slow()
	return m, err
}

// matcher implements rules.Matcher.
type matcher struct {
	groups int
	loops  bool                            // where the groups are only slow says as PCRE does
	fast   *rules.Octets                   // nil: the pattern needs slow
	slow   func() (*regexp2.Regexp, error) // compiled when it is needed
}

func (m *matcher) Groups() int { return m.groups }

// Match implements rules.Matcher. To PCRE "$" and "\Z" are also before a newline that ends the text, and a line doesn't begin behind
// it: package regexp can't say so, and gets no such text.
func (m *matcher) Match(key string, groups bool) ([]int, bool, error) {
	if m.fast != nil && !strings.HasSuffix(key, "\n") {
		if !groups || !m.loops {
			return m.fast.Match(key, groups)
		}
		if _, ok, _ := m.fast.Match(key, false); !ok {
			return nil, false, nil
		}
	}
	re, err := m.slow()
	if err != nil {
		return nil, false, err
	}
	text := rules.OctetText(key)
	if !groups {
		ok, err := re.MatchString(text)
		return nil, ok, timeout(err)
	}
	found, err := re.FindStringMatch(text)
	if err != nil || found == nil {
		return nil, false, timeout(err)
	}
	loc := make([]int, 2*(m.groups+1))
	for i := range loc {
		loc[i] = -1
	}
	for i, g := range found.Groups() {
		if len(g.Captures) > 0 && i <= m.groups {
			loc[2*i], loc[2*i+1] = g.Index, g.Index+g.Length // characters of text are octets of key
		}
	}
	return loc, true, nil
}

func timeout(err error) error {
	if err != nil {
		return fmt.Errorf("backtracking limit exceeded: the pattern takes too long for this key; write (?>…) or possessive quantifiers (++) where it repeats repetitions")
	}
	return nil
}
