package takeover

import (
	"slices"
	"strings"
)

// elsewhere are fields that put a user's mailboxes where mail_location doesn't say.
var elsewhere = []string{"mail", "mail_driver", "mail_path", "mail_inbox_path", "mail_control_path", "mailbox_list_layout"}

// fields are default_fields and override_fields. What an entry of a directory says of one user is in the file that is made of the source.
func (t *translation) fields(d *database, kind string) {
	ldap := t.v24 && d.args == "" && d.driver == "ldap"
	for _, s := range d.fields {
		name, _, _ := strings.Cut(s.name, ":") // 2.4's "home:default"
		each := ldap && strings.Contains(s.value, "%{ldap")
		switch {
		case kind == "userdb" && name == "home":
			t.homes = append(t.homes, s.value)
			t.find(Translated, s, "", "is part of mail_location, where that begins with a home")
		case kind == "userdb" && (name == "uid" || name == "gid") && !each:
			s.name = "mail_" + name
			t.owner(s)
		case each && slices.Contains(ldapUsed[kind], name), ldap && kind == "passdb" && slices.Contains(ldapUsed[kind], name):
			t.find(Translated, s, "", "is in the file")
		case kind == "userdb" && name == "quota_rule":
			t.put(s, "quota_rule", dollars(s.value))
		case kind == "userdb" && (name == "quota_storage_size" || name == "quota_message_count"):
			s.name = name
			t.limit24(s)
		case kind == "userdb" && slices.Contains(elsewhere, name):
			s.param = "mail_location"
			t.find(Blocks, s, "write it as mail_location, outside of userdb", "where mailboxes are is said once")
		case kind == "passdb" && (strings.HasPrefix(name, "userdb_") || name == "user" || name == "nodelay"):
			t.find(Differs, s, "", "isn't used")
		case ldap && kind == "passdb" && !slices.Contains(barring, name):
			t.find(Differs, s, "", "isn't used")
		case kind == "passdb":
			t.find(Blocks, s, "write it at the users", "a field for all who log in, such as allow_nets or proxy, isn't here: it may keep somebody out")
		case each && (name == "uid" || name == "gid"):
			t.find(Differs, s, "", "isn't used: all mail belongs to mail_owner")
		default:
			t.find(Differs, s, "", "isn't used")
		}
	}
}

// barring are fields that say where else a user has his mail.
var barring = []string{"proxy", "proxy_maybe", "proxy_always", "host", "destuser"}
