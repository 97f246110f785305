package mime_test

import "strings"

// class is one message of the corpus: its name says what trouble of the real world it stands for.
type class struct{ name, msg string }

// corpusClasses makes the corpus. It is the same every time; what it makes is in testdata/corpus.
func corpusClasses() []class {
	var all []class
	for _, family := range []func() []class{
		subjectClasses, addressClasses, dateClasses, typeClasses, nameClasses, boundaryClasses, headerClasses,
		encodingClasses, charsetClasses, nestedClasses, mailerClasses, formatClasses, lineClasses, hostileClasses,
	} {
		all = append(all, family()...)
	}
	return all
}

// simple makes a message of which nothing is unusual but what a class adds. fields and body are written with LF.
func simple(fields, body string) string {
	head := ""
	for _, f := range []string{
		"From: Alice <alice@example.test>", "To: Bob <bob@example.test>", "Subject: hello", "Date: Sun, 22 Nov 2026 09:00:00 +0700",
		"Message-ID: <1@example.test>", "MIME-Version: 1.0",
	} {
		name, _, _ := strings.Cut(f, ":")
		if !strings.Contains("\n"+strings.ToLower(fields), "\n"+strings.ToLower(name)+":") {
			head += f + "\n"
		}
	}
	return crlf(head + fields + "\n" + body)
}

// each makes a class of every pair of name and text.
func each(prefix string, f func(text string) string, pairs ...string) []class {
	var out []class
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, class{prefix + "-" + pairs[i], f(pairs[i+1])})
	}
	return out
}

// mixed puts a text and one more part into a multipart.
func mixed(partFields, content string) string {
	return simple("Content-Type: multipart/mixed; boundary=\"b1\"\n", "--b1\nContent-Type: text/plain; charset=utf-8\n\nsee attachment\n--b1\n"+
		partFields+"\n"+content+"\n--b1--\n")
}

func subjectClasses() []class {
	return each("subject", func(s string) string { return simple("Subject: "+s+"\n", "text\n") },
		"q-encoded", "=?utf-8?q?Th=C6=B0_ng=E1=BB=8F?=",
		"b-encoded", "=?UTF-8?B?VGjGsCBuZ+G7jw==?=",
		"two-words-joined", "=?utf-8?q?Th=C6=B0?=\n =?utf-8?q?_ng=E1=BB=8F?=",
		"character-split-over-words", "=?utf-8?q?Th=C6?= =?utf-8?q?=B0?=",
		"b-character-split-over-words", "=?utf-8?B?VGjG?= =?utf-8?B?sA==?=",
		"b-without-padding", "=?utf-8?B?VGjGsA?=",
		"b-padding-in-the-middle", "=?utf-8?B?VA==aGk=?=",
		"word-glued-to-text", "Re:=?utf-8?q?Th=C6=B0?=end",
		"words-glued-together", "=?utf-8?q?a?==?utf-8?q?b?=",
		"word-with-blank", "=?utf-8?q?two words?= here",
		"word-with-language", "=?utf-8*vi?q?Th=C6=B0?=",
		"word-with-lower-case-hex", "=?utf-8?q?th=c6=b0?=",
		"word-with-question-mark", "=?utf-8?q?why??= no",
		"word-unfinished", "=?utf-8?q?Th=C6=B0",
		"word-of-unknown-charset", "=?x-martian?q?Th=C6=B0?=",
		"word-of-unknown-encoding", "=?utf-8?x?abc?=",
		"word-without-charset", "=??q?abc?=",
		"word-empty", "a =?utf-8?q??= b",
		"word-too-long", "=?utf-8?q?"+strings.Repeat("a=C6=B0", 40)+"?=",
		"word-in-quotes", "\"=?utf-8?q?Th=C6=B0?=\"",
		"word-in-parentheses", "(=?utf-8?q?Th=C6=B0?=)",
		"word-in-two-charsets", "=?iso-8859-1?q?caf=E9?= =?utf-8?q?_th=C6=B0?=",
		"word-of-latin1-that-is-windows", "=?iso-8859-1?q?=93quoted=94_=80_5?=",
		"word-of-windows-1258", "=?windows-1258?q?Ti=EA=ECng_Vi=EA=F2t?=",
		"word-of-iso-2022-jp", "=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=",
		"words-of-iso-2022-jp-split", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\n =?ISO-2022-JP?B?GyRCOGwbKEI=?=",
		"word-of-shift-jis", "=?shift_jis?b?k/qWew==?=",
		"word-of-gb2312", "=?gb2312?B?1tC5+g==?=",
		"word-of-big5", "=?big5?B?pKSw6g==?=",
		"word-of-koi8", "=?koi8-r?B?8NLJ18XU?=",
		"word-of-euc-kr", "=?ks_c_5601-1987?B?x9GxuQ==?=",
		"word-of-utf7", "=?utf-7?q?Hi_+Jjo-?=",
		"word-with-line-break", "=?utf-8?q?a=0D=0ABcc:_x=40y.test?=",
		"word-with-nul", "=?utf-8?q?a=00b?=",
		"word-of-invalid-utf8", "=?utf-8?q?a=FFb?=",
		"word-with-equals-broken", "=?utf-8?q?100=_sure=X?=",
		"raw-utf8", "Thư ngỏ",
		"raw-latin1", "caf\xe9 ol\xe9",
		"folded-with-tab", "one\n\ttwo",
		"folded-on-blank-line", "one\n \n two",
		"folded-first-line-empty", "\n the text",
		"empty", "",
		"missing-blank", "x", // "Subject:x" is in header-*
		"very-long", strings.Repeat("long ", 300),
		"with-controls", "a\x01b\x1b[31mred",
		"with-delimiters", "a;b=c,d<e>\"f\"",
		"with-right-to-left", "=?utf-8?q?invoice=E2=80=AEfdp.exe?=",
		"with-emoji-split-surrogates", "=?utf-8?B?7aC97bi8?=",
	)
}

func addressClasses() []class {
	return each("from", func(s string) string { return simple("From: "+s+"\n", "text\n") },
		"bare", "alice@example.test",
		"angle-only", "<alice@example.test>",
		"quoted-name", "\"Alice, the first\" <alice@example.test>",
		"quoted-name-with-quotes", `"Alice \"Al\" A." <alice@example.test>`,
		"name-with-comma-unquoted", "Smith, Alice <alice@example.test>",
		"name-with-dot-unquoted", "Alice A. Smith <alice@example.test>",
		"name-with-at", "alice@example.test <alice@example.test>",
		"name-with-at-elsewhere", "\"boss@bank.test\" <evil@example.test>",
		"name-in-comment", "alice@example.test (Alice)",
		"name-in-nested-comment", "alice@example.test (Al (the) ice)",
		"comment-unfinished", "alice@example.test (Alice",
		"comment-within", "alice(x)@(y)example.test",
		"quote-unfinished", "\"Alice <alice@example.test>",
		"angle-unfinished", "Alice <alice@example.test",
		"angle-twice", "Alice <<alice@example.test>>",
		"angle-empty", "Alice <>",
		"angle-with-blanks", "Alice < alice@example.test >",
		"angle-with-mailto", "Alice <mailto:alice@example.test>",
		"no-domain", "root",
		"no-local-part", "Alice <@example.test>",
		"two-at", "Alice <a@b@example.test>",
		"obsolete-blanks", "alice . smith @ example . test",
		"source-route", "Alice <@a.test,@b.test:alice@example.test>",
		"group", "Friends: alice@example.test, Bob <bob@example.test>;",
		"group-empty", "undisclosed-recipients:;",
		"group-unfinished", "Friends: alice@example.test",
		"group-with-words", "=?utf-8?q?B=E1=BA=A1n?=: a@example.test;",
		"list", "alice@example.test, bob@example.test",
		"list-with-semicolons", "alice@example.test; bob@example.test",
		"list-without-commas", "alice@example.test bob@example.test",
		"list-with-empty-entries", ", alice@example.test,, bob@example.test,",
		"encoded-name", "=?utf-8?q?Th=C6=B0?= <thu@example.test>",
		"encoded-name-in-quotes", "\"=?utf-8?q?Th=C6=B0?=\" <thu@example.test>",
		"encoded-name-with-comma", "=?utf-8?q?A,_B?= <ab@example.test>",
		"encoded-name-glued-to-angle", "=?utf-8?q?Th=C6=B0?=<thu@example.test>",
		"encoded-whole", "=?utf-8?q?Alice_=3Calice=40example.test=3E?=",
		"encoded-with-fake-address", "=?utf-8?q?boss=40bank.test=20=3Cboss=40bank.test=3E?= <evil@example.test>",
		"utf8-name", "Thư <thu@example.test>",
		"utf8-address", "<thư@thử.example.test>",
		"latin1-name", "Ren\xe9 <rene@example.test>",
		"literal", "alice@[192.0.2.1]",
		"literal-ipv6", "alice@[IPv6:2001:db8::1]",
		"quoted-local-part", "\"alice smith\"@example.test",
		"dots-twice", "a..b@example.test",
		"dot-at-end", "a.@example.test",
		"trailing-garbage", "Alice <alice@example.test> xyz",
		"single-quotes", "'Alice' <alice@example.test>",
		"x500", "/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ALICE",
		"empty", "",
		"nul", "Al\x00ice <alice@example.test>",
		"folded", "Alice\n <alice@example.test>",
		"twice", "a@example.test\nFrom: b@example.test",
	)
}

func dateClasses() []class {
	return each("date", func(s string) string { return simple("Date: "+s+"\n", "text\n") },
		"without-weekday", "22 Nov 2026 09:00:00 +0700",
		"without-seconds", "Sun, 22 Nov 2026 09:00 +0700",
		"two-digit-year", "Sun, 22 Nov 98 09:00:00 +0700",
		"three-digit-year", "Wed, 22 Nov 126 09:00:00 GMT",
		"zone-name", "Sun, 22 Nov 2026 09:00:00 EST",
		"zone-name-unknown", "Sun, 22 Nov 2026 09:00:00 ICT",
		"zone-military", "Sun, 22 Nov 2026 09:00:00 Z",
		"zone-missing", "Sun, 22 Nov 2026 09:00:00",
		"zone-with-colon", "Sun, 22 Nov 2026 09:00:00 +07:00",
		"zone-gmt-plus", "Sun, 22 Nov 2026 09:00:00 GMT+0700",
		"zone-in-comment", "Sun, 22 Nov 2026 09:00:00 +0700 (Giờ Đông Dương)",
		"zone-impossible", "Sun, 22 Nov 2026 09:00:00 +9999",
		"comments-everywhere", "(a) Sun (b), 22 (c) Nov 2026 09 (d) : 00 : 00 +0700",
		"asctime", "Sun Nov 22 09:00:00 2026",
		"iso-8601", "2026-11-22T09:00:00+07:00",
		"iso-8601-blank", "2026-11-22 09:00:00",
		"month-first", "Nov 22, 2026 9:00:00 AM",
		"month-in-full", "Sunday, 22 November 2026 09:00:00 +0700",
		"month-with-hyphens", "Sun, 22-Nov-2026 09:00:00 +0700",
		"weekday-wrong", "Mon, 22 Nov 2026 09:00:00 +0700",
		"day-impossible", "Sun, 32 Nov 2026 09:00:00 +0700",
		"leap-second", "Sun, 22 Nov 2026 23:59:60 +0000",
		"am-pm", "Sun, 22 Nov 2026 09:00:00 PM +0700",
		"fraction", "Sun, 22 Nov 2026 09:00:00.123 +0700",
		"folded", "Sun,\n 22 Nov 2026\n 09:00:00 +0700",
		"empty", "",
		"nonsense", "yesterday",
	)
}
