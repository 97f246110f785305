package sendmail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
)

// Exit statuses of sysexits.h, which programs that call sendmail look at.
const (
	exOK          = 0
	exUsage       = 64
	exData        = 65
	exNoUser      = 67
	exUnavailable = 69
	exTempFail    = 75
)

// Env is what the command works with.
type Env struct {
	Settings       *config.Settings
	At             config.Address // where the server takes mail; none: nowhere
	User, FullName string         // of whoever calls
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Queue runs one of queuecmd's commands: for -bp and -q.
	Queue func(name string, args ...string) int
}

// failure is an error with the status that the program ends with.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(status int, format string, a ...any) error {
	return &failure{status, fmt.Errorf(format, a...)}
}

// Run does what the words say and returns the exit status.
func (e *Env) Run(ctx context.Context, args []string) int {
	o, err := parse(args)
	if err != nil {
		err = &failure{exUsage, err}
	} else {
		switch o.mode {
		case listing:
			return e.Queue("mailq")
		case flush:
			return e.flush(o)
		case aliases:
			return exOK // tables are read from their text: there is nothing to make
		case speak:
			err = e.speak(ctx)
		case verify:
			err = e.verify(ctx, o)
		default:
			err = e.deliver(ctx, o)
		}
	}
	if err == nil {
		return exOK
	}
	fmt.Fprintf(e.Stderr, "sendmail: fatal: %v\n", err)
	var f *failure
	if errors.As(err, &f) {
		return f.status
	}
	return exTempFail
}

func (e *Env) flush(o *options) int {
	switch o.siteKind {
	case 'R', 'S':
		return e.Queue("postqueue", "-s", o.site)
	case 'I':
		return e.Queue("postqueue", "-i", o.site)
	}
	return e.Queue("postqueue", "-f")
}

// address is where the server takes mail.
func (e *Env) address() (network, addr string, err error) {
	a := e.At
	if a.Network == "" {
		return "", "", fail(exUnavailable, "the server takes no mail: smtp_listen is empty, and master.cf has no smtpd")
	}
	if a.Network == "unix" {
		return a.Network, a.Address, nil
	}
	host, port, err := net.SplitHostPort(a.Address)
	if err != nil {
		return "", "", fail(exUnavailable, "%s: %v", a, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return a.Network, net.JoinHostPort(host, port), nil
}

// dial connects to the server.
func (e *Env) dial(ctx context.Context, o *options) (*smtp.Client, error) {
	network, addr, err := e.address()
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		addr = "unix:" + addr
	}
	opts := &smtp.ClientOptions{LocalName: e.Settings.MyHostname, TLS: smtp.TLSNone}
	if o.verbose {
		opts.Trace = func(sent bool, line string) {
			fmt.Fprintf(e.Stdout, "%s %s\n", map[bool]string{true: ">>>", false: "<<<"}[sent], line)
		}
	}
	c, err := smtp.Dial(ctx, addr, opts)
	if err != nil {
		return nil, fail(exTempFail, "the server at %s can't be reached: %w", addr, err)
	}
	return c, nil
}

// sender is the envelope sender.
func (e *Env) sender(o *options) string {
	from := strings.TrimSuffix(strings.TrimPrefix(o.from, "<"), ">")
	if !o.fromGiven {
		from = e.User
	} else if from == "" {
		return ""
	}
	return e.complete(from)
}

// complete gives an address that has no domain that of this site.
func (e *Env) complete(address string) string {
	if strings.Contains(address, "@") {
		return address
	}
	return address + "@" + e.Settings.MyOrigin
}

// deliver sends the message on standard input: to all of its recipients, or if one is refused to none, so that whoever calls can
// mend that and call again.
func (e *Env) deliver(ctx context.Context, o *options) error {
	in := bufio.NewReaderSize(e.Stdin, maxHeader)
	h, err := readHeader(in, o.fromHeader)
	if err != nil {
		return &failure{exData, err}
	}
	to := append(o.to, h.to...)
	if len(to) == 0 {
		return fail(exUsage, "Recipient addresses must be specified on the command line or via the -t option")
	}
	from := e.sender(o)
	env := &mail.Envelope{From: from, Options: o.mail}
	if env.Options.Body == "" {
		env.Options.Body = mail.Body8BitMIME
	}
	seen := map[string]bool{}
	for _, a := range to {
		if a = e.complete(a); !seen[a] {
			seen[a] = true
			env.Recipients = append(env.Recipients, mail.Recipient{Address: a, Options: mail.RcptOptions{Notify: o.notify}})
		}
		env.Options.UTF8 = env.Options.UTF8 || !isASCII(a)
	}
	env.Options.UTF8 = env.Options.UTF8 || !isASCII(from)
	c, err := e.dial(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, refused, err := c.Open(ctx, env)
	if err != nil {
		return replyError("", err)
	}
	defer tx.Abort()
	for i, err := range refused {
		if err != nil {
			return replyError(env.Recipients[i].Address+": ", err)
		}
	}
	text := io.MultiReader(strings.NewReader(e.fromField(o, h, from)), strings.NewReader(string(h.text)), strings.NewReader("\n"), in)
	if err := tx.Body(ctx, &lines{r: bufio.NewReader(text), dots: o.dots}); err != nil {
		return replyError("", err)
	}
	results, err := tx.Commit(ctx)
	if err != nil {
		return replyError("", err)
	}
	for _, r := range results {
		if r.Reply != nil && !r.Reply.OK() {
			return replyError(r.Recipient+": ", r.Reply)
		}
	}
	quit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = c.Quit(quit)
	return nil
}

// fromField is the From field that a message lacks.
func (e *Env) fromField(o *options, h *header, from string) string {
	if h.hasFrom {
		return ""
	}
	if from == "" {
		return "From: MAILER-DAEMON@" + e.Settings.MyOrigin + "\n"
	}
	name := o.fullName
	if name == "" && !o.fromGiven {
		name = e.FullName
	}
	a, err := mime.ParseAddress(from)
	if err != nil {
		return "From: " + from + "\n"
	}
	a.Name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, name)
	return "From: " + a.String() + "\n"
}

// replyError is what the server has against it, with the status that tells whether to try again.
func replyError(about string, err error) error {
	var r *mail.Reply
	if !errors.As(err, &r) {
		return fail(exTempFail, "%s%w", about, err)
	}
	switch {
	case !r.Permanent():
		return fail(exTempFail, "%s%v", about, r)
	case about != "":
		return fail(exNoUser, "%s%v", about, r)
	}
	return fail(exUnavailable, "%v", r)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
