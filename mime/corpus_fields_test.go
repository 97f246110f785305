package mime_test

import "strings"

func headerClasses() []class {
	raw := func(s string) string { return crlf(s) }
	return append(each("header", raw,
		"empty-message", "",
		"only-empty-line", "\n",
		"only-body", "\nthe text\n",
		"only-header", "Subject: x\nFrom: a@example.test\n\n",
		"no-empty-line", "Subject: x\nFrom: a@example.test\n",
		"no-line-end", "Subject: x",
		"no-header-at-all", "Dear Bob,\n\nthis is no header.\n",
		"starts-with-blank", " continued from nowhere\nSubject: x\n\ntext\n",
		"bad-line-in-the-middle", "Subject: x\nthis is no field\nFrom: a@example.test\n\ntext\n",
		"bad-line-at-end", "Subject: x\nFrom: a@example.test\nthis is no field\n\ntext\n",
		"text-without-empty-line", "Subject: x\nFrom: a@example.test\nHello Bob!\nHow are you?\n",
		"name-empty", "Subject: x\n: nothing\n\ntext\n",
		"name-with-blank", "Subject: x\nX Strange: y\n\ntext\n",
		"name-with-utf8", "Subject: x\nX-Thư: y\n\ntext\n",
		"name-very-long", "Subject: x\n"+strings.Repeat("X", 900)+": y\n\ntext\n",
		"blank-before-colon", "Subject : x\nFrom : a@example.test\n\ntext\n",
		"no-blank-after-colon", "Subject:x\nFrom:a@example.test\n\ntext\n",
		"name-in-odd-case", "sUbJeCt: x\nfROM: a@example.test\n\ntext\n",
		"value-empty", "Subject:\nFrom: a@example.test\n\ntext\n",
		"folded-oddly", "Subject:\n \n\t\n x\nFrom: a@example.test\n\ntext\n",
		"fold-of-blanks-ends-header", "Subject: x\n \nFrom: a@example.test\n\ntext\n",
		"mbox-from", "From a@example.test Sun Nov 22 09:00:00 2026\nSubject: x\n\ntext\n",
		"mbox-from-quoted", ">From a@example.test Sun Nov 22 09:00:00 2026\nSubject: x\n\ntext\n",
		"mbox-from-in-the-middle", "Received: x\nFrom a@example.test Sun Nov 22 09:00:00 2026\nSubject: x\n\ntext\n",
		"very-long-line", "Subject: x\nX-Long: "+strings.Repeat("y", 5000)+"\n\ntext\n",
		"many-received", strings.Repeat("Received: from a by b; Sun, 22 Nov 2026 09:00:00 +0700\n", 60)+"Subject: x\n\ntext\n",
		"field-twice", "Subject: first\nSubject: second\nFrom: a@example.test\n\ntext\n",
		"to-twice", "Subject: x\nTo: a@example.test\nTo: b@example.test\n\ntext\n",
		"resent", "Resent-From: r@example.test\nResent-To: s@example.test\nSubject: x\nFrom: a@example.test\n\ntext\n",
		"body-begins-with-field", "Subject: x\n\nFrom: not a header\n\ntext\n",
		"body-begins-with-blank", "Subject: x\n\n  indented\n",
		"references-folded", "Subject: x\nReferences: <a@x>\n <b@x>\n\t<c@x>\nIn-Reply-To: Your message of <a@x>\n\ntext\n",
		"message-id-broken", "Subject: x\nMessage-ID: no brackets\n\ntext\n",
		"bytes-before-name", "\xef\xbb\xbfSubject: x\nFrom: a@example.test\n\ntext\n",
		"list-fields", "Subject: x\nList-Id: Jokes <jokes.example.test>\nList-Unsubscribe: <https://example.test/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\ntext\n",
	),
		class{"header-with-nul", "Subject: a\x00b\r\nFrom: a@example.test\r\n\r\ntext\r\n"},
		class{"header-with-bare-cr", "Subject: a\rb\r\nFrom: a@example.test\r\n\r\ntext\r\n"},
		class{"header-with-cr-cr-lf", "Subject: x\r\r\nFrom: a@example.test\r\r\n\r\r\ntext\r\r\n"},
		class{"header-with-form-feed", "Subject: a\x0cb\r\nFrom: a@example.test\r\n\r\ntext\r\n"},
	)
}

func encodingClasses() []class {
	as := func(encoding, body string) string {
		return simple("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "+encoding+"\n", body)
	}
	field := func(s string) string { return as(s, "dGjGsA==\n") }
	b64 := func(s string) string { return as("base64", s) }
	qp := func(s string) string { return as("quoted-printable", s) }
	uu := func(s string) string {
		return mixed("Content-Type: application/octet-stream; name=\"a.txt\"\nContent-Transfer-Encoding: x-uuencode\n", s)
	}
	out := each("encoding", field,
		"upper-case", "BASE64", "quoted", "\"base64\"", "with-comment", "base64 (it is)", "with-semicolon", "base64;", "unknown", "x-strange",
		"misspelt-7bit", "7-bit", "misspelt-8bit", "8 bits", "empty", "", "twice", "base64\nContent-Transfer-Encoding: 7bit", "with-blanks", "  base64  ",
		"binary", "binary", "iso-charset-as-encoding", "utf-8")
	out = append(out, each("base64", b64,
		"usual", "dGjGsCBuZ+G7jw==\n", "without-padding", "dGjGsA\n", "without-line-end", "dGjGsA==", "padding-in-the-middle", "dA==aGk=\n",
		"padding-too-much", "dGjGsA=====\n", "padding-alone", "====\n", "cut", "dGjGsCBuZ\n", "cut-one-letter", "dGjGsA\nZ\n", "with-blanks", "dGj GsA ==\n",
		"with-garbage", "dG!j#Gs$A==\n", "with-text-after", "dGjGsA==\n\nSent from my phone\n", "with-text-after-delimited", "dGjGsA==\n-- \nfooter of a list\n",
		"url-alphabet", "Pz8_Pj4-\n", "one-long-line", strings.Repeat("dGjGsCBu", 200)+"\n", "short-lines", "d\nG\nj\nG\ns\nA\n=\n=\n", "empty", "",
		"not-encoded-at-all", "Plain text here.\n", "empty-lines-between", "dGjG\n\n\nsA==\n", "quoted-lines", "> dGjGsA==\n", "equals-first", "=dGjGsA==\n",
		"with-8bit", "dGj\xc3GsA==\n", "bits-left-over", "dGh=\n")...)
	out = append(out, each("qp", qp,
		"usual", "Th=C6=B0 =\nng=E1=BB=8F\n", "lower-case-hex", "th=c6=b0\n", "bad-hex", "100=XY =ZZ\n", "one-digit", "a=4\n", "equals-at-end", "a=", "soft-break-with-blanks", "a=  \nb\n",
		"trailing-blanks", "a  \t\nb \n", "raw-8bit", "Thư=20x\n", "encoded-line-ends", "a=0D=0Ab\n", "encoded-nul", "a=00b\n", "very-long-line", strings.Repeat("word ", 400)+"\n",
		"space-after-equals", "a= b\n", "not-encoded-url", "http://x.test/?a=b&c=20d\n", "soft-break-at-end", "a=\n", "double-equals", "a==3Db\n", "dot-lines", ".\n..\n=2E\n",
		"without-line-end", "th=C6=B0", "empty", "", "underscore", "a_b\n", "encoded-equals", "a=3Db\n")...)
	return append(out, each("uuencode", uu,
		"usual", "begin 644 a.txt\n#0V%T\n`\nend", "text-around", "see below\nbegin 644 a.txt\n#0V%T\n`\nend\nbye", "no-begin", "#0V%T\n`\nend", "no-end", "begin 644 a.txt\n#0V%T",
		"short-line", "begin 644 a.txt\n-0V%T\n`\nend", "blank-for-backtick", "begin 644 a.txt\n#0V%T\n \nend")...)
}
