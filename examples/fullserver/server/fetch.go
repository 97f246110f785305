package server

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/examples/fullserver/internal/outward"
)

// openFetch gets ready to fetch users' mail from POP3 accounts elsewhere; nothing with webmail_fetch = no. dir is the webmail's folder.
func (s *Server) openFetch(dir string) error {
	set := &s.set.Fetch
	if !set.Enable {
		return nil
	}
	var ports []uint16
	for _, p := range set.Ports {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return s.cfg.ErrorFor("webmail_fetch_ports", fmt.Errorf("%q is not a port", p))
		}
		ports = append(ports, uint16(n))
	}
	if len(ports) == 0 {
		return s.cfg.ErrorFor("webmail_fetch_ports", fmt.Errorf("is empty: set webmail_fetch = no to have nothing fetched"))
	}
	dir = filepath.Join(dir, "fetch")
	if err := s.makeDir("data_directory", dir); err != nil {
		return err
	}
	c, err := collect.Open(collect.Options{
		Dir: dir, KeyFile: set.KeyFile, Mailbox: s.ownMailbox, Hostname: s.set.MyHostname, AuthservIDs: []string{s.set.MyHostname}, Now: s.opts.Now,
		Dial: outward.Dialer{Within: 30 * time.Second, Ports: ports, Inside: set.Networks}.DialContext,
		May: func(ctx context.Context, user string) bool {
			u, err := s.users.Lookup(ctx, user)
			return err == nil && u != nil && !u.Disabled()
		},
		Log: s.log.Logger("fullserver/fetch", slog.LevelInfo),
		Limits: collect.Limits{Interval: set.Interval, Accounts: int(set.Accounts), Messages: int(set.Messages), Size: set.Size, Time: set.Time, Concurrency: int(set.Concurrency),
			Refusals: int(set.Refusals), Ports: ports},
	})
	if err != nil {
		return s.cfg.ErrorFor("webmail_fetch_key_file", err)
	}
	s.fetch = c
	return nil
}

// ownMailbox opens a mailbox of a user's own.
func (s *Server) ownMailbox(ctx context.Context, user, name string) (mail.Mailbox, error) {
	a, err := s.store.Account(ctx, user)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Open(ctx, name)
}

// fetching is what the webmail asks. Its users are who they say they are in some spelling.
type fetching struct {
	*collect.Collector
	users accounts.Users
}

func (f fetching) name(ctx context.Context, user string) (string, error) {
	u, err := f.users.Lookup(ctx, user)
	if err == nil && u == nil {
		err = mail.ErrNoAccount
	}
	if err != nil {
		return "", err
	}
	return u.Name, nil
}

// Accounts implements webmail.Fetching.
func (f fetching) Accounts(ctx context.Context, user string) ([]collect.View, error) {
	name, err := f.name(ctx, user)
	return f.Collector.Accounts(name), err
}

// Save implements webmail.Fetching.
func (f fetching) Save(ctx context.Context, user string, a collect.Account, password string) error {
	name, err := f.name(ctx, user)
	if err != nil {
		return err
	}
	return f.Collector.Save(ctx, name, a, password)
}

// Remove implements webmail.Fetching.
func (f fetching) Remove(ctx context.Context, user, id string) error {
	name, err := f.name(ctx, user)
	if err != nil {
		return err
	}
	return f.Collector.Remove(name, id)
}

// Fetch implements webmail.Fetching.
func (f fetching) Fetch(ctx context.Context, user, id string) error {
	name, err := f.name(ctx, user)
	if err != nil {
		return err
	}
	return f.Collector.Fetch(ctx, name, id)
}
