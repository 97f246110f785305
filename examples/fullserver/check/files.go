package check

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
)

// files looks at folders and at who may read what is secret.
func (k *checker) files(context.Context) {
	k.findOwner()
	for _, d := range []struct{ param, path string }{{"data_directory", k.s.DataDirectory}, {"queue_directory", k.s.QueueDirectory}} {
		k.folder(d.param, d.path)
	}
	if file := k.s.MaillogFile; file != "" && k.owner != nil {
		if err := k.owner.Owns(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.fail(k.c.ErrorFor("maillog_file", err))
		}
	} else if file != "" {
		k.folder("maillog_file", filepath.Dir(k.s.MaillogFile))
	}
	k.accounts()
	k.secret("dkim_key_table", k.s.DKIMKeyTable)
}

// findOwner finds the user whom the server becomes.
func (k *checker) findOwner() {
	name := k.s.Process.Owner
	if name == "" {
		return
	}
	var err error
	if k.owner, err = process.LookupOwner(name); err != nil {
		k.fail(k.c.ErrorFor("mail_owner", err))
	}
}

// folder reports a folder that can't be written to, or made.
func (k *checker) folder(param, dir string) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
			if info, err = os.Stat(parent); err == nil || parent == filepath.Dir(parent) {
				break
			}
		}
	}
	switch {
	case err != nil:
		k.fail(k.c.ErrorFor(param, err))
		return
	case !info.IsDir():
		k.fail(k.at(param, "%s is not a folder", dir))
		return
	}
	if _, err := os.Stat(dir); err != nil {
		return // it is made at the start
	}
	if k.owner != nil && os.Geteuid() == 0 {
		if err := k.owner.Owns(dir); err != nil {
			k.fail(k.c.ErrorFor(param, err))
		}
		return
	}
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		k.fail(k.at(param, "%s: can't be written to: %v; chown it to the user whom the server runs as", dir, cause(err)))
		return
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// secret reports a file that others may read.
func (k *checker) secret(param, file string) {
	if file == "" {
		return
	}
	info, err := os.Stat(file)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o007 != 0 {
		k.warn(k.at(param, "%s may be read by everybody on this machine: chmod 600 %s", file, file))
	}
}

// cause is a file error without its path.
func cause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// ports tries each address that the server is to listen on; while it runs, somebody has to answer there.
func (k *checker) ports(ctx context.Context) {
	c, err := net.DialTimeout("unix", filepath.Join(k.s.DataDirectory, queuecmd.SocketName), time.Second)
	running := err == nil
	if running {
		_ = c.Close()
	}
	some := false
	for _, p := range k.c.Listens() {
		for _, a := range p.Addresses {
			some = true
			k.port(ctx, p.Param, a, running)
		}
	}
	for _, s := range k.c.Services() {
		some = some || (s.Command == "smtpd" || s.Command == "postscreen") && !k.c.Disabled(s)
	}
	if !some {
		k.fail(errors.New("nothing to serve: set smtp_listen = :25, imaps_listen = :993 or another of the ..._listen parameters, or have a master.cf"))
	}
}

func (k *checker) port(ctx context.Context, param string, a config.Address, running bool) {
	if running {
		d := net.Dialer{Timeout: 3 * time.Second}
		c, err := d.DialContext(ctx, a.Network, a.Address)
		if err != nil {
			k.fail(k.at(param, "%s: the server runs, and nobody answers there: %v; restart it", a, cause(err)))
			return
		}
		_ = c.Close()
		return
	}
	if a.Network == "unix" {
		return
	}
	l, err := net.Listen(a.Network, a.Address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		k.fail(k.at(param, "%s is in use by another program: find it with \"ss -ltnp\" and stop it", a))
	case errors.Is(err, os.ErrPermission):
		k.fail(k.at(param, "%s: permission denied: start as root, or give the program the right: setcap cap_net_bind_service=+ep", a))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		k.fail(k.at(param, "%s: this machine has no such address: see \"ip addr\"", a))
	case err != nil:
		k.fail(k.c.ErrorFor(param, err))
	default:
		_ = l.Close()
	}
}
