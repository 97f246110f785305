package imapserver_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// mirror is what a client believes of a mailbox, from nothing but what the server says.
type mirror struct {
	truth *truth
	box   string
	uids  []uint32 // 0: not known yet
	flags map[uint32]string
	seqs  map[uint32]uint64 // the highest MODSEQ told for each

	validity string
	high     uint64 // HIGHESTMODSEQ that all of the above is as new as: what a client keeps
	vanish   bool   // the session has enabled QRESYNC
}

func newMirror(t *truth, box string) *mirror {
	return &mirror{truth: t, box: box, flags: map[uint32]string{}, seqs: map[uint32]uint64{}}
}

// truth has what any session was told: of a message and a MODSEQ all must be told the same.
type truth struct {
	mu   sync.Mutex
	said map[string]string
}

func (t *truth) check(box string, uid uint32, seq uint64, flags string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := fmt.Sprintf("%s %d %d", box, uid, seq)
	if was, ok := t.said[key]; ok && was != flags {
		return fmt.Errorf("UID %d of %s at MODSEQ %d has the flags (%s), and was told to have (%s)", uid, box, seq, flags, was)
	}
	if t.said[key] = flags; len(t.said) > 1_000_000 {
		clear(t.said)
	}
	return nil
}

var (
	existsRE   = regexp.MustCompile(`^\* (\d+) EXISTS$`)
	expungeRE  = regexp.MustCompile(`^\* (\d+) EXPUNGE$`)
	vanishedRE = regexp.MustCompile(`^\* VANISHED (\(EARLIER\) )?([\d,:]+)$`)
	fetchRE    = regexp.MustCompile(`^\* (\d+) FETCH \((.*)\)$`)
	uidRE      = regexp.MustCompile(`\bUID (\d+)`)
	flagsRE    = regexp.MustCompile(`\bFLAGS \(([^)]*)\)`)
	modSeqRE   = regexp.MustCompile(`\bMODSEQ \((\d+)\)`)
	highestRE  = regexp.MustCompile(` OK \[HIGHESTMODSEQ (\d+)\]`)
	validityRE = regexp.MustCompile(` OK \[UIDVALIDITY (\d+)\]`)
)

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// told is a FETCH response.
type told struct {
	seq    int
	uid    uint32
	flags  string
	has    bool // flags
	modSeq uint64
}

func parseFetch(line string) (f told, ok bool) {
	x := fetchRE.FindStringSubmatch(line)
	if x == nil {
		return f, false
	}
	f.seq = int(number(x[1]))
	if u := uidRE.FindStringSubmatch(x[2]); u != nil {
		f.uid = uint32(number(u[1]))
	}
	if m := modSeqRE.FindStringSubmatch(x[2]); m != nil {
		f.modSeq = number(m[1])
	}
	if g := flagsRE.FindStringSubmatch(x[2]); g != nil {
		f.has, f.flags = true, strings.Join(strings.Fields(strings.ReplaceAll(g[1], `\Recent`, "")), " ")
	}
	return f, true
}

// apply takes one untagged response and complains about what can't be.
func (m *mirror) apply(line string) error {
	if x := existsRE.FindStringSubmatch(line); x != nil {
		n := int(number(x[1]))
		if n < len(m.uids) {
			return fmt.Errorf("%s with %d messages", line, len(m.uids))
		}
		m.uids = append(m.uids, make([]uint32, n-len(m.uids))...)
		return nil
	}
	if x := expungeRE.FindStringSubmatch(line); x != nil {
		n := int(number(x[1]))
		if n < 1 || n > len(m.uids) || m.vanish {
			return fmt.Errorf("%s with %d messages, QRESYNC %v", line, len(m.uids), m.vanish)
		}
		m.drop(n - 1)
		return nil
	}
	if x := vanishedRE.FindStringSubmatch(line); x != nil {
		return m.vanished(line, x[1] != "", x[2])
	}
	f, ok := parseFetch(line)
	if !ok || f.uid == 0 {
		return nil
	}
	n := f.seq
	if n < 1 || n > len(m.uids) {
		return fmt.Errorf("%s with %d messages", line, len(m.uids))
	}
	if known := m.uids[n-1]; known != 0 && known != f.uid {
		return fmt.Errorf("%s but %d has UID %d", line, n, known)
	}
	if below := m.lastKnown(n - 1); below >= f.uid {
		return fmt.Errorf("%s behind UID %d", line, below)
	}
	m.uids[n-1] = f.uid
	return m.learn(line, f)
}

func (m *mirror) drop(i int) {
	delete(m.flags, m.uids[i])
	delete(m.seqs, m.uids[i])
	m.uids = slices.Delete(m.uids, i, i+1)
}

// lastKnown returns the last UID that is known of the first n messages.
func (m *mirror) lastKnown(n int) uint32 {
	for i := n - 1; i >= 0; i-- {
		if m.uids[i] != 0 {
			return m.uids[i]
		}
	}
	return 0
}

// learn takes flags and MODSEQ: the latter never goes back.
func (m *mirror) learn(line string, f told) error {
	if f.modSeq != 0 {
		if f.modSeq < m.seqs[f.uid] {
			return fmt.Errorf("%s, and MODSEQ was %d", line, m.seqs[f.uid])
		}
		m.seqs[f.uid] = f.modSeq
	}
	if !f.has {
		return nil
	}
	m.flags[f.uid] = f.flags
	if f.modSeq == 0 {
		return nil
	}
	return m.truth.check(m.box, f.uid, f.modSeq, f.flags)
}

// vanished takes out UIDs. One that was not known stands for a message whose UID wasn't; earlier ones are never in the view.
func (m *mirror) vanished(line string, earlier bool, set string) error {
	if !m.vanish {
		return fmt.Errorf("%s without QRESYNC", line)
	}
	for _, uid := range uidsOf(set) {
		if earlier {
			if slices.Contains(m.uids, uid) {
				return fmt.Errorf("%s, and UID %d is there", line, uid)
			}
			continue
		}
		i, zero := slices.Index(m.uids, uid), -1
		if i < 0 {
			for j, u := range m.uids {
				if u == 0 && m.lastKnown(j) < uid {
					zero = j
				} else if u > uid {
					break
				}
			}
			if i = zero; i < 0 {
				return fmt.Errorf("%s, and there is no UID %d", line, uid)
			}
		}
		m.drop(i)
		delete(m.flags, uid) // where its place was not known
		delete(m.seqs, uid)
	}
	return nil
}

func uidsOf(set string) (out []uint32) {
	for r := range strings.SplitSeq(set, ",") {
		a, b, isRange := strings.Cut(r, ":")
		first, last := number(a), number(a)
		if isRange {
			last = number(b)
		}
		for u := first; u <= last; u++ {
			out = append(out, uint32(u))
		}
	}
	return out
}

// complete reports whether all UIDs and flags are known.
func (m *mirror) complete() bool {
	return !slices.Contains(m.uids, 0) && len(m.flags) == len(m.uids)
}

// highest takes a HIGHESTMODSEQ, up to which the client knows everything if it knows its messages.
func (m *mirror) highest(line string) error {
	x := highestRE.FindStringSubmatch(line)
	if x == nil {
		return nil
	}
	n := number(x[1])
	if n < m.high {
		return fmt.Errorf("%s, and it was %d", line, m.high)
	}
	if m.complete() {
		m.high = n
	}
	return nil
}
