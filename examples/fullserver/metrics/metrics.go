// Package metrics counts what a server does, for Prometheus. It listens to the hooks that the protocols' packages have, so that these know nothing of it.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
)

// Metrics are a server's counters. A nil one counts nothing and costs nothing.
type Metrics struct {
	registry *prometheus.Registry

	connections *prometheus.CounterVec   // service
	open        *prometheus.GaugeVec     // service
	logins      *prometheus.CounterVec   // service, result
	tls         *prometheus.CounterVec   // service, result
	rejected    *prometheus.CounterVec   // service, command, code
	received    *prometheus.CounterVec   // service
	octets      *prometheus.CounterVec   // service
	attempts    *prometheus.CounterVec   // transport, status
	delay       *prometheus.HistogramVec // transport
	events      *prometheus.CounterVec   // event
}

// Options are what is asked for at each look.
type Options struct {
	// Queued tells how many messages are in each state of the queue. It is asked once in 15 seconds at most.
	Queued func() map[queue.State]int
	// Expires tells when certificates end, by name.
	Expires func() map[string]time.Time
}

// New makes counters that begin at 0.
func New(o Options) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mail_" + name, Help: help}, labels)
	}
	m := &Metrics{registry: prometheus.NewRegistry(),
		connections: counter("connections_total", "Connections taken.", "service"),
		open:        prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "mail_connections", Help: "Connections that are open."}, []string{"service"}),
		logins:      counter("logins_total", "Logins, by result: ok or failed.", "service", "result"),
		tls:         counter("tls_handshakes_total", "TLS handshakes, by result: ok or failed.", "service", "result"),
		rejected:    counter("rejected_total", "SMTP commands refused, by code.", "service", "command", "code"),
		received:    counter("received_total", "Messages taken.", "service"),
		octets:      counter("received_octets_total", "Octets of messages taken.", "service"),
		attempts:    counter("deliveries_total", "Deliveries of a message to a recipient, by status: sent, deferred, bounced.", "transport", "status"),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mail_delivery_delay_seconds", Help: "From a message's arrival to its delivery.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 30, 60, 300, 1800, 3600, 21600, 86400}}, []string{"transport"}),
		events: counter("queue_events_total", "What else happened to messages of the queue: queued, expired, notified, removed, corrupt.", "event"),
	}
	m.registry.MustRegister(m.connections, m.open, m.logins, m.tls, m.rejected, m.received, m.octets, m.attempts, m.delay, m.events,
		collectors.NewBuildInfoCollector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &looked{o: o})
	return m
}

// Handler serves them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 30 * time.Second})
}

// Gatherer gives them to who sends them somewhere.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

func result(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

// both calls two hooks of one kind, of which the second may be missing.
func both[F any](first, second func(F)) func(F) {
	return func(v F) {
		first(v)
		if second != nil {
			second(v)
		}
	}
}

// SMTP adds counting to a server's hooks.
func (m *Metrics) SMTP(service string, h smtp.Hooks) smtp.Hooks {
	if m == nil {
		return h
	}
	out := h
	out.Connected = both(func(*smtp.Conn) { m.connections.WithLabelValues(service).Inc(); m.open.WithLabelValues(service).Inc() }, h.Connected)
	out.Secured = func(c *smtp.Conn, s *tlsState, err error) {
		m.tls.WithLabelValues(service, result(err)).Inc()
		if h.Secured != nil {
			h.Secured(c, s, err)
		}
	}
	out.Authenticated = func(c *smtp.Conn, mechanism, username string, err error) {
		m.logins.WithLabelValues(service, result(err)).Inc()
		if h.Authenticated != nil {
			h.Authenticated(c, mechanism, username, err)
		}
	}
	out.Rejected = func(c *smtp.Conn, r *smtp.Rejection) {
		m.rejected.WithLabelValues(service, known(r.Command), strconv.Itoa(r.Reply.Code)).Inc()
		if h.Rejected != nil {
			h.Rejected(c, r)
		}
	}
	out.Disconnected = func(c *smtp.Conn, e *smtp.End) {
		m.open.WithLabelValues(service).Dec()
		if h.Disconnected != nil {
			h.Disconnected(c, e)
		}
	}
	return out
}

// known keeps what strangers call commands from becoming labels.
func known(command string) string {
	switch command {
	case "CONNECT", "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "AUTH", "STARTTLS", "VRFY", "ETRN", "END-OF-MESSAGE", "XCLIENT", "XFORWARD":
		return command
	}
	return "other"
}

// IMAP adds counting to a server's hooks.
func (m *Metrics) IMAP(h imapserver.Hooks) imapserver.Hooks {
	if m == nil {
		return h
	}
	out := h
	out.Connected = both(func(*imapserver.Conn) {
		m.connections.WithLabelValues("imap").Inc()
		m.open.WithLabelValues("imap").Inc()
	}, h.Connected)
	out.Secured = func(c *imapserver.Conn, s *tlsState, err error) {
		m.tls.WithLabelValues("imap", result(err)).Inc()
		if h.Secured != nil {
			h.Secured(c, s, err)
		}
	}
	out.Authenticated = func(c *imapserver.Conn, mechanism, username string, err error) {
		m.logins.WithLabelValues("imap", result(err)).Inc()
		if h.Authenticated != nil {
			h.Authenticated(c, mechanism, username, err)
		}
	}
	out.Disconnected = func(c *imapserver.Conn, e *imapserver.End) {
		m.open.WithLabelValues("imap").Dec()
		if h.Disconnected != nil {
			h.Disconnected(c, e)
		}
	}
	return out
}

// POP3 adds counting to a server's hooks.
func (m *Metrics) POP3(h pop3.Hooks) pop3.Hooks {
	if m == nil {
		return h
	}
	out := h
	out.Connected = both(func(*pop3.Conn) { m.connections.WithLabelValues("pop3").Inc(); m.open.WithLabelValues("pop3").Inc() }, h.Connected)
	out.Authenticated = func(c *pop3.Conn, mechanism, username string, err error) {
		m.logins.WithLabelValues("pop3", result(err)).Inc()
		if h.Authenticated != nil {
			h.Authenticated(c, mechanism, username, err)
		}
	}
	out.Disconnected = func(c *pop3.Conn, e *pop3.End) {
		m.open.WithLabelValues("pop3").Dec()
		if h.Disconnected != nil {
			h.Disconnected(c, e)
		}
	}
	return out
}

// Received counts a message that came in.
func (m *Metrics) Received(service string, octets int64) {
	if m != nil {
		m.received.WithLabelValues(service).Inc()
		m.octets.WithLabelValues(service).Add(float64(octets))
	}
}

// Event counts what happened to a message, in the queue or on its way straight into a mailbox.
func (m *Metrics) Event(e *queue.Event) {
	switch {
	case m == nil || e.Kind == queue.EventActive:
	case e.Kind == queue.EventAttempt || e.Kind == "":
		m.attempts.WithLabelValues(e.Transport, string(e.Status)).Inc()
		if e.Status == queue.StatusSent {
			m.delay.WithLabelValues(e.Transport).Observe(e.Delays.Total().Seconds())
		}
	default:
		m.events.WithLabelValues(string(e.Kind)).Inc()
	}
}
