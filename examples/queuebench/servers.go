//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// relay is a mail server that runs.
type relay struct {
	addr string
	pid  int // of its first process
	stop func()
}

// command is a program that ends with this one.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// launch starts a server and waits until it listens.
func launch(cmd *exec.Cmd, addr string) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	end(cmd)
	return fmt.Errorf("%s does not listen on %s", cmd.Path, addr)
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait()
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// sink is a smtp-sink that counts.
type sink struct {
	cmd  *exec.Cmd
	port int
	got  atomic.Int64
}

func startSink() (*sink, error) {
	s := &sink{port: freePort()}
	s.cmd = command(context.Background(), "smtp-sink", "-u", "nobody", "-c", "127.0.0.1:"+strconv.Itoa(s.port), "200")
	s.cmd.Stdout = s
	return s, launch(s.cmd, "127.0.0.1:"+strconv.Itoa(s.port))
}

// Write reads what smtp-sink -c says: "sess=1 quit=2 mesg=3" and a carriage return, again and again.
func (s *sink) Write(b []byte) (int, error) {
	text := string(b)
	if i := strings.LastIndex(text, "mesg="); i >= 0 {
		var n int64
		if _, err := fmt.Sscanf(text[i:], "mesg=%d", &n); err == nil && n > s.got.Load() {
			s.got.Store(n)
		}
	}
	return len(b), nil
}

// wait returns when it has so many messages.
func (s *sink) wait(ctx context.Context, n int) error {
	for began := time.Now(); s.got.Load() < int64(n); {
		if time.Since(began) > 2*time.Minute || ctx.Err() != nil {
			return fmt.Errorf("the sink has %d of %d messages", s.got.Load(), n)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func (s *sink) stop() { end(s.cmd) }

// fullserver is a program that was built.
type fullserver string

func buildFullserver(ctx context.Context, dir string) (fullserver, error) {
	name := filepath.Join(dir, "fullserver")
	out, err := command(ctx, "go", "build", "-o", name, "github.com/buuta/mail/examples/fullserver").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return fullserver(name), nil
}

func (f fullserver) start(dir string, sinkPort int) (*relay, error) {
	addr := "127.0.0.1:" + strconv.Itoa(freePort())
	if err := os.WriteFile(filepath.Join(dir, "users"), nil, 0o600); err != nil {
		return nil, err
	}
	args := []string{}
	for _, o := range []string{
		"data_directory=" + dir, "maillog_file=" + dir + "/mail.log", "myhostname=mx.example.test", "mydestination=",
		"mynetworks=127.0.0.0/8", "smtp_listen=" + addr, "smtpd_peername_lookup=no", "relayhost=[127.0.0.1]:" + strconv.Itoa(sinkPort),
	} {
		args = append(args, "-o", o)
	}
	cmd := command(context.Background(), string(f), args...)
	cmd.Stderr = os.Stderr
	if err := launch(cmd, addr); err != nil {
		return nil, err
	}
	return &relay{addr: addr, pid: cmd.Process.Pid, stop: func() { end(cmd) }}, nil
}
