package server

import (
	"context"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/queue/pipe"
	"github.com/buuta/mail/smtp"
)

// spawner runs a command for each connection to a service, with the connection as its input and output, as spawn(8) does: policy servers are started so.
type spawner struct {
	svc   *mastercf.Service
	argv  []string
	user  string
	limit time.Duration
	log   func(text string)

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	room chan struct{} // nil for any number

	mu sync.Mutex
	l  []net.Listener
}

// spawner makes what a service of master.cf with program spawn is.
func (s *Server) spawner(svc *mastercf.Service) (*spawner, error) {
	argv, user, err := svc.Spawn()
	if err != nil {
		return nil, err
	}
	p := &spawner{svc: svc, argv: argv, user: user, log: func(text string) { s.log.Print("postfix/spawn", text) }, limit: s.set.Local.CommandTimeLimit}
	if svc.Process > 0 {
		p.room = make(chan struct{}, svc.Process)
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Serve runs commands until the listener is closed.
func (p *spawner) Serve(l net.Listener) error {
	p.mu.Lock()
	p.l = append(p.l, l)
	p.mu.Unlock()
	for {
		c, err := l.Accept()
		if err != nil {
			if p.ctx.Err() != nil {
				return smtp.ErrServerClosed
			}
			return err
		}
		if p.room != nil {
			select {
			case p.room <- struct{}{}:
			case <-p.ctx.Done():
				_ = c.Close()
				return smtp.ErrServerClosed
			}
		}
		p.wg.Go(func() {
			p.run(c)
			if p.room != nil {
				<-p.room
			}
		})
	}
}

// run runs the command with a connection.
func (p *spawner) run(c net.Conn) {
	defer c.Close()
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		p.log("warning: " + p.svc.Name + ": " + err.Error())
		return
	}
	defer f.Close()
	_ = c.Close() // the command has the connection now
	ctx, cancel := context.WithTimeout(p.ctx, p.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = f, f, f, time.Second
	if err := pipe.Confine(cmd, p.user); err != nil {
		p.log("warning: " + p.svc.Name + ": " + err.Error())
		return
	}
	if err := cmd.Run(); err != nil && p.ctx.Err() == nil {
		p.log("warning: command " + p.argv[0] + ": " + err.Error())
	}
}

// Shutdown ends the commands: they are servers of ours, and nobody asks them any more once ours have ended.
func (p *spawner) Shutdown(context.Context) error { return p.Close() }

// Close ends the commands.
func (p *spawner) Close() error {
	p.stop()
	p.mu.Lock()
	for _, l := range p.l {
		_ = l.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}
