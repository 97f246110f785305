package maildir

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawName makes base names of the kinds that are met: ours, Dovecot's with and without sizes, Postfix's, and any at all.
func drawName(t *rapid.T, m *msg) string {
	usec := rapid.IntRange(0, 999999).Draw(t, "usec")
	host := rapid.SampledFrom([]string{"h", "mail.example.test", "", "a.b"}).Draw(t, "host")
	base := fmt.Sprintf("%d.M%06dP7Q%d.%s", m.sdate, usec, m.uid, host)
	switch rapid.IntRange(0, 6).Draw(t, "name") {
	case 0:
		return base
	case 1:
		return fmt.Sprintf("%d.V1I2M%d", m.sdate, usec)
	case 2:
		return withSizes(base, m.size, m.size+1) // not what it has
	case 3:
		return fmt.Sprintf("%d.", m.sdate)
	case 4:
		return strings.Repeat("n", rapid.IntRange(1, 255).Draw(t, "length"))
	}
	return withSizes(base, m.size-int64(m.lf), m.size)
}

func drawAdd(t *rapid.T, uid uint32, modseq uint64) record {
	m := msg{uid: uid, modseq: modseq, where: uint8(rapid.IntRange(0, 1).Draw(t, "where")), sys: uint8(rapid.IntRange(0, 31).Draw(t, "sys"))}
	m.size = rapid.SampledFrom([]int64{0, 1, 4170, 1<<32 - 1, 1 << 32, most40}).Draw(t, "size")
	m.lf = min(rapid.SampledFrom([]uint32{0, 7, 1<<32 - 1}).Draw(t, "lf"), uint32(min(m.size, 1<<32-1)))
	dates := rapid.SampledFrom([]int64{0, -1, 1761234567, 1<<32 + 5, -1 << 33})
	m.idate, m.sdate = dates.Draw(t, "internal date"), dates.Draw(t, "save date")
	m.kw = uint32(rapid.IntRange(0, 1<<maxKeywords-1).Draw(t, "keywords"))
	r := record{kind: recAdd, m: m, name: drawName(t, &m)}
	if rapid.Bool().Draw(t, "with GUID") {
		r.guid = strings.Repeat("g", rapid.IntRange(1, 255).Draw(t, "GUID"))
	}
	return r
}

// TestStateModel holds a state against a plain list, and views that were taken on the way against the list as it was then. In
// between the state is written to a snapshot and read again.
func TestStateModel(t *testing.T) {
	Fewer(t, 40)
	rapid.Check(t, func(t *rapid.T) {
		st := newState(100)
		model := []added{}
		var uid uint32
		modseq := rapid.SampledFrom([]uint64{1, 1 << 40, 1<<63 - 1<<40}).Draw(t, "first ModSeq")
		st.apply([]record{{kind: recHead, head: head{validity: 1, next: 1}}})
		type taken struct {
			v    view
			set  mail.UIDSet
			want []added
		}
		var views []taken
		pick := func() int { return rapid.IntRange(0, len(model)-1).Draw(t, "which") }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 3, 700}).Draw(t, "how many") {
					uid += uint32(rapid.IntRange(1, 3).Draw(t, "step"))
					r := drawAdd(t, uid, modseq)
					if len(model) > 600 { // many alike, to get there quickly
						r = record{kind: recAdd, m: msg{uid: uid, modseq: modseq, sdate: 5, size: 9}, name: fmt.Sprintf("5.M%dP1.h,S=9,W=9", uid)}
					}
					st.apply([]record{r})
					model = append(model, added{r.m, r.name, r.guid})
				}
				modseq++
			},
			"flags": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				m := &model[pick()].m
				m.sys, m.kw, m.where, m.modseq = m.sys^1, m.kw^2, 1, modseq
				modseq += uint64(rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "ahead"))
				st.apply([]record{{kind: recFlags, m: *m}})
			},
			"cache": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				m := &model[pick()].m
				m.cache, m.cacheLen = m.cache+1<<33, 17
				st.apply([]record{{kind: recCache, m: *m}})
			},
			"size": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				m := &model[pick()].m
				m.size, m.lf, m.cacheLen = m.size/2+3, 3, 0
				st.apply([]record{{kind: recSize, m: *m}})
			},
			"gone": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := pick()
				j := min(len(model)-1, i+rapid.SampledFrom([]int{0, 1, 600}).Draw(t, "more"))
				st.apply([]record{{kind: recGone, m: msg{modseq: modseq}, first: model[i].m.uid, last: model[j].m.uid}})
				model = slices.Delete(slices.Clone(model), i, j+1)
				modseq++
			},
			"view": func(t *rapid.T) {
				set := mail.AllUIDs()
				if rapid.Bool().Draw(t, "few") && len(model) > 0 {
					set = mail.UIDSetOf(mail.UID(model[pick()].m.uid), mail.UID(model[pick()].m.uid), 1<<31)
				}
				x := taken{v: st.take(set), set: set, want: []added{}}
				for _, a := range model {
					if set.Contains(mail.UID(a.m.uid)) {
						x.want = append(x.want, a)
					}
				}
				views = append(views, x)
			},
			"snapshot": func(t *rapid.T) {
				var end logEnd
				again := newState(100)
				_, ok := again.applyFrame(end.appendFrame(nil, st.snapshot())[frameSize:])
				require.True(t, ok)
				st = again
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(model), st.n)
				if got := contents(st); !slices.Equal(model, got) {
					require.Equal(t, model, got)
				}
			},
		})
		for _, x := range views {
			got := []added{}
			for b, s := range x.v.in(x.set) {
				got = append(got, added{x.v.msg(s), x.v.base(b, s), b.guid(s)})
			}
			require.Equal(t, x.want, got)
		}
	})
}

// A ModSeq that is too far from the others for 32 bits moves them up: clients hear of those messages once more.
func TestStateFarModSeq(t *testing.T) {
	st := newState(8)
	add := func(uid uint32, modseq uint64) {
		st.apply([]record{{kind: recAdd, m: msg{uid: uid, modseq: modseq}, name: "n"}})
	}
	add(1, 5)
	add(2, 7)
	before := st.take(mail.AllUIDs())
	add(3, 1<<50)
	add(4, 1<<50+1<<31-1)
	var got []uint64
	for _, s := range st.all {
		got = append(got, st.msg(s).modseq)
	}
	require.Equal(t, []uint64{1<<50 - 1<<31, 1<<50 - 1<<31, 1 << 50, 1<<50 + 1<<31 - 1}, got)
	m, _ := before.get(2)
	require.Equal(t, uint64(7), m.modseq)
	checkState(t, st)
}

// A snapshot with a block that can't be ours is no snapshot: nothing is left out in silence.
func TestSnapshotDamaged(t *testing.T) {
	base := newState(8)
	base.apply([]record{{kind: recHead, head: head{validity: 1, next: 9}}})
	for uid := uint32(1); uid <= 3; uid++ {
		base.apply([]record{{kind: recAdd, m: msg{uid: uid, sdate: 1, size: 2}, name: "1.x.h,S=2,W=2", guid: "g"}})
	}
	for what, harm := range map[string]func(*slot){
		"UIDs that don't ascend":    func(s *slot) { s.uid = 1 },
		"a name outside":            func(s *slot) { s.name = 1 << 30 },
		"a tail that isn't there":   func(s *slot) { s.tail = 9 },
		"a GUID that is cut":        func(s *slot) { s.name += 3 },
		"a negative size":           func(s *slot) { s.sizeHi = 0x80 },
		"bits of nobody":            func(s *slot) { s.bits |= 0x80 },
		"more line ends than size":  func(s *slot) { s.lf = 3 },
		"keywords without a letter": func(s *slot) { s.kw = 1 << 26 },
	} {
		recs := base.snapshot()
		for i := range recs {
			if recs[i].kind == recBlock {
				recs[i].shape = &shape{slots: slices.Clone(recs[i].shape.slots), names: recs[i].shape.names}
				harm(&recs[i].shape.slots[1])
			}
		}
		var end logEnd
		_, ok := newState(8).applyFrame(end.appendFrame(nil, recs)[frameSize:])
		require.False(t, ok, what)
	}
}
