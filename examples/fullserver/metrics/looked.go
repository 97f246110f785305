package metrics

import (
	"crypto/tls"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/buuta/mail/queue"
)

type tlsState = tls.ConnectionState

// looked are values that are asked for when somebody looks.
type looked struct {
	o Options

	mu     sync.Mutex
	asked  time.Time
	queued map[queue.State]int
}

// often is how often the queue is counted at most: a count looks at each message.
const often = 15 * time.Second

var (
	queuedDesc  = prometheus.NewDesc("mail_queue_messages", "Messages in the queue, by state.", []string{"state"}, nil)
	expiresDesc = prometheus.NewDesc("mail_certificate_expiry_timestamp_seconds", "When a certificate ends.", []string{"name"}, nil)
)

// Describe implements prometheus.Collector.
func (l *looked) Describe(c chan<- *prometheus.Desc) {
	c <- queuedDesc
	c <- expiresDesc
}

// Collect implements prometheus.Collector.
func (l *looked) Collect(c chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.o.Queued != nil && time.Since(l.asked) >= often {
		l.queued, l.asked = l.o.Queued(), time.Now()
	}
	for state, n := range l.queued {
		c <- prometheus.MustNewConstMetric(queuedDesc, prometheus.GaugeValue, float64(n), string(state))
	}
	if l.o.Expires != nil {
		for name, at := range l.o.Expires() {
			c <- prometheus.MustNewConstMetric(expiresDesc, prometheus.GaugeValue, float64(at.Unix()), name)
		}
	}
}
