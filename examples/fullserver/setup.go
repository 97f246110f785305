package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/check"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/examples/fullserver/setup"
)

const setupUsage = `usage: setup [-domain example.org] [-host mail.example.org] [-user name]... [-acme -contact address] [-dir /etc/fullserver] [-data /var/lib/fullserver]
             [-log file] [-owner user] [-base port]

Makes main.cf, users, DKIM keys and a certificate of a new server, draws passwords, and says what to publish in the DNS and what stands in the way.
Nothing that is there is changed. What isn't given is asked for, where somebody is there to answer.

  -domain   the part of addresses behind the @
  -host     this machine's name in the DNS; mail.DOMAIN where it isn't given
  -user     a user, by the part of the address before the @; once for each
  -acme     have Let's Encrypt make the certificate, whose terms you accept thereby; without it one is made that programs warn of
  -contact  whom Let's Encrypt may write to
  -dir      the folder of main.cf, users and keys
  -data     the folder of mailboxes and queue
  -log      the log's file; without it the log goes to standard error, where systemd takes it
  -owner    the user of the system whom the server becomes after it has been started by root; useradd makes one
  -base     a number that is added to all ports, to try it beside another server
Exit status: 0, or 1 when something has failed.

Không có tham số: hỏi từng mục.
`

// names collects -user.
type names []string

func (n *names) String() string     { return strings.Join(*n, " ") }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

// setupCommand makes the files of a new server, and tells what comes next.
func setupCommand(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &setup.Plan{Now: time.Now()}
	var users names
	set := flag.NewFlagSet("setup", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&p.Domain, "domain", "", "")
	set.StringVar(&p.Hostname, "host", "", "")
	set.StringVar(&p.Dir, "dir", "/etc/fullserver", "")
	set.StringVar(&p.Data, "data", "/var/lib/fullserver", "")
	set.StringVar(&p.Log, "log", "", "")
	set.StringVar(&p.Owner, "owner", "", "")
	set.BoolVar(&p.ACME, "acme", false, "")
	set.StringVar(&p.Contact, "contact", "", "")
	set.IntVar(&p.Base, "base", 0, "")
	set.Var(&users, "user", "")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, setupUsage)
		return 0
	} else if err != nil || set.NArg() > 0 {
		fmt.Fprint(stderr, setupUsage)
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintf(stderr, "setup: %v\n", err)
		return 1
	}
	if err := askPlan(p, &users, stdin, stdout); err != nil {
		return fail(err)
	}
	for _, u := range users {
		p.Users = append(p.Users, setup.User{Name: u})
	}
	for _, path := range []*string{&p.Dir, &p.Data, &p.Log} {
		if abs, err := filepath.Abs(*path); err == nil && *path != "" {
			*path = abs
		}
	}
	if p.Owner != "" {
		if _, err := process.LookupOwner(p.Owner); err != nil {
			return fail(err)
		}
	}
	m, err := p.Make()
	if err != nil {
		return fail(err)
	}
	if p.Owner != "" && os.Geteuid() == 0 { // what it becomes has to read them
		o, err := process.LookupOwner(p.Owner)
		if err == nil {
			err = o.Take(m.Files...)
		}
		if err != nil {
			return fail(err)
		}
	}
	return next(p, m, stdout, stderr)
}

// askPlan asks for what isn't known yet.
func askPlan(p *setup.Plan, users *names, stdin io.Reader, stdout io.Writer) error {
	if p.Domain != "" && len(*users) > 0 {
		return nil
	}
	if !isTerminal(stdin) {
		return errors.New("-domain and -user say for whom; or call it where somebody can answer")
	}
	in := bufio.NewReader(stdin)
	ask := func(question, usual string) (string, error) {
		if usual != "" {
			question += " [" + usual + "]"
		}
		fmt.Fprint(stdout, question+": ")
		line, err := in.ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			line = usual
		}
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		return line, err
	}
	var err error
	if p.Domain == "" {
		if p.Domain, err = ask("Domain / Tên miền", ""); err != nil {
			return err
		}
	}
	if p.Hostname == "" {
		if p.Hostname, err = ask("This server's name / Tên máy chủ", "mail."+p.Domain); err != nil {
			return err
		}
	}
	if len(*users) == 0 {
		text, err := ask("Users, separated by spaces / Người dùng, cách nhau bằng dấu cách", "postmaster")
		if err != nil {
			return err
		}
		*users = strings.Fields(text)
	}
	return nil
}

// next tells what was made, what to publish and what to do, and looks whether anything stands in the way.
func next(p *setup.Plan, m *setup.Made, stdout, stderr io.Writer) int {
	fmt.Fprintln(stdout, "Made / Đã tạo:")
	for _, f := range m.Files {
		fmt.Fprintln(stdout, "  "+f)
	}
	if len(m.Drawn) > 0 {
		fmt.Fprintln(stdout, "\nPasswords, shown only now / Mật khẩu, chỉ hiện lúc này:")
		for _, u := range p.Users {
			if d := m.Drawn[u.Name]; d != "" {
				fmt.Fprintf(stdout, "  %s  %s\n", u.Name, d)
			}
		}
	}
	c, err := config.Load(config.Options{File: m.MainCF})
	if err != nil {
		fmt.Fprintf(stderr, "setup: %v\n", err)
		return 1
	}
	site, err := server.DNSSite(c, nil)
	if err != nil {
		fmt.Fprintf(stderr, "setup: %v\n", err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Fprintln(stdout, "\nPublish in the DNS / Khai báo trong DNS:")
	var zone strings.Builder
	site.Zone(&zone, "en")
	fmt.Fprintf(stdout, "  %s. A <this server's address>\n", p.Hostname)
	for line := range strings.Lines(zone.String()) {
		fmt.Fprint(stdout, "  "+line)
	}
	fmt.Fprintln(stdout, "\nIn the way / Cần xem lại:")
	check.Env{Out: indented{stdout}}.Run(ctx, func() (*config.Config, error) { return c, nil })
	fmt.Fprintf(stdout, "\nThen / Tiếp theo:\n  fullserver -c %s            # start it / chạy\n  fullserver -c %s dns        # is the DNS right / kiểm tra DNS\n  fullserver -c %s user add …  # more users / thêm người dùng\n", m.MainCF, m.MainCF, m.MainCF)
	return 0
}

// indented writes lines with two blanks before each.
type indented struct{ w io.Writer }

func (i indented) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := io.WriteString(i.w, "  "+line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
