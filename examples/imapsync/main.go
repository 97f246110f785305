// Command imapsync copies an account from one IMAP server to another, or mirrors it:
//
//	FROM_PASSWORD=… TO_PASSWORD=… imapsync -from old.example.test -from-user an -to new.example.test -to-user an -journal an.journal
//
// Mailboxes are made where they are missing, with their purposes and subscriptions; the other side's Sent is where Sent goes,
// whatever it is called there. Messages keep flags, keywords and dates. The journal remembers what has been copied: when the
// program ends in the middle, by whatever, the same command goes on from there, and no message is lost or doubled. Run it again
// later to bring what is new; with -mirror also changes of flags, and expunges.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

func main() {
	fromAddr := flag.String("from", "", "`host:port` to copy from; port 993 if there is none (required)")
	fromUser := flag.String("from-user", "", "log in there as `name`, with the password in $FROM_PASSWORD")
	toAddr := flag.String("to", "", "`host:port` to copy to (required)")
	toUser := flag.String("to-user", "", "log in there as `name`, with the password in $TO_PASSWORD")
	name := flag.String("journal", "imapsync.journal", "`file` that remembers what has been copied")
	mirrored := flag.Bool("mirror", false, "also bring changes of flags, and expunge copies of what is gone")
	dry := flag.Bool("dry-run", false, "only tell what would be done")
	flag.Parse()
	if *fromAddr == "" || *toAddr == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	j, err := openJournal(*name)
	if err == nil {
		defer j.close()
		s := &syncer{journal: j, mirror: *mirrored, dry: *dry, tell: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
		err = s.connectAndRun(ctx, dialer(*fromAddr, *fromUser, "FROM_PASSWORD"), dialer(*toAddr, *toUser, "TO_PASSWORD"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "imapsync:", err)
		os.Exit(1)
	}
}

func dialer(addr, user, password string) func(context.Context) (*imapclient.Client, error) {
	return func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, addr, &imapclient.Options{Auth: &mail.Credentials{Username: user, Password: os.Getenv(password)}})
	}
}

// attempts is how often the program begins again by itself after a connection was lost.
const attempts = 5

// connectAndRun copies, over new connections when one is lost.
func (s *syncer) connectAndRun(ctx context.Context, from, to func(context.Context) (*imapclient.Client, error)) error {
	for try := 1; ; try++ {
		lost, err := s.once(ctx, from, to)
		if err == nil || !lost || try == attempts || ctx.Err() != nil {
			return err
		}
		s.tell("%v; once more", err)
		select {
		case <-time.After(time.Duration(try) * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *syncer) once(ctx context.Context, from, to func(context.Context) (*imapclient.Client, error)) (lost bool, err error) {
	if s.from, err = from(ctx); err != nil {
		return false, err
	}
	defer s.from.Logout(ctx)
	if s.to, err = to(ctx); err != nil {
		return false, err
	}
	defer s.to.Logout(ctx)
	err = s.run(ctx)
	return s.from.Err() != nil || s.to.Err() != nil, err
}
