package sendmail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/buuta/mail"
)

// speak is -bs: SMTP on standard input and output.
func (e *Env) speak(ctx context.Context) error {
	network, addr, err := e.address()
	if err != nil {
		return err
	}
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		fmt.Fprintf(e.Stdout, "421 4.3.2 %s Service not available\r\n", e.Settings.MyHostname)
		return fail(exTempFail, "the server at %s can't be reached: %w", addr, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	go func() {
		_, _ = io.Copy(c, e.Stdin)
		if w, ok := c.(interface{ CloseWrite() error }); ok {
			_ = w.CloseWrite()
		}
	}()
	_, err = io.Copy(e.Stdout, c)
	return err
}

// verify is -bv: it asks the server of each address whether it would take mail for it, and sends none. Postfix's sends a report by mail instead.
func (e *Env) verify(ctx context.Context, o *options) error {
	if len(o.to) == 0 {
		return fail(exUsage, "-bv needs addresses")
	}
	c, err := e.dial(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	var bad error
	for _, a := range o.to {
		a = e.complete(a)
		tx, err := c.Begin(ctx, e.sender(o), &mail.MailOptions{UTF8: !isASCII(a)})
		if err == nil {
			err = tx.Recipient(ctx, a, &mail.RcptOptions{})
			err = errors.Join(err, tx.Abort())
		}
		if err == nil {
			fmt.Fprintf(e.Stdout, "%s... deliverable\n", a)
			continue
		}
		if r, ok := errors.AsType[*mail.Reply](err); ok {
			err = r // what the server said, without our words around it
		}
		fmt.Fprintf(e.Stdout, "%s... %v\n", a, err)
		bad = replyError(a+": ", err)
	}
	return bad
}
