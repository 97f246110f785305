package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter"
)

// milters reads smtpd_milters.
func (s *Server) milters(set *config.Settings) ([]*milter.Filter, error) {
	var out []*milter.Filter
	for _, m := range config.Members(set.Milters.SMTPD) {
		f, err := s.milter(m, &set.Milters)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// milterMaps are smtpd_milter_maps, nil for none: which milters a client has by its address.
func (s *Server) milterMaps(d *door) (func(context.Context, *smtp.Conn) ([]*milter.Filter, bool), error) {
	set := &d.set.Milters
	if set.Maps == "" {
		return nil, nil
	}
	l, err := lookup.OpenList(context.Background(), set.Maps, s.tableOptions())
	if err != nil {
		return nil, err
	}
	s.onClose(func() { _ = l.Close() })
	var known sync.Map // what a table says to the milters that it means
	return func(ctx context.Context, c *smtp.Conn) ([]*milter.Filter, bool) {
		value, found, err := l.Find(ctx, c.RemoteIP())
		if err != nil || !found {
			if err != nil {
				s.log.Print(d.program, "warning: smtpd_milter_maps: ", err.Error())
			}
			return nil, false
		}
		if strings.EqualFold(strings.TrimSpace(value), "DISABLE") {
			return nil, true
		}
		if list, ok := known.Load(value); ok {
			return list.([]*milter.Filter), true
		}
		own := *set
		own.SMTPD = value
		list, err := s.milters(&config.Settings{Milters: own})
		if err != nil {
			s.log.Print(d.program, "warning: smtpd_milter_maps: ", c.RemoteIP(), ": ", err.Error())
			return nil, false
		}
		known.Store(value, list)
		return list, true
	}, nil
}

// milter reads a member: an address, or in braces an address and settings of its own.
func (s *Server) milter(text string, set *config.Milters) (*milter.Filter, error) {
	f := &milter.Filter{
		ConnectTimeout: set.ConnectTimeout, CommandTimeout: set.CommandTimeout, ContentTimeout: set.ContentTimeout, Version: uint32(set.Protocol),
		Macros: map[milter.Stage][]string{}, Dial: s.opts.Dial,
	}
	f.Default, _ = milter.ParseDefault(set.Default)
	for i, names := range set.Macros {
		f.Macros[milter.Stage(i)] = strings.FieldsFunc(names, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	}
	words := []string{text}
	if strings.HasPrefix(text, "{") {
		words = config.Members(strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}"))
	}
	if len(words) == 0 {
		return nil, errors.New("names no milter")
	}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		var err error
		switch name {
		case "default_action":
			var ok bool
			if f.Default, ok = milter.ParseDefault(value); !ok {
				err = fmt.Errorf("default_action=%s: write accept, reject, tempfail or quarantine", value)
			}
		case "connect_timeout":
			f.ConnectTimeout, err = milterTime(value)
		case "command_timeout":
			f.CommandTimeout, err = milterTime(value)
		case "content_timeout":
			f.ContentTimeout, err = milterTime(value)
		case "protocol":
			n, perr := strconv.ParseUint(value, 10, 8)
			if f.Version = uint32(n); perr != nil || n < 2 || n > 6 {
				err = fmt.Errorf("protocol=%s: write 2, 3, 4 or 6", value)
			}
		default:
			err = fmt.Errorf("unknown attribute %q: there are default_action, connect_timeout, command_timeout, content_timeout, protocol", name)
		}
		if err != nil {
			return nil, err
		}
	}
	kind, where, _ := strings.Cut(words[0], ":")
	f.Name = words[0]
	switch kind {
	case "inet":
		if _, _, err := net.SplitHostPort(where); err != nil {
			return nil, errors.New("is not of the form inet:host:port")
		}
		f.Network, f.Address = "tcp", where
	case "unix", "local":
		if f.Network, f.Address = "unix", where; !filepath.IsAbs(where) { // as Postfix, whose programs run there
			f.Address = filepath.Join(s.set.QueueDirectory, where)
		}
	default:
		return nil, errors.New("is neither inet:host:port nor unix:path")
	}
	return f, nil
}

func milterTime(s string) (time.Duration, error) {
	if s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time", s)
	}
	return d, nil
}
