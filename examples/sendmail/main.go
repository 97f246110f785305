// Command sendmail sends one message from the command line:
//
//	sendmail -server mail.example.test:587 -user an@example.test -from an@example.test \
//	    -subject "Báo cáo tháng 11" -attach report.pdf binh@example.test chi@example.test < text.txt
//
// The text is read from standard input. The password comes from $SMTP_PASSWORD, so that it is not seen in the list of processes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
)

func main() {
	var m message
	server := flag.String("server", "localhost:25", "`host:port`; port 465 begins with TLS, others use STARTTLS when it is offered")
	user := flag.String("user", "", "log in as `name`, with the password in $SMTP_PASSWORD")
	flag.StringVar(&m.from, "from", "", "the sender's `address` (required)")
	flag.StringVar(&m.subject, "subject", "", "the subject")
	flag.StringVar(&m.html, "html", "", "`file` with the text as HTML")
	flag.Func("attach", "attach `file`; may be given several times", func(name string) error {
		m.attach = append(m.attach, name)
		return nil
	})
	verbose := flag.Bool("v", false, "show the dialogue")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: sendmail -from address [flags] recipient... < text")
		flag.PrintDefaults()
	}
	flag.Parse()
	if m.to = flag.Args(); m.from == "" || len(m.to) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	opts := &smtp.ClientOptions{}
	if *user != "" {
		opts.Auth = &mail.Credentials{Username: *user, Password: os.Getenv("SMTP_PASSWORD")}
	}
	if *verbose {
		opts.Trace = func(sent bool, line string) {
			fmt.Fprintf(os.Stderr, "%s %s\n", map[bool]string{true: ">", false: "<"}[sent], line)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := m.send(ctx, *server, opts, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "sendmail:", err)
		os.Exit(1)
	}
}

// message is what the command line says of it.
type message struct {
	from, subject, html string
	to, attach          []string
}

func (m *message) send(ctx context.Context, server string, opts *smtp.ClientOptions, text io.Reader) error {
	from, err := mime.ParseAddress(m.from)
	if err != nil {
		return fmt.Errorf("-from: %w", err)
	}
	b := &mime.Builder{From: []mime.Address{from}, Subject: m.subject}
	for _, s := range m.to {
		a, err := mime.ParseAddress(s)
		if err != nil {
			return fmt.Errorf("recipient: %w", err)
		}
		b.To = append(b.To, a)
	}
	body, err := io.ReadAll(text)
	if err != nil {
		return err
	}
	b.Text = string(body)
	if m.html != "" {
		page, err := os.ReadFile(m.html)
		if err != nil {
			return err
		}
		b.HTML = string(page)
	}
	for _, name := range m.attach {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		b.Attachments = append(b.Attachments, mime.File{Filename: filepath.Base(name), Content: f})
	}

	// The message is written while it is sent, so attachments may be larger than memory.
	r, w := io.Pipe()
	go func() {
		_, err := b.WriteTo(w)
		w.CloseWithError(err)
	}()
	defer r.Close()
	err = smtp.Send(ctx, server, opts, from.Addr(), b.Recipients(), r)
	var partly *smtp.SendError
	if errors.As(err, &partly) {
		for _, res := range partly.Results {
			fmt.Fprintf(os.Stderr, "%s: %s\n", res.Recipient, res.Reply)
		}
	}
	return err
}
