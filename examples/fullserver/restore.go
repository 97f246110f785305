package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/buuta/mail/examples/fullserver/backup"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
)

const restoreUsage = `fullserver restore backup -list [-user U [-mailbox M] [-text words]]
fullserver restore backup -all [-user U] [-root folder] [-release]
fullserver [-c main.cf] restore backup -user U [-mailbox M] [-message ID|UID] [-text words] [-to parent | -merge]

The backup is a folder, of which the last one is taken if it holds several, or a tar file.
-list tells which users it has, with -user which messages.
-all puts everything back where it was: configuration, mail with its UIDs, the queue on hold (-release: to be sent). Nothing that is there is
overwritten. The server must not run; with -user, which puts back one mailbox that is gone, it may. -root writes below another folder.
-user without -all adds messages to the user's mail, while the server runs, too: below "Restored", or another mailbox that -to names, or with -merge
where they were, if they are missing there. -message takes the one with that Message-ID, or that UID of -mailbox; -text those in whose subject
or addresses the words stand.

Khôi phục từ bản sao lưu: toàn bộ (-all), một người dùng (-user), hay một thư (-message). Những gì đang có không bị ghi đè.
`

type restoreFlags struct {
	list, all, merge, release bool
	user, to, root, message   string
	sel                       backup.Selection
}

func parseRestore(args []string) (name string, r restoreFlags, err error) {
	fs := flag.NewFlagSet("restore", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&r.list, "list", false, "")
	fs.BoolVar(&r.all, "all", false, "")
	fs.BoolVar(&r.merge, "merge", false, "")
	fs.BoolVar(&r.release, "release", false, "")
	fs.StringVar(&r.user, "user", "", "")
	fs.StringVar(&r.to, "to", "Restored", "")
	fs.StringVar(&r.root, "root", "", "")
	fs.StringVar(&r.message, "message", "", "")
	fs.StringVar(&r.sel.Mailbox, "mailbox", "", "")
	fs.StringVar(&r.sel.Text, "text", "", "")
	given := map[string]bool{}
	for len(args) > 0 { // the backup may be named before the flags or behind them
		if err := fs.Parse(args); err != nil {
			return "", r, err
		}
		if args = fs.Args(); len(args) > 0 {
			if name != "" {
				return "", r, errors.New("name one backup")
			}
			name, args = args[0], args[1:]
		}
	}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if uid, err := strconv.ParseUint(r.message, 10, 32); err == nil {
		r.sel.UID = uint32(uid)
	} else {
		r.sel.MessageID = r.message
	}
	some := given["mailbox"] || given["message"] || given["text"]
	switch {
	case name == "":
		err = errors.New("name the backup")
	case !r.list && !r.all && r.user == "":
		err = errors.New("say what: -list, -all or -user")
	case r.list && r.all:
		err = errors.New("-list and -all don't go together")
	case r.all && (some || r.merge || given["to"]):
		err = errors.New("-all puts whole mailboxes back: leave it out to choose from one user's")
	case !r.all && (given["root"] || r.release):
		err = errors.New("-root and -release go with -all")
	case some && r.user == "":
		err = errors.New("name the user whose messages are meant with -user")
	case r.sel.UID != 0 && r.sel.Mailbox == "":
		err = errors.New("a UID is one of a mailbox: name it with -mailbox")
	case given["message"] && r.message == "" || r.merge && given["to"]:
		err = errors.New("-message needs a Message-ID or a UID; -to and -merge don't go together")
	case r.to == "" && !r.merge:
		err = errors.New("-to names a mailbox; -merge puts messages where they were")
	}
	return name, r, err
}

// restoreCommand puts back what backups hold.
func restoreCommand(file string, over overrides, args []string, stdout, stderr io.Writer) int {
	name, r, err := parseRestore(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, restoreUsage)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "restore: %v; restore -h tells more\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := backup.Open(name)
	if err != nil {
		fmt.Fprintf(stderr, "restore: %v\n", err)
		return 1
	}
	defer b.Close()
	bad := 0
	damaged := func(err error) {
		bad++
		fmt.Fprintf(stderr, "restore: left out: %v\n", err)
	}
	switch {
	case r.list && r.user == "":
		err = listAccounts(b, stdout)
		for _, f := range b.Faults {
			damaged(errors.New(f))
		}
	case r.list:
		err = listMessages(ctx, b, &r, stdout, damaged)
	case r.all:
		err = restoreWhole(ctx, b, &r, stdout, stderr, damaged)
	default:
		err = restoreToUser(ctx, b, &r, file, over, stdout, stderr, damaged)
	}
	if err != nil {
		fmt.Fprintf(stderr, "restore: %v\n", err)
		return 1
	}
	if bad > 0 {
		return 1
	}
	return 0
}

func listAccounts(b *backup.Backup, stdout io.Writer) error {
	fmt.Fprintf(stdout, "%s: of %s, %s\n", b.Where, b.Host, b.Begun.Local().Format(time.DateTime))
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	for _, a := range b.Accounts {
		n := 0
		for _, m := range a.Mailboxes {
			n += m.Messages
		}
		fmt.Fprintf(w, "%s\t%d mailboxes\t%d messages\t%s\n", a.User, len(a.Mailboxes), n, a.At.Local().Format(time.DateTime))
	}
	return w.Flush()
}

// printable takes away what a message could do to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func listMessages(ctx context.Context, b *backup.Backup, r *restoreFlags, stdout io.Writer, damaged func(error)) error {
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	err := b.Messages(ctx, r.user, r.sel, func(m backup.Listed) {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", printable(m.Mailbox), m.UID, m.Date.Local().Format(time.DateTime), printable(m.From), printable(m.Subject), printable(m.ID))
	}, damaged)
	return errors.Join(err, w.Flush())
}

func restoreWhole(ctx context.Context, b *backup.Backup, r *restoreFlags, stdout, stderr io.Writer, damaged func(error)) error {
	res, err := b.All(ctx, backup.Whole{
		Root: r.root, User: r.user, Release: r.release, Now: time.Now, Damaged: damaged,
		Kept: func(path, why string) { fmt.Fprintf(stderr, "restore: %s: %s\n", path, why) },
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d accounts with %d messages, %d files of the server, %d messages in the queue\n", res.Accounts, res.Messages, res.Files, res.Queue)
	if res.Queue > 0 && !r.release {
		fmt.Fprintln(stdout, `The queue's messages are on hold, for most may have been delivered since: "mailq" shows them, "postsuper -H ALL" sends them, "postsuper -d ALL" removes them.`)
	}
	if res.Kept > 0 {
		return fmt.Errorf("%d files or mailboxes were there already and stay as they are", res.Kept)
	}
	return nil
}

func restoreToUser(ctx context.Context, b *backup.Backup, r *restoreFlags, file string, over overrides, stdout, stderr io.Writer, damaged func(error)) error {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		return err
	}
	if err := asOwner(c); err != nil {
		return err
	}
	m, err := server.OpenMail(c, server.Options{Stderr: stderr})
	if err != nil {
		return err
	}
	defer m.Close()
	account, err := m.Store.Account(ctx, r.user)
	if err != nil {
		return err
	}
	defer account.Close()
	parent := r.to
	if r.merge {
		parent = ""
	}
	res, err := b.ToUser(ctx, r.user, r.sel, account, parent, damaged)
	if err != nil {
		return err
	}
	if res.Messages+res.There+res.Skipped == 0 {
		return errors.New("no message in the backup is meant by this")
	}
	fmt.Fprintf(stdout, "%d messages restored to %s", res.Messages, strings.Join(res.Where, ", "))
	if res.There > 0 {
		fmt.Fprintf(stdout, "; %d were there", res.There)
	}
	_, err = fmt.Fprintln(stdout)
	return err
}
