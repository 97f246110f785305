package otlp

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The messages of opentelemetry/proto/metrics/v1, as far as they are needed. In their JSON names are lowerCamelCase, enums are numbers and 64-bit integers are
// strings; what has its type's zero value may be left out.
type (
	request struct {
		ResourceMetrics []resourceMetrics `json:"resourceMetrics"`
	}
	resourceMetrics struct {
		Resource struct {
			Attributes []attribute `json:"attributes"`
		} `json:"resource"`
		ScopeMetrics []scopeMetrics `json:"scopeMetrics"`
	}
	scopeMetrics struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Metrics []metric `json:"metrics"`
	}
	metric struct {
		Name        string     `json:"name"`
		Description string     `json:"description,omitempty"`
		Gauge       *points    `json:"gauge,omitempty"`
		Sum         *points    `json:"sum,omitempty"`
		Histogram   *histogram `json:"histogram,omitempty"`
		Summary     *summary   `json:"summary,omitempty"`
	}
	points struct {
		DataPoints  []number `json:"dataPoints"`
		Temporality int      `json:"aggregationTemporality,omitempty"`
		IsMonotonic bool     `json:"isMonotonic,omitempty"`
	}
	histogram struct {
		DataPoints  []distribution `json:"dataPoints"`
		Temporality int            `json:"aggregationTemporality"`
	}
	summary struct {
		DataPoints []quantiles `json:"dataPoints"`
	}
	point struct {
		Attributes []attribute `json:"attributes,omitempty"`
		Start      string      `json:"startTimeUnixNano,omitempty"`
		Time       string      `json:"timeUnixNano"`
	}
	number struct {
		point
		Value float64 `json:"asDouble"`
	}
	distribution struct {
		point
		Count   string    `json:"count"`
		Sum     float64   `json:"sum"`
		Buckets []string  `json:"bucketCounts"`
		Bounds  []float64 `json:"explicitBounds"`
	}
	quantiles struct {
		point
		Count  string     `json:"count"`
		Sum    float64    `json:"sum"`
		Values []quantile `json:"quantileValues"`
	}
	quantile struct {
		Quantile float64 `json:"quantile"`
		Value    float64 `json:"value"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value struct {
			String string `json:"stringValue"`
		} `json:"value"`
	}
)

const cumulative = 2 // AGGREGATION_TEMPORALITY_CUMULATIVE

// encode writes an ExportMetricsServiceRequest. Names and labels stay as Prometheus has them, so that one dashboard serves both.
func encode(w io.Writer, families []*dto.MetricFamily, resource map[string]string, start, now time.Time) error {
	var r resourceMetrics
	for _, key := range slices.Sorted(maps.Keys(resource)) {
		r.Resource.Attributes = append(r.Resource.Attributes, attributeOf(key, resource[key]))
	}
	s := scopeMetrics{}
	s.Scope.Name = "github.com/buuta/mail/examples/fullserver"
	at := func(m *dto.Metric, since bool) point {
		p := point{Time: nano(now)}
		if since {
			p.Start = nano(start)
		}
		for _, l := range m.GetLabel() {
			p.Attributes = append(p.Attributes, attributeOf(l.GetName(), l.GetValue()))
		}
		return p
	}
	for _, f := range families {
		m := metric{Name: f.GetName(), Description: f.GetHelp()}
		for _, one := range f.GetMetric() {
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				m.Sum = add(m.Sum, number{at(one, true), one.GetCounter().GetValue()})
				m.Sum.Temporality, m.Sum.IsMonotonic = cumulative, true
			case dto.MetricType_GAUGE:
				m.Gauge = add(m.Gauge, number{at(one, false), one.GetGauge().GetValue()})
			case dto.MetricType_HISTOGRAM:
				if m.Histogram == nil {
					m.Histogram = &histogram{Temporality: cumulative}
				}
				m.Histogram.DataPoints = append(m.Histogram.DataPoints, distributionOf(at(one, true), one.GetHistogram()))
			case dto.MetricType_SUMMARY:
				if m.Summary == nil {
					m.Summary = &summary{}
				}
				m.Summary.DataPoints = append(m.Summary.DataPoints, quantilesOf(at(one, true), one.GetSummary()))
			default:
				return fmt.Errorf("%s: there is nothing like %v in OTLP", f.GetName(), f.GetType())
			}
		}
		s.Metrics = append(s.Metrics, m)
	}
	r.ScopeMetrics = []scopeMetrics{s}
	return json.NewEncoder(w).Encode(request{[]resourceMetrics{r}})
}

// add adds a point, if JSON has a number for it.
func add(p *points, n number) *points {
	if p == nil {
		p = &points{DataPoints: []number{}}
	}
	if finite(n.Value) {
		p.DataPoints = append(p.DataPoints, n)
	}
	return p
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// distributionOf turns counts of «up to this bound» into those of each bucket; the last is what lies above all bounds.
func distributionOf(at point, h *dto.Histogram) distribution {
	d := distribution{point: at, Count: strconv.FormatUint(h.GetSampleCount(), 10), Sum: h.GetSampleSum(), Bounds: []float64{}}
	below := uint64(0)
	for _, b := range h.GetBucket() {
		if !finite(b.GetUpperBound()) {
			continue
		}
		d.Bounds = append(d.Bounds, b.GetUpperBound())
		d.Buckets = append(d.Buckets, strconv.FormatUint(b.GetCumulativeCount()-below, 10))
		below = b.GetCumulativeCount()
	}
	d.Buckets = append(d.Buckets, strconv.FormatUint(h.GetSampleCount()-below, 10))
	return d
}

func quantilesOf(at point, s *dto.Summary) quantiles {
	q := quantiles{point: at, Count: strconv.FormatUint(s.GetSampleCount(), 10), Sum: s.GetSampleSum(), Values: []quantile{}}
	for _, v := range s.GetQuantile() {
		if finite(v.GetValue()) {
			q.Values = append(q.Values, quantile{v.GetQuantile(), v.GetValue()})
		}
	}
	return q
}

func attributeOf(key, value string) attribute {
	a := attribute{Key: key}
	a.Value.String = value
	return a
}

func nano(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
