// Package demo makes a mail server out of nothing for somebody who wants to see one: a folder with a commented main.cf,
// two users with passwords that were drawn by lot, and the words that tell what to do with them. What is there already is kept.
package demo

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// Dir is the demo's folder, in the working directory.
const Dir = "fullserver-data"

// Domain is the demo's domain: RFC 2606 keeps .test for such things.
const Domain = "example.test"

// notes is the file with the passwords as they were drawn, so that they can be shown again.
const notes = "initial-passwords"

// Demo is a folder that is ready.
type Demo struct {
	Dir       string // absolute
	MainCF    string
	First     bool              // it was made just now
	Passwords map[string]string // what can still be shown, by user
}

const preamble = `main.cf of fullserver, in Postfix's syntax: name = value; a line that begins with white space continues the one before; $name stands for a parameter's value. Lines with a "#" in front show the defaults. After a change, restart.

Đây là cấu hình của máy chủ thử; sửa tùy ý, chương trình không ghi đè lên.`

// Setup makes what is missing in dir.
func Setup(dir string) (*Demo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &Demo{Dir: dir, MainCF: filepath.Join(dir, "main.cf")}
	if err := d.users(); err != nil {
		return nil, err
	}
	return d, d.mainCF()
}

// users makes the users file with alice and bob, and the note of their passwords.
func (d *Demo) users() error {
	file, note := filepath.Join(d.Dir, "users"), filepath.Join(d.Dir, notes)
	if _, err := os.Stat(file); err == nil {
		d.Passwords, err = readNotes(note)
		return err
	}
	d.First, d.Passwords = true, map[string]string{}
	users := "# One user a line, as in Dovecot's passwd-file: user@domain:{SCHEME}password. Read again when it changes.\n" +
		"# A new password: fullserver passwd, or doveadm pw -s SHA512-CRYPT, or openssl passwd -6 behind {CRYPT}.\n"
	drawn := "# Drawn at the first start and kept here only to be shown again. Delete this file when you like.\n"
	for _, name := range []string{"alice", "bob"} {
		user, password := name+"@"+Domain, strings.ToLower(rand.Text()[:12])
		hash, err := passwdfile.Hash("SHA512-CRYPT", password)
		if err != nil {
			return err
		}
		users += user + ":" + hash + "\n"
		drawn += user + " " + password + "\n"
		d.Passwords[user] = password
	}
	// The note first: passwords that nobody has ever seen would be of no use.
	if err := write(note, drawn); err != nil {
		return err
	}
	return write(file, users)
}

// readNotes reads the passwords that were drawn; none when the file is gone.
func readNotes(file string) (map[string]string, error) {
	out := map[string]string{}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && strings.Contains(f[0], "@") {
			out[f[0]] = f[1]
		}
	}
	return out, err
}

// mainCF writes the configuration if there is none. Paths are relative to $data_directory, which is absolute.
func (d *Demo) mainCF() error {
	if _, err := os.Stat(d.MainCF); err == nil {
		return nil
	}
	var b strings.Builder
	err := config.WriteCommented(&b, preamble, map[string]string{
		"myhostname": "mail." + Domain, "mydomain": Domain, "virtual_mailbox_domains": Domain,
		"data_directory": strings.ReplaceAll(d.Dir, "$", "$$"), "maillog_file": "$data_directory/mail.log",
		"smtp_listen": "127.0.0.1:2525", "submission_listen": "127.0.0.1:2587", "imap_listen": "127.0.0.1:1143",
		"pop3_listen": "127.0.0.1:1110", "lmtp_listen": "127.0.0.1:2424",
		"webmail_listen": "127.0.0.1:8025",
	})
	if err != nil {
		return err
	}
	return write(d.MainCF, b.String())
}

// write makes a file of mode 0600, whole or not at all.
func write(file, text string) error {
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// Welcome tells what there is, who can log in, in the order of the file, and what to try. A file of users that can't be read has none: the server
// that opens it next says why.
func (d *Demo) Welcome(w io.Writer, s *config.Settings) error {
	var users []string
	if f, err := passwdfile.Open(s.PasswdFile, passwdfile.Options{Domain: s.MyDomain}); err == nil {
		for _, u := range f.Users() {
			users = append(users, u.Name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Bưu tá fullserver is running. Everything it keeps is in %s.\n", d.Dir)
	b.WriteString("Máy chủ thư Bưu tá đang chạy; nhấn Ctrl-C để dừng.\n\n")
	for _, l := range []struct {
		name, what string
		addrs      []config.Address
	}{
		{"SMTP", "mail in", s.SMTPListen}, {"Submission", "users send; STARTTLS", s.SubmissionListen}, {"Submissions", "TLS", s.SubmissionsListen},
		{"IMAP", "read; STARTTLS", s.IMAPListen}, {"IMAPS", "TLS", s.IMAPSListen}, {"POP3", "fetch; STLS", s.POP3Listen}, {"POP3S", "TLS", s.POP3SListen},
		{"LMTP", "from a server in front", s.LMTPListen}, {"HTTP", "/healthz", s.HTTPListen},
		{"Webmail", "in the browser", s.WebmailListen},
	} {
		for _, a := range l.addrs {
			fmt.Fprintf(&b, "  %-11s %-22s %s\n", l.name, a, l.what)
		}
	}
	for _, a := range s.WebmailListen {
		fmt.Fprintf(&b, "\nMail in the browser / Đọc thư trong trình duyệt: http://%s/\n", a)
	}
	b.WriteString("\nAccounts and passwords\n")
	for _, u := range users {
		p, ok := d.Passwords[u]
		if !ok {
			p = "(not drawn by this program)"
		}
		fmt.Fprintf(&b, "  %-22s %s\n", u, p)
	}
	fmt.Fprintf(&b, "  (kept as hashes in %s; as drawn in %s,\n  which you may delete; a new one: fullserver passwd)\n", s.PasswdFile, filepath.Join(d.Dir, notes))
	d.commands(&b, s, users)
	_, err := io.WriteString(w, b.String())
	return err
}

// commands are three things to try, as they can be pasted into a shell.
func (d *Demo) commands(b *strings.Builder, s *config.Settings, users []string) {
	if len(users) < 2 || len(s.SMTPListen) == 0 || len(s.IMAPListen) == 0 || len(s.POP3Listen) == 0 {
		return
	}
	from, to := users[len(users)-1], users[0]
	login := to
	if p := d.Passwords[to]; p != "" {
		login += ":" + p
	}
	b.WriteString("\nTry / Thử\n")
	fmt.Fprintf(b, "  printf 'Subject: Hello\\r\\n\\r\\nXin chào!\\r\\n' | curl -sS smtp://%s --mail-from %s --mail-rcpt %s -T -\n", s.SMTPListen[0], from, to)
	fmt.Fprintf(b, "  curl -sS -u '%s' 'imap://%s/INBOX;MAILINDEX=1'\n", login, s.IMAPListen[0])
	fmt.Fprintf(b, "  curl -sS -u '%s' pop3://%s/1\n", login, s.POP3Listen[0])
	b.WriteString("\nCtrl-C stops it.\n")
}
