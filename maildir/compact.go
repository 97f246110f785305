package maildir

import (
	"bufio"
	"os"
)

// The cache file grows with every message and never shrinks by itself. When the log is written anew and more than half of
// the cache belongs to messages that are gone, the cache is written anew too.
const smallCache = 64 << 10

// compactCache does so and notes where everything lies now. Who reads at an old place meanwhile finds a wrong checksum and makes
// the index from the message; so does a crash before the log says the new places.
func (t *txn) compactCache() error {
	b := t.b
	type entry struct {
		uid uint32
		at  int64
		n   uint32
	}
	var live []entry
	index := map[uint32]int{}
	note := func(m *msg) {
		if i, ok := index[m.uid]; ok {
			live[i] = entry{m.uid, m.cache, m.cacheLen}
		} else if m.cacheLen > 0 && !t.dead[m.uid] {
			index[m.uid] = len(live)
			live = append(live, entry{m.uid, m.cache, m.cacheLen})
		}
	}
	for _, s := range t.st.all {
		m := t.st.msg(s)
		note(&m)
	}
	for i := range t.recs {
		if k := t.recs[i].kind; k == recAdd || k == recCache {
			note(&t.recs[i].m)
		}
	}
	var size int64
	for _, e := range live {
		size += int64(e.n)
	}
	if b.cacheSize < smallCache || b.cacheSize < 2*size {
		return nil
	}
	name := b.dir + "/" + cacheName
	f, err := b.sh.fs.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	old := cacheReader{fs: b.sh.fs, name: name}
	defer old.close()
	w := bufio.NewWriterSize(f, 64<<10)
	var at int64
	for _, e := range live {
		raw := old.entry(e.uid, e.at, e.n)
		r := record{kind: recCache, m: msg{uid: e.uid, cache: at, cacheLen: uint32(len(raw))}}
		w.Write(raw) // its error is Flush's
		at += int64(len(raw))
		t.recs = append(t.recs, r)
	}
	err = w.Flush()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = b.sh.fs.Rename(name+".tmp", name)
	}
	if err != nil {
		b.sh.fs.Remove(name + ".tmp")
		return err
	}
	b.cacheSize = at
	return nil
}
