package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/backup"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
)

const backupUsage = `fullserver [-c main.cf] backup [-full] [-q] folder|file.tar|-
fullserver backup -verify [-q] folder|file.tar

Copies mail, queue, configuration, passwords and keys while the server runs. In a folder each backup is a folder of its own; messages that the last
one has are not copied again. A name that ends with .tar, or of a file, is one tar file; - is standard output. -full copies every message.
-verify reads a backup again, the last of a folder, and tells what is damaged. -q shows no progress.
A backup holds secrets: keep it as safe as the server.

Sao lưu thư, hàng đợi, cấu hình, mật khẩu và khóa trong khi máy chủ vẫn chạy. -verify đọc lại và kiểm tra bản sao lưu.
`

// backupCommand makes and verifies backups.
func backupCommand(file string, over overrides, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("backup", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	full, verify, quiet := fs.Bool("full", false, ""), fs.Bool("verify", false, ""), fs.Bool("q", false, "")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, backupUsage)
		return 0
	}
	if err == nil && fs.NArg() != 1 {
		err = errors.New("name one folder, file or -")
	}
	if err != nil {
		fmt.Fprintf(stderr, "backup: %v; backup -h tells more\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	show := showProgress(stderr, *quiet)
	if *verify {
		return verifyBackup(ctx, fs.Arg(0), show, stdout, stderr)
	}
	s, done, err := backedUp(file, over, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "backup: %v\n", err)
		return 1
	}
	defer done()
	begun := time.Now()
	var res backup.Result
	switch to := fs.Arg(0); {
	case to == "-":
		res, err = backup.ToStream(ctx, s, stdout, show.progress)
		stdout = stderr
	case isTarName(to):
		res, err = backup.ToFile(ctx, s, to, show.progress)
	default:
		res, err = backup.ToFolder(ctx, s, to, *full, show.progress)
	}
	show.end()
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted; nothing is left of this backup")
		} else if errors.Is(err, os.ErrPermission) && fs.Arg(0) != "-" {
			err = fmt.Errorf("%w: this runs as the server's user: let that user write there, or redirect the output of backup -", err)
		}
		fmt.Fprintf(stderr, "backup: %v\n", err)
		return 1
	}
	for _, m := range res.Missed {
		fmt.Fprintf(stderr, "backup: left out: %s\n", m)
	}
	where := ""
	if res.Where != "" {
		where = res.Where + ": "
	}
	fmt.Fprintf(stdout, "%s%d accounts, %d messages (%d copied, %d as before), %d in the queue, %d files of the server; read %s in %s; an account stood still for %s at most\n",
		where, res.Accounts, res.Messages, res.Copied, res.Linked, res.Queue, res.Files, octets(res.Bytes), time.Since(begun).Round(10*time.Millisecond), res.Longest.Round(100*time.Microsecond))
	if len(res.Missed) > 0 {
		return 1
	}
	return 0
}

// isTarName reports whether a backup is to be one file.
func isTarName(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() || err != nil && strings.HasSuffix(name, ".tar")
}

// backedUp opens what is to be backed up. The configuration is read before root's rights are given up.
func backedUp(file string, over overrides, stderr io.Writer) (*backup.Server, func(), error) {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		return nil, nil, err
	}
	set := &c.Settings
	s := &backup.Server{Now: time.Now, Log: set.MaillogFile}
	s.Program, s.Host, s.Data, s.Queue = version(), set.MyHostname, set.DataDirectory, set.QueueDirectory
	leave := []string{set.QueueDirectory, set.MaillogFile}
	if spool, _ := c.Value("mail_spool_directory"); spool != "" {
		leave = append(leave, spool)
	}
	if file != "" {
		if s.Config, err = filepath.Abs(file); err != nil {
			return nil, nil, err
		}
	}
	var missed []string
	s.Files, missed = backup.ReadConfig(s.Config, c.Paths(), leave)
	for _, m := range missed {
		fmt.Fprintf(stderr, "backup: warning: %s\n", m)
	}
	if err := asOwner(c); err != nil {
		return nil, nil, err
	}
	m, err := server.OpenMail(c, server.Options{Stderr: stderr})
	if err != nil {
		return nil, nil, err
	}
	s.Store, s.Users = m.Maildir(), m.Users.Users
	return s, m.Close, nil
}

func verifyBackup(ctx context.Context, name string, show *progress, stdout, stderr io.Writer) int {
	b, err := backup.Open(name)
	if err != nil {
		fmt.Fprintf(stderr, "backup: %v\n", err)
		return 1
	}
	defer b.Close()
	bad := 0
	files, err := b.Verify(ctx, func(err error) {
		bad++
		show.end()
		fmt.Fprintf(stderr, "backup: %v\n", err)
	}, show.progress)
	show.end()
	if err != nil {
		fmt.Fprintf(stderr, "backup: %s: %v\n", b.Where, err)
		return 1
	}
	if b.End != nil {
		for _, m := range b.End.Missed {
			fmt.Fprintf(stderr, "backup: was left out when it was made: %s\n", m)
		}
	}
	if bad > 0 {
		fmt.Fprintf(stderr, "backup: %s: %d faults; what is not named above is whole\n", b.Where, bad)
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d files are as they were written on %s\n", b.Where, files, b.Begun.Local().Format(time.DateTime))
	return 0
}

func octets(n int64) string {
	for _, u := range []string{"octets", "KiB", "MiB", "GiB"} {
		if n < 10_000 {
			return fmt.Sprintf("%d %s", n, u)
		}
		n /= 1024
	}
	return fmt.Sprintf("%d TiB", n)
}

// progress shows on a terminal how far something is.
type progress struct {
	w     io.Writer // nil: nobody looks
	next  time.Time
	shown bool
}

// showProgress shows it if w is a terminal.
func showProgress(w io.Writer, quiet bool) *progress {
	if f, ok := w.(*os.File); ok && !quiet {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progress{w: w}
		}
	}
	return &progress{}
}

func (p *progress) progress(at backup.Progress) {
	if now := time.Now(); p.w != nil && now.After(p.next) {
		p.next, p.shown = now.Add(100*time.Millisecond), true
		fmt.Fprintf(p.w, "\r\x1b[K%s: %d, %s", at.Account, at.Files, octets(at.Bytes))
	}
}

// end takes it away.
func (p *progress) end() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
