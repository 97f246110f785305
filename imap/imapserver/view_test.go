package imapserver

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// A view does what a plain list of UIDs does (RFC 9051 section 2.3.1.2).
func TestViewModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v view
		var list []mail.UID
		next := mail.UID(1)
		draw := func(label string) mail.UIDSet {
			var s mail.UIDSet
			for range rapid.IntRange(0, 5).Draw(t, label) {
				a := rapid.Uint32Range(1, uint32(next)).Draw(t, "uid")
				s.AddRange(mail.UID(a), mail.UID(a)+mail.UID(rapid.IntRange(0, 4).Draw(t, "more")))
			}
			return s
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				next += mail.UID(rapid.IntRange(0, 2).Draw(t, "gap"))
				for range rapid.IntRange(1, 6).Draw(t, "n") {
					v.add(next)
					list = append(list, next)
					next++
				}
			},
			"remove": func(*rapid.T) {
				gone := v.intersect(draw("gone"))
				v.remove(gone)
				list = slices.DeleteFunc(list, gone.Contains)
			},
			"": func(t *rapid.T) {
				require.Equal(t, uint32(len(list)), v.count())
				require.Equal(t, mail.UIDSetOf(list...).String(), v.all().String())
				for i, u := range list {
					seq, ok := v.seq(u)
					require.True(t, ok)
					require.Equal(t, uint32(i+1), seq)
				}
				_, ok := v.seq(next)
				require.False(t, ok)
				s := draw("set")
				want := slices.DeleteFunc(slices.Clone(list), func(u mail.UID) bool { return !s.Contains(u) })
				require.Equal(t, mail.UIDSetOf(want...).String(), v.intersect(s).String())
				rest := slices.DeleteFunc(slices.Clone(list), s.Contains)
				require.Equal(t, mail.UIDSetOf(rest...).String(), without(v.all(), s).String())
				if len(list) > 0 {
					require.Equal(t, list[len(list)-1], v.last())
					var seqs imap.SeqSet
					var uids []mail.UID
					for i, u := range list {
						if u%3 != 0 {
							seqs.Add(uint32(i + 1))
							uids = append(uids, u)
						}
					}
					require.Equal(t, mail.UIDSetOf(uids...).String(), v.uids(seqs).String())
				}
			},
		})
	})
}

// matchPattern agrees with the definition, written down plainly (RFC 9051 section 6.3.9.1).
func TestMatchPatternModel(t *testing.T) {
	var plain func(p, s string) bool
	plain = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return plain(p[1:], s) || s != "" && plain(p, s[1:])
		case p[0] == '%':
			return plain(p[1:], s) || s != "" && s[0] != '/' && plain(p, s[1:])
		}
		return s != "" && s[0] == p[0] && plain(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.RuneFrom([]rune("ab/*%")), 0, 8, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.RuneFrom([]rune("ab/%")), 0, 8, -1).Draw(t, "name")
		require.Equal(t, plain(p, s), matchPattern(p, s), "%q %q", p, s)
	})
}
