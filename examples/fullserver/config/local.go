package config

import (
	"net"
	"slices"
	"strings"
)

// ForPrograms is where programs of this machine hand in their mail: the first of smtp_listen, or where master.cf says where SMTP is listened for, a service for
// other servers there. One that has main.cf's content filters goes first: a service with others is for strangers' mail, or for what comes back.
func (c *Config) ForPrograms() (Address, bool) {
	if len(c.Settings.SMTPListen) > 0 {
		return c.Settings.SMTPListen[0], true
	}
	var first Address
	for _, svc := range c.master {
		if c.Disabled(svc) || svc.Type != "inet" || svc.Command != "smtpd" && svc.Command != "postscreen" || slices.Contains([]string{"submission", "587", "smtps", "submissions", "465"}, svc.Name[strings.LastIndexByte(svc.Name, ':')+1:]) {
			continue
		}
		own, err := c.For(svc)
		if err != nil || own.Settings.Receiving.TLSFirst || own.Settings.Front.Proxy != "" {
			continue
		}
		name := svc.Name
		if !strings.Contains(name, ":") {
			host := "127.0.0.1"
			if all := own.Settings.Addresses.InetInterfaces; len(all) > 0 && all[0] != "all" && all[0] != "loopback-only" {
				host = strings.Trim(all[0], "[]")
			}
			name = net.JoinHostPort(host, name)
		}
		a, err := ParseAddress(name)
		if err != nil {
			continue
		}
		f, main := &own.Settings.Filters, &c.Settings.Filters
		if f.Content == main.Content && f.Proxy == main.Proxy {
			return a, true
		}
		if first.Network == "" {
			first = a
		}
	}
	return first, first.Network != ""
}
