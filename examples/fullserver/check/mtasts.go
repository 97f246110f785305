package check

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp/mx"
)

// textResolver is a Resolver that TXT records can be asked of, as *net.Resolver is.
type textResolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// mtaSTS compares the policies that are served with the DNS.
func (k *checker) mtaSTS(ctx context.Context) {
	r, ok := k.Resolver.(textResolver)
	if !ok || len(k.s.STS.Domains) == 0 {
		return
	}
	p, err := server.STSPolicy(k.s)
	if err != nil {
		k.fail(k.c.ErrorFor("mta_sts_mx", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, d := range k.s.STS.Domains {
		records, err := r.LookupTXT(ctx, "_mta-sts."+d)
		id, ok := mx.ParseSTSRecord(records)
		switch {
		case err != nil && !gone(err):
			k.warn(k.at("mta_sts_domains", "the DNS can't be asked for _mta-sts.%s: %v", d, err))
			continue
		case !ok:
			k.warn(k.at("mta_sts_domains", "senders can't know of the policy: add _mta-sts.%s. TXT %q", d, mx.STSRecord(p.NewID())))
		case id != p.NewID():
			k.warn(k.at("mta_sts_domains", "senders can't know that the policy has changed: make it _mta-sts.%s. TXT %q", d, mx.STSRecord(p.NewID())))
		}
		if _, err := k.Resolver.LookupNetIP(ctx, "ip", "mta-sts."+d); gone(err) {
			k.fail(k.at("mta_sts_domains", "the DNS has no address for mta-sts.%s, where senders look for the policy: add mta-sts.%s. CNAME %s.", d, d, k.s.MyHostname))
		}
		if list, err := k.Resolver.LookupMX(ctx, d); err == nil && p.Mode != mx.STSNone {
			if i := slices.IndexFunc(list, func(m *net.MX) bool { return !p.Match(m.Host) }); i >= 0 {
				k.fail(k.at("mta_sts_mx", "%s has the MX %s, which the policy doesn't name: senders won't deliver to it", d, strings.TrimSuffix(list[i].Host, ".")))
			}
		}
	}
}
