package takeover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// Param is a parameter of the new main.cf.
type Param struct{ Name, Value string }

// translation collects what becomes of a configuration.
type translation struct {
	Findings
	file     string  // where Dovecot's settings are from, for reports
	set      []Param // of the new main.cf, in order
	made     map[string]string
	mydomain string // Postfix's; "" where it isn't known

	v24      bool
	asked    bool // doveconf was asked by us
	model    model
	nested   bool     // LAYOUT=fs
	homes    []string // templates of homes, for mail_location
	sqlFiles []*sqlFile
	policies []string // addresses of Dovecot's policy services, "127.0.0.1:12340"
	cert     [2]string
	uid      string // of the mail, where it is the same for all
}

// Translation is what a Dovecot's configuration is in this server's terms.
type Translation struct {
	Findings Findings
	Set      []Param           // of main.cf
	Made     map[string]string // files that they name as $config_directory/NAME
	Policies []string          // policy services of Dovecot's, which Postfix may ask
	User     string            // mail_uid, or what a static userdb says; "" for several, or none
	Cert     string            // the certificate's and the key's file, "" for none
	Key      string
}

// Translate goes through a configuration. mydomain is Postfix's: whom users without a domain belong to here.
func Translate(f *doveconf.File, mydomain string) *Translation {
	t := &translation{file: f.Name, mydomain: mydomain, made: map[string]string{}, v24: f.At(2, 4), asked: f.Asked}
	t.read(f)
	t.protocols()
	for _, s := range t.model.settings {
		t.setting(s)
	}
	for _, s := range t.model.plugin {
		t.plugin(s)
	}
	t.users()
	t.location()
	t.namespaces()
	t.services()
	t.filters()
	return &Translation{Findings: t.Findings, Set: t.set, Made: t.made, Policies: t.policies, User: t.uid, Cert: t.cert[0], Key: t.cert[1]}
}

// setting is one of Dovecot's in the terms of 2.3, with how it was written.
type setting struct {
	name, value string
	said        string // as it is in the file
	line        int
	hidden      bool
	protocol    string // "imap" where it is in protocol imap { }
	param       string // the parameter of main.cf that is made of it, where it has another name
}

func (t *translation) where(line int) string {
	if line == 0 {
		return t.file
	}
	return fmt.Sprintf("%s, line %d", t.file, line)
}

func (t *translation) find(k Kind, s setting, do, format string, args ...any) {
	what := s.said
	if s.protocol != "" {
		what = "protocol " + s.protocol + ": " + what
	}
	t.Findings = append(t.Findings, Finding{k, t.where(s.line), what, fmt.Sprintf(format, args...), do, cmp.Or(s.param, s.name)})
}

func (t *translation) same(s setting, format string, args ...any) {
	t.find(Same, s, "", format, args...)
}

// put sets a parameter for a setting.
func (t *translation) put(s setting, name, value string) {
	t.param(name, value)
	t.find(Translated, s, "", "%s = %s", name, value)
}

// param sets a parameter. One that is set twice has its last value.
func (t *translation) param(name, value string) {
	t.set = slices.DeleteFunc(t.set, func(p Param) bool { return p.Name == name })
	t.set = append(t.set, Param{name, value})
}

// value is that of a setting outside of protocols, "" where it isn't set.
func (t *translation) value(name string) string {
	for _, s := range slices.Backward(t.model.settings) {
		if s.name == name && s.protocol == "" {
			return s.value
		}
	}
	return ""
}

// dollars keeps what is in a value from being taken for a parameter of main.cf.
func dollars(s string) string { return strings.ReplaceAll(s, "$", "$$") }
