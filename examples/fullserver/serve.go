package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/demo"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/server"
)

// demoConfig returns the demo's main.cf if it has been made, else "".
func demoConfig() string {
	file := filepath.Join(demo.Dir, "main.cf")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// serve runs the server until a signal ends it. Without a word of configuration it is the demo.
func serve(file string, over overrides, stdout, stderr io.Writer) error {
	hup := make(chan os.Signal, 1) // one that comes while we are still starting must not end us
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	var d *demo.Demo
	if file == "" && len(over) == 0 {
		var err error
		if d, err = demo.Setup(demo.Dir); err != nil {
			return err
		}
		file = d.MainCF
	}
	load := func() (*config.Config, error) { return config.Load(config.Options{File: file, Overrides: over}) }
	c, err := load()
	if err != nil {
		return err
	}
	for _, w := range c.Warnings() {
		fmt.Fprintf(stderr, "fullserver: warning: %v\n", w)
	}
	sockets, err := process.Inherited()
	if err != nil {
		return err
	}
	defer sockets.Close()
	s, err := server.Open(c, server.Options{Stderr: stderr, Config: load, Socket: sockets.Take, Bound: func() error { return become(c) }})
	if err != nil {
		return err
	}
	for _, a := range sockets.Left() {
		fmt.Fprintf(stderr, "fullserver: warning: the socket %s, which the program was started with, is nobody's: name it in a ..._listen parameter\n", a)
	}
	if err := confine(c, s, stderr); err != nil {
		_ = s.Close()
		return err
	}
	if d != nil {
		if err := d.Welcome(stdout, &c.Settings, s.Users()); err != nil {
			_ = s.Close()
			return err
		}
	}
	ctx, hurry, done := signals(s, hup, stderr)
	defer done()
	if err := process.Notify("READY=1", "STATUS=serving"); err != nil {
		fmt.Fprintf(stderr, "fullserver: warning: %v\n", err)
	}
	defer context.AfterFunc(ctx, func() { _ = process.Notify("STOPPING=1") })()
	return s.Serve(ctx, hurry)
}

// signals turns the first SIGINT or SIGTERM into the end of ctx and the second into hurry; a third ends the program where it
// stands. What comes from hup reloads.
func signals(s *server.Server, hup <-chan os.Signal, stderr io.Writer) (ctx context.Context, hurry <-chan struct{}, done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	now, finished := make(chan struct{}), make(chan struct{})
	end := make(chan os.Signal, 3)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	go func() {
		count := 0
		for {
			select {
			case <-hup:
				s.Reload()
			case <-end:
				switch count++; count {
				case 1:
					cancel()
				case 2:
					close(now)
				default:
					fmt.Fprintln(stderr, "fullserver: ended in the middle of things")
					os.Exit(1)
				}
			case <-finished:
				return
			}
		}
	}()
	return ctx, now, func() {
		signal.Stop(end)
		close(finished)
		cancel()
	}
}
