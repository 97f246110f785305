// Command fullserver is a complete mail server made of this module's packages: SMTP, submission and LMTP in, Maildir, IMAP
// and POP3 out, a queue for mail to elsewhere.
//
//	fullserver                                  a demo on loopback, in ./fullserver-data
//	fullserver -c main.cf [-o name=value]...    for real
//	fullserver [-c …] [-o …] postconf [-dhHnx] [name…] | -M|-F|-P [service/type…]
//	fullserver [-c …] check                     say what is wrong with configuration, files, ports, certificates, DNS
//	fullserver [-c …] reload                    have the running server read main.cf again
//	fullserver [-c …] mta-sts                   print the DNS records for mta_sts_domains
//	fullserver [-c …] user | alias | domain     add, change and list users, aliases and domains; -as user@domain: as who administers some domains
//	fullserver reports [file|folder…]           show the DMARC and TLS reports that others have sent
//	fullserver passwd [user]
//	fullserver webmail -imap host -smtp host    mail in the browser, on any servers; -h tells more
//	fullserver [-c …] mailq | postqueue | postsuper | postcat | qshape
//	                                            look after the queue, also under these names (ln -s fullserver mailq)
//	fullserver [-c …] doveadm …                 look after users' mail, with Dovecot's words
//	fullserver setup [-domain example.org] …    make the files of a new server
//	fullserver import postfix-dovecot …         read an installed Postfix and Dovecot, take their place, and give it back
//	fullserver [-c …] dns [-zone] [domain…]     compare the DNS with what it should say, or print that
//	fullserver [-c …] trace word                tell what became of messages, from the log
//	fullserver [-c …] queue pause | resume domain… ; queue paused
//	                                            stop delivery to domains for a while
//	fullserver [-c …] sendmail [flags] [address…]
//	                                            what programs on this machine send mail with
//	fullserver postmap | postalias [-s] [-q key] [type:]file...
//	                                            check, list and ask lookup tables
//	fullserver [-c …] backup folder|file.tar|-  copy mail, queue, configuration and keys while the server runs; -verify reads a backup again
//	fullserver [-c …] restore backup …          put all of it back, or one user, or one message
//	fullserver version
//
// main.cf is in Postfix's syntax, and the parameters have Postfix's and Dovecot's names; "fullserver postconf" lists them. A master.cf beside it is read
// too.
// SIGINT and SIGTERM end it once sessions and deliveries under way are done, at most five seconds later; a second one ends
// it at once. SIGHUP opens the log anew and reads users and certificate again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/admincmd"
	"github.com/buuta/mail/examples/fullserver/check"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/reportcmd"
	"github.com/buuta/mail/examples/fullserver/tablecmd"
)

func main() {
	args := os.Args[1:]
	if name := filepath.Base(os.Args[0]); queuecmd.Known(name) || name == "postconf" || name == "doveadm" {
		args = asLinked(name, args)
	} else if tablecmd.Known(name) {
		args = append([]string{name}, args...)
	} else if name == "sendmail" || name == "newaliases" {
		args = asSendmail(name, args)
	}
	os.Exit(run(args, os.Stdin, os.Stdout, os.Stderr))
}

// overrides collects -o.
type overrides []string

func (o *overrides) String() string     { return strings.Join(*o, " ") }
func (o *overrides) Set(s string) error { *o = append(*o, s); return nil }

const usage = `fullserver: SMTP, submission, LMTP, IMAP and POP3 in one program

  fullserver                                 a demo on loopback; what it keeps is in ./fullserver-data
  fullserver -c main.cf [-o name=value]...   run as main.cf says; -o overrides a parameter
  fullserver [-c ...] [-o ...] postconf [-dhHnx] [name...] | -M|-F|-P [service/type...]
                                             print the parameters in force; -n: only those that were set; -d: defaults;
                                             -M, -F, -P: the services of master.cf, their fields, their own parameters
  fullserver [-c ...] check                  say what is wrong with configuration, files, ports, certificates, DNS
  fullserver [-c ...] reload                 have the running server read main.cf, users and certificate again
  fullserver [-c ...] user add|del|passwd|quota|disable|enable|list|import|export, alias set|del|list, domain add|del|quota|admin|list
                                             change users, aliases and domains; user -as lan@an.example: as who administers domains
  fullserver [-c ...] mta-sts                print the records that the DNS needs for mta_sts_domains and tls_report_to
  fullserver reports [file|folder...]        show what DMARC and TLS reports say, mails with them or the reports themselves; a folder may be a Maildir
  fullserver passwd [user]                   read a password and print it as a line for passwd_file
  fullserver passwd -app user scopes [label] make a password for one of a user's programs, and print its line for app-passwords:
  fullserver passwd -totp user [site]        make a key for a user's authenticator app and recovery codes, and print their lines
  fullserver webmail -imap host -smtp host   mail in the browser, on any servers; webmail -h tells more
  fullserver [-c ...] mailq | postqueue | postsuper | postcat | qshape
                                             look after the queue, with Postfix's flags; also under the name
                                             that the program is linked as
  fullserver [-c ...] doveadm [-f format] command [-u user|-A|-F file] ...
                                             look after users' mail, with Dovecot's commands; doveadm -h lists them
  fullserver setup [-domain example.org] ...  make main.cf, users and keys of a new server, and say what to publish
  fullserver import postfix-dovecot [-take-over | -give-back] ...
                                             read an installed Postfix and Dovecot, say what will differ, take their
                                             place, and give it back; import -h tells more
  fullserver [-c ...] dns [-zone] [domain...]  compare the DNS with what it should say of the domains; -zone prints what to publish
  fullserver [-c ...] trace [-l en|vi] address|@domain|message-id|queue-id|client-ip
                                             tell what became of messages, from the log
  fullserver [-c ...] queue pause|resume domain... | queue paused | queue bounce id...
                                             stop delivery to domains for a while, and list these; return messages
  fullserver [-c ...] sendmail [flags] [address...]
                                             send the message on standard input, as /usr/sbin/sendmail does
  fullserver postmap | postalias [-s] [-q key] [type:]file...
                                             check, list and ask lookup tables, as Postfix's do
  fullserver [-c ...] backup [-full] folder|file.tar|- | -verify backup
                                             copy mail, queue, configuration and keys while the server runs; read a copy again
  fullserver [-c ...] restore backup -list | -all | -user U [-mailbox M] [-message ID]
                                             put all of it back, or one user, or one message
  fullserver version                         print the version

Without -c commands take main.cf of the demo in this folder, else /etc/fullserver/main.cf, else /etc/postfix/main.cf.
SIGINT, SIGTERM: end. SIGHUP: open the log anew, read users and certificate again.
Không có tham số: chạy máy chủ thử trên máy này.
`

// usageOf is what the usage says of a command, "" for one that says more about itself, or for which -h is something else.
func usageOf(cmd string) string {
	if !slices.Contains([]string{"check", "reload", "mta-sts", "reports", "passwd", "mailq", "queue", "version"}, cmd) {
		return ""
	}
	var b strings.Builder
	within := false
	for line := range strings.Lines(usage) {
		if rest, ok := strings.CutPrefix(line, "  fullserver "); ok {
			words := strings.Fields(strings.NewReplacer("[-c ...]", "", "[-o ...]", "").Replace(rest))
			within = len(words) > 0 && words[0] == cmd
		} else if !strings.HasPrefix(line, "   ") {
			within = false
		}
		if within {
			b.WriteString(line)
		}
	}
	return b.String()
}

// run is the program with its surroundings given. It returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var file string
	var over overrides
	fs := flag.NewFlagSet("fullserver", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&file, "c", "", "main.cf")
	fs.Var(&over, "o", "name=value")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			return 0
		}
		fmt.Fprintf(stderr, "fullserver: %v; -h tells more\n", err)
		return 2
	}
	if word := fs.Arg(1); (word == "-h" || word == "-help" || word == "--help") && fs.NArg() == 2 || fs.Arg(0) == "help" && word != "" {
		cmd := fs.Arg(0)
		if cmd == "help" {
			cmd = word
		}
		if text := usageOf(cmd); text != "" {
			fmt.Fprint(stdout, text)
			return 0
		}
	}
	if file == "" && len(over) == 0 && fs.Arg(0) != "" { // the server itself makes the demo's
		file = findConfig()
	}
	if cmd := fs.Arg(0); queuecmd.Known(cmd) {
		return queueCommand(cmd, file, over, fs.Args()[1:], stdin, stdout, stderr)
	}
	if cmd := fs.Arg(0); tablecmd.Known(cmd) {
		return (&tablecmd.Env{Stdin: stdin, Stdout: stdout, Stderr: stderr}).Run(context.Background(), cmd, fs.Args()[1:])
	}
	if cmd := fs.Arg(0); admincmd.Known(cmd) {
		return administer(cmd, file, over, fs.Args()[1:], stdin, stdout, stderr)
	}
	if fs.Arg(0) == "check" {
		return check.Env{Out: stdout}.Run(context.Background(), func() (*config.Config, error) {
			return config.Load(config.Options{File: file, Overrides: over})
		})
	}
	if fs.Arg(0) == "setup" {
		return setupCommand(fs.Args()[1:], stdin, stdout, stderr)
	}
	if fs.Arg(0) == "import" {
		return importCommand(fs.Args()[1:], stdin, stdout, stderr)
	}
	if fs.Arg(0) == "dns" {
		return dnsCommand(file, over, fs.Args()[1:], stdout, stderr)
	}
	if fs.Arg(0) == "trace" {
		return traceCommand(file, over, fs.Args()[1:], stdout, stderr)
	}
	if fs.Arg(0) == "doveadm" {
		return doveadmCommand(file, over, fs.Args()[1:], stdin, stdout, stderr)
	}
	if fs.Arg(0) == "backup" {
		return backupCommand(file, over, fs.Args()[1:], stdout, stderr)
	}
	if fs.Arg(0) == "restore" {
		return restoreCommand(file, over, fs.Args()[1:], stdout, stderr)
	}
	if fs.Arg(0) == "reports" {
		return reportcmd.Run(fs.Args()[1:], stdin, stdout, stderr)
	}
	if fs.Arg(0) == "sendmail" {
		return sendMail(file, over, fs.Args()[1:], stdin, stdout, stderr)
	}
	var err error
	switch cmd := fs.Arg(0); cmd {
	case "":
		err = serve(file, over, stdout, stderr)
	case "postconf":
		err = postconf(file, over, fs.Args()[1:], stdout, stderr)
	case "reload":
		err = reload(file, over)
	case "mta-sts":
		err = mtaSTS(file, over, stdout)
	case "passwd":
		err = passwd(fs.Args()[1:], stdin, stdout, stderr)
	case "webmail":
		err = webmailOnly(fs.Args()[1:], stdout, stderr)
	case "version":
		_, err = fmt.Fprintln(stdout, version())
	case "help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "fullserver: %q is not a command; -h tells more\n", cmd)
		return 2
	}
	if err != nil {
		fmt.Fprintf(stderr, "fullserver: fatal: %v\n", err)
		return 1
	}
	return 0
}
