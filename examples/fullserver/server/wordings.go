package server

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/smtp"
)

// wordings changes what clients say and are told: smtpd_command_filter, smtpd_reject_footer and smtpd_reject_footer_maps.
func (s *Server) wordings(d *door, srv *smtp.Server) error {
	f := &d.set.Front
	filter, err := s.wordingTable("smtpd_command_filter", f.CommandFilter)
	if err != nil {
		return err
	}
	footers, err := s.wordingTable("smtpd_reject_footer_maps", f.FooterMaps)
	if err != nil {
		return err
	}
	if filter != nil {
		srv.Rewrite = func(c *smtp.Conn, line string) string {
			line = strings.TrimLeft(line, " \t")
			for _, t := range filter.Tables() { // one by one: a list doesn't ask for an empty line
				v, found, err := t.Find(context.Background(), line)
				if err != nil {
					s.log.Print(d.program, "warning: smtpd_command_filter: ", err.Error())
					return line
				}
				if found && v != "" {
					s.log.Print(d.program, client(c), ": replacing command \"", line, "\" with \"", v, "\"")
					return v
				}
			}
			return line
		}
	}
	if footers == nil && f.Footer == "" {
		return nil
	}
	srv.Refusal = func(c *smtp.Conn, r *mail.Reply) *mail.Reply {
		footer := f.Footer
		if footers != nil {
			if v, found, err := footers.Find(context.Background(), r.String()); err != nil {
				s.log.Print(d.program, "warning: smtpd_reject_footer_maps: ", err.Error())
			} else if found {
				footer = v
			}
		}
		if footer == "" {
			return r
		}
		out := *r
		out.Text += footerText(footer, c, srv.Hostname, s.now())
		return &out
	}
	return nil
}

func (s *Server) wordingTable(param, list string) (*lookup.List, error) {
	if list == "" {
		return nil, nil
	}
	l, err := lookup.OpenList(context.Background(), list, s.tableOptions())
	if err != nil {
		return nil, s.cfg.ErrorFor(param, err)
	}
	s.onClose(func() { _ = l.Close() })
	return l, nil
}

// footerText is a footer as it stands behind a reply's text.
func footerText(footer string, c *smtp.Conn, host string, now time.Time) string {
	port := ""
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		port = strconv.Itoa(a.Port)
	}
	footer, same := strings.CutPrefix(footer, `\c`)
	var pairs []string
	for name, value := range map[string]string{"client_address": c.RemoteIP(), "client_port": port, "localtime": now.Format("Jan _2 15:04:05"), "server_name": host} {
		pairs = append(pairs, "$"+name, value, "${"+name+"}", value, "$("+name+")", value)
	}
	text := strings.NewReplacer(append(pairs, `\n`, "\n")...).Replace(footer)
	if same {
		return text
	}
	return "\n" + text
}
