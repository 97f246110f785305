package maildir

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/internal/lineend"
)

// looksAtOnce is how many files are looked at at a time: a disk that has nothing in memory finds many as fast as one.
const looksAtOnce = 16

// looked is what look has found.
type looked struct {
	m   msg
	err error
}

// lookAll looks at n files, of which file tells the base name and the place.
func (t *txn) lookAll(n int, file func(int) (base string, p place)) []looked {
	out := make([]looked, n)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			base, p := file(i)
			out[i].m, out[i].err = t.look(base, p)
		}
	}
	var wg sync.WaitGroup
	for range min(looksAtOnce, n/8) {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return out
}

// look finds out what must be known of a file that others made. It is called by several goroutines.
func (t *txn) look(base string, p place) (msg, error) {
	_, sys, kw, _ := parseName(p.name)
	m := msg{sys: sys, kw: kw, where: p.where}
	name := t.b.dir + "/" + whereDir(p.where) + "/" + p.name
	info, err := t.b.sh.fs.Stat(name)
	if err != nil {
		return m, err
	}
	m.idate = info.ModTime().Unix()
	if m.sdate = secondsOf(base); m.sdate == 0 {
		m.sdate = m.idate
	}
	physical, virtual := sizesOf(base)
	if physical == info.Size() && virtual >= physical && virtual-physical <= physical {
		m.size, m.lf = virtual, uint32(virtual-physical)
		return m, nil
	}
	octets, lf, err := t.read(name, info.Size(), physical, virtual)
	if err != nil {
		return m, err
	}
	m.size, m.lf = octets+lf, uint32(lf)
	return m, nil
}

// read is box.measure of a file of about this size: a small one is read in few calls.
func (t *txn) read(name string, size, saidPhysical, saidVirtual int64) (octets, lf int64, err error) {
	if size <= smallBody {
		buf := smallBuffer(int(size) + 1)
		defer freeSmall(buf)
		n, err := vfs.ReadInto(t.b.sh.fs, name, (*buf)[:size+1])
		if err != nil {
			return 0, 0, err
		}
		if b := (*buf)[:n]; int64(n) == size && t.b.sh.packing.find(b) == nil {
			return size, int64(lineend.BareLF(b, false)), nil
		}
	}
	f, err := t.b.sh.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	return t.b.measure(f, saidPhysical, saidVirtual)
}
