//go:build unix

package course_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/demo"
)

// program runs in a window of its own.
type program struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  []string
	told bytes.Buffer  // on standard error
	done chan struct{} // its output has ended
}

func (p *program) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.out...)
}

// Write takes what it tells on standard error.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told.Write(b)
}

// ended is an error if a program that should run has ended.
func (s *site) ended() error {
	for name, p := range s.running {
		select {
		case <-p.done:
			p.mu.Lock()
			defer p.mu.Unlock()
			return final{fmt.Errorf("%s has ended: %s", name, p.told.String())}
		default:
		}
	}
	return nil
}

// start runs a command until it is stopped, and compares what it shows. Its name is that of the program.
func (s *site) start(b *block, command string, want []string) error {
	name := filepath.Base(strings.Fields(goRun.ReplaceAllString(command, "$1"))[0])
	if s.running[name] != nil {
		return fmt.Errorf("%s runs already", name)
	}
	cmd := s.shell("exec " + command)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p := &program{cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = p
	if b.is("stderr") { // where the program tells it
		cmd.Stderr = cmd.Stdout
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.running[name] = p
	go func() {
		defer close(p.done)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			p.mu.Lock()
			p.out = append(p.out, s.portsOut(scan.Text()))
			p.mu.Unlock()
		}
	}()
	err = s.until(func() error {
		if err := matchLines(want, p.lines(), s.vars); err != nil {
			return errors.Join(err, s.ended())
		}
		return nil
	})
	if err != nil {
		s.stop(name)
	}
	return err
}

// stop is Ctrl-C, and waiting for the end.
func (s *site) stop(name string) {
	p := s.running[name]
	if p == nil {
		s.t.Errorf("%s doesn't run", name)
		return
	}
	delete(s.running, name)
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	kill := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	<-p.done
	err := p.cmd.Wait()
	if !kill.Stop() {
		s.t.Errorf("%s doesn't end", name)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Errorf("%s: %v", name, err)
	}
}

// final is an error that waiting doesn't mend.
type final struct{ error }

// until tries until it goes well.
func (s *site) until(f func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil || errors.As(err, new(final)) || time.Now().After(end) {
			return err
		}
	}
}

// console plays a block of commands, each with what it shows.
func (s *site) console(b *block) error {
	if b.is("stop") {
		for _, name := range b.flags[1:] {
			s.stop(name)
		}
		return nil
	}
	for i := 0; i < len(b.lines); {
		command, ok := strings.CutPrefix(b.lines[i], "$ ")
		if !ok {
			return fmt.Errorf("%s: a command begins with $", b.at(i))
		}
		at := i
		for strings.HasSuffix(command, `\`) {
			i++
			command += "\n" + strings.TrimPrefix(b.lines[i], "> ")
		}
		i++
		end := i
		for end < len(b.lines) && !strings.HasPrefix(b.lines[end], "$ ") {
			end++
		}
		want := b.lines[i:end]
		i = end
		var err error
		switch {
		case b.is("running") && end == len(b.lines):
			err = s.start(b, command, want)
		case b.is("soon"):
			err = s.until(func() error { return s.run(command, want) })
		default:
			err = s.run(command, want)
		}
		if err != nil {
			return fmt.Errorf("%s: %s\n%w", b.at(at), command, err)
		}
	}
	return nil
}

// run runs a command that ends. What it tells on standard error belongs to what it shows.
func (s *site) run(command string, want []string) error {
	cmd := s.shell(command)
	cmd.Stdin = strings.NewReader("")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	text := strings.ReplaceAll(s.portsOut(string(out)), "\r\n", "\n")
	var got []string
	if text = strings.TrimRight(text, "\n"); text != "" {
		got = strings.Split(text, "\n")
	}
	return matchLines(want, got, s.vars)
}

// log looks for lines in mail.log, in their order, others between them.
func (s *site) log(b *block) error {
	return s.until(func() error {
		text, err := os.ReadFile(filepath.Join(s.dir, demo.Dir, "mail.log"))
		if err != nil {
			return err
		}
		all := strings.Split(s.portsOut(string(text)), "\n")
		left := all
		for i, want := range b.lines {
			if want == "…" {
				continue
			}
			p := compile(want, s.vars, true)
			at := 0
			for at < len(left) && !p.match(left[at], s.vars) {
				at++
			}
			if at == len(left) {
				return fmt.Errorf("%s: not in the log, or not there: %s\n%s", b.at(i), expand(want, s.vars), strings.Join(all, "\n"))
			}
			left = left[at+1:]
		}
		return nil
	})
}
