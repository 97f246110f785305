package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/maildir"
)

// location is a mail_location, Dovecot's "maildir:", a pattern, and options.
type location struct {
	pattern string
	home    string // home_mailbox, for users who have homes; "" for none
	layout  maildir.Layout
	utf8    bool // names of folders are UTF-8
}

// splitLocation takes Dovecot's options from behind a path.
func splitLocation(s string) (location, error) {
	path, ok := strings.CutPrefix(s, "maildir:")
	if !ok {
		return location{}, errors.New("must be maildir:PATH; other formats are not supported")
	}
	options := strings.Split(path, ":")
	l := location{pattern: options[0]}
	if l.pattern == "" {
		return location{}, errors.New("maildir: lacks a path")
	}
	for _, o := range options[1:] {
		switch {
		case strings.EqualFold(o, "LAYOUT=fs"):
			l.layout = maildir.LayoutFS
		case strings.EqualFold(o, "LAYOUT=maildir++"):
			l.layout = maildir.LayoutMaildirPP
		case o == "UTF-8":
			l.utf8 = true
		default:
			return location{}, fmt.Errorf("the option %q is not supported; there are LAYOUT=fs, LAYOUT=maildir++ and UTF-8", o)
		}
	}
	return l, nil
}

// at writes the location of the mailboxes in a folder, as Dovecot does.
func (l location) at(path string) string {
	s := "maildir:" + path
	if l.layout == maildir.LayoutFS {
		s += ":LAYOUT=fs"
	}
	if l.utf8 {
		s += ":UTF-8"
	}
	return s
}

// locationOf is where mailboxes are: mail_location, or while that isn't set home_mailbox.
func locationOf(c *config.Config) (location, error) {
	l, err := parseLocation(c.Settings.MailLocation)
	if err == nil && !c.Given("mail_location") {
		l.home = c.Settings.Local.HomeMailbox
	}
	return l, err
}

// parseLocation checks a mail_location.
func parseLocation(s string) (location, error) {
	l, err := splitLocation(s)
	if err != nil {
		return location{}, err
	}
	if rest, ok := strings.CutPrefix(l.pattern, "~/"); ok {
		l.pattern = "%h/" + rest
	}
	a, err := l.expand("alice@one.test", "/home/alice")
	if err != nil {
		return location{}, err
	}
	b, err := l.expand("bob@one.test", "/home/bob")
	if err != nil {
		return location{}, err
	}
	if a == b {
		return location{}, errors.New("is the same for every user; it needs %u, %n or %h")
	}
	return l, nil
}

// expand puts a user into the pattern: %u, %n, %d, %h, and %Lu, %Ln, %Ld, which are the same because names are kept in
// lower case.
func (l location) expand(name, home string) (string, error) {
	local, domain := name, ""
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		local, domain = name[:i], name[i+1:]
	}
	var b strings.Builder
	for i := 0; i < len(l.pattern); i++ {
		if l.pattern[i] != '%' {
			b.WriteByte(l.pattern[i])
			continue
		}
		if i++; i < len(l.pattern) && l.pattern[i] == 'L' {
			i++
		}
		if i == len(l.pattern) {
			return "", errors.New("ends with a lone %")
		}
		switch l.pattern[i] {
		case 'u':
			b.WriteString(name)
		case 'n':
			b.WriteString(local)
		case 'd':
			b.WriteString(domain)
		case 'h':
			if home == "" {
				return "", fmt.Errorf("user %s has no home directory", name)
			}
			b.WriteString(home)
		case '%':
			b.WriteByte('%')
		default:
			return "", fmt.Errorf("%%%c is not a variable; there are %%u %%n %%d %%h and %%%%", l.pattern[i])
		}
	}
	return filepath.Clean(b.String()), nil
}

// path returns the folder of an account's mail.
func (l location) path(users accounts.Users, account string) (string, error) {
	u, err := users.Lookup(context.Background(), account)
	if err != nil {
		return "", err
	}
	if u == nil {
		return "", fmt.Errorf("%w: %q", mail.ErrNoAccount, account)
	}
	return l.of(u)
}

func (l location) of(u *accounts.User) (string, error) {
	if l.home != "" && u.Home != "" {
		return filepath.Join(u.Home, l.home), nil
	}
	return l.expand(u.Name, u.Home)
}

// MailPath is the folder of an account's mail as c has it.
func MailPath(c *config.Config, users accounts.Users, account string) (string, error) {
	l, err := locationOf(c)
	if err != nil {
		return "", c.ErrorFor("mail_location", err)
	}
	return l.path(users, account)
}

// MailLayout is how mailboxes lie in these folders.
func MailLayout(c *config.Config) maildir.Layout {
	l, _ := locationOf(c) // one that can't be read has no mailboxes
	return l.layout
}

// Users returns the names of the users, in the order of passwd_file, as far as they can be listed.
func (s *Server) Users() []string {
	names, _ := s.users.Users(context.Background())
	return names
}
