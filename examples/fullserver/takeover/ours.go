package takeover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
)

// ours is this server as a program that runs or doesn't.
type ours struct {
	program     string // the executable
	main        string // its main.cf
	data, queue string
	log         string // where its standard output and error go
	start, stop string // commands of the operator's, "" for none
	unit        string // systemd's unit file, "" where there is no systemd
	run         runner
}

// control asks the running server; queuecmd.ErrNotRunning when there is none.
func (o *ours) control(ctx context.Context, name string, args ...string) (string, error) {
	var out, said bytes.Buffer
	status, err := queuecmd.Call(ctx, filepath.Join(o.data, queuecmd.SocketName), name, args, strings.NewReader(""), &out, &said)
	if err == nil && status != 0 {
		err = fmt.Errorf("%s: %s", name, strings.TrimSpace(said.String()))
	}
	return out.String(), err
}

// begin starts the server and returns once it answers. One that ends again is an error with what it said.
func (o *ours) begin(ctx context.Context) error {
	var ended <-chan error
	switch {
	case o.start != "":
		if _, err := o.run(ctx, nil, "sh", "-c", o.start); err != nil {
			return err
		}
	case o.unit != "":
		if _, err := o.run(ctx, nil, "systemctl", "enable", "--now", o.unit); err != nil {
			return err
		}
	default:
		c, err := o.spawn()
		if err != nil {
			return err
		}
		ended = c
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return until(ctx, func() error {
		select {
		case err := <-ended:
			said, _ := os.ReadFile(o.log)
			err = fmt.Errorf("the server ended: %v: %s", err, oneLine(strings.TrimSpace(string(said[max(0, len(said)-1000):]))))
			cancel(err)
			return err
		default:
		}
		_, err := o.control(ctx, "postqueue", "-j")
		return err
	})
}

// spawn starts it as a process of its own, which stays when we end.
func (o *ours) spawn() (<-chan error, error) {
	log, err := os.OpenFile(o.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(o.program, "-c", o.main)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	alone(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}

// end stops the server and returns its queue, which is locked for us.
func (o *ours) end(ctx context.Context) (*queue.Spool, error) {
	switch {
	case o.stop != "":
		if _, err := o.run(ctx, nil, "sh", "-c", o.stop); err != nil {
			return nil, err
		}
	case o.unit != "":
		if _, err := o.run(ctx, nil, "systemctl", "disable", "--now", filepath.Base(o.unit)); err != nil {
			return nil, err
		}
	default:
		if _, err := o.control(ctx, "doveadm", "stop"); err != nil && !errors.Is(err, queuecmd.ErrNotRunning) {
			return nil, err
		}
	}
	var s *queue.Spool
	err := until(ctx, func() error {
		s = &queue.Spool{Dir: o.queue}
		err := s.Start()
		if errors.Is(err, vfs.ErrLocked) {
			err = errors.New("the server still runs")
		}
		return err
	})
	return s, err
}
