// Package pipe delivers messages to a program, as Postfix's pipe(8) does: the message on its standard input, the verdict
// in its exit status, whose meanings are those of sysexits.h.
//
//	q.Transports["list"] = &queue.Transport{
//		RecipientLimit: 1, // so that each recipient has its own verdict
//		Deliverer: (&pipe.Command{Args: []string{"/usr/lib/list/post", "${nexthop}", "${recipient}"}}).To,
//	}
package pipe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Command is a program that takes mail. Set Args; the zero value of every other field works.
type Command struct {
	// Args are the program's path and its arguments, with the macros of pipe(8) in them; [Command.Check] tells which. No shell is in between. An
	// argument that names a recipient is repeated for each. An address that begins with "-" is refused: a program could take it for an option.
	Args []string
	// Name is what replies call the program; "" means Args[0].
	Name string
	// Plain arguments are what they are: a "$" in them is no macro's.
	Plain bool

	Dir string   // where it runs; "": where this program does
	Env []string // "NAME=value"; nil: PATH alone
	// User is as whom it runs, where this program runs as root, perhaps with ":group" behind; "": as this program. A user that doesn't exist is a
	// temporary failure.
	User string

	Delimiters  string // characters that an extension of a local part may begin with, "+"; "": there are none
	NullSender  string // what stands for the null sender in arguments and fields; "": MAILER-DAEMON
	EmptySender bool   // null_sender=: it is the empty string
	Quote       bool   // addresses in arguments are as on the wire (flag q); otherwise without the quotes of their local parts
	LowerUser   bool   // local parts in arguments are in lower case (flag u)
	LowerDomain bool   // domains are (flag h)

	CRLF        bool // lines end in CR LF as on the wire; otherwise in LF as programs expect
	From        bool // begin with a line "From sender time" as in an mbox (flag F)
	ReturnPath  bool // then a Return-Path field (flag R)
	OriginalTo  bool // an X-Original-To field, of the first recipient (flag O)
	DeliveredTo bool // and a Delivered-To field, of the first recipient (flag D); a message that has one of the kind already comes back
	QuoteFrom   bool // lines that begin with "From " get a ">" (flag >)
	Dots        bool // lines that begin with a dot get one more (flag .)
	Blank       bool // an empty line ends the message (flag B)

	MaxSize int64         // octets of a message that it is told to take; 0: any number
	Timeout time.Duration // for the program as a whole (command_time_limit); 0: 1000 s
}

// To returns the command as the deliverer for a next hop.
func (c *Command) To(nexthop string) mail.Deliverer { return &deliverer{c, nexthop} }

type deliverer struct {
	c       *Command
	nexthop string
}

// Begin implements [mail.Deliverer].
func (d *deliverer) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	if len(d.c.Args) == 0 {
		return nil, mail.NewReply(451, mail.EnhancedCode{4, 3, 5}, "mail system configuration error")
	}
	if opts != nil && d.c.MaxSize > 0 && opts.Size > d.c.MaxSize {
		return nil, mail.NewReply(552, mail.EnhancedCode{5, 3, 4}, fmt.Sprintf("message size %d exceeds size limit %d of %s", opts.Size, d.c.MaxSize, filepath.Base(d.c.Args[0])))
	}
	if unsafe(from) {
		return nil, mail.NewReply(553, mail.EnhancedCode{5, 1, 7}, "bad sender address")
	}
	t := &transaction{d: d, from: from}
	if opts != nil {
		t.size = opts.Size
	}
	return t, nil
}

// transaction is one run of the program.
type transaction struct {
	d    *deliverer
	from string
	size int64
	to   []string
	orig []string // as the sender wrote them
	ran  bool
	out  *mail.Reply
}

// unsafe reports whether a program could take an address for something else.
func unsafe(address string) bool {
	return strings.HasPrefix(address, "-") || strings.ContainsAny(address, "\x00\r\n")
}

// Relay names the program in the log.
func (t *transaction) Relay() string { return filepath.Base(t.d.c.Args[0]) }

// Recipient implements [mail.Transaction].
func (t *transaction) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	if to == "" || unsafe(to) {
		return mail.NewReply(550, mail.EnhancedCode{5, 1, 3}, "bad recipient address")
	}
	orig := to
	if opts != nil && strings.HasPrefix(strings.ToLower(opts.OriginalRecipient), "rfc822;") {
		orig = opts.OriginalRecipient[len("rfc822;"):]
	}
	if unsafe(orig) {
		orig = to
	}
	t.to, t.orig = append(t.to, to), append(t.orig, orig)
	return nil
}

// Body implements [mail.Transaction]: it runs the program.
func (t *transaction) Body(ctx context.Context, r io.Reader) error {
	if len(t.to) == 0 || t.ran {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	t.ran = true
	if t.d.c.DeliveredTo {
		in := bufio.NewReaderSize(r, maxHeader)
		if r = in; loops(in, t.to[0]) {
			return mail.NewReply(554, mail.EnhancedCode{5, 4, 6}, "mail forwarding loop for "+t.to[0])
		}
	}
	args, err := t.args()
	if err != nil {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 5}, Text: "mail system configuration error", Err: err}
	}
	t.out, err = t.d.c.run(ctx, args, t.head(), r)
	return err
}

// Commit implements [mail.Transaction].
func (t *transaction) Commit(context.Context) ([]mail.Result, error) {
	if t.out == nil {
		return nil, mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: need a message")
	}
	out := make([]mail.Result, len(t.to))
	for i, to := range t.to {
		out[i] = mail.Result{Recipient: to, Reply: t.out, Relay: t.Relay(), Detail: t.out.Text}
	}
	return out, nil
}

// Abort implements [mail.Transaction]. A program that has ended can't be called back.
func (t *transaction) Abort() error { return nil }
