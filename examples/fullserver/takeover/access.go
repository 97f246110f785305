package takeover

import (
	"slices"
	"strings"

	"github.com/buuta/mail/pop3"
)

// known are the mechanisms that auth_mechanisms may name.
var known = []string{"plain", "login", "cram-md5", "apop", "scram-sha-1", "scram-sha-256", "external", "oauthbearer", "xoauth2"}

func (t *translation) mechanisms(s setting) {
	var keep, drop []string
	for m := range strings.FieldsSeq(strings.ToLower(s.value)) {
		ok := false
		for _, k := range known {
			ok = ok || m == k
		}
		if ok {
			keep = append(keep, m)
		} else {
			drop = append(drop, m)
		}
	}
	switch {
	case len(keep) == 0:
		t.find(Blocks, s, "offer plain over TLS, too", "none of these mechanisms is here")
		return
	case len(drop) > 0:
		t.find(Differs, s, "", "without %s", strings.Join(drop, ", "))
	}
	t.put(s, s.name, strings.Join(keep, " "))
}

// realm is the domain of users who have none in their names.
func (t *translation) realm(s setting) {
	switch {
	case s.value == "":
		t.same(s, "users without a domain are those of $mydomain")
	case t.mydomain == "" || strings.EqualFold(s.value, t.mydomain):
		t.same(s, "users without a domain are those of $mydomain")
	default:
		t.find(Blocks, s, "set mydomain = "+s.value+" in main.cf, or write the users' names with their domain", "users without a domain are those of $mydomain, which is %s", t.mydomain)
	}
}

func (t *translation) uidl(s setting) {
	v := uidl24(s.value)
	if pop3.CheckUIDLFormat(v) != nil {
		t.find(Blocks, s, "set pop3_save_uidl = yes, have each user log in to Dovecot by POP3 once, then take this setting out", "unique-ids can't be made like this: POP3 clients would fetch all again")
		return
	}
	t.put(s, s.name, dollars(v))
}

// uidl24 writes the variables of 2.4 as 2.3 has them. One that isn't known stays.
func uidl24(s string) string {
	if !strings.Contains(s, "%{") {
		return s
	}
	s = strings.ReplaceAll(s, " ", "")
	for from, to := range map[string]string{"%{uid|hex(8)}": "%08Xu", "%{uidvalidity|hex(8)}": "%08Xv", "%{uid}": "%u", "%{uidvalidity}": "%v", "%{guid}": "%g", "%{filename}": "%f"} {
		s = strings.ReplaceAll(s, from, to)
	}
	return s
}

func (t *translation) ssl(s setting) {
	switch s.value {
	case "no":
		t.find(Translated, s, "", "nobody listens for IMAP and POP3 over TLS from the start; STARTTLS is offered all the same")
	case "required":
		t.param("disable_plaintext_auth", "yes")
		t.find(Translated, s, "", "disable_plaintext_auth = yes; who connects from this machine itself may do without TLS")
	default:
		t.same(s, "TLS is offered")
	}
}

// certificate takes note of Dovecot's; what Postfix has says whether it is used.
func (t *translation) certificate(s setting) {
	file := func(v string) string { return strings.TrimPrefix(v, "<") }
	key := t.value("ssl_key")
	if file(key) == "" {
		for _, k := range t.model.settings {
			if k.name == "ssl_key" && k.hidden {
				t.find(Blocks, s, "make the file with doveconf -N -P", "the name of the key's file is hidden")
				return
			}
		}
		key = s.value // both in one file
	}
	t.cert = [2]string{file(s.value), file(key)}
	t.find(Translated, s, "", "key in %s", t.cert[1])
}

// plugins are those that are loaded. What they are told is in plugin { }, or in settings.
func (t *translation) plugins(s setting) {
	for name := range strings.FieldsSeq(s.value) {
		one := s
		one.said = "mail_plugins: " + name
		switch name {
		case "quota", "imap_quota", "acl", "imap_acl", "zlib", "imap_zlib", "mail_compress", "listescape", "fts", "fts_solr", "fts_flatcurve", "fts_lucene", "fts_squat", "mail_lua":
			t.same(one, "is built in, as far as it has settings of its own below")
		case "sieve":
			t.find(Differs, one, "keep the scripts; tell users whose mail is filed or answered by one", "Sieve scripts aren't run; mail goes to INBOX, or to Junk")
		case "mail_crypt":
			t.find(Blocks, one, "decrypt them with Dovecot first", "messages are encrypted by Dovecot and can't be read")
		case "virtual":
			t.find(Differs, one, "", "there are no virtual mailboxes; what they show is where it is")
		default:
			t.find(Differs, one, "", "this plugin isn't here")
		}
	}
	if strings.TrimSpace(s.value) == "" {
		t.same(s, "no plugins")
	}
}

// plugin is one of the settings in plugin { }.
func (t *translation) plugin(s setting) {
	if s.protocol == "" && !strings.Contains(s.said, "/") {
		s.said = "plugin: " + s.said
	}
	switch {
	case s.name == "quota":
		t.same(s, "what an account uses is counted in maildirsize")
	case s.name == "quota_rule":
		v := strings.ReplaceAll(s.value, "%%", "%")
		if mailbox, _, _ := strings.Cut(v, ":"); mailbox != "*" || strings.Contains(v, "%") || strings.Contains(v, "ignore") {
			t.find(Differs, s, "set quota_rule, for one user userdb_quota_rule", "limits are for whole accounts")
			return
		}
		t.put(s, "quota_rule", dollars(strings.ReplaceAll(v, " ", "")))
	case strings.HasPrefix(s.name, "quota_rule"):
		t.find(Differs, s, "", "limits are for whole accounts: no mailbox has one of its own, or is left out")
	case s.name == "quota_grace" || s.name == "quota_max_mail_size" || strings.HasPrefix(s.name, "quota_vsizes"):
		t.find(Differs, s, "", "a message that doesn't fit is refused; message_size_limit bounds one")
	case s.name == "quota_status_success" || s.name == "quota_status_nouser" || s.name == "quota_status_overquota" || s.name == "quota_status_toolarge":
		t.same(s, "a full mailbox is refused when it is named")
	case strings.HasPrefix(s.name, "quota"):
		t.find(Differs, s, "", "has no counterpart")
	case s.name == "acl" && (s.value == "vfile" || s.value == ""):
		t.same(s, "access lists are read from dovecot-acl files")
	case s.name == "acl":
		t.find(Differs, s, "write the rights into the mailboxes' own lists: doveadm acl set", "rights in a file for all mailboxes aren't read")
	case s.name == "acl_shared_dict":
		t.find(Differs, s, "share a mailbox again to have it listed, or copy the file", "who has shared mailboxes with whom is in shared-mailboxes in data_directory")
	case s.name == "zlib_save":
		switch s.value {
		case "gz", "zstd", "":
			t.put(s, "zlib_save", s.value)
		case "bz2":
			t.find(Differs, s, "set zlib_save = zstd", "what is compressed so is read; new messages are saved as they are")
		default:
			t.find(Blocks, s, "have Dovecot write the messages again with zlib_save = gz", "messages that are compressed so can't be read")
		}
	case s.name == "zlib_save_level":
		if n, err := atoi(s.value); err == nil && n <= 22 && t.value("zlib_save")+pluginValue(t.model.plugin, "zlib_save") != "" {
			t.put(s, s.name, s.value)
		} else {
			t.same(s, "nothing is compressed")
		}
	case strings.HasPrefix(s.name, "mail_crypt") || strings.HasPrefix(s.name, "fs_crypt"):
		t.find(Blocks, s, "decrypt them with Dovecot first", "messages are encrypted by Dovecot and can't be read")
	default:
		for i := range rules {
			if r := &rules[i]; r.fits(s.name) && r.text != "" {
				t.find(r.kind, s, r.do, "%s", r.text)
				return
			}
		}
		t.find(Differs, s, "look whether you need it", "this plugin isn't here")
	}
}

// limit24 is a limit of 2.4's, which has them one by one.
func (t *translation) limit24(s setting) {
	value := strings.ReplaceAll(s.value, " ", "")
	if value == "unlimited" || strings.Contains(value, "%") {
		t.same(s, "any amount")
		return
	}
	what := "messages="
	if s.name == "quota_storage_size" {
		what = "storage="
		if _, err := atoi(value); err == nil {
			what = "bytes=" // which 2.4 means where 2.3 means KiB
		}
	}
	parts := []string{"*"}
	for _, p := range t.set {
		if p.Name == "quota_rule" {
			parts = strings.Split(p.Value, ":")
		}
	}
	parts = slices.DeleteFunc(parts, func(p string) bool {
		return strings.HasPrefix(p, what) || what != "messages=" && (strings.HasPrefix(p, "storage=") || strings.HasPrefix(p, "bytes="))
	})
	t.put(s, "quota_rule", strings.Join(append(parts, what+dollars(value)), ":"))
}

func pluginValue(list []setting, name string) string {
	for _, s := range list {
		if s.name == name {
			return s.value
		}
	}
	return ""
}
