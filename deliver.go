package mail

import (
	"context"
	"io"
	"time"
)

// Deliverer takes messages: a queue, a mailbox, an SMTP client, a program of yours. Each message is a mail
// transaction (RFC 5321 section 3.3) in two phases, so that nothing is half accepted.
//
// Begin starts one. An error refuses the sender; a *[Reply] among its causes is what the sender is told. opts is never
// nil and is not to be kept. A Deliverer may be used by many goroutines at once unless its type says otherwise.
type Deliverer interface {
	Begin(ctx context.Context, from string, opts *MailOptions) (Transaction, error)
}

// DelivererFunc is the shortest Deliverer: a function that gets the whole envelope and the message as a stream. A nil
// return takes the message for every recipient; an error refuses it for all.
type DelivererFunc func(ctx context.Context, env *Envelope, message io.Reader) error

// Transaction is one message on its way in. The calls come in this order, from one goroutine:
//
//	Recipient (once or more)  ->  Body (once)  ->  Commit
//
// Abort may come at any time instead and ends it, as do an error from Body and any return of Commit. Whoever began a
// transaction ends it by Commit or Abort; Abort after the end does nothing, so it can be deferred.
type Transaction interface {
	// Recipient adds a recipient. An error refuses this one and leaves the transaction as it was.
	Recipient(ctx context.Context, to string, opts *RcptOptions) error

	// Body takes the message: header, empty line, body, with CRLF line ends, as it would be sent without dot-stuffing.
	// It reads r to its end. An error of r itself ends the transaction with nothing kept: the sender went away.
	Body(ctx context.Context, r io.Reader) error

	// Commit takes responsibility for the message. It returns a result for each recipient that was accepted, in their
	// order. When a result says yes, the message survives a crash for that recipient. A non-nil error means that no
	// recipient's copy was taken and is the same answer for all.
	Commit(ctx context.Context) ([]Result, error)

	// Abort forgets the transaction and removes what it left on disk.
	Abort() error
}

// Result says how a delivery ended for one recipient.
type Result struct {
	Recipient string
	Reply     *Reply // never nil in what Commit returns
	ID        string // the queue id or other name under which the message goes on, "" when there is none
	Relay     string // who took it, as logs show it: "mx.example.net[192.0.2.1]:25", "local"; "" for here

	// Detail is how the log and a notification to the sender put it where Reply alone says too little, as one line:
	// "host mx.example.net[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)" or "connect to
	// mx.example.net[192.0.2.1]:25: Connection refused". "" means [Reply.String]. Reply is what the other side said,
	// unchanged, when it said something.
	Detail string

	// Notifies says that whoever took the message has also taken over the notifications that were asked for with it: an
	// SMTP server that announces DSN. Otherwise a queue that asked for NOTIFY=SUCCESS tells the sender itself that the
	// message was relayed (RFC 3461 section 5.2.2).
	Notifies bool

	// Expanded says that the recipient stood for several others, to whom the message goes on with its ENVID, RET and ORCPT
	// and without SUCCESS in NOTIFY: a sender who asked for SUCCESS is told of that (RFC 3461 section 5.2.7.3 (c)).
	Expanded bool

	// How long the two halves of handing it over took, for the log's delays=: connecting (with DNS, TLS and
	// greeting), and sending.
	Connect, Transmit time.Duration
}

// Combine returns the one reply that stands for all results where the protocol has room for just one, as SMTP after
// DATA: the first temporary failure, else the first permanent one, else the first success. A Deliverer that serves
// SMTP does best to make its results agree, by queueing what can't be done at once.
func Combine(results []Result) *Reply {
	var best *Reply
	rank := func(r *Reply) int {
		switch {
		case r.Temporary():
			return 2
		case !r.OK():
			return 1
		}
		return 0
	}
	for _, r := range results {
		if r.Reply != nil && (best == nil || rank(r.Reply) > rank(best)) {
			best = r.Reply
		}
	}
	if best == nil {
		return &Reply{Code: 554, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: no valid recipients"}
	}
	return best
}

// Begin implements [Deliverer].
func (f DelivererFunc) Begin(_ context.Context, from string, opts *MailOptions) (Transaction, error) {
	return &funcTransaction{f: f, env: Envelope{From: from, Options: *opts}}, nil
}

type funcTransaction struct {
	f    DelivererFunc
	env  Envelope
	err  error
	done bool
}

func (t *funcTransaction) Recipient(_ context.Context, to string, opts *RcptOptions) error {
	t.env.Recipients = append(t.env.Recipients, Recipient{to, *opts})
	return nil
}

// Body calls the function. Its error is the answer of Commit rather than Body's, because what remains of r must
// have been read by then: a function that refuses early doesn't end the conversation.
func (t *funcTransaction) Body(ctx context.Context, r io.Reader) error {
	src := &sourceError{r: r}
	t.err = t.f(ctx, &t.env, src)
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	t.done = true
	return src.err
}

func (t *funcTransaction) Commit(context.Context) ([]Result, error) {
	if !t.done {
		return nil, NewReply(503, EnhancedCode{5, 5, 1}, "Error: need a message")
	}
	if t.err != nil {
		return nil, t.err
	}
	out := make([]Result, len(t.env.Recipients))
	for i, r := range t.env.Recipients {
		out[i] = Result{Recipient: r.Address, Reply: NewReply(250, EnhancedCode{2, 0, 0}, "Ok")}
	}
	return out, nil
}

func (t *funcTransaction) Abort() error { return nil }

// sourceError remembers an error of the stream itself, which the function may have swallowed.
type sourceError struct {
	r   io.Reader
	err error
}

func (s *sourceError) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
