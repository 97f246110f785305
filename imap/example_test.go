package imap_test

import (
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// A Decoder's methods are named after the grammar's rules; one look at CRLF's error is enough.
func ExampleDecoder() {
	d := imap.NewDecoder(strings.NewReader("a7 COPY 2:4,* \"Th&AbA-\"\r\n"))
	tag := d.Tag()
	d.SP()
	name := d.Keyword()
	d.SP()
	set := d.SequenceSet()
	d.SP()
	mailbox := d.Mailbox()
	if err := d.CRLF(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tag, name, set, mailbox)
	// Output: a7 COPY 2:4,* Thư
}

// A command that is wrong is answered, dropped, and forgotten.
func ExampleDecoder_Skip() {
	d := imap.NewDecoder(strings.NewReader("a1 DELETE (what)\r\na2 NOOP\r\n"))
	for range 2 {
		tag := d.Tag()
		d.SP()
		d.Atom()
		if err := d.CRLF(); err != nil {
			fmt.Println(tag, imap.StatusOf(err))
			if d.Skip() != nil {
				return
			}
			continue
		}
		fmt.Println(tag, "is fine")
	}
	// Output:
	// a1 BAD [PARSE] Unexpected " (what)"
	// a2 is fine
}

func ExampleEncoder() {
	var out strings.Builder
	e := imap.NewEncoder(&out)
	e.Raw("* LIST (").Raw(`\HasNoChildren`).Raw(`) "/" `).Mailbox("Thư").CRLF()
	e.Raw("* 12 FETCH (FLAGS ").Flags(mail.NewFlags(`\Seen`, "$Work"), false).Raw(" BODY[TEXT] ")
	e.String("two\r\nlines").Raw(")").CRLF()
	e.Status("a7", imap.Okay(imap.CodeReadWrite, "", "done"))
	if err := e.Flush(); err != nil {
		fmt.Println(err)
	}
	fmt.Print(strings.ReplaceAll(out.String(), "\r\n", "\n"))
	// Output:
	// * LIST (\HasNoChildren) "/" Th&AbA-
	// * 12 FETCH (FLAGS (\Seen $Work) BODY[TEXT] {10}
	// two
	// lines)
	// a7 OK [READ-WRITE] done
}

// What "*" stands for is known when the command runs, and sequence numbers are never taken for UIDs.
func ExampleNumSet() {
	set := imap.NumSet{Ranges: []imap.NumRange{{First: 7}, {First: 2, Last: 3}}} // "7:*,2:3"
	seqs, ok := set.Seqs(5)
	fmt.Println(seqs, ok)
	fmt.Println(set.UIDs(4711))
	// Output:
	// 2:3,5:7 false
	// 2:3,7:4711
}
