package maildir

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// parseKeywords reads a dovecot-keywords file: "<0..25> <keyword>" a line. What can't be read is left out, and so is a last line without
// its end, which may be the first half of another keyword.
func parseKeywords(b []byte) []string {
	var out []string
	for line := range bytes.Lines(b[:bytes.LastIndexByte(b, '\n')+1]) {
		num, name, ok := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(" "))
		n, err := strconv.ParseUint(string(num), 10, 8)
		if !ok || err != nil || n >= maxKeywords || !mail.ValidKeyword(string(name)) {
			continue
		}
		for len(out) <= int(n) {
			out = append(out, "")
		}
		out[n] = string(name)
	}
	return out
}

// formatKeywords writes a dovecot-keywords file.
func formatKeywords(keywords []string) []byte {
	var b []byte
	for i, k := range keywords {
		if k != "" {
			b = fmt.Appendf(b, "%d %s\n", i, k)
		}
	}
	return b
}

// keywordBits returns the letters of keywords, giving letters to new ones. With find, unknown ones are left out instead.
func (t *txn) keywordBits(names []string, find bool) (uint32, error) {
	var bits uint32
	for _, name := range names {
		i := slices.IndexFunc(t.keywords, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			if find {
				continue
			}
			if !mail.ValidKeyword(name) {
				return 0, fmt.Errorf("maildir: keyword %q is not allowed", name)
			}
			if err := t.lockUIDs(); err != nil {
				return 0, err
			}
			if i = t.letter(); i < 0 {
				return 0, fmt.Errorf("%w: a mailbox can have %d keywords", mail.ErrLimit, maxKeywords)
			}
			t.setKeyword(i, name)
		}
		bits |= 1 << i
	}
	return bits, nil
}

// letter returns a letter that no keyword has, or one whose keyword no message has any more; -1 when there is none.
func (t *txn) letter() int {
	for i := range maxKeywords {
		if i >= len(t.keywords) || t.keywords[i] == "" {
			return i
		}
	}
	var used uint32
	for _, m := range t.st.all {
		used |= m.kw
	}
	for _, m := range t.over {
		used |= m.kw
	}
	for i := range t.adds {
		used |= t.adds[i].m.kw
	}
	for i := range maxKeywords {
		if used&(1<<i) == 0 && !slices.ContainsFunc(t.recs, func(r record) bool { return r.kind == recKeyword && r.m.kw == uint32(i) }) {
			return i
		}
	}
	return -1
}

func (t *txn) setKeyword(i int, name string) {
	was := t.keywords
	k := slices.Clone(was)
	for len(k) <= i {
		k = append(k, "")
	}
	k[i] = name
	t.keywords, t.kwDirty = k, true
	t.undo = append(t.undo, func() { t.keywords = was })
	t.recs = append(t.recs, record{kind: recKeyword, m: msg{kw: uint32(i)}, name: name})
}
