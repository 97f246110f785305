package otlp_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/metrics/otlp"
)

// The specification's section «JSON Protobuf Encoding»: names in lowerCamelCase, enums as numbers; that of protobuf: 64-bit integers are strings.
func TestRequest(t *testing.T) {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mail_logins_total", Help: "Logins."}, []string{"result"})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "mail_connections", Help: "Open."})
	none := prometheus.NewGauge(prometheus.GaugeOpts{Name: "mail_none", Help: "Nothing."})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "mail_delay_seconds", Help: "Delay.", Buckets: []float64{1, 5}})
	q := prometheus.NewSummary(prometheus.SummaryOpts{Name: "pauses_seconds", Help: "Pauses.", Objectives: map[float64]float64{0.5: 0.05}})
	r.MustRegister(c, g, none, h, q)
	c.WithLabelValues("ok").Add(3)
	g.Set(7)
	none.Set(math.NaN())
	for _, v := range []float64{.5, 1, 2, 9, 10} {
		h.Observe(v)
	}
	q.Observe(2)

	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		z, err := gzip.NewReader(r.Body)
		if err == nil {
			body, _ = io.ReadAll(z)
		}
		_, _ = w.Write([]byte("{}"))
	}))
	defer srv.Close()
	u, err := otlp.ParseEndpoint(srv.URL + "/base/")
	require.NoError(t, err)
	header, err := otlp.ReadHeader(strings.NewReader("Authorization: Bearer x\nx-tenant: y"))
	require.NoError(t, err)
	e := &otlp.Exporter{URL: u, Header: header, Gatherer: r, Resource: map[string]string{"service.name": "fullserver"}, Start: time.Unix(1, 0)}
	_, err = e.Send(context.Background())
	require.NoError(t, err)
	require.Equal(t, "/base/v1/metrics", got.URL.Path)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, "Bearer x", got.Header.Get("Authorization"))
	require.Equal(t, "y", got.Header.Get("X-Tenant"))

	var all struct {
		ResourceMetrics []struct {
			Resource     json.RawMessage
			ScopeMetrics []struct{ Metrics []map[string]json.RawMessage }
		}
	}
	require.NoError(t, json.Unmarshal(body, &all))
	require.JSONEq(t, `{"attributes":[{"key":"service.name","value":{"stringValue":"fullserver"}}]}`, string(all.ResourceMetrics[0].Resource))
	found := map[string]map[string]any{}
	for _, m := range all.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		var name string
		require.NoError(t, json.Unmarshal(m["name"], &name))
		for kind, text := range m {
			if kind == "name" || kind == "description" {
				continue
			}
			var v map[string]any
			require.NoError(t, json.Unmarshal(text, &v))
			for _, p := range v["dataPoints"].([]any) {
				point := p.(map[string]any)
				require.IsType(t, "", point["timeUnixNano"], name)
				delete(point, "timeUnixNano")
			}
			v["kind"] = kind
			found[name] = v
		}
	}
	labels := []any{map[string]any{"key": "result", "value": map[string]any{"stringValue": "ok"}}}
	require.Equal(t, map[string]map[string]any{
		"mail_logins_total": {"kind": "sum", "isMonotonic": true, "aggregationTemporality": 2., "dataPoints": []any{map[string]any{"attributes": labels, "startTimeUnixNano": "1000000000", "asDouble": 3.}}},
		"mail_connections":  {"kind": "gauge", "dataPoints": []any{map[string]any{"asDouble": 7.}}},
		"mail_none":         {"kind": "gauge", "dataPoints": []any{}},
		"mail_delay_seconds": {"kind": "histogram", "aggregationTemporality": 2., "dataPoints": []any{map[string]any{"startTimeUnixNano": "1000000000", "count": "5", "sum": 22.5,
			"explicitBounds": []any{1., 5.}, "bucketCounts": []any{"2", "1", "2"}}}}, // «up to and including» on both sides
		"pauses_seconds": {"kind": "summary", "dataPoints": []any{map[string]any{"startTimeUnixNano": "1000000000", "count": "1", "sum": 2., "quantileValues": []any{map[string]any{"quantile": .5, "value": 2.}}}}},
	}, found)
}

// What the collector doesn't take is told, with its reason; how long it wants to be left alone is understood.
func TestAnswers(t *testing.T) {
	for answer, want := range map[string]struct {
		status int
		after  string
		err    string
		wait   time.Duration
	}{
		`{}`:                    {200, "", "", 0},
		``:                      {200, "", "", 0},
		`<html>`:                {200, "", "", 0},
		`{"partialSuccess":{}}`: {200, "", "", 0},
		`{"partialSuccess":{"rejectedDataPoints":"0","errorMessage":"use v2"}}`: {200, "", "", 0},
		`{"partialSuccess":{"rejectedDataPoints":"12","errorMessage":"old\n"}}`: {200, "", `the collector did not take "12" values: "old\n"`, 0},
		`slow down`: {429, "120", "429 Too Many Requests", 2 * time.Minute},
		`bad`:       {400, "", "400 Bad Request", 0},
		`later`:     {503, "soon", "503 Service Unavailable", 0},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if want.after != "" {
				w.Header().Set("Retry-After", want.after)
			}
			w.WriteHeader(want.status)
			_, _ = io.WriteString(w, answer)
		}))
		u, err := otlp.ParseEndpoint(srv.URL)
		require.NoError(t, err)
		wait, err := (&otlp.Exporter{URL: u, Gatherer: prometheus.NewRegistry()}).Send(context.Background())
		require.Equal(t, want.wait, wait, answer)
		if want.err == "" {
			require.NoError(t, err, answer)
		} else {
			require.ErrorContains(t, err, want.err)
		}
		srv.Close()
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// It sends at each interval and at the end, says once that nobody is there, and waits when asked to.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		var told []string
		began := time.Now()
		status, after := 0, ""
		u, _ := otlp.ParseEndpoint("http://collector.test")
		e := &otlp.Exporter{URL: u, Interval: 10 * time.Second, Gatherer: prometheus.NewRegistry(), Failed: func(err error) { mu.Lock(); told = append(told, err.Error()); mu.Unlock() },
			Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(began))
				if status == 0 {
					return nil, errors.New("nobody there")
				}
				return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Retry-After": {after}}, Body: http.NoBody}, nil
			})}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		set := func(s int, a string) { mu.Lock(); status, after = s, a; mu.Unlock() }
		toldTimes := func() int { mu.Lock(); defer mu.Unlock(); return len(told) }
		time.Sleep(25 * time.Second)
		require.Equal(t, 1, toldTimes())
		set(200, "")
		time.Sleep(10 * time.Second)
		set(429, "60")
		time.Sleep(70 * time.Second)
		require.Equal(t, 2, toldTimes())
		cancel()
		<-done
		require.Equal(t, []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 40 * time.Second, 100 * time.Second, 105 * time.Second}, at)
	})
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:4318", "ftp://x", "http://", "http://x/?q", "http://x/#f"} {
		_, err := otlp.ParseEndpoint(bad)
		require.Error(t, err, bad)
	}
	_, err := otlp.ReadHeader(strings.NewReader("Bearer secret\n"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}
