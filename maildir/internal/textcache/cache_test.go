package textcache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/mime/searchtext"
)

// world is a mailbox of texts, and a cache of it.
type world struct {
	t     require.TestingT
	fs    *vfs.Crash
	c     *Cache
	texts map[uint32]searchtext.Text
	next  uint32
	read  int // texts that the cache asked for
}

func newWorld(t require.TestingT) *world {
	fs := vfs.NewCrash()
	require.NoError(t, fs.Mkdir("/box", 0o700))
	w := &world{t: t, fs: fs, texts: map[uint32]searchtext.Text{}, next: 1}
	w.c = &Cache{FS: fs, Path: "/box/text", Validity: 1, Turn: NewTurn(), Failed: func(err error) { require.NoError(t, err) }}
	return w
}

func textOf(subject, part, body string) searchtext.Text {
	h, m := "\nsubject: "+subject+"\n", part
	return searchtext.Text{All: []byte(h + m + body + "\n"), Header: len(h), MIME: len(m)}
}

func (w *world) add(t searchtext.Text) uint32 {
	w.next++
	w.texts[w.next-1] = t
	return w.next - 1
}

func (w *world) live() []uint32 {
	var out []uint32
	for uid := range w.texts {
		out = append(out, uid)
	}
	slices.Sort(out)
	return out
}

func (w *world) source(_ context.Context, uids []uint32, add func(uint32, searchtext.Text)) error {
	for _, uid := range uids {
		if t, ok := w.texts[uid]; ok {
			w.read++
			add(uid, t)
		}
	}
	return nil
}

// search searches and holds the answer against a look at every text.
func (w *world) search(wanted []uint32, q mail.TextQuery) []uint32 {
	query := searchtext.NewQuery(q)
	got, err := w.c.Search(context.Background(), w.live(), wanted, query, w.source)
	require.NoError(w.t, err)
	var want []uint32
	for _, uid := range wanted {
		if t, ok := w.texts[uid]; ok && query.Match(t) {
			want = append(want, uid)
		}
	}
	require.Equal(w.t, want, got, "%+v", q)
	return got
}

func (w *world) all(text string) []uint32 {
	return w.search(w.live(), mail.TextQuery{In: mail.InText, Text: text})
}

func (w *world) size(suffix string) int64 {
	info, err := w.fs.Stat(w.c.Path + suffix)
	require.NoError(w.t, err)
	return info.Size()
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	for i := range 2000 {
		w.add(textOf(fmt.Sprintf("message %d", i), "name.pdf\n", fmt.Sprintf("body %d of %d words", i*7, i%13)))
	}
	require.Len(t, w.all("message 1999"), 1)
	require.Equal(t, 2000, w.read)
	require.Len(t, w.all("of 12 words"), 153)
	require.Len(t, w.all("name.pdf"), 2000)
	require.Empty(t, w.all("nowhere"))
	w.all("1") // too short for the filter
	require.Len(t, w.search(w.live(), mail.TextQuery{In: mail.InBody, Text: "message"}), 0)
	require.Len(t, w.search(w.live(), mail.TextQuery{In: mail.InHeader, Field: "Subject", Text: "77"}), 38)
	require.Len(t, w.search([]uint32{3, 5, 900, 1999}, mail.TextQuery{Text: "body 14"}), 1)
	require.Len(t, w.search(w.live(), mail.TextQuery{Text: "owrds body 7007", Fuzzy: true}), 1)
	require.Equal(t, 2000, w.read, "each message was read once")
	w.add(textOf("new", "", "late"))
	require.Len(t, w.all("late"), 1)
	require.Equal(t, 2001, w.read)

	v := w.c.open(os.O_RDONLY)
	defer v.close()
	groups := 0
	for {
		if _, _, _, ok := v.nextGroup(); !ok {
			break
		}
		groups++
	}
	require.Equal(t, 2001/groupLimit, groups)
}

// What the filter leaves out is not read: a rare word costs next to nothing.
func TestFilterSpares(t *testing.T) {
	w := newWorld(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2 * groupLimit {
		var b strings.Builder
		for range 200 {
			fmt.Fprintf(&b, "%c%c%c%c%c ", 'a'+rnd.IntN(20), 'a'+rnd.IntN(20), 'a'+rnd.IntN(20), 'a'+rnd.IntN(20), 'a'+rnd.IntN(20))
		}
		w.add(textOf("x", "", b.String()))
	}
	w.texts[7] = textOf("x", "", "zebra crossing")
	require.Equal(t, []uint32{7}, w.all("zebra"))
	q := searchtext.NewQuery(mail.TextQuery{Text: "zebra"})
	v := w.c.open(os.O_RDONLY)
	defer v.close()
	left := 0
	for range 2 {
		g, _, at, ok := v.nextGroup()
		require.True(t, ok)
		pass := newSieve(q.Needs()).pass(func(gram uint32) candidates { return v.row(&g, at, gram) })
		for i := range g.n {
			if pass.has(i) {
				left++
			}
		}
	}
	require.LessOrEqual(t, left, 40)
}

func TestCompaction(t *testing.T) {
	w := newWorld(t)
	for i := range 3000 {
		w.add(textOf("x", "", fmt.Sprintf("%d %s", i, strings.Repeat("long ", 200))))
	}
	require.Len(t, w.all("long"), 3000)
	before := w.size("") + w.size(indexSuffix)
	for uid := range w.texts {
		if uid%4 != 0 {
			delete(w.texts, uid)
		}
	}
	w.read = 0
	require.Len(t, w.all("long"), 750)
	require.Less(t, w.size("")+w.size(indexSuffix), before/3)
	require.Len(t, w.all("long"), 750)
	require.Len(t, w.all("2998"), 0)
	require.Len(t, w.all("2999"), 1)
	require.Zero(t, w.read)
	names, err := w.fs.ReadDir("/box")
	require.NoError(t, err)
	require.Len(t, names, 3, "%v", names)
}

// Texts of another UIDVALIDITY, or made in another way, are not believed.
func TestStale(t *testing.T) {
	w := newWorld(t)
	w.add(textOf("one", "", "old"))
	require.Len(t, w.all("old"), 1)
	for _, change := range []func(){func() { w.c.Validity++ }, func() { w.c.Key++ }} {
		change()
		w.texts[1] = textOf("two", "", fmt.Sprint("new ", w.c.Validity, w.c.Key))
		w.read = 0
		require.Len(t, w.all("new "+fmt.Sprint(w.c.Validity)), 1)
		require.Empty(t, w.all("old"))
		require.Equal(t, 1, w.read)
	}
}

// While another process adds to the files, and where files can't be written at all, messages are read: the answer is the same.
func TestNotWritable(t *testing.T) {
	w := newWorld(t)
	w.add(textOf("one", "", "first"))
	lock, err := w.fs.Lock(w.c.Path + lockSuffix)
	require.NoError(t, err)
	require.Len(t, w.all("first"), 1)
	require.Len(t, w.all("first"), 1)
	require.Equal(t, 2, w.read)
	require.NoError(t, lock.Close())

	failed := 0
	w.c.Failed = func(error) { failed++ }
	w.fs.Fail = func(op, name string) error {
		if op == "write" {
			return os.ErrPermission
		}
		return nil
	}
	require.Len(t, w.all("first"), 1)
	require.Equal(t, 1, failed)
	w.fs.Fail = nil
	require.Len(t, w.all("first"), 1)
	w.read = 0
	require.Len(t, w.all("first"), 1)
	require.Zero(t, w.read)
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	for range 1000 {
		w.add(textOf("x", "", strings.Repeat("word ", 1000)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.c.Search(ctx, w.live(), w.live(), searchtext.NewQuery(mail.TextQuery{Text: "word"}), func(ctx context.Context, uids []uint32, add func(uint32, searchtext.Text)) error {
		for _, uid := range uids[:600] {
			add(uid, w.texts[uid])
		}
		cancel()
		return ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, w.all("word"), 1000)
	require.Equal(t, 400, w.read, "what was read before is kept")
}

// TestModel does random things to mailbox and files; every answer must be what a look at every message says.
func TestModel(t *testing.T) {
	vocabulary := strings.Fields("an ban can invoice in invoices voice hoa don thang e é 漢字 x")
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.c.Failed = nil
		words := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 0, 4).Draw(t, label), " ")
		}
		damage := func(suffix string) {
			f, err := w.fs.OpenFile(w.c.Path+suffix, os.O_RDWR, 0)
			if err != nil {
				return
			}
			defer f.Close()
			info, err := f.Stat()
			require.NoError(t, err)
			if info.Size() == 0 {
				return
			}
			at := rapid.Int64Range(0, info.Size()-1).Draw(t, "at")
			if rapid.Bool().Draw(t, "truncate") {
				require.NoError(t, f.Truncate(at))
				return
			}
			_, err = f.WriteAt([]byte{byte(rapid.IntRange(0, 255).Draw(t, "octet"))}, at)
			require.NoError(t, err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := rapid.SampledFrom([]int{1, 1, 1, 3, 3, 3, 20, 20, groupLimit}).Draw(t, "n")
				texts := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "texts"), 0)) // so many draws would take most of the time
				some := func() string {
					out := make([]string, texts.IntN(5))
					for i := range out {
						out[i] = vocabulary[texts.IntN(len(vocabulary))]
					}
					return strings.Join(out, " ")
				}
				for range n {
					w.add(textOf(some(), "", some()))
				}
			},
			"remove": func(t *rapid.T) {
				from := rapid.Uint32Range(0, w.next).Draw(t, "from")
				to := from + rapid.Uint32Range(0, 400).Draw(t, "n")
				for uid := from; uid <= to; uid++ {
					delete(w.texts, uid)
				}
			},
			"search": func(t *rapid.T) {
				wanted := w.live()
				if len(wanted) > 0 && rapid.Bool().Draw(t, "some") {
					wanted = wanted[rapid.IntRange(0, len(wanted)-1).Draw(t, "first"):]
				}
				w.search(wanted, mail.TextQuery{In: mail.TextPart(rapid.IntRange(0, 2).Draw(t, "in")), Field: "subject", Text: words("text"), Fuzzy: rapid.Bool().Draw(t, "fuzzy")})
			},
			"compact": func(*rapid.T) {
				if v := w.c.open(os.O_RDWR); v != nil {
					v.close()
					w.c.compact(w.live())
				}
			},
			"damage text":  func(*rapid.T) { damage("") },
			"damage index": func(*rapid.T) { damage(indexSuffix) },
			"lose text":    func(*rapid.T) { w.fs.Remove(w.c.Path) },
			"lose index":   func(*rapid.T) { w.fs.Remove(w.c.Path + indexSuffix) },
			"crash": func(t *rapid.T) {
				w.fs.CrashAt(rapid.IntRange(0, 12).Draw(t, "operation"))
				w.c.Search(context.Background(), w.live(), w.live(), searchtext.NewQuery(mail.TextQuery{Text: "x"}), w.source)
				w.fs = w.fs.Recover(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "luck"), 0)))
				w.fs.MkdirAll("/box", 0o700)
				w.c.FS = w.fs
			},
			"": func(*rapid.T) { w.all("invoice") },
		})
	})
}

// Every row of a text's octets has its bit, and each once.
func TestFilterRows(t *testing.T) {
	texts := []string{"", "a", "ab", "abc", "aaaaaaaaaa", "hoa don thang nay \xff\x00\xfe", strings.Repeat("the quick brown fox ", 50)}
	var f filterBuilder
	f.reset()
	defer f.release()
	want := map[[2]uint32]bool{}
	for n, s := range texts {
		f.add([]byte(s))
		for i := 2; i < len(s); i++ {
			want[[2]uint32{uint32(n), gram(s[i-2], s[i-1], s[i])}] = true
		}
	}
	require.Equal(t, len(want), f.set)
	for n := range texts {
		for row := range f.rows {
			require.Equal(t, want[[2]uint32{uint32(n), uint32(row)}], f.rows[row].has(n), "%d %d", n, row)
		}
	}
}

// What is added costs no look at what there is, unless others have been there, and is there for searches; also what is added twice, or late.
func TestAdd(t *testing.T) {
	w := newWorld(t)
	add := func(uids ...uint32) {
		require.NoError(t, w.c.Add(context.Background(), uids, w.source))
	}
	reads := 0
	w.fs.Fail = func(op, name string) error {
		if op == "read" {
			reads++
		}
		return nil
	}
	for i := range 3 * groupLimit {
		uid := w.add(textOf(fmt.Sprintf("number %d", i), "", strings.Repeat("some words ", 20)))
		if uid == 2 {
			continue // comes late
		}
		was := reads
		add(uid)
		if i > 2 && i%groupLimit > 2 && i%groupLimit < groupLimit-2 {
			require.LessOrEqual(t, reads-was, 2, "of entry %d", i) // the headers of the files
		}
	}
	require.Positive(t, reads)
	add(2)
	add(2, 3, 4)
	add()
	require.Equal(t, 3*groupLimit, w.read, "each was made once")
	require.Len(t, w.all("number 1"), 1+10+100+440)
	require.Equal(t, 3*groupLimit, w.read)
	// Another process adds, and then writes the files anew.
	other := *w.c
	other.Turn = NewTurn()
	late := w.add(textOf("late", "", "words"))
	require.NoError(t, other.Add(context.Background(), []uint32{late}, w.source))
	add(late)
	require.Equal(t, 3*groupLimit+1, w.read)
	for uid := range w.texts {
		if uid%3 != 0 {
			delete(w.texts, uid)
		}
	}
	other.compact(w.live())
	next := w.add(textOf("next", "", "words"))
	w.read = 0
	add(next)
	require.Equal(t, []uint32{next}, w.all("next"))
	require.Len(t, w.all("words"), len(w.live()))
	require.Equal(t, 1, w.read)
	// While another holds the files, nothing is done.
	lock, err := w.fs.Lock(w.c.Path + lockSuffix)
	require.NoError(t, err)
	more := w.add(textOf("more", "", "words"))
	add(more)
	require.Equal(t, 1, w.read)
	require.NoError(t, lock.Close())
	require.Equal(t, []uint32{more}, w.all("more"))
}
