package server

import (
	"context"

	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// tableOptions are what tables of main.cf are opened with. They share the connections to databases.
func (s *Server) tableOptions() *lookup.Options {
	return &lookup.Options{Warn: s.warnOfTable, Databases: s.databases, Directories: s.directories}
}

// opening is a table of checks.
type opening struct {
	param, list string
	into        *checks.Table
}

// openChecks opens header_checks, body_checks and their like.
func (s *Server) openChecks() error {
	c := &s.set.Checks
	s.checks = &checks.Checker{BodyLimit: c.BodySize, HeaderLimit: int(c.HeaderSize)}
	s.checksOut = &checks.Checker{BodyLimit: c.BodySize, HeaderLimit: int(c.HeaderSize), Outgoing: true, Name: "smtp_"}
	for _, t := range []opening{
		{"header_checks", c.Header, &s.checks.Header}, {"mime_header_checks", c.MIMEHeader, &s.checks.MIME},
		{"nested_header_checks", c.NestedHeader, &s.checks.Nested}, {"body_checks", c.Body, &s.checks.Body},
		{"smtp_header_checks", c.Out.Header, &s.checksOut.Header}, {"smtp_mime_header_checks", c.Out.MIMEHeader, &s.checksOut.MIME},
		{"smtp_nested_header_checks", c.Out.NestedHeader, &s.checksOut.Nested}, {"smtp_body_checks", c.Out.Body, &s.checksOut.Body},
	} {
		if t.list == "" {
			continue
		}
		l, err := lookup.OpenList(context.Background(), t.list, s.tableOptions())
		if err != nil {
			return s.cfg.ErrorFor(t.param, err)
		}
		*t.into = l
		s.onClose(func() { _ = l.Close() })
	}
	return nil
}
