// Package otlp sends what is counted for Prometheus to an OpenTelemetry collector: OTLP over HTTP in JSON (opentelemetry.io/docs/specs/otlp, 1.10.0), by the
// standard library.
package otlp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Exporter sends at each interval everything there is, as sums from Start on: whoever missed one has it with the next, so that nothing is kept and nothing
// sent again.
type Exporter struct {
	URL      *url.URL // see ParseEndpoint
	Header   http.Header
	Interval time.Duration // 0: a minute
	Gatherer prometheus.Gatherer
	Resource map[string]string // what is counted, under OpenTelemetry's names: service.name, host.name
	Start    time.Time         // since when counters count

	// Failed is told why something wasn't taken, the first time and again after something was taken; nil: nobody is.
	Failed func(error)
	Client *http.Client // nil: http.DefaultClient
}

// patience is how long one sending may take; the last one has a fifth of it.
const patience = 10 * time.Second

// ParseEndpoint reads a collector's address as OTEL_EXPORTER_OTLP_ENDPOINT has it, http://127.0.0.1:4318, to which the signal's path is added.
func ParseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no address like http://127.0.0.1:4318", s)
	}
	return u.JoinPath("v1", "metrics"), nil
}

// ReadHeader reads fields that go with every request, each a line "Name: value", such as the collector's Authorization.
func ReadHeader(r io.Reader) (http.Header, error) {
	h, err := textproto.NewReader(bufio.NewReader(io.MultiReader(io.LimitReader(r, 64<<10), strings.NewReader("\n\n")))).ReadMIMEHeader()
	if err != nil {
		return nil, errors.New("not lines of the form «Name: value»") // the error has the line in it, which may be a secret
	}
	return http.Header(h), nil
}

// Run sends until ctx is done, and then once more.
func (e *Exporter) Run(ctx context.Context) {
	interval := e.Interval
	if interval == 0 {
		interval = time.Minute
	}
	next := time.NewTimer(interval)
	defer next.Stop()
	fails := false
	for last := false; !last; {
		limit := patience
		select {
		case <-next.C:
		case <-ctx.Done():
			last, limit = true, patience/5
		}
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		wait, err := e.Send(once)
		cancel()
		if err != nil && !fails && e.Failed != nil {
			e.Failed(err)
		}
		fails = err != nil
		next.Reset(max(interval, min(wait, time.Hour))) // the collector may have asked for more
	}
}

// Send sends once. wait is how long the collector wants to be left alone.
func (e *Exporter) Send(ctx context.Context) (wait time.Duration, err error) {
	families, err := e.Gatherer.Gather()
	if err != nil && len(families) == 0 {
		return 0, err
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if err := errors.Join(encode(z, families, e.Resource, e.Start, time.Now()), z.Close()); err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL.String(), &body)
	if err != nil {
		return 0, err
	}
	for name, values := range e.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	client := e.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // read to its end, or the connection can't be used again
	if resp.StatusCode == http.StatusOK {
		return 0, rejected(answer)
	}
	return retryAfter(resp.Header.Get("Retry-After")), fmt.Errorf("%s: %s", e.URL.Redacted(), resp.Status)
}
