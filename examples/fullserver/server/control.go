package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/buuta/mail/examples/fullserver/queuecmd"
)

// openControl listens for the commands of operators. A server whose socket can't be made, because its name is too long, say, runs all the same.
func (s *Server) openControl() error {
	l, err := queuecmd.Listen(filepath.Join(s.set.DataDirectory, queuecmd.SocketName))
	if err != nil {
		s.log.Print("postfix/master", "warning: mailq, postqueue, postsuper and postcat will not reach this server: ", err.Error())
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("/", queuecmd.Handler(s.queue))
	mux.Handle("POST /command/doveadm", s.serveDoveadm())
	mux.HandleFunc("POST /reload", func(http.ResponseWriter, *http.Request) { s.Reload() })
	mux.HandleFunc("GET /usage/{domain}", func(w http.ResponseWriter, r *http.Request) {
		usage, err := s.usage(r.Context(), r.PathValue("domain"))
		if err != nil {
			s.warnOfTable(err)
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(usage)
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Logger("fullserver/control", slog.LevelWarn).Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	s.onClose(func() {
		_ = srv.Close()
		<-done
	})
	return nil
}
