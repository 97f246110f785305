package pipe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/source"
)

const maxOutput = 4096 // of which a reply is made

// run runs the program and returns its verdict. The error is one of the message's own stream: then the program was
// killed before it could take a part for the whole.
func (c *Command) run(ctx context.Context, args []string, head string, r io.Reader) (*mail.Reply, error) {
	limit := c.Timeout
	if limit == 0 {
		limit = 1000 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.Dir, c.Env, 5*time.Second
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	}
	if err := Confine(cmd, c.User); err != nil {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "cannot run the program", Err: err}, nil
	}
	var output limited
	cmd.Stdout, cmd.Stderr = &output, &output
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "cannot run the program", Err: err}, nil
	}
	if c.QuoteFrom || c.Dots || c.Blank {
		r = &lines{r: bufio.NewReaderSize(r, 32<<10), c: c}
	}
	src := &source.Reader{R: r}
	w := bufio.NewWriterSize(in, 32<<10)
	var to io.Writer = w
	if !c.CRLF {
		to = &unixLines{w: w}
	}
	_, err = io.Copy(to, io.MultiReader(strings.NewReader(head), src))
	if src.Err != nil {
		cancel() // before its input ends
		_ = cmd.Wait()
		return nil, src.Err
	}
	if err == nil {
		_ = w.Flush() // a program need not read all: its exit status counts, not our broken pipe
	}
	in.Close()
	err = cmd.Wait()
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return mail.NewReply(451, mail.EnhancedCode{4, 3, 0}, "Command time limit exceeded: "+quoted(c.name())+said(output.b.String())), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case failed && !exit.Exited():
		return mail.NewReply(451, mail.EnhancedCode{4, 3, 0}, "Command died with "+signal(exit)+": "+quoted(c.name())+said(output.b.String())), nil
	case failed:
		return verdict(exit.ExitCode(), c.name(), output.b.String()), nil
	case err != nil: // it left a child behind that keeps its output open
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "program did not end in order", Err: err}, nil
	}
	return mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "delivered via program"), nil
}

// signal names what a program was ended by.
func signal(exit *exec.ExitError) string {
	if s, ok := exit.Sys().(interface{ Signal() syscall.Signal }); ok {
		return "signal " + strconv.Itoa(int(s.Signal()))
	}
	return exit.String()
}

// name is what replies call the program.
func (c *Command) name() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Args[0]
}

// limited keeps the beginning of what is written to it.
type limited struct{ b bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.b.Write(p[:min(len(p), maxOutput-l.b.Len())])
	return len(p), nil
}

// unixLines turns CR LF into LF. Other CRs stay.
type unixLines struct {
	w  *bufio.Writer
	cr bool
}

func (u *unixLines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if u.cr && rest[0] != '\n' {
			u.w.WriteByte('\r') // its error stays for the next Write
		}
		u.cr = false
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			i = len(rest)
		} else {
			u.cr = true
		}
		if _, err := u.w.Write(rest[:i]); err != nil {
			return 0, err
		}
		rest = rest[min(len(rest), i+1):]
	}
	return len(p), nil
}
