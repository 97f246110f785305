package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mx"
)

// DNSSite is what a configuration says of its site, for the DNS; domains are those asked for, or else all that main.cf writes out.
func DNSSite(c *config.Config, domains []string) (*dnsplan.Site, error) {
	s := &c.Settings
	site := &dnsplan.Site{Hostname: s.MyHostname, Domains: domains}
	if len(domains) == 0 {
		for _, list := range []string{s.Addresses.MyDestination, s.Addresses.VirtualMailboxDomains, s.Addresses.VirtualAliasDomains} {
			for _, d := range config.Members(list) {
				if !strings.ContainsAny(d, ":/![") && strings.Contains(d, ".") && !strings.HasPrefix(d, "localhost") && !strings.EqualFold(d, s.MyHostname) && !slices.Contains(site.Domains, d) {
					site.Domains = append(site.Domains, d)
				}
			}
		}
	}
	if len(site.Domains) == 0 {
		return nil, fmt.Errorf("main.cf writes no domain out: name those that you mean")
	}
	if s.DKIMKeyTable != "" {
		keys, err := mailcheck.OpenKeys(s.DKIMKeyTable)
		if err != nil {
			return nil, c.ErrorFor("dkim_key_table", err)
		}
		for _, k := range keys.Public() {
			site.Keys = append(site.Keys, dnsplan.Key{Domain: k.Domain, Selector: k.Selector, Public: k.Public})
		}
	}
	services, https := Programs(c)
	for _, v := range services {
		site.Services = append(site.Services, dnsplan.Service{Name: v.Name(), Port: v.Port})
	}
	if len(https) > 0 {
		site.Autodiscover, site.Autoconfig = https[0], slices.Contains(https, 443)
	}
	site.Autoconfig = site.Autoconfig || s.Autoconfig && slices.ContainsFunc(slices.Concat(s.HTTPListen, s.WebmailListen), func(a config.Address) bool { return strings.HasSuffix(a.Address, ":80") })
	if len(s.STS.Domains) > 0 {
		p, err := STSPolicy(s)
		if err != nil {
			return nil, c.ErrorFor("mta_sts_mx", err)
		}
		site.STS, site.STSFor = mx.STSRecord(p.NewID()), s.STS.Domains
	}
	site.TLSReport = strings.Join(s.STS.ReportTo, ",")
	return site, nil
}
