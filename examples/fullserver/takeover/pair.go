package takeover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pair is the installed Postfix and Dovecot as programs that run or don't.
type pair struct {
	postfix, dovecot string // main.cf's folder; dovecot.conf, "" for Dovecot's own
	base             string // Dovecot's base_dir
	systemd          bool   // they are its services
	run              runner
}

// units are Debian's.
var units = []string{"postfix", "dovecot"}

func (p *pair) command(name string, args ...string) []string {
	if p.dovecot != "" {
		args = append([]string{"-c", p.dovecot}, args...)
	}
	return append([]string{name}, args...)
}

// stopPostfix returns once it doesn't run any more.
func (p *pair) stopPostfix(ctx context.Context) error {
	if p.systemd {
		if _, err := p.run(ctx, nil, "systemctl", "disable", "--now", units[0]); err != nil {
			return err
		}
	} else if p.postfixRuns(ctx) {
		if _, err := p.run(ctx, nil, "postfix", "-c", p.postfix, "stop"); err != nil {
			return err
		}
	}
	return until(ctx, func() error {
		if p.postfixRuns(ctx) {
			return errors.New("the old postfix still runs")
		}
		return nil
	})
}

func (p *pair) postfixRuns(ctx context.Context) bool {
	_, err := p.run(ctx, nil, "postfix", "-c", p.postfix, "status")
	return err == nil
}

// stopDovecot returns once it doesn't run any more, and what it had to write is written.
func (p *pair) stopDovecot(ctx context.Context) error {
	if p.systemd {
		if _, err := p.run(ctx, nil, "systemctl", "disable", "--now", units[1], units[1]+".socket"); err != nil {
			if _, err := p.run(ctx, nil, "systemctl", "disable", "--now", units[1]); err != nil {
				return err
			}
		}
	} else if p.dovecotRuns() {
		c := p.command("doveadm", "stop")
		if _, err := p.run(ctx, nil, c[0], c[1:]...); err != nil {
			return err
		}
	}
	return until(ctx, func() error {
		if p.dovecotRuns() {
			return errors.New("the old dovecot still runs")
		}
		return nil
	})
}

// dovecotRuns looks whether the process of its pid file is there.
func (p *pair) dovecotRuns() bool {
	text, err := os.ReadFile(filepath.Join(p.base, "master.pid"))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && pid > 1 && alive(pid)
}

// start starts both.
func (p *pair) start(ctx context.Context) error {
	if p.systemd {
		_, err := p.run(ctx, nil, "systemctl", append([]string{"enable", "--now"}, units...)...)
		return err
	}
	if !p.dovecotRuns() {
		c := p.command("dovecot")
		if _, err := p.run(ctx, nil, c[0], c[1:]...); err != nil {
			return err
		}
	}
	if !p.postfixRuns(ctx) {
		if _, err := p.run(ctx, nil, "postfix", "-c", p.postfix, "start"); err != nil {
			return err
		}
	}
	return nil
}

// until asks for something ten times a second until it is so, two minutes at most.
func until(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
