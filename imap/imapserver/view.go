package imapserver

import (
	"sort"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// view is a session's mapping from message sequence numbers to UIDs (RFC 9051 section 2.3.1.2), as runs of adjoining
// UIDs: it is small for the mailboxes that are large. It changes only when the client is told.
type view struct {
	runs []run
}

// run is count UIDs from first on; the first of them has the sequence number seq.
type run struct {
	first mail.UID
	seq   uint32
	count uint32
}

func (r run) last() mail.UID { return r.first + mail.UID(r.count) - 1 }

// count returns how many messages the client knows of.
func (v *view) count() uint32 {
	if len(v.runs) == 0 {
		return 0
	}
	r := v.runs[len(v.runs)-1]
	return r.seq + r.count - 1
}

// last returns the highest UID, 0 when there is none.
func (v *view) last() mail.UID {
	if len(v.runs) == 0 {
		return 0
	}
	return v.runs[len(v.runs)-1].last()
}

// add appends a message with a UID above all others.
func (v *view) add(u mail.UID) {
	if n := len(v.runs); n > 0 && v.runs[n-1].last()+1 == u {
		v.runs[n-1].count++
		return
	}
	v.runs = append(v.runs, run{u, v.count() + 1, 1})
}

// seq returns the sequence number of u.
func (v *view) seq(u mail.UID) (uint32, bool) {
	i := sort.Search(len(v.runs), func(i int) bool { return v.runs[i].last() >= u })
	if i == len(v.runs) || u < v.runs[i].first {
		return 0, false
	}
	return v.runs[i].seq + uint32(u-v.runs[i].first), true
}

// uids returns the UIDs of a set of sequence numbers, all of them in the view.
func (v *view) uids(s imap.SeqSet) mail.UIDSet {
	var out mail.UIDSet
	for _, r := range s.Ranges() {
		i := sort.Search(len(v.runs), func(i int) bool { return v.runs[i].seq > r.First }) - 1
		for ; i < len(v.runs) && v.runs[i].seq <= r.Last; i++ {
			from := max(r.First, v.runs[i].seq) - v.runs[i].seq
			to := min(r.Last, v.runs[i].seq+v.runs[i].count-1) - v.runs[i].seq
			out.AddRange(v.runs[i].first+mail.UID(from), v.runs[i].first+mail.UID(to))
		}
	}
	return out
}

// intersect returns those UIDs of s that are in the view.
func (v *view) intersect(s mail.UIDSet) mail.UIDSet {
	var out mail.UIDSet
	i := 0
	for _, r := range s.Ranges() {
		for i < len(v.runs) && v.runs[i].last() < r.First {
			i++
		}
		for j := i; j < len(v.runs) && v.runs[j].first <= r.Last; j++ {
			out.AddRange(max(r.First, v.runs[j].first), min(r.Last, v.runs[j].last()))
		}
	}
	return out
}

// all returns every UID of the view.
func (v *view) all() mail.UIDSet { return v.intersect(mail.AllUIDs()) }

// remove takes the messages of gone, all of them in the view, out of it and renumbers the rest.
func (v *view) remove(gone mail.UIDSet) {
	left := without(v.all(), gone)
	v.runs = v.runs[:0]
	seq := uint32(1)
	for _, r := range left.Ranges() {
		n := uint32(r.Last-r.First) + 1
		v.runs = append(v.runs, run{r.First, seq, n})
		seq += n
	}
}
