package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/webmail"
)

const webmailUsage = `fullserver webmail: mail in the browser, on any IMAP and submission server

  fullserver webmail -imap host[:port] -smtp host[:port] [option...]

  -imap host[:port]   where mail is read; port 993 (TLS) unless another is given, where STARTTLS is used
  -smtp host[:port]   where mail is sent; port 465 (TLS) unless another is given; without it nothing can be sent
  -listen address     default 127.0.0.1:8025
  -cert, -key file    serve HTTPS with this certificate; without it plain HTTP, for this machine only
  -proxy              a proxy in front of it speaks TLS with the browsers
  -direct-images      browsers load pictures of other servers themselves, which tells senders where mail is read
  -domain name        what follows the @ of users who sign in without it
  -authserv-id name   whose Authentication-Results are believed: what the IMAP server's side writes into mail that comes in
  -data folder        where sessions and settings are kept; without it they are forgotten at the end
`

// webmailOnly serves the webmail alone, until SIGINT or SIGTERM.
func webmailOnly(args []string, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return runWebmail(ctx, args, stdout, stderr)
}

// withPort adds a port where there is none.
func withPort(addr, port string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil || addr == "" || strings.HasPrefix(addr, "unix:") {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), port)
}

func runWebmail(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c webmail.Config
	fs := flag.NewFlagSet("webmail", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.IMAP, "imap", "", "")
	fs.StringVar(&c.SMTP, "smtp", "", "")
	fs.StringVar(&c.Domain, "domain", "", "")
	fs.StringVar(&c.AuthservID, "authserv-id", "", "")
	fs.BoolVar(&c.BehindTLS, "proxy", false, "")
	fs.BoolVar(&c.DirectImages, "direct-images", false, "")
	listen, cert, key, data := fs.String("listen", "127.0.0.1:8025", ""), fs.String("cert", "", ""), fs.String("key", "", ""), fs.String("data", "", "")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(stdout, webmailUsage)
		return err
	} else if err != nil {
		return fmt.Errorf("webmail: %w; -h tells more", err)
	}
	if c.IMAP == "" || fs.NArg() > 0 {
		return errors.New("webmail: give -imap host and nothing else that is no option; -h tells more")
	}
	if *key == "" {
		*key = *cert
	}
	c.IMAP, c.SMTP = withPort(c.IMAP, "993"), withPort(c.SMTP, "465")
	if *data != "" {
		c.Sessions, c.Settings = filepath.Join(*data, "sessions"), filepath.Join(*data, "settings")
		if err := os.MkdirAll(c.Settings, 0o700); err != nil {
			return err
		}
	}
	c.Log = slog.New(slog.NewTextHandler(stderr, nil))
	site, err := webmail.New(c)
	if err != nil {
		return err
	}
	defer site.Close()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	srv.RegisterOnShutdown(func() { _ = site.Close() }) // pages that wait for news would keep it waiting
	scheme := "http"
	if *cert != "" {
		scheme = "https"
	}
	fmt.Fprintf(stdout, "Mail of %s in the browser: %s://%s/\n", c.IMAP, scheme, l.Addr())
	_ = process.Unmap() // where the kernel can't, the program takes more memory and does the same
	go process.GiveBack(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if srv.Shutdown(end) != nil {
			_ = srv.Close()
		}
	}()
	if *cert != "" {
		err = srv.ServeTLS(l, *cert, *key)
	} else {
		err = srv.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}
