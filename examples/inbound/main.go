// Command inbound receives mail into a program: it takes messages by SMTP for the domains given, reads them, and posts each
// as JSON to a webhook; without one it prints them.
//
//	inbound -listen :25 -domain tickets.example.test -webhook http://localhost:3000/mail
//
// A message is answered 250 when the webhook has said 2xx. Otherwise the sender's server is told to try again, so nothing is
// lost while the program behind is down.
package main

import (
	"bytes"
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
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:2525", "`host:port` to take mail at")
	domains := flag.String("domain", "example.test", "comma-separated `domains` to take mail for")
	webhook := flag.String("webhook", "", "`URL` that gets each message as JSON; none: print it")
	flag.Parse()

	app := &app{domains: strings.Split(strings.ToLower(*domains), ","), webhook: *webhook, out: os.Stdout,
		client: &http.Client{Timeout: 30 * time.Second}}
	srv := &smtp.Server{Backend: smtp.Handle(app)}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		srv.Shutdown(ctx)
	}()
	log.Printf("taking mail for %s at %s", *domains, *listen)
	if err := srv.ListenAndServe(*listen); !errors.Is(err, smtp.ErrServerClosed) {
		log.Fatal(err)
	}
}

// app is a mail.Deliverer: a function for whole messages, and a say in who may receive.
type app struct {
	domains []string
	webhook string
	client  *http.Client
	out     io.Writer
}

// Begin gives each transaction of the function below a look at its recipients.
func (a *app) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	tx, err := mail.DelivererFunc(a.receive).Begin(ctx, from, opts)
	return &transaction{tx, a}, err
}

type transaction struct {
	mail.Transaction
	app *app
}

func (t *transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	domain := strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])
	if !slices.Contains(t.app.domains, domain) {
		return mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "<"+to+">: Relay access denied")
	}
	return t.Transaction.Recipient(ctx, to, opts)
}

// event is what the webhook gets.
type event struct {
	From        string    `json:"from"`
	To          []string  `json:"to"`
	Author      string    `json:"author"`
	Subject     string    `json:"subject"`
	Date        time.Time `json:"date"`
	MessageID   string    `json:"message_id"`
	Text        string    `json:"text"`
	HTML        string    `json:"html,omitempty"`
	Attachments []string  `json:"attachments,omitempty"`
}

func (a *app) receive(ctx context.Context, env *mail.Envelope, r io.Reader) error {
	m, err := mime.Read(r)
	if err != nil {
		return err
	}
	e := event{From: env.From, Subject: m.Subject, Date: m.Date, MessageID: m.MessageID, Text: m.Text, HTML: m.HTML,
		Author: mime.FormatAddressList(m.From)}
	for _, rcpt := range env.Recipients {
		e.To = append(e.To, rcpt.Address)
	}
	for _, f := range m.Attachments {
		e.Attachments = append(e.Attachments, f.Filename)
	}
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if a.webhook == "" {
		_, err := fmt.Fprintf(a.out, "%s\n", body)
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.webhook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return err // 451: the sender tries again
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("webhook says %s", resp.Status)
	}
	return nil
}
