package takeover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// Options say what is read, and where the new configuration shall be.
type Options struct {
	Postfix  string // the folder of main.cf: /etc/postfix
	Dovecot  string // dovecot.conf, for Dovecot's programs; "" for their own
	Doveconf *doveconf.File
	Out      string   // folder of the new main.cf: /etc/fullserver
	Data     string   // data_directory
	Set      []string // parameters of the new main.cf, name=value, stronger than all
	Without  []string // parameters that are left out of it

	// Installed says that the pair is on this machine, so that its programs can be asked.
	Installed bool
}

// Plan is what is to be done.
type Plan struct {
	Findings
	o       Options
	files   map[string]string // name in Out and text
	Config  *config.Config    // the new main.cf; nil where it can't be loaded
	Owner   string            // mail_owner
	uid     int               // its number, 0 where there is none
	Dovecot string            // its configuration's file, as doveconf says
}

// Make reads the pair and thinks the change through. Nothing is written. An error is a configuration that can't be read at all.
func Make(ctx context.Context, o Options) (*Plan, error) {
	postconf := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "postconf", args...).Output()
		return string(out), err
	}
	if !o.Installed {
		postconf = nil
	}
	pf, err := readPostfix(o.Postfix, postconf)
	if err != nil {
		return nil, fmt.Errorf("postfix: %w", err)
	}
	t := Translate(o.Doveconf, pf.c.Settings.MyDomain)
	p := &Plan{o: o, files: map[string]string{}, Dovecot: o.Doveconf.Path}
	var lmtp []string
	for _, s := range t.Set {
		if s.Name == "lmtp_listen" {
			for a := range strings.FieldsSeq(s.Value) {
				_, port, _ := net.SplitHostPort(a)
				lmtp = append(lmtp, port)
			}
		}
	}
	pf.ways(lmtp)
	pf.logins()
	pf.places()
	pf.notes()
	set := slices.Concat(pf.set, t.Set)
	set = append(set, Param{"data_directory", dollars(o.Data)})
	set = append(set, p.certificate(pf, t)...)
	p.Findings = append(t.Findings, pf.Findings...)
	for name, text := range t.Made {
		p.files[name] = text
	}
	if name := p.owner(t.User); name != "" {
		set = append(set, Param{"mail_owner", name})
		p.Owner = name
	}
	answered := map[string]bool{}
	for _, s := range o.Set {
		name, value, ok := strings.Cut(s, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("-set %q: write name=value", s)
		}
		set = without(set, name)
		set = append(set, Param{name, strings.TrimSpace(value)})
		answered[name] = true
		if name == "mail_owner" {
			p.Owner = strings.TrimSpace(value)
		}
	}
	for i := range p.Findings {
		if f := &p.Findings[i]; f.Kind == Blocks && answered[f.Param] {
			f.Kind, f.Do, f.Text = Translated, "", f.Text+"; -set "+f.Param+" says what holds instead"
		}
	}
	if pf.master != "" {
		p.files["master.cf"] = pf.newMaster(t.Policies)
	}
	dir, err := os.MkdirTemp("", "import-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := p.load(dir, pf, set, t.Policies); err != nil {
		return nil, err
	}
	// Who would log in isn't known before it is mended.
	if p.Config != nil && !slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Kind == Blocks && (f.Param == "passdb" || f.Param == "userdb") }) {
		p.users(ctx, dir)
	}
	return p, nil
}

func without(set []Param, name string) []Param {
	var out []Param
	for _, s := range set {
		if s.Name != name {
			out = append(out, s)
		}
	}
	return out
}

// certificate is Dovecot's where Postfix has none of its own.
func (p *Plan) certificate(pf *postfix, t *Translation) []Param {
	mine := pf.value("smtpd_tls_cert_file")
	chain := pf.value("smtpd_tls_chain_files")
	switch {
	case t.Cert == "" || mine == t.Cert || strings.Contains(chain, t.Key):
		return nil
	case mine == "" && chain == "" || strings.Contains(mine, "snakeoil") && chain == "":
		pf.find(Translated, "smtpd_tls_cert_file", "", "is %s, Dovecot's: there is one certificate for all protocols", t.Cert)
		return []Param{{"smtpd_tls_cert_file", dollars(t.Cert)}, {"smtpd_tls_key_file", dollars(t.Key)}}
	}
	pf.find(Differs, "smtpd_tls_cert_file = "+mine, "if IMAP clients connect by a name that this one hasn't got: a line \"imap.example.org "+t.Key+", "+t.Cert+"\" in a table for tls_server_sni_maps; or -set smtpd_tls_cert_file=… and smtpd_tls_key_file=…", "is shown to IMAP and POP3 clients, too, instead of Dovecot's %s", t.Cert)
	return nil
}

// load writes the new main.cf, and leaves out what it can't be loaded with, naming it.
func (p *Plan) load(dir string, pf *postfix, set []Param, policies []string) error {
	left := p.o.Without
	for range 100 {
		text := "# Written by fullserver import, from " + pf.mainCF() + " and " + oneLine(p.o.Doveconf.Name) + ". \"#was:\" is what was left out.\n\n" + pf.newMain(set, policies, left)
		p.files["main.cf"] = text
		for name, text := range p.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		c, err := config.Load(config.Options{File: filepath.Join(dir, "main.cf")})
		if err == nil {
			err = eachService(c)
		}
		if err == nil {
			p.Config = c
			return nil
		}
		e, ok := errors.AsType[*config.Error](err)
		if !ok {
			return err
		}
		f := Finding{Kind: Blocks, Where: pf.mainCF(), What: e.Param, Text: e.Reason, Do: "-without " + e.Param + ", if you can do without it"}
		if filepath.Base(e.File) == "master.cf" {
			f.Where, f.Do = fmt.Sprintf("%s, line %d", filepath.Join(p.o.Postfix, "master.cf"), e.Line), "change the service in master.cf, then import again"
			p.Findings = append(p.Findings, f)
			return nil
		}
		p.Findings = append(p.Findings, f)
		if e.Param == "" {
			return nil
		}
		left = append(left[:len(left):len(left)], e.Param)
	}
	return nil
}

// eachService reads the parameters that the services of master.cf have of their own.
func eachService(c *config.Config) error {
	for _, s := range c.Services() {
		if s.Inside() || c.Disabled(s) {
			continue
		}
		if _, err := c.For(s); err != nil {
			return err
		}
	}
	return nil
}
