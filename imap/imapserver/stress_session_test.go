package imapserver_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
)

// wanderer is a client that does commands at random. It may know CONDSTORE or QRESYNC, and those lose their connections now and
// then and go on from what they know.
type wanderer struct {
	id    int
	f     *fixture
	rnd   *rand.Rand
	level int // 0: neither, 1: CONDSTORE, 2: QRESYNC
	truth *truth

	nc   net.Conn
	r    *bufio.Reader
	tags int

	m    *mirror            // of the selected mailbox
	kept map[string]*mirror // of all that were selected, with QRESYNC
	took []string           // the last commands, to tell of
	lost int                // how often it has come back
}

func newWanderer(f *fixture, id int, t *truth) *wanderer {
	return &wanderer{id: id, f: f, rnd: rand.New(rand.NewPCG(7, uint64(id))), level: id % 3, truth: t, kept: map[string]*mirror{}}
}

// connect dials and logs in.
func (w *wanderer) connect() (err error) {
	if w.nc, err = net.Dial("tcp", w.f.addr); err != nil {
		return err
	}
	w.r = bufio.NewReader(w.nc)
	if _, err := w.r.ReadString('\n'); err != nil {
		return err
	}
	w.m = nil
	if _, err := w.do("LOGIN alice secret"); err != nil {
		return err
	}
	if w.level == 2 {
		_, err = w.do("ENABLE QRESYNC")
	}
	return err
}

// read sends a command and gives each untagged line to f. It returns the tagged one.
func (w *wanderer) read(command string, f func(line string) error) (string, error) {
	if w.took = append(w.took, command); len(w.took) > 12 {
		w.took = w.took[1:]
	}
	w.tags++
	tag := "t" + strconv.Itoa(w.tags)
	if _, err := w.nc.Write([]byte(tag + " " + command + "\r\n")); err != nil {
		return "", err
	}
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("%s: %w", command, err)
		}
		line = strings.TrimSuffix(line, "\r\n")
		if strings.HasPrefix(line, tag+" BAD") || strings.Contains(line, "SERVERBUG") {
			return "", fmt.Errorf("%s: %s", command, line)
		}
		if strings.HasPrefix(line, tag+" ") {
			return line, nil
		}
		if err := f(line); err != nil {
			return "", fmt.Errorf("%s: %w", command, err)
		}
	}
}

// do is read for the mailbox that is selected.
func (w *wanderer) do(command string) (lines []string, err error) {
	keep := strings.HasPrefix(command, "FETCH") || strings.HasPrefix(command, "STORE") || strings.HasPrefix(command, "SEARCH")
	status, err := w.read(command, func(line string) error {
		lines = append(lines, line)
		if keep && (expungeRE.MatchString(line) || vanishedRE.MatchString(line)) {
			return fmt.Errorf("was answered %s", line)
		}
		if w.m == nil {
			return nil
		}
		if err := w.m.apply(line); err != nil {
			return err
		}
		return w.m.highest(line)
	})
	if err == nil && w.m != nil {
		err = w.m.highest(status)
	}
	if err != nil {
		return lines, w.failed(err)
	}
	return append(lines, status), nil
}

func (w *wanderer) failed(err error) error {
	return fmt.Errorf("session %d: %w\nbefore: %s", w.id, err, strings.Join(w.took, "\n        "))
}

// enter selects a mailbox, with what is known of it from the last time.
func (w *wanderer) enter(box string) error {
	known := w.kept[box]
	command := "SELECT " + box
	switch {
	case w.level == 2 && known != nil && known.high > 0:
		command += known.resync(w.rnd)
	case w.level == 1:
		command += " (CONDSTORE)"
	}
	m := newMirror(w.truth, box)
	m.vanish = w.level == 2
	x := &selecting{was: known, ranged: strings.Contains(command, " 1:")}
	closed := w.m == nil || w.level < 2
	status, err := w.read(command, func(line string) error {
		if !closed {
			// What comes before "[CLOSED]" is about the mailbox that was selected (RFC 7162 section 3.2.11).
			if closed = strings.HasPrefix(line, "* OK [CLOSED]"); closed {
				return nil
			}
			return w.m.apply(line)
		}
		return x.take(m, line)
	})
	if err == nil && !closed {
		err = fmt.Errorf("%s: no CLOSED", command)
	}
	if err == nil && !strings.Contains(status, " OK ") {
		err = fmt.Errorf("%s: %s", command, status)
	}
	if err == nil && strings.Contains(command, "(QRESYNC") && known.validity == m.validity {
		err = x.merge(m)
		w.lost++
	}
	if err != nil {
		return w.failed(err)
	}
	w.m = m
	w.kept[box] = m
	if !strings.Contains(command, "(QRESYNC") {
		if _, err := w.do("UID FETCH 1:* (FLAGS)"); err != nil {
			return err
		}
	} else if err := w.verify(x); err != nil {
		return w.failed(err)
	}
	if x.highest > m.high && m.complete() {
		m.high = x.highest
	}
	return nil
}

// verify asks for everything, after a SELECT with QRESYNC: what differs from what that has told must be newer than its
// HIGHESTMODSEQ.
func (w *wanderer) verify(x *selecting) error {
	before := make(map[uint32]string, len(w.m.flags))
	for u, f := range w.m.flags {
		before[u] = f
	}
	lines, err := w.do("UID FETCH 1:* (FLAGS)")
	if err != nil {
		return err
	}
	more, err := w.do("NOOP")
	if err != nil {
		return err
	}
	seen, gone := map[uint32]bool{}, map[uint32]bool{}
	for _, line := range append(lines, more...) {
		if v := vanishedRE.FindStringSubmatch(line); v != nil {
			for _, u := range uidsOf(v[2]) {
				gone[u] = true
			}
		}
		f, ok := parseFetch(line)
		if !ok || !f.has {
			continue
		}
		seen[f.uid] = true
		if was, ok := before[f.uid]; ok && was != f.flags && f.modSeq <= x.highest {
			return fmt.Errorf("%s: QRESYNC up to %d did not tell of it, it was (%s)", line, x.highest, was)
		}
	}
	for _, u := range x.merged {
		if !seen[u] && !gone[u] {
			return fmt.Errorf("QRESYNC did not tell that UID %d is gone", u)
		}
	}
	unheard := 0
	for u := range gone {
		if !slices.Contains(x.merged, u) {
			unheard++
		}
	}
	if unheard < x.missing {
		return fmt.Errorf("%d messages are there, and by what QRESYNC tells %d: %v\nknown at %d were %v, gone are %v, fetched %v", x.exists, len(x.merged),
			x.merged, x.was.high, x.was.uids, x.gone, x.fetched)
	}
	return nil
}

// resync is the parameter of SELECT that tells what is known. Some give UIDs, and some also numbers, as far as they go.
func (m *mirror) resync(rnd *rand.Rand) string {
	out := fmt.Sprintf(" (QRESYNC (%s %d", m.validity, m.high)
	top := m.lastKnown(len(m.uids))
	if top == 0 || rnd.IntN(2) == 0 {
		return out + "))"
	}
	out += fmt.Sprintf(" 1:%d", top)
	if n := slices.Index(m.uids, 0); n != 0 && rnd.IntN(2) == 0 {
		if n < 0 {
			n = len(m.uids)
		}
		out += fmt.Sprintf(" (%d %d)", n, m.uids[n-1])
	}
	return out + "))"
}

// selecting is what comes in answer to a SELECT.
type selecting struct {
	was     *mirror
	ranged  bool // UIDs were given: of new messages nothing is told
	exists  int
	highest uint64
	gone    map[uint32]bool
	fetched []told
	merged  []uint32 // the UIDs that are known then
	missing int      // how many messages are not among them, and should be
}

func (x *selecting) take(m *mirror, line string) error {
	if v := validityRE.FindStringSubmatch(line); v != nil {
		m.validity = v[1]
	}
	if v := highestRE.FindStringSubmatch(line); v != nil {
		x.highest = number(v[1])
	}
	if v := existsRE.FindStringSubmatch(line); v != nil {
		x.exists = int(number(v[1]))
		return m.apply(line)
	}
	if v := vanishedRE.FindStringSubmatch(line); v != nil {
		if v[1] == "" {
			return fmt.Errorf("%s in answer to SELECT", line)
		}
		x.gone = map[uint32]bool{}
		for _, u := range uidsOf(v[2]) {
			x.gone[u] = true
		}
		return nil
	}
	if f, ok := parseFetch(line); ok {
		x.fetched = append(x.fetched, f)
	}
	return nil
}

// merge makes what was known into what is: without what has vanished, with what was fetched. Each has its place then, and only
// new messages may be unknown.
func (x *selecting) merge(m *mirror) error {
	var uids []uint32
	for _, u := range x.was.uids {
		if u != 0 && !x.gone[u] {
			uids = append(uids, u)
			m.seqs[u] = x.was.seqs[u]
			if flags, ok := x.was.flags[u]; ok {
				m.flags[u] = flags
			}
		}
	}
	for _, f := range x.fetched {
		if x.gone[f.uid] {
			return fmt.Errorf("UID %d has vanished and is fetched", f.uid)
		}
		if !slices.Contains(uids, f.uid) {
			uids = append(uids, f.uid)
		}
	}
	slices.Sort(uids)
	// A message that was there when the view was made, and expunged before its FETCH, is told of by VANISHED later.
	x.merged, x.missing = uids, 0
	if !x.ranged {
		x.missing = x.exists - len(uids)
	}
	if len(uids) > x.exists {
		return fmt.Errorf("%d messages are there, and by what QRESYNC tells %d: %v\nknown at %d were %v, gone are %v, fetched %v", x.exists, len(uids), uids,
			x.was.high, x.was.uids, x.gone, x.fetched)
	}
	// With some unknown, which of the others stands where is told by what is fetched, and by verify.
	if len(uids) == x.exists {
		copy(m.uids, uids)
	}
	for _, f := range x.fetched {
		if f.seq < 1 || f.seq > len(m.uids) || m.uids[f.seq-1] != f.uid && len(uids) == x.exists {
			return fmt.Errorf("UID %d is fetched as %d, and is not there", f.uid, f.seq)
		}
		m.uids[f.seq-1] = f.uid
		if f.modSeq <= x.was.high {
			return fmt.Errorf("UID %d is told again with MODSEQ %d, and %d is known", f.uid, f.modSeq, x.was.high)
		}
		if err := m.learn(fmt.Sprintf("QRESYNC's FETCH of UID %d", f.uid), f); err != nil {
			return err
		}
	}
	return nil
}
