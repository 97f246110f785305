package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/process"
)

// Folders returns the folders of the server's own that c names, with the parameter of each: they must be writable, and are made when missing.
func Folders(c *config.Config) (out [][2]string) {
	out = [][2]string{{"data_directory", c.Settings.DataDirectory}, {"queue_directory", c.Settings.QueueDirectory}}
	if loc, err := locationOf(c); err == nil && loc.root() != "" {
		out = append(out, [2]string{"mail_location", loc.root()})
	}
	return out
}

// root is the folder above all mailboxes, "" where they are in the users' homes.
func (l location) root() string {
	fixed, _, _ := strings.Cut(l.pattern, "%")
	if !filepath.IsAbs(fixed) {
		return ""
	}
	if strings.HasSuffix(fixed, "/") {
		return filepath.Clean(fixed)
	}
	return filepath.Dir(fixed)
}

// Paths are the files that the server needs to see as it is configured.
func (s *Server) Paths() (process.Paths, error) {
	p := process.Paths{Read: slices.Clone(s.set.Process.Read), Write: slices.Clone(s.set.Process.Write)}
	for _, f := range Folders(s.cfg) {
		if err := os.MkdirAll(f[1], 0o700); err != nil {
			return p, s.cfg.ErrorFor(f[0], err)
		}
		p.Write = append(p.Write, f[1])
	}
	if s.set.MaillogFile != "" {
		p.Write = append(p.Write, filepath.Dir(s.set.MaillogFile))
	}
	for _, v := range s.services { // to take the socket away at the end
		if u, ok := v.listener.Addr().(*net.UnixAddr); ok && filepath.IsAbs(u.Name) {
			p.Write = append(p.Write, filepath.Dir(u.Name))
		}
	}
	homes, err := s.homes()
	if err != nil {
		return p, err
	}
	p.Write = append(p.Write, homes...)
	if dir, _ := s.cfg.Value("config_directory"); dir != "" {
		p.Read = append(p.Read, dir)
	}
	for _, named := range s.cfg.Paths() {
		p.Read = append(p.Read, above(named))
		read, write := within(named)
		p.Read, p.Write = append(p.Read, read...), append(p.Write, write...)
	}
	for _, file := range s.keyFiles() {
		p.Read = append(p.Read, above(file))
	}
	p.Commands = s.runsCommands()
	return p, nil
}

// above is the folder of a file, so that it may be replaced; a folder, and a file right under the root, is itself.
func above(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() && path != "/" {
		return path
	}
	if dir := filepath.Dir(path); dir != "/" {
		return dir
	}
	if path == "/" {
		return "/nothing" // all of the machine is not what a lone slash asks for
	}
	return path
}

// homes are the folders in which the users' homes lie, where mailboxes are in these.
func (s *Server) homes() ([]string, error) {
	loc, err := locationOf(s.cfg)
	if err != nil || loc.root() != "" && loc.home == "" || len(s.set.Process.Write) > 0 {
		return nil, err
	}
	const hint = "name the folders of the homes in confine_write, or set confine = no"
	names, err := s.users.Users(context.Background())
	if err != nil {
		return nil, s.cfg.ErrorFor("confine", fmt.Errorf("mail_location leads to homes that can't be listed: %w; %s", err, hint))
	}
	var out []string
	for _, name := range names {
		path, err := loc.path(s.users, name)
		if err != nil {
			continue // the mailbox can't be had without us either
		}
		dir := filepath.Dir(filepath.Dir(path))
		if dir == "/" {
			return nil, s.cfg.ErrorFor("confine", fmt.Errorf("the mailbox of %s is %s, too near the root; %s", name, path, hint))
		}
		out = append(out, dir)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(dir string) bool {
		_, err := os.Stat(dir)
		return err != nil
	}), nil
}

// within are the paths that the configuration of a table or of accounts names: certificates that are read, and SQLite's files, beside which it writes.
func within(file string) (read, write []string) {
	if !slices.Contains([]string{".cf", ".conf", ".ext"}, filepath.Ext(file)) {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, value, ok := strings.Cut(sc.Text(), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || strings.HasPrefix(name, "#") || !filepath.IsAbs(value) {
			continue
		}
		if name == "dbpath" || name == "connect" {
			write = append(write, filepath.Dir(value))
		}
		read = append(read, above(value))
	}
	return read, write
}

// runsCommands reports whether the configuration has this server start programs.
func (s *Server) runsCommands() bool {
	for _, svc := range s.cfg.Services() {
		if (svc.Command == "pipe" || svc.Command == "spawn") && !s.cfg.Disabled(svc) {
			return true
		}
	}
	if l := &s.set.Local; l.MailboxCommand+l.MailboxCommandMaps != "" {
		return true
	}
	aliases, _ := s.cfg.Value("alias_maps")
	return aliases != "" && len(s.set.Local.AllowCommands) > 0
}
