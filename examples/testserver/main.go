// Command testserver catches all mail that a program under test sends, and delivers none of it. What it has caught is shown on
// the terminal, and by HTTP: / lists the messages, /1 shows the first as it came, DELETE / forgets them.
//
//	testserver -smtp 127.0.0.1:2525 -http 127.0.0.1:8025
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
)

func main() {
	smtpAddr := flag.String("smtp", "127.0.0.1:2525", "`host:port` to catch mail at")
	httpAddr := flag.String("http", "127.0.0.1:8025", "`host:port` to show it at; \"\" for none")
	keep := flag.Int("keep", 1000, "how many messages to keep; the oldest go first")
	flag.Parse()

	c := &catcher{keep: *keep, out: os.Stdout}
	srv := &smtp.Server{Backend: smtp.Handle(mail.DelivererFunc(c.catch))}
	web := &http.Server{Addr: *httpAddr, Handler: c, ReadHeaderTimeout: 10 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		web.Shutdown(ctx)
		srv.Shutdown(ctx)
	}()
	if *httpAddr != "" {
		go func() {
			if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				log.Fatal(err)
			}
		}()
		log.Printf("showing mail at http://%s/", *httpAddr)
	}
	log.Printf("catching mail at %s", *smtpAddr)
	if err := srv.ListenAndServe(*smtpAddr); !errors.Is(err, smtp.ErrServerClosed) {
		log.Fatal(err)
	}
}

// caught is one message.
type caught struct {
	N       int       `json:"n"`
	Time    time.Time `json:"time"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Size    int       `json:"size"`
	data    []byte
}

// catcher keeps messages in memory.
type catcher struct {
	keep int
	out  io.Writer

	mu   sync.Mutex
	n    int
	list []*caught
}

func (c *catcher) catch(_ context.Context, env *mail.Envelope, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := &caught{Time: time.Now(), From: env.From, Size: len(data), data: data}
	for _, rcpt := range env.Recipients {
		m.To = append(m.To, rcpt.Address)
	}
	m.Subject = mime.DecodeText(mime.ParseHeader(data, nil).Get("Subject"))

	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	m.N = c.n
	c.list = append(c.list, m)
	if c.keep > 0 && len(c.list) > c.keep {
		c.list = c.list[1:]
	}
	_, err = fmt.Fprintf(c.out, "%d  %s -> %v  %q  %d octets\n", m.N, cmp.Or(m.From, "<>"), m.To, m.Subject, m.Size)
	return err
}

func (c *catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.Method == http.MethodDelete && r.URL.Path == "/":
		c.list = nil
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(c.list)
	default:
		n, _ := strconv.Atoi(r.URL.Path[1:])
		for _, m := range c.list {
			if m.N == n {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8") // never as HTML: it is a stranger's
				w.Header().Set("X-Content-Type-Options", "nosniff")
				w.Write(m.data)
				return
			}
		}
		http.NotFound(w, r)
	}
}
