package takeover

import (
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

func atoi(s string) (int, error) { return strconv.Atoi(strings.TrimSpace(s)) }

// owner takes note of whom the mail belongs to.
func (t *translation) owner(s setting) {
	if s.name == "mail_uid" && s.value != "" {
		t.uid = s.value
	}
	t.same(s, "mail_owner is who has the mailboxes on the disk")
}

// location24 puts 2.4's settings of where mail is together.
func (t *translation) location24() {
	parts := map[string]string{"mail_driver": "", "mail_path": "", "mail_inbox_path": ":INBOX=", "mail_index_path": ":INDEX=", "mail_index_private_path": ":INDEXPVT=", "mail_control_path": ":CONTROL=",
		"mail_volatile_path": ":VOLATILEDIR=", "mailbox_list_layout": ":LAYOUT=", "mailbox_list_utf8": ":UTF-8", "mail_alt_path": ":ALT=", "mailbox_directory_name": ":DIRNAME=", "mailbox_subscriptions_filename": ":SUBSCRIPTIONS="}
	value := map[string]setting{}
	rest := t.model.settings[:0]
	for _, s := range t.model.settings {
		if _, is := parts[s.name]; is && s.protocol == "" {
			value[s.name] = s
			t.find(Translated, s, "", "is part of mail_location")
			continue
		}
		rest = append(rest, s)
	}
	t.model.settings = rest
	if len(value) == 0 {
		return
	}
	if _, ok := value["mailbox_list_layout"]; !ok && !t.asked && value["mail_driver"].value == "maildir" {
		t.find(Differs, value["mail_driver"], "make the file with doveconf -N -P, if that wasn't done", "mailboxes are taken for folders with a dot in front, .Sent: doveconf -n of 2.4 doesn't print mailbox_list_layout = fs")
	}
	all := setting{name: "mail_location", value: value["mail_driver"].value + ":" + value["mail_path"].value, line: value["mail_path"].line}
	all.said = strings.TrimPrefix(value["mail_driver"].said+", "+value["mail_path"].said, ", ")
	for _, name := range []string{"mail_inbox_path", "mail_index_path", "mail_index_private_path", "mail_control_path", "mail_volatile_path", "mailbox_list_layout", "mailbox_list_utf8", "mail_alt_path", "mailbox_directory_name", "mailbox_subscriptions_filename"} {
		s, ok := value[name]
		if !ok || s.value == "" || name == "mailbox_list_utf8" && s.value != "yes" {
			continue
		}
		all.said += ", " + s.said
		all.value += parts[name]
		if name != "mailbox_list_utf8" {
			all.value += s.value
		}
	}
	t.model.settings = append(t.model.settings, all)
}

// location is where the mailboxes are. It comes after the users, who may have homes.
func (t *translation) location() {
	var s setting
	for _, x := range t.model.settings {
		if x.name == "mail_home" {
			t.find(Translated, x, "", "is part of mail_location, where that begins with a home")
		}
		if x.name == "mail_location" {
			if x.protocol != "" {
				t.find(Blocks, x, "keep one mail_location for all protocols", "all protocols see the same mailboxes")
				continue
			}
			if s.said != "" {
				t.same(s, "the last one holds")
			}
			s = x
		}
	}
	driver, rest, _ := strings.Cut(s.value, ":")
	so := func(path string) string { // as this Dovecot has it
		if t.v24 {
			return "set mail_driver = maildir and mail_path = " + path
		}
		return "set mail_location = maildir:" + path
	}
	switch {
	case s.value == "":
		if s.said == "" {
			s.said = "mail_location"
		}
		t.find(Blocks, s, "set it to where the mailboxes are, then import again", "isn't set, so that Dovecot looks for mail in several places")
		return
	case driver != "maildir":
		t.find(Blocks, s, "make Maildirs with Dovecot, which keeps UIDs: separator = / in namespace inbox, doveadm backup -A maildir:~/Maildir; "+so("~/Maildir")+"; then import again", "mailboxes are kept as %s, and this server keeps them as Maildirs", driver)
		return
	}
	path, options, _ := strings.Cut(rest, ":")
	kept := "" // of the options
	for o := range strings.SplitSeq(options, ":") {
		name, value, _ := strings.Cut(o, "=")
		switch name {
		case "":
		case "INDEX", "INDEXPVT", "INDEXCACHE", "LISTINDEX", "VOLATILEDIR", "ITERINDEX", "NO-NOSELECT", "NOALT", "FULLDIRNAME":
		case "UTF-8":
			kept += ":UTF-8"
		case "INBOX":
			if strings.TrimRight(value, "/") != strings.TrimRight(path, "/") {
				t.find(Blocks, s, "move INBOX to where the other mailboxes are", "INBOX lies elsewhere than the other mailboxes")
				return
			}
		case "LAYOUT":
			switch strings.ToLower(value) {
			case "maildir++":
			case "fs":
				kept += ":LAYOUT=fs"
			default:
				t.find(Blocks, s, "have Dovecot write them as Maildir++, which keeps UIDs: separator = / in namespace inbox, doveadm backup -A maildir:~/Maildir2; "+so("~/Maildir2")+"; then import again", "the layout %s isn't here", value)
				return
			}
		case "CONTROL":
			t.find(Blocks, s, "move the files of this folder (dovecot-uidlist, dovecot-keywords, subscriptions) into the mailboxes and take CONTROL= out", "the lists of UIDs lie elsewhere than the messages")
			return
		default:
			t.find(Blocks, s, "take the option out, then import again", "the option %s isn't here", name)
			return
		}
	}
	path, err := t.variables(path)
	if err != nil {
		t.find(Blocks, s, "write it with %u, %n, %d and ~", "%v", err)
		return
	}
	if tail, ok := strings.CutPrefix(path, "~"); ok {
		path = "%h" + tail
	}
	if home := t.home(); home != "" {
		path = strings.ReplaceAll(path, "%h", home)
	}
	t.nested = strings.Contains(kept, "LAYOUT=fs")
	t.put(s, "mail_location", "maildir:"+dollars(path)+kept)
}

// home is the template of users' homes where it is the same for all, "" where a userdb says it of each.
func (t *translation) home() string {
	for _, h := range append(t.homes, t.value("mail_home")) {
		if h == "" {
			continue
		}
		if v, err := t.variables(h); err != nil {
			return ""
		} else if !strings.Contains(v, "%h") {
			return v
		}
	}
	return ""
}

// namespaces are what users see around their mailboxes' names.
func (t *translation) namespaces() {
	var expunge []string
	for _, n := range t.model.namespaces {
		s := func(name string) setting {
			for _, v := range n.Settings {
				if v.Name == name {
					return setting{name: name, value: v.Value, said: n.Title() + ": " + name + " = " + v.Value, line: v.Line}
				}
			}
			return setting{said: n.Title(), line: n.Line}
		}
		if kind := s("type"); kind.value != "" && kind.value != "private" {
			kind.line = n.Line
			if kind.value == "shared" {
				t.find(Differs, kind, "", "mailboxes that are shared with a user are listed below shared/")
			} else {
				t.find(Blocks, kind, "share the mailboxes of a user's own, by doveadm acl set", "there are no public mailboxes")
			}
			continue
		}
		if n.Value("inbox") != "yes" {
			t.otherNamespace(n)
			continue
		}
		for _, v := range n.Settings {
			one := s(v.Name)
			switch v.Name {
			case "inbox", "type", "list", "subscriptions", "hidden", "order", "ignore_on_failure", "disabled", "comment":
				t.same(one, "the user's own mailboxes")
			case "location", "mail_driver", "mail_path", "mail_inbox_path", "mail_control_path", "mailbox_list_layout", "mailbox_list_utf8":
				if v.Value != "" {
					one.param = "mail_location"
					t.find(Blocks, one, "write it outside of the namespace, as mail_location or what 2.4 has for that", "where mailboxes are is said once")
				} else {
					t.same(one, "mailboxes are where mail_location says")
				}
			case "prefix":
				if v.Value == "" {
					t.same(one, "names have nothing in front")
				} else {
					t.find(Differs, one, "mail programs find the mailboxes again by themselves or are told to read the list of folders anew; mbsync: Path \"\"; clear \"IMAP path prefix\" where somebody has set it", "names have nothing in front: %sSent is Sent", v.Value)
				}
			case "separator":
				if v.Value == "/" {
					t.same(one, "levels of names are separated by /")
				} else if v.Value != "" { // the default is spoken of below
					t.find(Differs, one, "where somebody has written names of folders into a program by hand, they need a /", "levels of names are separated by /")
				}
			default:
				t.find(Differs, one, "look whether you need it", "isn't known")
			}
		}
		if n.Value("separator") == "" && t.nested {
			t.same(setting{said: n.Title() + ": separator (\"/\", Dovecot's own for this layout)", line: n.Line}, "levels of names are separated by /")
		} else if n.Value("separator") == "" {
			t.find(Differs, setting{said: n.Title() + ": separator (\".\", Dovecot's own for Maildirs)", line: n.Line}, "where somebody has written names of folders into a program by hand, they need a /", "levels of names are separated by /")
		}
		for m := range n.Of("mailbox") {
			if e := t.mailbox(m); e != "" {
				expunge = append(expunge, e)
			}
		}
		for _, inner := range n.Sections {
			if inner.Kind != "mailbox" {
				t.find(Differs, setting{said: n.Title() + " / " + inner.Title(), line: inner.Line}, "look whether you need it", "isn't known")
			}
		}
	}
	if len(expunge) > 0 {
		t.param("autoexpunge", strings.Join(expunge, ", "))
	}
}

func (t *translation) otherNamespace(n *doveconf.Section) {
	if n.Value("alias_for") != "" || n.Value("hidden") == "yes" && n.Value("location")+n.Value("mail_path") == "" {
		t.find(Differs, setting{said: n.Title(), line: n.Line}, "", "names that are an alias for others aren't there; the mailboxes are")
		return
	}
	t.find(Blocks, setting{said: n.Title(), line: n.Line}, "move its mailboxes into the users' own", "there is one namespace, of the user's own mailboxes")
}

// uses are the mailboxes that have a special use here by their name.
var uses = map[string]string{"Archive": `\Archive`, "Drafts": `\Drafts`, "Junk": `\Junk`, "Sent": `\Sent`, "Trash": `\Trash`}

// mailbox is what a mailbox of everybody's has. It returns what autoexpunge has to know.
func (t *translation) mailbox(m *doveconf.Section) (expunge string) {
	about := func(v doveconf.Setting) setting {
		return setting{said: m.Title() + ": " + v.Name + " = " + v.Value, line: v.Line}
	}
	for _, v := range m.Settings {
		switch v.Name {
		case "special_use":
			if use := uses[m.Name]; strings.EqualFold(use, v.Value) {
				t.same(about(v), "has this use by its name")
			} else {
				t.find(Differs, about(v), "users choose it in their mail programs, or set it by METADATA or CREATE (USE …)", "the mailbox isn't marked")
			}
		case "auto":
			if v.Value == "no" {
				t.same(about(v), "is made by users")
			} else {
				t.find(Differs, about(v), "", "those that are there stay; new users' mail programs make it")
			}
		case "autoexpunge":
			d, ok := duration(v.Value)
			if !ok || d == "0s" || strings.ContainsAny(m.Name, "*?,\"\\") {
				if d == "0s" || v.Value == "0" {
					t.same(about(v), "old messages stay")
				} else {
					t.find(Differs, about(v), "set autoexpunge by hand", "old messages aren't removed from this mailbox")
				}
				continue
			}
			if expunge = m.Name + " " + d; strings.Contains(m.Name, " ") {
				expunge = `"` + m.Name + `" ` + d
			}
			if n := m.Value("autoexpunge_max_mails"); n != "" && n != "0" {
				expunge += " " + n
			}
			t.find(Translated, about(v), "", "autoexpunge = %s", expunge)
		case "autoexpunge_max_mails":
			if m.Value("autoexpunge") == "" {
				t.find(Differs, about(v), "set autoexpunge with a time, too", "is nothing without autoexpunge")
			} else {
				t.find(Translated, about(v), "", "is in autoexpunge")
			}
		case "comment", "driver":
			t.same(about(v), "is nothing that mail programs see")
		default:
			s := about(v)
			s.name = v.Name
			t.byRule(s)
		}
	}
	for _, in := range m.Sections {
		for _, v := range in.All() {
			t.byRule(setting{name: in.Kind + "_" + v.Name, said: m.Title() + " / " + in.Title() + ": " + v.Name + " = " + v.Value, line: v.Line})
		}
	}
	return expunge
}
