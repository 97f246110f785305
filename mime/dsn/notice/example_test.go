package notice_test

import (
	"fmt"
	"strings"

	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/mime/dsn/notice"
)

func ExampleParse() {
	words, err := notice.Parse(`
failure_template = <<EOF
From: postmaster (The post office)
Subject: Your letter came back

$myhostname could not deliver your letter.
EOF
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &dsn.Report{
		To: "nga@example.vn", ReportingMTA: "mail.example.vn",
		Recipients: []dsn.Recipient{{Final: "bob@example.com", Diagnostic: "550 5.1.1 No such user", RemoteMTA: "mx.example.com"}},
	}
	words.Apply(r, notice.Values{})
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		fmt.Println(err)
		return
	}
	back, err := dsn.Parse(strings.NewReader(b.String()), int64(b.Len()))
	fmt.Println(back.Subject, err)
	fmt.Print(r.Text(back))
	// Output:
	// Your letter came back <nil>
	// mail.example.vn could not deliver your letter.
	//
	// <bob@example.com>: host mx.example.com said: 550 5.1.1 No such user
}
