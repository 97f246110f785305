package admin

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/config"
)

// texts are the types of tables whose files can be changed.
var texts = []string{"hash", "lmdb", "btree", "texthash", "cdb", "dbm", "sdbm"}

// SetFiles names the files of a main.cf that can be changed: of each list of tables the first one, of passdb the first password file.
func (s *Site) SetFiles(set *config.Settings) {
	s.MyDomain = set.MyDomain
	s.Aliases, s.Domains = fileOf(set.Addresses.VirtualAliasMaps), fileOf(set.Addresses.VirtualMailboxDomains)
	for _, d := range config.Members(set.Addresses.VirtualMailboxDomains) {
		if !strings.ContainsAny(d, ":/![") && strings.Contains(d, ".") {
			s.Named = append(s.Named, strings.ToLower(d))
		}
	}
	s.DomainQuotas, s.AdminFile = fileOf(set.DomainQuotaRuleMaps), fileOf(set.DomainAdminMaps)
	a := &set.Accounts
	if a.Passdb == "" && a.Userdb == "" {
		s.Users = set.PasswdFile
		return
	}
	for _, word := range strings.FieldsFunc(accounts.Or(a.Passdb, set.PasswdFile), func(r rune) bool { return strings.ContainsRune("{}, \t\r\n", r) }) {
		if file, ok := strings.CutPrefix(word, "passwd-file:"); ok && s.Users == "" {
			s.Users = file
		}
	}
}

// fileOf is the first file of a list of tables that can be changed; "" for none.
func fileOf(list string) string {
	for _, member := range config.Members(list) {
		kind, name, ok := strings.Cut(strings.TrimPrefix(member, "proxy:"), ":")
		if ok && slices.Contains(texts, kind) && filepath.IsAbs(name) {
			return name
		}
	}
	return ""
}
