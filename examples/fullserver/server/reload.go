package server

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/restrict"
)

// reloadable are parameters that count at once when main.cf is read again, beside those about addresses.
var reloadable = strings.Fields(`mydestination mydomain myorigin mynetworks mynetworks_style postmaster_address relayhost virtual_mailbox_domains
	alias_maps local_recipient_maps smtpd_client_restrictions smtpd_helo_restrictions smtpd_sender_restrictions
	smtpd_relay_restrictions smtpd_recipient_restrictions smtpd_data_restrictions smtpd_end_of_data_restrictions smtpd_etrn_restrictions smtpd_restriction_classes
	relay_clientcerts smtpd_banner smtpd_timeout smtpd_recipient_limit disable_vrfy_command smtpd_helo_required strict_rfc821_envelopes smtpd_forbid_bare_newline
	smtpd_tls_auth_only smtpd_sender_login_maps default_rbl_reply rbl_reply_maps header_checks mime_header_checks nested_header_checks body_checks
	smtp_header_checks smtp_mime_header_checks smtp_nested_header_checks smtp_body_checks body_checks_size_limit`)

// doorGroups are groups of parameters that new sessions have at once.
var doorGroups = []string{"How much a client may do", "Milters: rspamd, OpenDKIM and others", "Content filters", "Content filters in front of the queue", "Before SMTP: postscreen"}

// policyOptions are what the policy of a main.cf gets beside it.
func (s *Server) policyOptions(c *config.Config) policy.Options {
	return policy.Options{Users: s.users, Own: ownAddress, Warn: s.warnOfTable, Tables: *s.tableOptions(), Parameter: c.Value, Transports: c.Transports(), Verify: s.verify,
		Restricted: func(v *restrict.Visit, text string) { s.log.Print(c.Settings.SyslogName+"/smtpd", v.Log(text)) }}
}

// reloadConfig reads main.cf again. What it says of addresses, where they lead and who may send counts from now on, for sessions that there are too;
// for the rest the log says that it counts after a restart. A main.cf that is wrong changes nothing.
func (s *Server) reloadConfig() {
	if s.opts.Config == nil {
		return
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	warn := func(err error) { s.log.Print("postfix/master", "warning: ", err.Error()) }
	c, err := s.opts.Config()
	if err != nil {
		warn(err)
		return
	}
	for _, w := range c.Warnings() {
		warn(w)
	}
	p, err := policy.Open(context.Background(), &c.Settings, s.policyOptions(c))
	if err != nil {
		warn(err)
		return
	}
	for _, n := range p.Notes() {
		s.log.Print("postfix/smtpd", "warning: ", n)
	}
	for _, row := range config.Groups() {
		before, _ := s.cfg.Value(row.Name)
		if now, _ := c.Value(row.Name); now != before && !countsAtOnce(row) {
			s.log.Print("postfix/master", "warning: ", row.Name, " has changed: it counts after a restart")
		}
	}
	content, err := s.openContent(c)
	if err == nil {
		if err = s.reloadDoors(c, p); err != nil {
			content.close()
		}
	}
	if err != nil {
		_ = p.Close()
		warn(err)
		return
	}
	s.policy.Replace(p)
	s.replaceChecks(content)
	if err := s.renew(c); err != nil {
		warn(err)
	}
	s.tellCircles(context.Background())
}

func countsAtOnce(row config.Param) bool {
	return row.Inert != "" || strings.HasPrefix(row.Group, "Addresses: ") && row.Name != "always_bcc" && row.Name != "smtp_generic_maps" && row.Name != "inet_protocols" ||
		slices.Contains(reloadable, row.Name) || slices.Contains(doorGroups, row.Group) && !strings.HasPrefix(row.Name, "anvil_") && !slices.Contains([]string{"receive_override_options", "postscreen_enable", "postscreen_cache_retention_time"}, row.Name)
}
