package takeover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
)

// ours is this server as a program that runs or doesn't.
type ours struct {
	program     string // the executable
	main        string // its main.cf
	data, queue string
	log         string         // where its standard output and error go
	start, stop string         // commands of the operator's, "" for none
	unit        string         // systemd's unit file, "" where there is no systemd
	owner       *process.Owner // whom it becomes, nil for nobody
	run         runner
}

// running reports whether the server answers.
func (o *ours) running(ctx context.Context) (bool, error) {
	_, err := o.control(ctx, "postqueue", "-j")
	if errors.Is(err, queuecmd.ErrNotRunning) {
		return false, nil
	}
	return err == nil, err
}

// own makes what we have put into the queue the server's.
func (o *ours) own() error {
	if o.owner == nil {
		return nil
	}
	return filepath.WalkDir(o.queue, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return o.owner.Take(path)
	})
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
	var p *spawned
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
		var err error
		if p, err = o.spawn(); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := until(waiting, func() error {
		if p != nil {
			select {
			case <-p.ended:
				said, _ := os.ReadFile(o.log)
				err := fmt.Errorf("the server ended: %v: %s", p.err, oneLine(strings.TrimSpace(string(said[max(0, len(said)-1000):]))))
				cancel(err)
				return err
			default:
			}
		}
		_, err := o.control(waiting, "postqueue", "-j")
		return err
	})
	if err != nil && p != nil { // who doesn't answer can't be stopped by a command
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(time.Minute):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	}
	return err
}

// spawned is the server as a process of ours.
type spawned struct {
	cmd   *exec.Cmd
	err   error // once it has ended
	ended chan struct{}
}

// spawn starts it as a process of its own, which stays when we end.
func (o *ours) spawn() (*spawned, error) {
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
	p := &spawned{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
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
