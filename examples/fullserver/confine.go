package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/server"
)

// become makes this process mail_owner's, whose folders are made while it is still root's.
func become(c *config.Config) error {
	if c.Settings.Process.Owner == "" {
		return nil
	}
	o, err := process.LookupOwner(c.Settings.Process.Owner)
	if err != nil {
		return c.ErrorFor("mail_owner", err)
	}
	if os.Geteuid() == 0 {
		for _, f := range server.Folders(c) {
			if err := o.Keep(f[1]); err != nil {
				return c.ErrorFor(f[0], err)
			}
		}
		if log := c.Settings.MaillogFile; log != "" {
			if err := errors.Join(os.MkdirAll(filepath.Dir(log), 0o755), o.KeepFile(log)); err != nil {
				return c.ErrorFor("maillog_file", err)
			}
		}
	}
	if err := o.Become(); err != nil {
		return c.ErrorFor("mail_owner", err)
	}
	return nil
}

// asOwner makes a command that root calls mail_owner's.
func asOwner(c *config.Config) error {
	if c.Settings.Process.Owner == "" || os.Geteuid() != 0 {
		return nil
	}
	o, err := process.LookupOwner(c.Settings.Process.Owner)
	if err == nil {
		err = o.Become()
	}
	if err != nil {
		return c.ErrorFor("mail_owner", err)
	}
	return nil
}

// confine takes the rest of the machine out of this process's sight, if it is to be.
func confine(c *config.Config, s *server.Server, stderr io.Writer) error {
	if os.Geteuid() == 0 {
		fmt.Fprintln(stderr, "fullserver: warning: this runs as root: name a user without rights in mail_owner")
	}
	if !c.Settings.Process.Confine {
		return nil
	}
	paths, err := s.Paths()
	if err == nil {
		_, err = process.Confine(paths)
	}
	if own, ok := errors.AsType[*config.Error](err); ok {
		return own
	}
	if err != nil {
		return c.ErrorFor("confine", fmt.Errorf("%w; confine = no goes without", err))
	}
	return nil
}
