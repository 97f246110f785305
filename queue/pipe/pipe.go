// Package pipe delivers messages to a program, as Postfix's pipe(8) does: the message on its standard input, the verdict
// in its exit status, whose meanings are those of sysexits.h.
//
//	q.Transports["list"] = &queue.Transport{
//		RecipientLimit: 1, // so that each recipient has its own verdict
//		Deliverer: (&pipe.Command{Args: []string{"/usr/lib/list/post", "${nexthop}", "${recipient}"}}).To,
//	}
package pipe

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Command is a program that takes mail. Set Args; the zero value of every other field works.
type Command struct {
	// Args are the program's path and its arguments. No shell is in between. In an argument "${sender}", "${nexthop}",
	// and for a recipient "${recipient}", "${user}" and "${domain}" are replaced; an argument that names a recipient is
	// repeated for each. An address that begins with "-" is refused: a program could take it for an option.
	Args []string

	Dir string   // where it runs; "": where this program does
	Env []string // "NAME=value"; nil: PATH alone

	// User is as whom it runs, where this program runs as root; "": as this program. A user that doesn't exist is a temporary failure.
	User string

	CRLF        bool // lines end in CR LF as on the wire; otherwise in LF as programs expect
	ReturnPath  bool // begin with a Return-Path field (pipe's flag R)
	DeliveredTo bool // and a Delivered-To field, of the first recipient (flag D)

	Timeout time.Duration // for the program as a whole (command_time_limit); 0: 1000 s
}

// To returns the command as the deliverer for a next hop.
func (c *Command) To(nexthop string) mail.Deliverer { return &deliverer{c, nexthop} }

type deliverer struct {
	c       *Command
	nexthop string
}

// Begin implements [mail.Deliverer].
func (d *deliverer) Begin(_ context.Context, from string, _ *mail.MailOptions) (mail.Transaction, error) {
	if len(d.c.Args) == 0 {
		return nil, mail.NewReply(451, mail.EnhancedCode{4, 3, 5}, "mail system configuration error")
	}
	if unsafe(from) {
		return nil, mail.NewReply(553, mail.EnhancedCode{5, 1, 7}, "bad sender address")
	}
	return &transaction{d: d, from: from}, nil
}

// transaction is one run of the program.
type transaction struct {
	d    *deliverer
	from string
	to   []string
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
func (t *transaction) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	if to == "" || unsafe(to) {
		return mail.NewReply(550, mail.EnhancedCode{5, 1, 3}, "bad recipient address")
	}
	t.to = append(t.to, to)
	return nil
}

// Body implements [mail.Transaction]: it runs the program.
func (t *transaction) Body(ctx context.Context, r io.Reader) error {
	if len(t.to) == 0 || t.ran {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	t.ran = true
	var err error
	t.out, err = t.d.c.run(ctx, t.args(), t.head(), r)
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

// args fills in the arguments.
func (t *transaction) args() (out []string) {
	for _, arg := range t.d.c.Args {
		// All at once: an address must not bring in a macro.
		common := []string{"${sender}", t.from, "${nexthop}", t.d.nexthop}
		if !slices.ContainsFunc([]string{"${recipient}", "${user}", "${domain}"}, func(m string) bool { return strings.Contains(arg, m) }) {
			out = append(out, strings.NewReplacer(common...).Replace(arg))
			continue
		}
		for _, to := range t.to {
			i := strings.LastIndexByte(to, '@')
			user, domain := to, ""
			if i >= 0 {
				user, domain = to[:i], to[i+1:]
			}
			all := append(slices.Clone(common), "${recipient}", to, "${user}", user, "${domain}", domain)
			out = append(out, strings.NewReplacer(all...).Replace(arg))
		}
	}
	return out
}

// head is what stands before the message.
func (t *transaction) head() string {
	s := ""
	if t.d.c.ReturnPath {
		s += "Return-Path: <" + t.from + ">\r\n"
	}
	if t.d.c.DeliveredTo {
		s += "Delivered-To: " + t.to[0] + "\r\n"
	}
	return s
}
