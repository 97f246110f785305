package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/web"
)

// serve shows a board at an address until stop is called.
func serve(ctx context.Context, b *web.Board, addr string, stderr io.Writer, l explain.Lang) (stop func(), err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-web %s: %w", addr, err)
	}
	srv := &http.Server{Handler: b.Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(stderr, "dialogue: -web %s: %v\n", addr, err)
		}
	}()
	fmt.Fprintln(stderr, l.Say("web.at", "http://"+ln.Addr().String()+"/"))
	return func() {
		srv.Close()
		<-done
	}, nil
}
