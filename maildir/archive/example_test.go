package archive_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/archive"
)

// An mbox file is imported into an account.
func Example() {
	dir, err := os.MkdirTemp("", "archive")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store := &maildir.Store{Path: dir + "/%u"}
	account, err := store.Account(context.Background(), "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer account.Close()

	files := fstest.MapFS{"lists.mbox": {Data: []byte("From bob@example.org Mon Jan  2 15:04:05 2006\nSubject: hello\nStatus: RO\n\nhello\n\n")}}
	src, err := archive.OpenMbox(files, "lists.mbox", "Lists", archive.MboxAuto)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	dst := &archive.Account{Account: account, Origin: "lists.mbox"}
	defer dst.Close()
	done, err := archive.Copy(context.Background(), dst, src, nil)
	fmt.Println(done.Messages, err)

	box, err := account.Open(context.Background(), "Lists")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer box.Close()
	for msg, err := range box.Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags|mail.FieldDate) {
		fmt.Println(msg.InternalDate, msg.Flags.Names(), err)
	}
	// Output:
	// 1 <nil>
	// 2006-01-02 15:04:05 +0000 UTC [\Seen] <nil>
}
