package queue_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// Mail that a program must get out: what Send has taken is on disk, and is delivered, tried again or returned until it is done. The
// way out here prints; for the world it is To of smtp/mx's Transport.
func Example() {
	dir := folder()
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	q := &queue.Queue{Dir: dir, Transports: map[string]*queue.Transport{"smtp": {Deliverer: printer(stop)}}}

	_, err := q.Send(ctx, &mail.Envelope{
		From:       "shop@example.org",
		Recipients: []mail.Recipient{{Address: "nga@example.net"}},
	}, strings.NewReader("Subject: Your order\r\n\r\nXin chào!\r\n"))
	if err == nil {
		err = q.Run(ctx) // until ctx is done
	}
	fmt.Println(err)
	// Output:
	// to nga@example.net: "Subject: Your order\r\n\r\nXin chào!\r\n"
	// <nil>
}

// folder is where the queue of an example lives.
func folder() string {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		log.Fatal(err)
	}
	return dir
}

// printer is a way out that prints a message and calls done.
func printer(done func()) func(nexthop string) mail.Deliverer {
	return func(string) mail.Deliverer {
		return mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, message io.Reader) error {
			text, err := io.ReadAll(message)
			fmt.Printf("to %s: %q\n", env.Recipients[0].Address, text)
			done()
			return err
		})
	}
}

// The same step by step, as any mail.Deliverer is used: the queue id is known before the content, for its Received field.
func ExampleQueue_Begin() {
	dir := folder()
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	q := &queue.Queue{Dir: dir, Transports: map[string]*queue.Transport{"smtp": {Deliverer: printer(stop)}}}
	tx, err := q.Begin(ctx, "alice@example.org", &mail.MailOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Abort()
	if err := tx.Recipient(ctx, "bob@example.net", &mail.RcptOptions{}); err != nil {
		log.Fatal(err)
	}
	if err := tx.Body(ctx, strings.NewReader("Subject: hello\r\n\r\nXin chào!\r\n")); err != nil {
		log.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil { // durable when it returns
		log.Fatal(err)
	}
	if err := q.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// to bob@example.net: "Subject: hello\r\n\r\nXin chào!\r\n"
}

// Route sends each recipient by the transport that reaches it.
func ExampleQueue_route() {
	q := &queue.Queue{
		Dir: "/var/spool/buuta",
		Route: func(_ context.Context, sender, recipient string) (queue.Route, error) {
			local, domain, _ := strings.Cut(recipient, "@")
			switch domain {
			case "example.org":
				return queue.Route{Transport: "local", Nexthop: local}, nil
			case "example.invalid":
				return queue.Route{}, mail.NewReply(550, mail.EnhancedCode{5, 1, 2}, "No such domain")
			}
			return queue.Route{Transport: "smtp", Nexthop: "[relay.example.org]:587"}, nil
		},
	}
	for _, to := range []string{"bob@example.org", "carol@example.net", "dave@example.invalid"} {
		r, err := q.Route(context.Background(), "alice@example.org", to)
		fmt.Println(to, r.Transport, r.Nexthop, err)
	}
	// Output:
	// bob@example.org local bob <nil>
	// carol@example.net smtp [relay.example.org]:587 <nil>
	// dave@example.invalid   550 5.1.2 No such domain
}

// What an operator does: look, hold, release, delete.
func ExampleQueue_List() {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	q := &queue.Queue{Dir: dir} // not started: nothing is delivered
	defer q.Close()
	ctx := context.Background()
	for _, to := range []string{"bob@example.net", "carol@example.com"} {
		tx, err := q.Begin(ctx, "alice@example.org", &mail.MailOptions{})
		if err != nil {
			log.Fatal(err)
		}
		tx.Recipient(ctx, to, &mail.RcptOptions{})
		tx.Body(ctx, strings.NewReader("Subject: hello\r\n\r\n"))
		if _, err := tx.Commit(ctx); err != nil {
			log.Fatal(err)
		}
	}
	n, err := q.Hold(ctx, queue.Filter{Destination: "example.com"})
	fmt.Println("held", n, err)
	for e, err := range q.List(ctx, queue.Filter{States: []queue.State{queue.Held}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.State, e.From, e.Recipients[0].Address, e.Size)
	}
	n, err = q.Delete(ctx, queue.Filter{Recipient: "carol@example.com"})
	fmt.Println("deleted", n, err)
	// Output:
	// held 1 <nil>
	// hold alice@example.org carol@example.com 18
	// deleted 1 <nil>
}

// Events are written as Postfix's log has them.
func ExampleEvent_Line() {
	e := queue.Event{
		Kind: queue.EventAttempt, ID: "913E010089F", Recipient: "haquoctrung@gmail.com", Transport: "smtp",
		Relay: "gmail-smtp-in.l.google.com[209.85.222.80]:25", Status: queue.StatusSent,
		Reply:  mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "OK"),
		Delays: queue.Delays{Before: 126e9, Active: 20e6, Connect: 13e9, Transmit: 3.5e9},
	}
	fmt.Println(e.Line())
	e = queue.Event{Kind: queue.EventActive, ID: "913E010089F", From: "trunghq@ubuntu.localdomain", Size: 350, Recipients: 1}
	fmt.Println(e.Line())
	// Output:
	// 913E010089F: to=<haquoctrung@gmail.com>, relay=gmail-smtp-in.l.google.com[209.85.222.80]:25, delay=143, delays=126/0.02/13/3.5, dsn=2.0.0, status=sent (250 2.0.0 OK)
	// 913E010089F: from=<trunghq@ubuntu.localdomain>, size=350, nrcpt=1 (queue active)
}
