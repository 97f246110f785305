package check

import (
	"context"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/quota"
)

// maxQuotas is how many findings about one table are enough to see what is wrong.
const maxQuotas = 20

// quotas looks whether limits can be read, which domains have more mailboxes than they may, and whether the users of a domain can be listed at all.
func (k *checker) quotas(ctx context.Context) {
	k.rules(ctx, "quota_rule_maps", k.s.QuotaRuleMaps, func(_, rule string) error {
		_, err := quota.Parse(rule)
		return err
	})
	domains := k.s.DomainQuotaRule != "" || k.s.DomainQuotaRuleMaps != ""
	if k.users == nil || !domains {
		return
	}
	param := "domain_quota_rule"
	if k.c.Given("domain_quota_rule_maps") {
		param = "domain_quota_rule_maps"
	}
	if _, err := k.users.InDomain(ctx, k.s.MyDomain); err != nil {
		k.warn(k.at(param, "the users of a domain can't be listed (%v): those who get mail or read theirs count, and no others; iterate_query in dovecot-sql.conf.ext, or iterate_attrs in dovecot-ldap.conf.ext, lists them", err))
		return
	}
	k.rules(ctx, "domain_quota_rule_maps", k.s.DomainQuotaRuleMaps, func(domain, rule string) error {
		r, err := quota.ParseDomain(rule)
		if err != nil || r.Mailboxes == 0 {
			return err
		}
		if names, err := k.users.InDomain(ctx, domain); err == nil && int64(len(names)) > r.Mailboxes {
			return fmt.Errorf("it has %d mailboxes and may have %d", len(names), r.Mailboxes)
		}
		return nil
	})
}

// rules goes through the lines of tables that can be listed.
func (k *checker) rules(ctx context.Context, param, list string, wrong func(key, rule string) error) {
	if list == "" {
		return
	}
	l, err := lookup.OpenList(ctx, list, &lookup.Options{Databases: &k.databases, Directories: &k.directories})
	if err != nil {
		return // which has been told
	}
	defer l.Close()
	said := 0
	for _, t := range l.Tables() {
		s, ok := t.(lookup.Sequencer)
		if !ok {
			continue
		}
		for e, err := range s.All(ctx) {
			if err != nil || said == maxQuotas {
				break // a table of patterns, or one that a server has
			}
			if err := wrong(e.Key, e.Value); err != nil {
				said++
				k.fail(k.at(param, "%s: %v", e.Key, err))
			}
		}
	}
}
