package mirror_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
	"github.com/buuta/mail/imap/imaptest"
)

// exampleTB ends nothing: examples end with the program.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()        {}
func (exampleTB) Cleanup(func()) {}

// A copy of a mailbox is brought up to date, changed on both sides, and brought up to date again.
func ExampleMirror_Sync() {
	ctx := context.Background()
	srv := imaptest.NewServer(exampleTB{})
	defer srv.Close()
	srv.Add("INBOX", "Subject: one\n\n", "Subject: two\n\n")
	c, err := imapclient.Dial(ctx, "imap.example.test:143", &imapclient.Options{
		Dial: srv.Dial, // leave it out for a server on the network
		Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Logout(ctx)

	cache := &mirror.Memory{} // or one of your own on disk
	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache}
	if _, err := m.Sync(ctx, c); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(cache.Messages()), "messages")

	cache.SetFlags(mail.UIDSetOf(1), mail.FlagsAdd, mail.NewFlags(`\Seen`))                 // read here
	cache.Add([]byte("Subject: written here\r\n\r\n"), mail.NewFlags(`\Seen`), time.Time{}) // to be uploaded
	srv.Add("INBOX", "Subject: three\n\n")                                                  // has come there
	if _, err := m.Sync(ctx, c); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := m.Sync(ctx, c); err != nil { // what was uploaded comes back as a message
		fmt.Println(err)
		return
	}
	for _, msg := range cache.Messages() {
		fmt.Println(msg.UID, msg.Flags.Names(), msg.Changed())
	}
	// Output:
	// 2 messages
	// 1 [\Seen] false
	// 2 [] false
	// 3 [] false
	// 4 [\Seen] false
}
