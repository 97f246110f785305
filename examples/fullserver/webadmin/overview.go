package webadmin

import (
	"net/http"
	"time"

	"github.com/buuta/mail/examples/fullserver/logdigest"
	"github.com/buuta/mail/queue"
)

type disk struct {
	Folder     string
	Free, Size int64
	Low        bool
}

type overviewData struct {
	Queued   map[string]int // by state
	Waiting  int
	Oldest   time.Time
	Domains  []domainRow
	Log      *logdigest.View // nil: there is none to read
	Max      int             // of an hour's messages
	Disks    []disk
	Expiring []Certificate
	TLS      bool
}

// shownDomains is how many domains the overview counts.
const shownDomains = 50

func (q *request) overview() error {
	d := overviewData{Queued: map[string]int{}}
	looked := 0
	for e, err := range q.cfg.Queue.List(q.ctx, q.who.QueueFilter(q.ctx, queue.Filter{})) {
		if err != nil {
			return err
		}
		if looked++; looked > lookedQueued {
			break
		}
		d.Queued[string(e.State)]++
		d.Waiting++
		if e.Message != nil && (d.Oldest.IsZero() || e.Arrived.Before(d.Oldest)) {
			d.Oldest = e.Arrived
		}
	}
	list, _, err := q.domains()
	if err != nil {
		return err
	}
	if d.Domains, err = q.rows(list[:min(len(list), shownDomains)]); err != nil {
		return err
	}
	if q.who.All() {
		q.server(&d)
	}
	return q.render(http.StatusOK, "overview", q.page("overview.title"), d)
}

// server is what concerns the whole of it.
func (q *request) server(d *overviewData) {
	if q.cfg.Digest != nil {
		v, err := q.cfg.Digest.Read(q.ctx)
		if err != nil {
			q.cfg.Log.Warn("webadmin: log", "err", err)
		} else {
			d.Log = v
			for _, h := range v.Hours {
				d.Max = max(d.Max, h.Received)
			}
		}
	}
	for _, folder := range q.cfg.Disks {
		if free, size, ok := diskOf(folder); ok {
			d.Disks = append(d.Disks, disk{folder, free, size, free < size/10})
		}
	}
	if q.cfg.TLS != nil {
		d.TLS = true
		for _, c := range q.cfg.TLS().Certificates {
			if c.Failure != "" || c.Ends.IsZero() || c.Ends.Sub(q.cfg.Now()) < 14*24*time.Hour {
				d.Expiring = append(d.Expiring, c)
			}
		}
	}
}
