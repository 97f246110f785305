package takeover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/mastercf"
)

// postfix is an installed Postfix's configuration on its way to a new folder.
type postfix struct {
	Findings
	dir          string // where it is
	main, master string // the texts; master is "" where there is none
	c            *config.Config
	queue        string // queue_directory
	set          []Param
	drop         map[string]bool // parameters that are left out of the new main.cf
	dead         map[string]bool // services of master.cf that hand mail to Dovecot
}

// readPostfix reads main.cf and master.cf. postconf is the installed program, for what a parameter's value is when it isn't set; it may be nil.
func readPostfix(dir string, postconf func(args ...string) (string, error)) (*postfix, error) {
	p := &postfix{dir: dir, drop: map[string]bool{}, dead: map[string]bool{}}
	text, err := os.ReadFile(filepath.Join(dir, "main.cf"))
	if err != nil {
		return nil, err
	}
	p.main = string(text)
	if text, err = os.ReadFile(filepath.Join(dir, "master.cf")); err == nil {
		p.master = string(text)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if p.c, err = config.Load(config.Options{File: filepath.Join(dir, "main.cf"), Unchecked: true}); err != nil {
		return nil, err
	}
	p.queue = queueOf(p.c)
	p.defaults(postconf)
	return p, nil
}

// queueOf is a Postfix's queue_directory.
func queueOf(c *config.Config) string {
	if c.Given("queue_directory") {
		return c.Settings.QueueDirectory
	}
	return "/var/spool/postfix"
}

// value is a parameter's that main.cf sets, "" where it doesn't.
func (p *postfix) value(name string) string {
	if !p.c.Given(name) {
		return ""
	}
	v, _ := p.c.Value(name)
	return v
}

func (p *postfix) mainCF() string { return filepath.Join(p.dir, "main.cf") }

func (p *postfix) find(k Kind, what, do, format string, args ...any) {
	p.Findings = append(p.Findings, Finding{k, p.mainCF(), what, fmt.Sprintf(format, args...), do, ""})
}

// defaults sets what main.cf leaves to defaults that are others here.
func (p *postfix) defaults(postconf func(args ...string) (string, error)) {
	unset := func(name string) bool { return !p.c.Given(name) }
	put := func(name, value, why string) {
		p.set = append(p.set, Param{name, value})
		p.find(Translated, name, "", "%s = %s, %s", name, value, why)
	}
	if unset("smtpd_sasl_auth_enable") {
		put("smtpd_sasl_auth_enable", "no", "which is Postfix's default")
	}
	if unset("smtpd_sender_restrictions") {
		put("smtpd_sender_restrictions", "", "which is Postfix's default; take it out to keep users to their own addresses")
	}
	if _, err := os.Stat("/etc/aliases"); unset("alias_maps") && err == nil {
		put("alias_maps", "hash:/etc/aliases", "which is Postfix's default")
	}
	if unset("compatibility_level") {
		put("compatibility_level", "0", "which is Postfix's default")
	}
	if unset("mynetworks") && postconf != nil {
		if v, err := postconf("-c", p.dir, "-xh", "mynetworks"); err == nil {
			put("mynetworks", strings.TrimSpace(v), "which Postfix finds for this machine")
		} else {
			p.find(Differs, "mynetworks", "set it", "only this machine itself may send without a password")
		}
	} else if unset("mynetworks") {
		p.find(Differs, "mynetworks", "set it", "only this machine itself may send without a password")
	}
	for _, d := range []struct{ name, text string }{
		{"smtpd_tls_security_level", "STARTTLS is offered"}, {"smtp_tls_security_level", "TLS is used where the other server has it"},
		{"smtpd_forbid_bare_newline", "bare line feeds aren't ends of lines, as in Postfix 3.9"}, {"smtpd_forbid_unauth_pipelining", "who doesn't wait for answers is refused, as in Postfix 3.9"},
	} {
		if unset(d.name) {
			p.find(Differs, d.name, "", "%s", d.text)
		}
	}
	if unset("maillog_file") {
		p.find(Differs, "maillog_file", "-set maillog_file=/var/log/fullserver/mail.log, a folder that mail_owner may write to; and have fail2ban and logrotate look there", "isn't set: the log goes to standard error, which is the journal under systemd, and not to syslog")
	}
}

// lda are the programs by which Postfix hands mail to Dovecot.
var lda = regexp.MustCompile(`/(dovecot-lda|deliver)(\s|$)`)

// ways finds where mail is handed to Dovecot; it goes into the mailboxes within the server instead. lmtp are ports of Dovecot's LMTP service.
func (p *postfix) ways(lmtp []string) {
	for _, s := range p.c.Services() {
		if s.Command == "pipe" && lda.MatchString(strings.Join(s.Args, " ")) {
			p.dead[s.Name] = true
			p.Findings = append(p.Findings, Finding{Translated, fmt.Sprintf("%s, line %d", p.c.MasterFile(), s.Line), s.Name + " unix … pipe", "is left out: the server has the mailboxes itself", "", ""})
		}
	}
	for _, name := range []string{"virtual_transport", "mailbox_transport", "local_transport", "fallback_transport", "mailbox_command", "default_transport", "relay_transport"} {
		v := p.value(name)
		if !p.toDovecot(v, lmtp) && !(name == "mailbox_command" && lda.MatchString(v)) {
			continue
		}
		if name == "default_transport" || name == "relay_transport" {
			p.find(Blocks, name+" = "+v, "name another transport", "all mail to elsewhere goes to Dovecot, which will be stopped")
			continue
		}
		p.drop[name] = true
		p.find(Translated, name+" = "+v, "", "is left out: the server has the mailboxes itself")
	}
	for _, name := range []string{"transport_maps", "mailbox_transport_maps", "fallback_transport_maps", "mailbox_command_maps"} {
		for _, table := range config.Members(p.value(name)) {
			_, file, ok := strings.Cut(table, ":")
			text, err := os.ReadFile(file)
			if !ok || err != nil {
				continue
			}
			for i, line := range strings.Split(string(text), "\n") {
				if _, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok && line[0] != '#' && (p.toDovecot(strings.TrimSpace(to), lmtp) || lda.MatchString(to)) {
					p.Findings = append(p.Findings, Finding{Blocks, fmt.Sprintf("%s, line %d", file, i+1), strings.TrimSpace(line), "leads to Dovecot, which will be stopped",
						"take a copy of the table with \"virtual:\" (or \"local:\") there, and name it by -set " + name + "=…", name})
				}
			}
		}
	}
}

// toDovecot reports whether a transport is Dovecot.
func (p *postfix) toDovecot(v string, lmtp []string) bool {
	name, rest, _ := strings.Cut(v, ":")
	if v == "" || p.dead[name] {
		return v != ""
	}
	if name != "lmtp" {
		return false
	}
	return strings.Contains(rest, "dovecot") || slices.ContainsFunc(lmtp, func(port string) bool { return strings.HasSuffix(rest, ":"+port) })
}

// logins takes the questions to Dovecot about passwords out: the server has the users itself.
func (p *postfix) logins() {
	if p.value("smtpd_sasl_type") != "dovecot" {
		if p.c.Given("smtpd_sasl_auth_enable") && p.value("smtpd_sasl_auth_enable") == "yes" {
			p.find(Differs, "smtpd_sasl_type", "", "who sends logs in as one of Dovecot's users, not by Cyrus SASL")
		}
	}
	for _, name := range []string{"smtpd_sasl_type", "smtpd_sasl_path"} {
		if p.c.Given(name) {
			p.drop[name] = true
			p.find(Translated, name+" = "+p.value(name), "", "is left out: the server has the users itself")
		}
	}
}

// places are files and folders that have to be the server's own.
func (p *postfix) places() {
	if p.c.Given("maillog_file") {
		p.drop["maillog_file"] = true
		p.set = append(p.set, Param{"maillog_file", "$data_directory/mail.log"})
		p.find(Differs, "maillog_file = "+p.value("maillog_file"), "have fail2ban and logrotate look there, or -set maillog_file to a file of mail_owner's", "stays Postfix's, which runs as root; the log is $data_directory/mail.log")
	}
	for _, name := range []string{"queue_directory", "data_directory", "mail_owner", "config_directory"} {
		if p.c.Given(name) {
			p.drop[name] = true
			p.find(Translated, name+" = "+p.value(name), "", "stays Postfix's; this server has its own")
		}
	}
}

// notes are what the settings' reader says of main.cf and master.cf.
func (p *postfix) notes() {
	add := func(err error) {
		e, ok := errors.AsType[*config.Error](err)
		if !ok || p.drop[e.Param] {
			return
		}
		f := Finding{Kind: Differs, Where: fmt.Sprintf("%s, line %d", e.File, e.Line), What: e.Param, Text: e.Reason}
		switch {
		case strings.HasPrefix(e.Reason, "changes nothing here"), strings.HasPrefix(e.Reason, "overrides what line"):
			f.Kind = Same
		case strings.HasPrefix(e.Reason, "unused parameter"):
		default:
			return // an error, which loading the new main.cf says
		}
		p.Findings = append(p.Findings, f)
	}
	for _, w := range p.c.Warnings() {
		add(w)
	}
	for _, w := range p.c.MasterNotes() {
		add(w)
	}
}

// sockets are names of sockets that begin in Postfix's queue.
var sockets = regexp.MustCompile(`\bunix:(/*)([^\s,;"'{}()|&]+)`)

// newMain writes the new main.cf: the old one with what is left out in comments, and behind it the parameters of set.
func (p *postfix) newMain(set []Param, policies []string, without []string) string {
	gone := map[string]bool{}
	for n := range p.drop {
		gone[n] = true
	}
	for _, s := range set {
		gone[s.Name] = true
	}
	for _, n := range without {
		gone[n] = true
	}
	var b strings.Builder
	out := false
	for line := range strings.Lines(p.main) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && trimmed[0] != '#' && line[0] != ' ' && line[0] != '\t' {
			name, _, _ := strings.Cut(line, "=")
			out = gone[strings.TrimSpace(name)]
		}
		if out && trimmed != "" && trimmed[0] != '#' {
			b.WriteString("#was: " + line + "\n")
			continue
		}
		b.WriteString(p.moved(line, policies) + "\n")
	}
	b.WriteString("\n# ---- what was Dovecot's, and what is this server's own ----\n\n")
	for _, s := range set {
		if !slices.Contains(without, s.Name) {
			b.WriteString(strings.TrimRight(s.Name+" = "+s.Value, " ") + "\n")
		}
	}
	return b.String()
}

// moved is a line of main.cf or master.cf in its new folder: what was named from Postfix's folders on is named in full.
func (p *postfix) moved(line string, policies []string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return line
	}
	for _, v := range []struct{ name, dir string }{{"config_directory", p.dir}, {"queue_directory", p.queue}} {
		for _, form := range []string{"${" + v.name + "}", "$(" + v.name + ")"} {
			line = strings.ReplaceAll(line, form, v.dir)
		}
		line = regexp.MustCompile(`\$`+v.name+`\b`).ReplaceAllLiteralString(line, v.dir)
	}
	line = sockets.ReplaceAllStringFunc(line, func(s string) string {
		path := strings.TrimPrefix(s, "unix:")
		if !filepath.IsAbs(path) {
			return "unix:" + filepath.Join(p.queue, path)
		}
		if _, err := os.Stat(path); err != nil { // smtpd's root may be the queue's folder
			if in := filepath.Join(p.queue, path); exists(in) {
				return "unix:" + in
			}
		}
		return s
	})
	for _, at := range policies {
		line = regexp.MustCompile(`check_policy_service\s+(inet:\S*:|unix:)`+regexp.QuoteMeta(at)+`(\s*,|\s|$)`).ReplaceAllString(line, " ")
	}
	return line
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// about logins, which master.cf's services may say as well.
var saslOption = regexp.MustCompile(`-o\s*(smtpd_sasl_type|smtpd_sasl_path)\s*=\s*\S+`)

// newMaster writes the new master.cf.
func (p *postfix) newMaster(policies []string) string {
	begin := map[int]*mastercf.Service{}
	for _, s := range p.c.Services() {
		begin[s.Line] = s
	}
	var b strings.Builder
	n, out := 0, false
	for line := range strings.Lines(p.master) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if s := begin[n]; s != nil {
			out = p.dead[s.Name] && s.Command == "pipe"
		}
		if out && strings.TrimSpace(line) != "" && line[0] != '#' {
			b.WriteString("#was: " + line + "\n")
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			line = saslOption.ReplaceAllString(line, "")
		}
		b.WriteString(strings.TrimRight(p.moved(line, policies), " \t") + "\n")
	}
	return b.String()
}
