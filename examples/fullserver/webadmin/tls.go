package webadmin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/reportcmd"
)

type tlsData struct {
	TLSState
	Now    time.Time
	Report string // of a file that was read
}

func (d tlsData) Soon(t time.Time) bool { return !t.IsZero() && t.Sub(d.Now) < 14*24*time.Hour }

func (q *request) tlsPage() error { return q.tls("") }

func (q *request) tls(report string) error {
	d := tlsData{Now: q.cfg.Now(), Report: report}
	if q.cfg.TLS != nil {
		d.TLSState = q.cfg.TLS()
	}
	return q.render(http.StatusOK, "tls", q.page("tls.title"), d)
}

// showReport says what a DMARC or TLS report says, in the words of "fullserver reports".
func (q *request) showReport() error {
	f, _, err := q.r.FormFile("file")
	if err != nil {
		return &failure{status: http.StatusBadRequest, key: "import.nofile"}
	}
	defer f.Close()
	list, err := reportcmd.Find(f)
	if errors.Is(err, reportcmd.ErrNone) {
		return &failure{status: http.StatusUnprocessableEntity, key: "tls.noreport"}
	}
	var b strings.Builder
	for _, r := range list {
		r.Show(&b)
	}
	if err != nil && len(list) == 0 {
		return err
	}
	return q.tls(b.String())
}

func (q *request) limitsPage() error {
	return q.render(http.StatusOK, "limits", q.page("limits.title"), q.cfg.Limits)
}
