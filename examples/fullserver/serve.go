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
	ctx, hurry, done := signals(stderr)
	defer done()
	bound := func() error {
		if err := become(c); err != nil || d == nil {
			return err
		}
		return d.Welcome(stdout, &c.Settings) // who reaches a port finds the accounts printed
	}
	s, err := server.Open(c, server.Options{Stderr: stderr, Config: load, Socket: sockets.Take, Bound: bound})
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
	defer reloadOn(hup, s)()
	if err := process.Notify("READY=1", "STATUS=serving"); err != nil {
		fmt.Fprintf(stderr, "fullserver: warning: %v\n", err)
	}
	_ = process.Unmap() // where the kernel can't, the program takes more memory and does the same
	go process.GiveBack(ctx)
	defer context.AfterFunc(ctx, func() { _ = process.Notify("STOPPING=1") })()
	return s.Serve(ctx, hurry)
}

// reloadOn reloads the server at each signal that comes, until done.
func reloadOn(hup <-chan os.Signal, s *server.Server) (done func()) {
	finished := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
				s.Reload()
			case <-finished:
				return
			}
		}
	}()
	return func() { close(finished) }
}

// signals turns the first SIGINT or SIGTERM into the end of ctx and the second into hurry; a third ends the program where it
// stands. One that comes while the server is still opening ends it in good order once it has opened.
func signals(stderr io.Writer) (ctx context.Context, hurry <-chan struct{}, done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	now, finished := make(chan struct{}), make(chan struct{})
	end := make(chan os.Signal, 3)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	go func() {
		count := 0
		for {
			select {
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
