package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp/mx"
)

const dnsUsage = "usage: dns [-zone] [-l en|vi] [-ip address]... [-server host:port] [domain...]"

// addresses collects -ip.
type addresses []netip.Addr

func (a *addresses) String() string { return fmt.Sprint(*a) }
func (a *addresses) Set(s string) error {
	ip, err := netip.ParseAddr(s)
	*a = append(*a, ip)
	return err
}

// dnsCommand compares what the DNS says of the domains of a main.cf with what it should say, or prints what to publish. It returns 1 when something that matters
// isn't right.
func dnsCommand(file string, over overrides, args []string, stdout, stderr io.Writer) int {
	var ips addresses
	set := flag.NewFlagSet("dns", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	zone := set.Bool("zone", false, "")
	ask := set.String("server", "", "")
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	language := set.String("l", map[bool]string{true: "vi", false: "en"}[strings.HasPrefix(locale, "vi")], "")
	set.Var(&ips, "ip", "")
	if err := set.Parse(args); err != nil || !dnsplan.Languages(*language) {
		fmt.Fprintln(stderr, dnsUsage)
		return 2
	}
	if file == "" && len(over) == 0 {
		file = findConfig()
	}
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		fmt.Fprintf(stderr, "dns: %v\n", err)
		return 2
	}
	site, err := siteOf(c, set.Args())
	if err != nil {
		fmt.Fprintf(stderr, "dns: %v\n", err)
		return 2
	}
	site.Addrs = ips
	r := &net.Resolver{}
	if *ask != "" {
		r = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, *ask)
		}}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := site.Fill(ctx, r); err != nil {
		fmt.Fprintf(stderr, "dns: warning: the addresses of %s: %v\n", site.Hostname, err)
	}
	if *zone {
		site.Zone(stdout, *language)
		return 0
	}
	if site.Report(ctx, r, stdout, *language) > 0 {
		return 1
	}
	return 0
}

// siteOf is what a configuration says of its site; domains are those asked for, or else all that main.cf writes out.
func siteOf(c *config.Config, domains []string) (*dnsplan.Site, error) {
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
	services, https := server.Programs(c)
	for _, v := range services {
		site.Services = append(site.Services, dnsplan.Service{Name: v.Name(), Port: v.Port})
	}
	if len(https) > 0 {
		site.Autodiscover, site.Autoconfig = https[0], slices.Contains(https, 443)
	}
	site.Autoconfig = site.Autoconfig || s.Autoconfig && slices.ContainsFunc(append(slices.Clone(s.HTTPListen), s.WebmailListen...), func(a config.Address) bool { return strings.HasSuffix(a.Address, ":80") })
	if len(s.STS.Domains) > 0 {
		p, err := server.STSPolicy(s)
		if err != nil {
			return nil, c.ErrorFor("mta_sts_mx", err)
		}
		site.STS, site.STSFor = mx.STSRecord(p.NewID()), s.STS.Domains
	}
	site.TLSReport = strings.Join(s.STS.ReportTo, ",")
	return site, nil
}
