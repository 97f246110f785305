package takeover

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/maildir"
)

// owner is the name of a user that may be a number, "" for none.
func (p *Plan) owner(uid string) string {
	if uid == "" {
		return ""
	}
	if _, err := strconv.Atoi(uid); err == nil {
		u, err := user.LookupId(uid)
		if err != nil {
			p.Findings = append(p.Findings, Finding{Kind: Blocks, What: "mail_uid = " + uid, Text: "no user has this number", Do: "useradd --system --uid " + uid + " --shell /usr/sbin/nologin vmail"})
			return ""
		}
		return u.Username
	}
	return uid
}

// openUsers are the users as the new configuration has them.
func (p *Plan) openUsers() (accounts.Users, func(), error) {
	s := &p.Config.Settings
	quiet := slog.New(slog.DiscardHandler)
	if s.Accounts.Passdb == "" && s.Accounts.Userdb == "" {
		f, err := passwdfile.Open(s.PasswdFile, passwdfile.Options{Domain: s.MyDomain, Logger: quiet})
		return accounts.File{F: f}, func() {}, err
	}
	databases, directories := &sqldb.Pools{}, &directory.Directories{}
	a, err := accounts.Open(accounts.Options{Passdbs: accounts.Or(s.Accounts.Passdb, s.PasswdFile), Userdbs: s.Accounts.Userdb, Domain: s.MyDomain,
		MasterSeparator: s.Accounts.MasterSeparator, Databases: databases, Directories: directories, Logger: quiet})
	if err != nil {
		return nil, nil, err
	}
	return a, a.Close, nil
}

// users looks whether each user's mailbox is where the new configuration has it, as Dovecot says or as the disk does, and whose it is.
func (p *Plan) users(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	add := func(k Kind, what, do, format string, args ...any) {
		p.Findings = append(p.Findings, Finding{Kind: k, What: what, Text: fmt.Sprintf(format, args...), Do: do})
	}
	all, done, err := p.openUsers()
	if err != nil {
		add(Blocks, "users", "mend it, then import again", "can't be read: %s", strings.ReplaceAll(err.Error(), dir+"/", p.o.Out+"/"))
		return
	}
	defer done()
	theirs := p.dovecotPaths(ctx)
	names, err := all.Users(ctx)
	if len(names) == 0 {
		for name := range theirs { // where the sources have no list
			names = append(names, name)
		}
		slices.Sort(names)
	}
	if err != nil && len(names) == 0 {
		add(Differs, "users", "look at some by doveadm user", "can't be listed, so where their mailboxes are wasn't compared: %v", err)
		return
	}
	uids := map[uint32]string{}
	there, compared := 0, 0
	var seen layouts
	for _, name := range names {
		path, err := server.MailPath(p.Config, all, name)
		if err != nil {
			add(Blocks, "user "+name, "", "has no mailbox: %v", err)
			continue
		}
		old, ok := theirs[name]
		if !ok {
			local, _, _ := strings.Cut(name, "@")
			old, ok = theirs[local]
		}
		if ok && old != path {
			add(Blocks, "user "+name, "set mail_location, or the user's home, so that both agree: -set mail_location=…", "Dovecot has the mailbox in %s, and it would be in %s", old, path)
			continue
		}
		if ok {
			compared++
		}
		if uid, ok := ownerOf(path); ok {
			seen.look(path)
			there++
			if uids[uid] == "" {
				uids[uid] = name
			}
		}
	}
	switch {
	case len(names) == 0:
		add(Blocks, "users", "", "there are none")
	case compared > 0:
		add(Same, fmt.Sprintf("%d users", len(names)), "", "the mailboxes of %d are where Dovecot says; %d have mail", compared, there)
	case there == 0:
		add(Blocks, fmt.Sprintf("%d users", len(names)), "look at mail_location", "none has a mailbox where the new configuration has it")
	default:
		add(Same, fmt.Sprintf("%d users", len(names)), "", "%d have a mailbox where the new configuration has it; Dovecot wasn't asked", there)
	}
	if said := server.MailLayout(p.Config) == maildir.LayoutFS; said && seen.dots > 0 && seen.nested == 0 {
		add(Blocks, "mail_location", "take LAYOUT=fs out of it: -set mail_location=…", "%d users have mailboxes as folders with a dot in front, and nobody has any in folders within each other", seen.dots)
	} else if !said && seen.nested > 0 && seen.dots == 0 {
		add(Blocks, "mail_location", "-set mail_location=…:LAYOUT=fs", "%d users have mailboxes in folders within each other, and nobody has any with a dot in front", seen.nested)
	}
	p.owners(uids, dir, add)
}

// layouts counts the users who have mailboxes beside INBOX, by how these lie.
type layouts struct{ dots, nested int }

func (l *layouts) look(root string) {
	entries, _ := os.ReadDir(root) // what can't be read has no mailboxes for the server either
	dots, nested := false, false
	for _, e := range entries {
		switch name := e.Name(); {
		case !e.IsDir() || name == "cur" || name == "new" || name == "tmp":
		case name[0] == '.':
			dots = dots || isDir(filepath.Join(root, name, "cur"))
		default:
			nested = nested || hasMailbox(filepath.Join(root, name), 3)
		}
	}
	if dots {
		l.dots++
	}
	if nested {
		l.nested++
	}
}

// hasMailbox reports whether a folder is a mailbox, or one of those some levels below it.
func hasMailbox(dir string, levels int) bool {
	if isDir(filepath.Join(dir, "cur")) || levels == 0 {
		return levels > 0
	}
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.IsDir() && hasMailbox(filepath.Join(dir, e.Name()), levels-1)
	})
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// owners says whom the mail belongs to.
func (p *Plan) owners(uids map[uint32]string, dir string, add func(k Kind, what, do, format string, args ...any)) {
	switch len(uids) {
	case 0:
		return
	case 1:
	default:
		var who []string
		for uid, name := range uids {
			who = append(who, fmt.Sprintf("%s: %d", name, uid))
		}
		slices.Sort(who)
		add(Blocks, "mailboxes", "give them to one user, which Dovecot works with, too: mail_uid and mail_gid there, chown -R on the folder; then import again", "belong to several users of the system (%s), and this server opens all mail as one", strings.Join(who[:min(3, len(who))], ", "))
		return
	}
	for uid := range uids {
		if uid == 0 {
			add(Differs, "mailboxes", "", "belong to root; the server stays root")
			return
		}
		u, err := user.LookupId(fmt.Sprint(uid))
		switch {
		case err != nil:
			add(Blocks, "mailboxes", fmt.Sprintf("useradd --system --uid %d --shell /usr/sbin/nologin vmail", uid), "belong to the user %d, who isn't there", uid)
		case p.Owner == "":
			add(Blocks, "mailboxes", "-set mail_owner="+u.Username, "belong to %s; the server has to become this user", u.Username)
		case p.Owner != u.Username:
			add(Blocks, "mailboxes", "-set mail_owner="+u.Username, "belong to %s, and mail_owner is %s", u.Username, p.Owner)
		default:
			p.uid = int(uid)
			add(Translated, "mailboxes", "", "mail_owner = %s, whose they are", p.Owner)
			p.readable(dir, add)
		}
	}
}

// dovecotPaths asks Dovecot where each user's INBOX is. It is empty where Dovecot can't be asked.
func (p *Plan) dovecotPaths(ctx context.Context) map[string]string {
	out := map[string]string{}
	if !p.o.Installed {
		return out
	}
	args := []string{"-f", "tab", "mailbox", "path", "-A", "INBOX"}
	if p.o.Dovecot != "" {
		args = append([]string{"-c", p.o.Dovecot}, args...)
	}
	text, err := exec.CommandContext(ctx, "doveadm", args...).Output()
	if err != nil && len(text) == 0 {
		return out
	}
	for i, line := range strings.Split(string(text), "\n") {
		f := strings.Split(line, "\t")
		if i > 0 && len(f) >= 2 && f[len(f)-1] != "" {
			out[strings.ToLower(f[0])] = strings.TrimRight(f[len(f)-1], "/")
		}
	}
	return out
}
