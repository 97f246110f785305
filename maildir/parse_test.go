package maildir

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func TestFileName(t *testing.T) {
	for _, c := range []struct {
		name  string
		base  string
		sys   mail.SystemFlags
		kw    uint32
		other string
	}{
		{"1.x.h", "1.x.h", 0, 0, ""},
		{"1.x.h,S=3,W=4:2,", "1.x.h,S=3,W=4", 0, 0, ""},
		{"1.x.h:2,DFRST", "1.x.h", mail.Draft | mail.Flagged | mail.Answered | mail.Seen | mail.Deleted, 0, ""},
		{"1.x.h:2,PSaz", "1.x.h", mail.Seen, 1 | 1<<25, "P"},
		{"1.x.h:2,SSFa1-", "1.x.h", mail.Seen | mail.Flagged, 1, ""},
		{"1.x.h:1,S", "1.x.h", 0, 0, ""}, // experimental info: no flags
		{"1.x.h:2,S:2,F", "1.x.h", mail.Seen | mail.Flagged, 0, ""},
		{":2,S", "", mail.Seen, 0, ""},
	} {
		base, sys, kw, other := parseName(c.name)
		require.Equal(t, c.base, base, c.name)
		require.Equal(t, uint8(c.sys), sys, c.name)
		require.Equal(t, c.kw, kw, c.name)
		require.Equal(t, c.other, other, c.name)
	}
	require.Equal(t, "b", fileName("b", inNew, 0, 0, ""))
	require.Equal(t, "b:2,", fileName("b", inCur, 0, 0, ""))
	require.Equal(t, "b:2,Sab", fileName("b", inNew, uint8(mail.Seen), 3, "")) // as Dovecot leaves it
	require.Equal(t, "b:2,DFPRSTz", fileName("b", inCur, 31, 1<<25, "P"))
}

func TestSizes(t *testing.T) {
	for name, want := range map[string][2]int64{
		"1.x.h": {-1, -1}, "1.x.h,S=3,W=4": {3, 4}, "1.x.h,W=4,S=3": {3, 4}, "1.x.h,S=3": {3, -1}, "1.x,h,U=9,S=12": {12, -1},
		"1.x.h,S=-3,W=x": {-1, -1}, "1.x.h,S=": {-1, -1}, "1.x.h,S=99999999999999999999": {-1, -1},
	} {
		p, v := sizesOf(name)
		require.Equal(t, want, [2]int64{p, v}, name)
	}
	require.Equal(t, int64(1795340947), secondsOf("1795340947.M5P3.vm"))
	require.Equal(t, int64(0), secondsOf("x.y"))
	require.Equal(t, "1.x.h,S=3,W=4", withSizes("1.x.h", 3, 4))
}

// The lists are what Debian's Dovecot 2.3 wrote.
func TestParseUIDList(t *testing.T) {
	l := parseUIDList([]byte("3 V1795340949 N3 Gd0770f1a93ba026b0068000083ecc375\n1 :1795340947.M557448P26627.vm,S=18,W=21\n2 G5f G77 W3 :1795340947.M593998P26629.vm,S=18,W=21\n"))
	require.Equal(t, &uidList{validity: 1795340949, next: 3, id: "d0770f1a93ba026b0068000083ecc375", lines: 2, entries: []uidEntry{
		{1, "", "1795340947.M557448P26627.vm,S=18,W=21"}, {2, "G77"[1:], "1795340947.M593998P26629.vm,S=18,W=21"}}}, l)
	// "N" may be behind the last UID, for lines are added without a new head.
	require.Equal(t, uint32(8), parseUIDList([]byte("3 V1 N1 Gaa\n7 :x\n")).next)
	for _, bad := range []string{"", "\n", "3 V1 N1", "3 N1\n", "3 V0 N1\n", "2 V1 N1\n", "3 Vx N1\n", "1 0 1\n", "1 5\n", "x"} {
		require.Nil(t, parseUIDList([]byte(bad)), "%q", bad)
	}
	for _, damaged := range []string{"3 V1 N9 Gaa\n1 :a\n1 :b\n", "3 V1 N9 Gaa\n0 :a\n", "3 V1 N9 Gaa\n1 a\n", "3 V1 N9 Gaa\n1 :\n", "3 V1 N9 Gaa\n1 :a", "3 V1 N9 Gaa\n1 :a/b\n", "3 V1 N9 Gaa\n\n"} {
		require.True(t, parseUIDList([]byte(damaged)).damaged, "%q", damaged)
	}
	top := parseUIDList([]byte("3 V1 N1 Gaa\n4294967295 :a\n"))
	require.Equal(t, ^uint32(0), top.next)
}

func TestFolderNames(t *testing.T) {
	s := &Store{}
	for name, folder := range map[string]string{
		"Sent": ".Sent", "Lists/foo": ".Lists.foo", "a.b/c": `.a\2eb.c`, `a\2eb`: `.a\5c2eb`, `a\b`: `.a\b`, `\5c`: `.\5c5c`,
		"Việt/x": ".Vi&Hsc-t.x", "INBOX/foo": ".INBOX.foo",
	} {
		require.Equal(t, folder, s.folderName(name))
		got, ok := s.mailboxName(folder)
		require.True(t, ok, folder)
		require.Equal(t, name, got)
	}
	for _, folder := range []string{"", ".", "..", "..x", ".x.", ".a..b", "cur", "x", ".INBOX", ".inbox", ".a&AC8-b"} {
		name, ok := s.mailboxName(folder)
		if folder == ".a&AC8-b" { // an encoded "/" is not what modified UTF-7 has: the name is as it stands
			require.True(t, ok)
			require.Equal(t, "a&AC8-b", name)
			continue
		}
		require.False(t, ok, folder)
	}
}

func fuzzSeeds(f *testing.F, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
}

func FuzzUIDList(f *testing.F) {
	fuzzSeeds(f, "3 V1795340949 N3 Gd0770f1a93ba026b0068000083ecc375\n1 :a\n2 W3 Gx :b\n", "1 5 9\n1 a\n2 b:2,S\n", "3 V1 N1\n4294967295 :x\n", "3 V1 N1\n2 :a\n1 :b\n")
	f.Fuzz(func(t *testing.T, b []byte) {
		l := parseUIDList(b)
		if l == nil {
			return
		}
		require.NotZero(t, l.validity)
		last := uint32(0)
		out := appendUIDHeader(nil, &head{validity: l.validity, next: l.next, id: "aa"})
		for _, e := range l.entries {
			require.Greater(t, e.uid, last)
			require.True(t, safeBase(e.base) && !strings.Contains(e.base, ":"))
			last = e.uid
			out = appendUIDEntry(out, e.uid, e.guid, "", e.base)
		}
		require.GreaterOrEqual(t, l.next, last)
		again := parseUIDList(out)
		require.NotNil(t, again)
		require.False(t, again.damaged)
		require.True(t, slices.Equal(l.entries, again.entries))
		require.Equal(t, l.next, again.next)
	})
}

func FuzzKeywords(f *testing.F) {
	fuzzSeeds(f, "0 work\n1 $Forwarded\n25 z\n", "26 x\n-1 y\n0\n 0 x\n", "3 a b\n")
	f.Fuzz(func(t *testing.T, b []byte) {
		k := parseKeywords(b)
		require.LessOrEqual(t, len(k), maxKeywords)
		require.True(t, slices.Equal(k, parseKeywords(formatKeywords(k))))
	})
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"1.x.h,S=3,W=4:2,FS", "a:2,PabZ", ":2,", "x:1,y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		base, sys, kw, other := parseName(name)
		require.False(t, strings.Contains(base, ":"))
		for _, where := range []uint8{inNew, inCur} {
			b2, s2, k2, o2 := parseName(fileName(base, where, sys, kw, other))
			require.Equal(t, []any{base, sys, kw, other}, []any{b2, s2, k2, o2})
		}
		p, v := sizesOf(base)
		require.True(t, p >= -1 && v >= -1)
		require.GreaterOrEqual(t, secondsOf(base), int64(0))
	})
}

func FuzzMailboxName(f *testing.F) {
	for _, s := range []string{"Sent", "a/b.c", `x\2e`, "Việt", "../x", "&AC4-", "INBOX/a", "a\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, s := range []*Store{{}, {UTF8: true}} {
			if name, err := s.cleanName(in); err == nil {
				folder := s.folderName(name)
				if name != inbox {
					require.True(t, len(folder) > 1 && folder[0] == '.' && folder[1] != '.' && !strings.ContainsAny(folder, "/\x00"))
					back, ok := s.mailboxName(folder)
					require.True(t, ok)
					require.Equal(t, name, back)
				}
			}
			if name, ok := s.mailboxName("." + in); ok {
				_, err := s.cleanName(name)
				require.NoError(t, err)
			}
		}
	})
}

// FuzzRecords: records read are records written, and applying whatever a frame holds breaks nothing.
func FuzzRecords(f *testing.F) {
	var seed []byte
	for _, r := range someRecords() {
		seed = r.appendTo(seed)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		rd := newRecordReader(b)
		var recs []record
		for {
			var rec record
			if !rd.next(&rec) {
				break
			}
			recs = append(recs, rec)
		}
		var out []byte
		for i := range recs {
			out = recs[i].appendTo(out)
		}
		if rd.err == nil {
			require.Len(t, out, len(b))
		}
		st := newState(8)
		st.apply(recs)
		checkState(t, st)
	})
}

// FuzzLog: a damaged log gives a state that holds together, or none.
func FuzzLog(f *testing.F) {
	b, end := newLogHeader(7)
	recs := someRecords()
	b = end.appendFrame(b, recs[:3])
	b = end.appendFrame(b, recs[3:])
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Fuzz(func(t *testing.T, b []byte) {
		st := newState(8)
		end, err := parseLog(b, st)
		if err != nil {
			return
		}
		require.LessOrEqual(t, end.size, int64(len(b)))
		checkState(t, st)
	})
}

func someRecords() []record {
	return []record{
		{kind: recHead, head: head{validity: 9, next: 5, firstRecent: 1, high: 3, oldest: 1, id: "abc"}},
		{kind: recKeyword, m: msg{kw: 2}, name: "work"},
		{kind: recAdd, m: msg{uid: 1, kw: 4, modseq: 2, size: 100, idate: 5, sdate: -6, cache: 1 << 40, cacheLen: 9, lf: 3, sys: 1, where: inCur}, name: "1.x.h", guid: "g"},
		{kind: recAdd, m: msg{uid: 4, modseq: 3}, name: "2.x.h"},
		{kind: recFlags, m: msg{uid: 1, kw: 1, modseq: 4, sys: 8, where: inNew}},
		{kind: recOdd, m: msg{uid: 1}, name: "1.x.h"},
		{kind: recSize, m: msg{uid: 1, size: 50, lf: 2}},
		{kind: recCache, m: msg{uid: 4, cache: 77, cacheLen: 8}},
		{kind: recLoose, m: msg{uid: 1, kw: 1, sys: 9}, name: "boot"},
		{kind: recSettled},
		{kind: recDoomed, m: msg{sys: 1}, first: 1, last: 4},
		{kind: recSpared},
		{kind: recToken, token: tokenKey{1, 2}, m: msg{uid: 4, sdate: 99}},
		{kind: recGone, m: msg{modseq: 5}, first: 2, last: 4},
	}
}

// contents is what a state says of its messages.
func contents(st *state) []added {
	out := []added{}
	for b, s := range st.all {
		out = append(out, added{st.msg(s), st.base(b, s), b.guid(s)})
	}
	return out
}

// checkState holds a state's parts against each other.
func checkState(t *testing.T, st *state) {
	t.Helper()
	unseen, deleted, size := 0, 0, int64(0)
	last := uint32(0)
	n := 0
	for b, s := range st.all {
		m := st.msg(s)
		require.Greater(t, m.uid, last)
		require.LessOrEqual(t, s.modseq, b.high)
		require.Less(t, st.rank(m.uid), st.n)
		last = m.uid
		n++
		if m.sys&uint8(mail.Seen) == 0 {
			unseen++
		}
		if m.sys&uint8(mail.Deleted) != 0 {
			deleted++
		}
		size += m.size
		require.True(t, safeBase(st.base(b, s)))
		require.NotEmpty(t, publicGUID(st.rawGUID(b, s)))
	}
	require.Equal(t, st.n, n)
	require.Equal(t, []any{unseen, deleted, size}, []any{st.unseen, st.deleted, st.size})
	// A snapshot is the same state.
	if st.validity == 0 {
		return
	}
	again := newState(st.history)
	var end logEnd
	_, ok := again.applyFrame(end.appendFrame(nil, st.snapshot())[frameSize:])
	require.True(t, ok)
	require.Equal(t, contents(st), contents(again))
	require.Equal(t, []any{st.unseen, st.deleted, st.size, st.head.next, st.head.high}, []any{again.unseen, again.deleted, again.size, again.head.next, again.head.high})
}

// Memory of what is gone is given back.
func TestShrink(t *testing.T) {
	st := newState(8)
	for uid := uint32(1); uid <= 20000; uid++ {
		st.apply([]record{{kind: recAdd, m: msg{uid: uid, size: 1}, name: strings.Repeat("n", 50) + strconv.Itoa(int(uid))}})
		if uid > 10 {
			st.apply([]record{{kind: recGone, m: msg{modseq: uint64(uid)}, first: uid - 10, last: uid - 10}})
		}
	}
	checkState(t, st)
	require.Equal(t, 10, st.n)
	octets := 0
	for i := range st.blocks {
		octets += cap(st.blocks[i].names) + slotSize*cap(st.blocks[i].slots)
	}
	require.Less(t, octets, 100<<10)
	for b, s := range st.all {
		require.Equal(t, strings.Repeat("n", 50)+strconv.Itoa(int(s.uid)), st.base(b, s))
	}
	all := newState(8)
	for uid := uint32(1); uid <= 20000; uid++ {
		all.apply([]record{{kind: recAdd, m: msg{uid: uid}, name: "n"}})
	}
	all.apply([]record{{kind: recGone, first: 1, last: 19990}})
	require.Len(t, all.blocks, 1)
	require.Less(t, cap(all.blocks[0].slots), 100)
}

func TestRecords(t *testing.T) {
	var b []byte
	for _, r := range someRecords() {
		b = r.appendTo(b)
	}
	rd := newRecordReader(b)
	for _, want := range someRecords() {
		var got record
		require.True(t, rd.next(&got))
		require.Equal(t, want, got)
	}
	var none record
	require.False(t, rd.next(&none))
	require.NoError(t, rd.err)
	st := newState(8)
	st.apply(someRecords())
	checkState(t, st)
	require.Equal(t, 1, st.n)
	require.Equal(t, uint32(1), st.lastUID())
	for n := range len(b) { // cut anywhere
		rd := newRecordReader(b[:n])
		var rec record
		for rd.next(&rec) {
		}
	}
}
