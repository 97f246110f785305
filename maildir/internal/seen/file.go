package seen

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// The file is lines of text, each with a checksum at its end, so that one that a crash has torn shows and ends the file:
//
//	buuta-seen 1 <UIDVALIDITY> <checksum>
//	t <at> <add> <checksum>                      a step
//	k <ModSeq> +<UIDs> -<UIDs> <checksum>        marks
//	c <at> <add> +<UIDs> -<UIDs> <checksum>      a change: both in one
const head = "buuta-seen 1 "

// MaxFile is the largest file that is read, in octets.
const MaxFile = 256 << 20

// ErrNewer says that the file is from a later version, and must not be written to.
var ErrNewer = errors.New("seen: file is of a version that is not known")

// Encode writes a whole file.
func (t *Table) Encode() []byte {
	b := sealed(nil, fmt.Sprintf("%s%d", head, t.Validity))
	for _, s := range t.steps {
		b = sealed(b, fmt.Sprintf("t %d %d", s.at, s.add))
	}
	type sets struct{ on, off mail.UIDSet }
	byModSeq := map[uint64]*sets{}
	for _, uid := range slices.Sorted(maps.Keys(t.marks)) {
		m := t.marks[uid]
		s := byModSeq[m.ModSeq]
		if s == nil {
			s = &sets{}
			byModSeq[m.ModSeq] = s
		}
		if m.On {
			s.on.Add(uid)
		} else {
			s.off.Add(uid)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byModSeq)) {
		b = sealed(b, fmt.Sprintf("k %d +%s -%s", n, byModSeq[n].on, byModSeq[n].off))
	}
	return b
}

// Line writes a change, for the end of the file.
func (c *Change) Line() []byte {
	return sealed(nil, fmt.Sprintf("c %d %d +%s -%s", c.At, c.Add, c.On, c.Off))
}

func sealed(b []byte, line string) []byte {
	return fmt.Appendf(b, "%s %08x\n", line, crc32.ChecksumIEEE([]byte(line)))
}

// Decode reads a file. good is how much of it is whole; what is behind was torn by a crash and is to be cut off before
// anything is added. A file whose first line is not whole is an empty table, with 0 good. ErrNewer is the only error.
func Decode(raw []byte) (t *Table, good int, err error) {
	t = New(0)
	for line := range bytes.Lines(raw) {
		s, ok := unsealed(line)
		switch {
		case good == 0 && line[len(line)-1] == '\n' && bytes.HasPrefix(line, []byte("buuta-seen ")) && !bytes.HasPrefix(line, []byte(head)):
			return nil, 0, ErrNewer
		case !ok:
			return t, good, nil
		case good == 0:
			v, err := strconv.ParseUint(strings.TrimPrefix(s, head), 10, 32)
			if err != nil || v == 0 {
				return t, 0, nil
			}
			t.Validity = uint32(v)
		case !t.line(s):
			return t, good, nil
		}
		good += len(line)
	}
	return t, good, nil
}

func unsealed(line []byte) (string, bool) {
	s, ok := strings.CutSuffix(string(line), "\n")
	i := strings.LastIndexByte(s, ' ')
	if !ok || i < 0 {
		return "", false
	}
	return s[:i], s[i+1:] == fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s[:i])))
}

// line does what a line says.
func (t *Table) line(s string) bool {
	f := strings.Split(s, " ")
	num := func(i int) uint64 {
		if i >= len(f) {
			return 0
		}
		n, err := strconv.ParseUint(f[i], 10, 62)
		if err != nil {
			return 0
		}
		return n
	}
	sets := func(i int) (on, off mail.UIDSet, ok bool) {
		if len(f) != i+2 {
			return on, off, false
		}
		on, ok1 := parseSet(f[i], '+')
		off, ok2 := parseSet(f[i+1], '-')
		return on, off, ok1 && ok2
	}
	last := step{}
	if n := len(t.steps); n > 0 {
		last = t.steps[n-1]
	}
	switch f[0] {
	case "t":
		s := step{num(1), num(2)}
		if len(f) != 3 || s.add <= last.add || len(t.steps) > 0 && s.at <= last.at {
			return false
		}
		t.steps = append(t.steps, s)
		return true
	case "k":
		on, off, ok := sets(2)
		if n := num(1); ok && n > 0 {
			t.put(on, Mark{true, n})
			t.put(off, Mark{false, n})
			return true
		}
	case "c":
		on, off, ok := sets(3)
		if c := (Change{num(1), num(2), on, off}); ok && c.Add > last.add && c.At >= last.at {
			t.Apply(c)
			return true
		}
	}
	return false
}

// maxUIDs is how many messages one line may name.
const maxUIDs = 1 << 24

// parseSet reads "+1:3,7".
func parseSet(s string, sign byte) (set mail.UIDSet, ok bool) {
	if s == "" || s[0] != sign {
		return set, false
	}
	if s = s[1:]; s == "" {
		return set, true
	}
	count := 0
	for r := range strings.SplitSeq(s, ",") {
		a, b, ranged := strings.Cut(r, ":")
		if !ranged {
			b = a
		}
		first, err1 := strconv.ParseUint(a, 10, 32)
		last, err2 := strconv.ParseUint(b, 10, 32)
		if count += int(last-first) + 1; err1 != nil || err2 != nil || first == 0 || last < first || count > maxUIDs {
			return set, false
		}
		set.AddRange(mail.UID(first), mail.UID(last))
	}
	return set, true
}
