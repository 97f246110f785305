package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
)

// expiry is a mailbox of autoexpunge.
type expiry struct {
	mailbox string
	mail.Expiry
}

// parseAutoexpunge reads "Trash 30d, Junk 14d 1000". A name with spaces stands in quotes.
func parseAutoexpunge(s string) ([]expiry, error) {
	var out []expiry
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		var e expiry
		rest := item
		if quoted, err := strconv.QuotedPrefix(item); err == nil {
			if e.mailbox, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
			rest = item[len(quoted):]
		} else {
			e.mailbox, rest, _ = strings.Cut(item, " ")
		}
		f := strings.Fields(rest)
		if e.mailbox == "" || len(f) == 0 || len(f) > 2 {
			return nil, fmt.Errorf("%q is not a mailbox, a time, and perhaps a number", item)
		}
		var err error
		if e.Age, err = config.ParseTime(f[0], 24*time.Hour); err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		if len(f) == 2 {
			if e.Count, err = strconv.Atoi(f[1]); err != nil || e.Count < 0 {
				return nil, fmt.Errorf("%q: %q is no number of messages", item, f[1])
			}
		}
		if e.Age == 0 && e.Count == 0 {
			return nil, fmt.Errorf("%q lets everything stay", item)
		}
		out = append(out, e)
	}
	return out, nil
}

// expireEvery is how often mailboxes are looked at.
const expireEvery = time.Hour

// startExpiry removes what is too old, now and then every hour, until the function that it returns is called.
func (s *Server) startExpiry() (stop func()) {
	if len(s.expiries) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(expireEvery)
		defer tick.Stop()
		for {
			names, err := s.users.Users(ctx)
			if err != nil && ctx.Err() == nil {
				s.log.Print(dovecot, "autoexpunge: warning: ", err.Error())
			}
			for _, name := range names {
				if err := s.expire(ctx, name); err != nil && ctx.Err() == nil {
					s.log.Print(dovecot, "autoexpunge(", name, "): warning: ", err.Error())
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// expire removes from one account what is too old.
func (s *Server) expire(ctx context.Context, account string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	a, err := s.store.Account(ctx, account)
	if err != nil {
		return err
	}
	defer a.Close()
	var errs []error
	for _, e := range s.expiries {
		n, err := expireMailbox(ctx, a, e, s.now())
		if err != nil && !errors.Is(err, mail.ErrNoMailbox) {
			errs = append(errs, fmt.Errorf("%s: %w", e.mailbox, err))
		}
		if n > 0 {
			s.log.Print(dovecot, "autoexpunge(", account, "): ", fmt.Sprintf("mailbox %s: %d messages have had their time", e.mailbox, n))
		}
	}
	return errors.Join(errs...)
}

func expireMailbox(ctx context.Context, a mail.Account, e expiry, now time.Time) (int, error) {
	st, err := a.Status(ctx, e.mailbox)
	if err != nil || st.Messages == 0 {
		return 0, err
	}
	m, err := a.Open(ctx, e.mailbox)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	res, err := mail.Expire(ctx, m, now, e.Expiry)
	return res.Removed.Count(), err
}

func (s *Server) now() time.Time {
	if s.opts.Now != nil {
		return s.opts.Now()
	}
	return time.Now()
}
