package config

import (
	"slices"
	"strings"
	"time"
)

// Filters are content filters.
type Filters struct {
	Content   string   // content_filter
	Nexthop   string   // default_filter_nexthop
	Overrides []string // receive_override_options

	Proxy        string        // smtpd_proxy_filter
	ProxyName    string        // smtpd_proxy_ehlo
	ProxyTimeout time.Duration // smtpd_proxy_timeout
	ProxyOptions []string      // smtpd_proxy_options
}

// Without reports whether receive_override_options leaves something out.
func (f *Filters) Without(option string) bool { return slices.Contains(f.Overrides, option) }

// checkMilters finds milters that nobody would ask.
func (c *Config) checkMilters() error {
	m := &c.Settings.Milters
	if m.Others == "" || slices.Equal(Members(m.Others), Members(m.SMTPD)) {
		return nil
	}
	return c.errorf("non_smtpd_milters", "mail that programs of this machine send comes by SMTP here, and smtpd_milters see it: write non_smtpd_milters = $smtpd_milters, or leave it empty")
}

// checkFilter finds a content_filter whose transport isn't there: all mail would wait for it.
func (c *Config) checkFilter() error {
	name, _, _ := strings.Cut(c.Settings.Filters.Content, ":")
	if all := c.Transports(); c.Settings.Filters.Content != "" && !slices.Contains(all, name) {
		return c.errorf("content_filter", "there is no transport %s: there are %s", quote(name), strings.Join(all, ", "))
	}
	return nil
}
