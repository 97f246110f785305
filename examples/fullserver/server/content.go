package server

import (
	"context"
	"time"

	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// tableOptions are what tables of main.cf are opened with. They share the connections to databases.
func (s *Server) tableOptions() *lookup.Options {
	return &lookup.Options{Warn: s.warnOfTable, Databases: s.databases, Directories: s.directories}
}

// contentChecks are the tables of patterns that one reading of main.cf names.
type contentChecks struct {
	in, out *checks.Checker // header_checks and its like; smtp_header_checks and its like
	tables  []interface{ Close() error }
}

func (c *contentChecks) close() {
	for _, t := range c.tables {
		_ = t.Close()
	}
}

// opening is a table of checks.
type opening struct {
	param, list string
	into        *checks.Table
}

// openContent opens header_checks, body_checks and their like.
func (s *Server) openContent(cfg *config.Config) (*contentChecks, error) {
	c := &cfg.Settings.Checks
	in := &checks.Checker{BodyLimit: c.BodySize, HeaderLimit: int(c.HeaderSize)}
	out := &checks.Checker{BodyLimit: c.BodySize, HeaderLimit: int(c.HeaderSize), Outgoing: true, Name: "smtp_"}
	all := &contentChecks{in: in, out: out}
	for _, t := range []opening{
		{"header_checks", c.Header, &in.Header}, {"mime_header_checks", c.MIMEHeader, &in.MIME},
		{"nested_header_checks", c.NestedHeader, &in.Nested}, {"body_checks", c.Body, &in.Body},
		{"smtp_header_checks", c.Out.Header, &out.Header}, {"smtp_mime_header_checks", c.Out.MIMEHeader, &out.MIME},
		{"smtp_nested_header_checks", c.Out.NestedHeader, &out.Nested}, {"smtp_body_checks", c.Out.Body, &out.Body},
	} {
		if t.list == "" {
			continue
		}
		l, err := lookup.OpenList(context.Background(), t.list, s.tableOptions())
		if err != nil {
			all.close()
			return nil, cfg.ErrorFor(t.param, err)
		}
		*t.into = l
		all.tables = append(all.tables, l)
	}
	return all, nil
}

// openChecks opens the server's first tables of patterns.
func (s *Server) openChecks() error {
	c, err := s.openContent(s.cfg)
	if err != nil {
		return err
	}
	s.content.Store(c)
	s.onClose(func() { s.content.Load().close() })
	return nil
}

// replaceChecks lets other tables count for the messages that begin from now on. The old ones stay open for those that are being read.
func (s *Server) replaceChecks(c *contentChecks) {
	old := s.content.Swap(c)
	time.AfterFunc(time.Minute, old.close)
}

// checksIn are the tables for a message that comes in now.
func (s *Server) checksIn() *checks.Checker { return s.content.Load().in }
