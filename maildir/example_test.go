package maildir_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// tempDir is where the examples keep their mail.
func tempDir() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { os.RemoveAll(dir) }
}

// A message goes in and comes out.
func Example() {
	dir, remove := tempDir()
	defer remove()
	ctx := context.Background()

	store := &maildir.Store{Path: dir + "/%d/%n"}
	account, err := store.Account(ctx, "alice@example.test")
	if err != nil {
		log.Fatal(err)
	}
	defer account.Close()
	inbox, err := account.Open(ctx, "INBOX")
	if err != nil {
		log.Fatal(err)
	}
	defer inbox.Close()

	in, err := inbox.Append(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer in.Abort()
	message := "Subject: Hello\r\n\r\nHow are you?\r\n"
	if err := in.Add(ctx, strings.NewReader(message), nil); err != nil {
		log.Fatal(err)
	}
	added, err := in.Commit(ctx) // from here on it survives a power cut
	if err != nil {
		log.Fatal(err)
	}

	body, err := inbox.OpenBody(ctx, added.UIDs[0])
	if err != nil {
		log.Fatal(err)
	}
	defer body.Close()
	fmt.Println("UID", added.UIDs[0], "has", body.Size(), "octets")
	content, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", content)
	// Output:
	// UID 1 has 32 octets
	// "Subject: Hello\r\n\r\nHow are you?\r\n"
}

// An existing Dovecot tree is opened where it is. Its UIDs, flags and keywords stay.
func ExampleStore_dovecot() {
	dir, remove := tempDir()
	defer remove()
	write := func(name, content string) {
		os.MkdirAll(filepath.Dir(dir+"/"+name), 0o700)
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	write("cur/1795340947.M557448P26627.vm,S=18,W=21:2,Sab", "Subject: a\n\nhello\n")
	write("dovecot-uidlist", "3 V1795340949 N42 Gd0770f1a93ba026b0068000083ecc375\n41 :1795340947.M557448P26627.vm,S=18,W=21\n")
	write("dovecot-keywords", "0 $Forwarded\n1 urgent\n")

	ctx := context.Background()
	store := &maildir.Store{PathFunc: func(string) (string, error) { return dir, nil }}
	account, err := store.Account(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	defer account.Close()
	inbox, err := account.Open(ctx, "INBOX")
	if err != nil {
		log.Fatal(err)
	}
	defer inbox.Close()
	state, err := inbox.State(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("UIDVALIDITY", state.UIDValidity, "UIDNEXT", state.UIDNext)
	for m, err := range inbox.Messages(ctx, mail.AllUIDs(), mail.FieldFlags|mail.FieldSize) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.UID, m.Flags.Names(), m.Size)
	}
	// Output:
	// UIDVALIDITY 1795340949 UIDNEXT 42
	// 41 [\Seen $Forwarded urgent] 21
}

// A mailbox is a change log: whoever asks from where he left off last time misses nothing.
func ExampleStore_changes() {
	dir, remove := tempDir()
	defer remove()
	ctx := context.Background()
	store := &maildir.Store{Path: dir + "/%u"}
	account, err := store.Account(ctx, "bob")
	if err != nil {
		log.Fatal(err)
	}
	defer account.Close()
	inbox, err := account.Open(ctx, "INBOX")
	if err != nil {
		log.Fatal(err)
	}
	defer inbox.Close()
	for i := range 3 {
		in, err := inbox.Append(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if err := in.Add(ctx, strings.NewReader(fmt.Sprintf("Subject: %d\r\n\r\n", i)), nil); err != nil {
			log.Fatal(err)
		}
		if _, err := in.Commit(ctx); err != nil {
			log.Fatal(err)
		}
	}
	state, err := inbox.State(ctx)
	if err != nil {
		log.Fatal(err)
	}

	if _, err := inbox.SetFlags(ctx, mail.UIDSetOf(2), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Seen`)}); err != nil {
		log.Fatal(err)
	}
	if _, err := inbox.Expunge(ctx, mail.UIDSetOf(3), nil); err != nil {
		log.Fatal(err)
	}

	changes, err := inbox.Changes(ctx, state.HighestModSeq)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range changes.Changed {
		fmt.Println("changed:", m.UID, m.Flags.Names())
	}
	fmt.Println("vanished:", changes.Vanished)
	// Output:
	// changed: 2 [\Seen]
	// vanished: 3
}

// Mailboxes are folders of the account's, named as Dovecot names them.
func ExampleStore_folders() {
	dir, remove := tempDir()
	defer remove()
	ctx := context.Background()
	store := &maildir.Store{Path: dir + "/%n"}
	account, err := store.Account(ctx, "carol@example.test")
	if err != nil {
		log.Fatal(err)
	}
	defer account.Close()
	for _, name := range []string{"Sent", "Lists/Tiếng Việt"} {
		if _, err := account.Create(ctx, name, nil); err != nil {
			log.Fatal(err)
		}
	}
	for info, err := range account.Mailboxes(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Name, info.Use)
	}
	folders, _ := filepath.Glob(dir + "/carol/.*")
	for _, f := range folders {
		fmt.Println(filepath.Base(f))
	}
	// Output:
	// INBOX []
	// Lists []
	// Lists/Tiếng Việt []
	// Sent [\Sent]
	// .Lists
	// .Lists.Ti&Hr8-ng Vi&Hsc-t
	// .Sent
}
