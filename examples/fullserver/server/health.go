package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/buuta/mail/examples/fullserver/metrics"
	"github.com/buuta/mail/examples/fullserver/metrics/otlp"
	"github.com/buuta/mail/queue"
)

// health adds /healthz, which says that the program runs, and /readyz, which says that it takes mail and that users are found.
func (s *Server) health(mux *http.ServeMux) {
	say := func(w http.ResponseWriter, status int, text string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		fmt.Fprintln(w, text)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		switch {
		case !s.serving.Load():
			say(w, http.StatusServiceUnavailable, "not serving")
		case s.users.Ping(ctx) != nil:
			say(w, http.StatusServiceUnavailable, "users can't be looked up") // why is the log's to say
		default:
			say(w, http.StatusOK, "ok")
		}
	})
}

// openMetrics makes the counters, if somebody is to see them.
func (s *Server) openMetrics() error {
	if len(s.set.MetricsListen) == 0 && s.set.OTLPEndpoint == "" {
		return nil
	}
	s.counters = metrics.New(metrics.Options{Queued: s.countQueue, Expires: s.certificateEnds})
	if s.set.OTLPEndpoint == "" {
		return nil
	}
	to, err := otlp.ParseEndpoint(s.set.OTLPEndpoint)
	if err != nil {
		return s.cfg.ErrorFor("otlp_endpoint", err)
	}
	s.exporter = &otlp.Exporter{URL: to, Interval: s.set.OTLPInterval, Gatherer: s.counters.Gatherer(), Start: time.Now(),
		Resource: map[string]string{"service.name": "fullserver", "host.name": s.set.MyHostname},
		Failed:   func(err error) { s.log.Print("fullserver/otlp", "warning: not sent: ", err.Error()) }}
	if s.set.OTLPHeaderFile != "" {
		f, err := os.Open(s.set.OTLPHeaderFile)
		if err != nil {
			return s.cfg.ErrorFor("otlp_header_file", err)
		}
		defer f.Close()
		if s.exporter.Header, err = otlp.ReadHeader(f); err != nil {
			return s.cfg.ErrorFor("otlp_header_file", err)
		}
	}
	return nil
}

func (s *Server) countQueue() map[queue.State]int {
	n := map[queue.State]int{queue.Incoming: 0, queue.Active: 0, queue.Deferred: 0, queue.Held: 0, queue.Corrupt: 0}
	for e, err := range s.queue.List(context.Background(), queue.Filter{}) {
		if err != nil {
			break
		}
		n[e.State]++
	}
	return n
}

func (s *Server) certificateEnds() map[string]time.Time {
	out := map[string]time.Time{}
	if s.certs == nil {
		return out
	}
	for _, c := range s.certs.Certificates() {
		if c.Leaf != nil {
			out[c.Leaf.Subject.CommonName+" "+c.Leaf.PublicKeyAlgorithm.String()] = c.Leaf.NotAfter
		}
	}
	return out
}

// metricsServer is what metrics_listen serves.
func (s *Server) metricsServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.counters.Handler())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Logger("fullserver/metrics", slog.LevelWarn).Handler(), slog.LevelDebug)}
	s.servers = append(s.servers, srv)
	return srv
}
