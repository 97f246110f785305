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
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/server"
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
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		fmt.Fprintf(stderr, "dns: %v\n", err)
		return 2
	}
	site, err := server.DNSSite(c, set.Args())
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
