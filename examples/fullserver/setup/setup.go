// Package setup makes the files of a new mail server: main.cf with every parameter explained, users, DKIM keys. It changes nothing that is there.
package setup

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// Plan is what a server is to be.
type Plan struct {
	Dir      string // of main.cf, users and keys: /etc/fullserver
	Data     string // data_directory
	Log      string // maillog_file; "" for standard error
	Domain   string
	Hostname string // "": mail.Domain
	Users    []User
	Owner    string // mail_owner, where root starts the server
	ACME     bool   // certificates from Let's Encrypt, whose terms were accepted
	Contact  string // whom the authority may write to
	Base     int    // added to every port below 10000, for trying; 0 for real
	Now      time.Time
}

// User is an account.
type User struct {
	Name     string // local part, or whole address
	Password string // "": one is drawn by lot
}

// Made is what Make has made.
type Made struct {
	MainCF   string
	Files    []string
	Drawn    map[string]string // passwords that were drawn, by address
	Selector []string          // of the DKIM keys
}

// Check finds what is wrong with a plan.
func (p *Plan) Check() error {
	if p.Hostname == "" && p.Domain != "" {
		p.Hostname = "mail." + p.Domain
	}
	for _, n := range []struct{ what, name string }{{"domain", p.Domain}, {"host name", p.Hostname}} {
		if err := hostname(n.name); err != nil {
			return fmt.Errorf("%s %q: %w", n.what, n.name, err)
		}
	}
	if len(p.Users) == 0 {
		return errors.New("a server needs a user, who gets postmaster's mail")
	}
	for i := range p.Users {
		name, err := passwdfile.Canonical(p.Users[i].Name, p.Domain)
		if err != nil {
			return fmt.Errorf("user %q: %w", p.Users[i].Name, err)
		}
		if !strings.HasSuffix(name, "@"+strings.ToLower(p.Domain)) {
			return fmt.Errorf("user %q: is not at %s", p.Users[i].Name, p.Domain)
		}
		if slices.ContainsFunc(p.Users[:i], func(u User) bool { return u.Name == name }) {
			return fmt.Errorf("user %q is there twice", name)
		}
		p.Users[i].Name = name
	}
	for _, name := range []string{"main.cf", "users", "dkim-keys"} {
		file := filepath.Join(p.Dir, name)
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("%s is there already: nothing was changed; take it away, or choose another -dir", file)
		}
	}
	return nil
}

func hostname(name string) error {
	if name == "" || len(name) > 253 || !strings.Contains(name, ".") {
		return errors.New("write a full name, such as example.org")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.ContainsFunc(label, func(c rune) bool {
				return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
			}) {
			return errors.New("is no host name; write other letters as xn--…")
		}
	}
	return nil
}

// Make makes the files. An error leaves none of them.
func (p *Plan) Make() (m *Made, err error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	m = &Made{MainCF: filepath.Join(p.Dir, "main.cf"), Drawn: map[string]string{}}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			for _, f := range m.Files {
				_ = os.Remove(f)
			}
			m = nil
		}
	}()
	write := func(name, text string) error {
		file := filepath.Join(p.Dir, name)
		mode := os.FileMode(0o600)
		if name == "main.cf" { // in which are no secrets, and which programs that send mail read
			mode = 0o644
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, file)
		_, err = f.WriteString(text)
		return errors.Join(err, f.Sync(), f.Close())
	}
	users, err := p.users(m)
	if err != nil {
		return m, err
	}
	if err := write("users", users); err != nil {
		return m, err
	}
	if err := write("aliases", aliases); err != nil {
		return m, err
	}
	table := "# domain  selector  file; each key signs. A key is replaced by adding another, publishing its record, and taking the old one out a week later.\n"
	for _, kind := range []string{"rsa", "ed25519"} {
		selector := kind + p.Now.Format("200601")
		text, err := newKey(kind)
		if err != nil {
			return m, err
		}
		if err := write("dkim-"+selector+".pem", text); err != nil {
			return m, err
		}
		table += p.Domain + " " + selector + " dkim-" + selector + ".pem\n"
		m.Selector = append(m.Selector, selector)
	}
	if err := write("dkim-keys", table); err != nil {
		return m, err
	}
	var b strings.Builder
	if err := config.WriteCommented(&b, preamble, p.values()); err != nil {
		return m, err
	}
	if err := write("main.cf", b.String()); err != nil {
		return m, err
	}
	if err := secretfile.SyncDir(p.Dir); err != nil {
		return m, err
	}
	_, err = config.Load(config.Options{File: m.MainCF})
	return m, err
}

const aliases = `# Who gets an address's mail besides those in users: an address and, behind it, one address or more. Read again when it changes; fullserver alias set makes lines.
# info@example.org  an@example.org, binh@example.org
`

const preamble = `main.cf of fullserver, in Postfix's syntax: name = value; a line that begins with white space continues the one before; $name stands for a parameter's value. Lines with a "#" in front show the defaults.

Sau khi sửa: fullserver -c main.cf check, rồi fullserver -c main.cf reload.`

// values are the parameters that are set.
func (p *Plan) values() map[string]string {
	escape := func(s string) string { return strings.ReplaceAll(s, "$", "$$") }
	port := func(n int) string { return fmt.Sprintf(":%d", n+p.Base) }
	v := map[string]string{
		"myhostname": p.Hostname, "mydomain": p.Domain, "virtual_mailbox_domains": p.Domain, "webmail_colleagues": "$mydomain",
		"data_directory": escape(p.Data), "passwd_file": "$config_directory/users", "dkim_key_table": "$config_directory/dkim-keys",
		"virtual_alias_maps": "texthash:$config_directory/aliases",
		"smtp_listen":        port(25), "submission_listen": port(587), "submissions_listen": port(465),
		"imap_listen": port(143), "imaps_listen": port(993), "pop3s_listen": port(995), "webmails_listen": port(443), "http_listen": port(80),
		"mail_owner": p.Owner,
	}
	if p.Log != "" {
		v["maillog_file"] = escape(p.Log)
	}
	if p.ACME {
		v["acme_names"], v["acme_accept_terms"], v["acme_contact"] = "$myhostname", "yes", p.Contact
	}
	if p.Owner == "" {
		delete(v, "mail_owner")
	}
	return v
}

// users are the lines of the users' file.
func (p *Plan) users(m *Made) (string, error) {
	text := "# One user a line, as in Dovecot's passwd-file: user@domain:{SCHEME}password. Read again when it changes; fullserver user add makes lines.\n"
	for _, u := range p.Users {
		password := u.Password
		if password == "" {
			password = strings.ToLower(rand.Text()[:16])
			m.Drawn[u.Name] = password
		}
		hash, err := passwdfile.Hash("SHA512-CRYPT", password)
		if err != nil {
			return "", err
		}
		text += u.Name + ":" + hash + "\n"
	}
	return text, nil
}

// newKey makes a DKIM key: RSA of 2048 bits, which everybody knows (RFC 8301), or Ed25519, which is short (RFC 8463).
func newKey(kind string) (string, error) {
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}
