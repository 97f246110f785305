package mime_test

import (
	"encoding/base64"
	"strings"
)

func charsetClasses() []class {
	as := func(charset, encoding, body string) string {
		return simple("Content-Type: text/plain; charset="+charset+"\nContent-Transfer-Encoding: "+encoding+"\n", body)
	}
	var out []class
	for _, c := range [][3]string{
		{"utf-8", "utf-8", "thư"}, {"utf8-misspelt", "utf8", "thư"}, {"utf-8-with-mark", "utf-8", "\xef\xbb\xbfthư"}, {"utf-8-invalid", "utf-8", "th\xff\xc6 x"},
		{"utf-8-overlong", "utf-8", "a\xc0\xafb"}, {"utf-8-surrogates", "utf-8", "\xed\xa0\xbd\xed\xb8\x80"}, {"us-ascii", "us-ascii", "plain"},
		{"us-ascii-with-utf8", "us-ascii", "thư"}, {"us-ascii-with-latin1", "us-ascii", "caf\xe9"}, {"none-with-utf8", "", "thư"},
		{"latin1", "iso-8859-1", "caf\xe9"}, {"latin1-that-is-windows", "iso-8859-1", "\x93caf\xe9\x94 \x80"}, {"latin1-that-is-utf8", "iso-8859-1", "thư"},
		{"latin2", "iso-8859-2", "\xb1\xe6"}, {"latin9", "iso-8859-15", "5 \xa4"}, {"windows-1252", "windows-1252", "\x935 \x80\x94"}, {"windows-1251", "windows-1251", "\xef\xf0\xe8\xe2\xe5\xf2"},
		{"windows-1258", "windows-1258", "Ti\xea\xecng Vi\xea\xf2t"}, {"viscii", "viscii", "Ti\xaang Vi\xaet"}, {"tcvn", "x-viet-tcvn5712", "Ti\xd5ng Vi\xd6t"}, {"koi8-r", "koi8-r", "\xd0\xd2\xc9\xd7\xc5\xd4"},
		{"shift-jis", "shift_jis", "\x93\xfa\x96\x7b"}, {"euc-jp", "euc-jp", "\xc6\xfc\xcb\xdc"}, {"iso-2022-jp", "iso-2022-jp", "\x1b$BF|K\\\x1b(B"}, {"iso-2022-kr", "iso-2022-kr", "\x1b$)C\x0eGQ1[\x0f"},
		{"gb2312", "gb2312", "\xd6\xd0\xb9\xfa"}, {"gb18030", "gb18030", "\xd6\xd0\x81\x30\x81\x30"}, {"gbk", "gbk", "\xd6\xd0\xe9\x46"}, {"big5", "big5", "\xa4\xa4\xb0\xea"}, {"euc-kr", "euc-kr", "\xc7\xd1\xb1\xdb"},
		{"ks-c-5601", "ks_c_5601-1987", "\xc7\xd1\xb1\xdb"}, {"tis-620", "tis-620", "\xca\xc7\xd1\xca\xb4\xd5"}, {"macintosh", "macintosh", "caf\x8e"}, {"cp437", "cp437", "\x81"}, {"cp850", "cp850", "\x81"},
		{"utf-7", "utf-7", "Hi +Jjo-"}, {"unknown", "x-martian", "caf\xe9"}, {"unknown-8bit", "unknown-8bit", "caf\xe9"}, {"hz", "hz-gb-2312", "~{<:Ky~}"}, {"misspelt-cp1252", "cp1252", "\x93x\x94"}, {"iso-8859-8-i", "iso-8859-8-i", "\xf9\xec\xe5\xed"},
	} {
		out = append(out, class{"charset-" + c[0], as(c[1], "8bit", c[2]+"\n")})
	}
	for _, c := range [][3]string{
		{"utf-16-with-mark", "utf-16", "\xff\xfet\x00h\x00\xb0\x01"}, {"utf-16-without-mark", "utf-16be", "\x00t\x00h\x01\xb0"}, {"utf-16le", "utf-16le", "t\x00h\x00\xb0\x01"},
		{"utf-16-odd-length", "utf-16le", "t\x00h\x00\xb0"}, {"utf-32", "utf-32", "\x00\x00\xfe\xff\x00\x00\x01\xb0"},
	} {
		out = append(out, class{"charset-" + c[0], as(c[1], "base64", base64.StdEncoding.EncodeToString([]byte(c[2]))+"\n")})
	}
	return out
}

func mailerClasses() []class {
	alternative := "--a\nContent-Type: text/plain; charset=utf-8\n\ntext\n--a\nContent-Type: text/html; charset=utf-8\n\n<p>text</p>\n--a--\n"
	return []class{
		{"mailer-gmail", simple("Content-Type: multipart/alternative; boundary=\"a\"\n", alternative)},
		{"mailer-gmail-attachment", simple("Content-Type: multipart/mixed; boundary=\"m\"\n", "--m\nContent-Type: multipart/alternative; boundary=\"a\"\n\n"+alternative+"\n--m\nContent-Type: application/pdf; name=\"báo.pdf\"\nContent-Disposition: attachment; filename=\"báo.pdf\"\nContent-Transfer-Encoding: base64\nContent-ID: <f_1>\nX-Attachment-Id: f_1\n\nJVBERi0=\n--m--\n")},
		{"mailer-outlook", simple("Thread-Topic: x\nContent-Language: vi-VN\nX-MS-Has-Attach:\nContent-Type: multipart/alternative;\n\tboundary=\"_000_A_\"\n", "--_000_A_\nContent-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n\ndGjGsA0K\n\n--_000_A_\nContent-Type: text/html; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n\nPHA+dGjGsDwvcD4NCg==\n\n--_000_A_--\n")},
		{"mailer-outlook-winmail", mixed("Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"winmail.dat\"\n", "eJ8+IgEAAQSAAQAEAAAAaGkAANEA")},
		{"mailer-outlook-inline-image", simple("Content-Type: multipart/related; boundary=\"r\"; type=\"multipart/alternative\"\n", "--r\nContent-Type: multipart/alternative; boundary=\"a\"\n\n"+alternative+"\n--r\nContent-Type: image/png; name=\"image001.png\"\nContent-Description: image001.png\nContent-Disposition: inline; filename=\"image001.png\"; size=3; creation-date=\"Sun, 22 Nov 2026 09:00:00 GMT\"\nContent-ID: <image001.png@01D>\nContent-Transfer-Encoding: base64\n\niVBO\n--r--\n")},
		{"mailer-apple-mail", simple("Content-Type: multipart/alternative;\n\tboundary=\"Apple-Mail=_A\"\nMime-Version: 1.0 (Mac OS X Mail 16.0 \\(3731\\))\n", "\n--Apple-Mail=_A\nContent-Transfer-Encoding: 7bit\nContent-Type: text/plain;\n\tcharset=us-ascii\n\ntext\n--Apple-Mail=_A\nContent-Type: multipart/mixed;\n\tboundary=\"Apple-Mail=_B\"\n\n\n--Apple-Mail=_B\nContent-Type: text/html\n\n<p>a</p>\n--Apple-Mail=_B\nContent-Disposition: attachment;\n\tfilename*0=bao;\n\tfilename*1=\".pdf\"\nContent-Type: application/pdf;\n\tx-unix-mode=0644;\n\tname=\"bao.pdf\"\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--Apple-Mail=_B--\n\n--Apple-Mail=_A--\n")},
		{"mailer-apple-double", mixed("Content-Type: multipart/appledouble; boundary=ad\n", "--ad\nContent-Type: application/applefile; name=\"%a.txt\"\nContent-Transfer-Encoding: base64\n\nAAUWBwACAAA=\n--ad\nContent-Type: text/plain; name=\"a.txt\"\n\ndata fork\n--ad--\n")},
		{"mailer-thunderbird-forward", mixed("Content-Type: message/rfc822; charset=UTF-8; name=\"Thư.eml\"\nContent-Disposition: attachment; filename*=UTF-8''Th%C6%B0.eml\nContent-Transfer-Encoding: 8bit\n", "Subject: =?UTF-8?B?VGjGsA==?=\nFrom: a@example.test\nContent-Type: text/plain; charset=UTF-8\n\nthư\n")},
		{"mailer-mailman-footer", simple("List-Id: <l.example.test>\nContent-Type: multipart/mixed; boundary=\"===============1==\"\n", "--===============1==\nContent-Type: text/plain; charset=utf-8\n\ntext\n--===============1==\nContent-Type: text/plain; charset=\"us-ascii\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\nContent-Disposition: inline\n\n____\nfooter\n--===============1==--\n")},
		{"mailer-calendar-invitation", simple("Content-Type: multipart/alternative; boundary=a\n", "--a\n\ntext\n--a\nContent-Type: text/calendar; charset=\"UTF-8\"; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n--a--\n")},
		{"mailer-exchange-bounce", simple("From: postmaster@example.test\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n", "--r\n\nYour message could not be delivered.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;x.example.test\n\nFinal-recipient: RFC822;bob@example.test\nAction: failed\nStatus: 5.1.1\n\n--r\nContent-Type: message/rfc822\n\nSubject: hello\n\ntext\n--r--\n")},
		{"mailer-postfix-bounce-headers", simple("From: MAILER-DAEMON@example.test (Mail Delivery System)\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"r/x\"\n", "This is a MIME-encapsulated message.\n\n--r/x\nContent-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\nfailed\n\n--r/x\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n--r/x\nContent-Description: Undelivered Message Headers\nContent-Type: text/rfc822-headers\n\nSubject: hello\n\n--r/x--\n")},
		{"mailer-read-receipt", simple("Content-Type: multipart/report; report-type=disposition-notification; boundary=r\n", "--r\n\nread\n--r\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;bob@example.test\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--r--\n")},
		{"mailer-smime-signed", simple("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"s\"\n", "This is an S/MIME signed message\n\n--s\nContent-Type: text/plain\n\ntext\n\n--s\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"smime.p7s\"\n\nMIIB\n--s--\n")},
		{"mailer-smime-opaque", simple("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"smime.p7m\"\n", "MIIB\n")},
		{"mailer-pgp-encrypted", simple("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=e\n", "--e\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--e\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n--e--\n")},
		{"mailer-pgp-inline", simple("", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- \ntext\n-----BEGIN PGP SIGNATURE-----\n\niHUE\n-----END PGP SIGNATURE-----\n")},
		{"mailer-html-only-8bit-unlabelled", simple("Content-Type: text/html\n", "<meta charset=utf-8><p>thư</p>\n")},
		{"mailer-php-lf-in-header", "To: b@example.test\r\nSubject: x\r\nFrom: a@example.test\nReply-To: c@example.test\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n"},
		{"mailer-fax-tiff-only", simple("Content-Type: image/tiff; name=\"fax.tif\"\nContent-Transfer-Encoding: base64\n", "SUkqAA==\n")},
		{"mailer-cron", crlf("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> run-parts /etc\nContent-Type: text/plain; charset=ANSI_X3.4-1968\nX-Cron-Env: <SHELL=/bin/sh>\n\noutput\n")},
	}
}

func formatClasses() []class {
	return append(each("format", func(s string) string { return simple("Content-Type: "+s, "") },
		"partial", "message/partial; id=\"x@example.test\"; number=2; total=3\n\nmiddle of something\n",
		"partial-first", "message/partial; id=\"x@example.test\"; number=1; total=2\n\nSubject: whole\nContent-Type: text/html\n\n<p>begin\n",
		"external-body-url", "message/external-body; access-type=URL; URL=\"https://example.test/\n big\"\n\nContent-Type: image/jpeg\nContent-ID: <i@example.test>\n\n",
		"external-body-ftp", "message/external-body; access-type=anon-ftp; site=ftp.example.test; name=a.ps\n\nContent-Type: application/postscript\n\nnot the body\n",
		"feedback-report", "multipart/report; report-type=feedback-report; boundary=r\n\n--r\n\nabuse\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--r\nContent-Type: message/rfc822\n\nSubject: spam\n\nbuy\n--r--\n",
		"rfc822-headers", "text/rfc822-headers\n\nSubject: x\nFrom: a@example.test\n",
		"http", "message/http\n\nGET / HTTP/1.1\nHost: x\n\n",
		"news", "message/news\n\nNewsgroups: x\n\ntext\n",
		"form-data", "multipart/form-data; boundary=f\n\n--f\nContent-Disposition: form-data; name=\"a\"\n\nvalue\n--f--\n",
		"byteranges", "multipart/byteranges; boundary=f\n\n--f\nContent-Type: text/plain\nContent-Range: bytes 0-3/9\n\nabcd\n--f--\n",
		"parallel", "multipart/parallel; boundary=f\n\n--f\n\none\n--f\n\ntwo\n--f--\n",
		"applesingle", "application/applefile; name=a\nContent-Transfer-Encoding: base64\n\n"+base64.StdEncoding.EncodeToString(appleFile(0x00051600, map[uint32]string{1: "data", 3: "a"}))+"\n",
		"binhex", "application/mac-binhex40; name=a.hqx\n\n(This file must be converted with BinHex 4.0)\n\n:abc:\n",
		"vcard", "text/vcard; charset=utf-8; name=\"a.vcf\"\n\nBEGIN:VCARD\nFN:Thư\nEND:VCARD\n",
		"mime-parameter-media", "application/vnd.openxmlformats-officedocument.wordprocessingml.document; name=\"a.docx\"\nContent-Transfer-Encoding: base64\n\nUEs=\n",
	),
		class{"format-yenc", "Subject: yenc\r\nContent-Type: application/octet-stream; name=a\r\nContent-Transfer-Encoding: x-yenc\r\n\r\n" + yenc([]byte("a file\x00\xd6\xe0"), "a", 128)},
		class{"format-uuencode-in-text", simple("", "see:\nbegin 644 a.txt\n#0V%T\n`\nend\n")},
		class{"format-yenc-in-text", "Subject: yenc\r\n\r\n" + yenc([]byte("a file"), "a", 128)},
	)
}

func lineClasses() []class {
	usual := "Subject: x\nFrom: a@example.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--\n"
	return []class{
		{"lines-lf-only", usual},
		{"lines-cr-only", strings.ReplaceAll(usual, "\n", "\r")},
		{"lines-mixed", strings.Replace(crlf(usual), "\r\n--b\r\nContent", "\n--b\r\nContent", 1)},
		{"lines-lf-header-crlf-body", strings.Replace(crlf(usual), "\r\n", "\n", 4)},
		{"lines-crlf-header-lf-body", strings.Replace(usual, "\n", "\r\n", 4)},
		{"lines-cr-cr-lf", strings.ReplaceAll(usual, "\n", "\r\r\n")},
		{"lines-lf-cr", strings.ReplaceAll(usual, "\n", "\n\r")},
		{"lines-nul-in-body", simple("", "a\x00b\n")},
		{"lines-nul-at-end", simple("", "text\n") + strings.Repeat("\x00", 100)},
		{"lines-control-z-at-end", simple("", "text\n") + "\x1a"},
		{"lines-very-long-body-line", simple("", strings.Repeat("word ", 3000)+"\n")},
		{"lines-bare-cr-in-body", simple("", "one\rtwo\n")},
		{"lines-dots", simple("", ".\n..\n.x\n")},
		{"lines-from-in-body", simple("", "one\n\nFrom here on\n>From there\n")},
		{"lines-no-end", strings.TrimSuffix(simple("", "text\n"), "\r\n")},
		{"lines-only-line-ends", "\r\n\r\n\r\n\r\n"},
		{"lines-unicode-separators", simple("Content-Type: text/plain; charset=utf-8\n", "a\u2028b\u0085c\n")},
	}
}

func hostileClasses() []class {
	return []class{
		{"hostile-hundred-and-twenty-levels", simple("Content-Type: multipart/mixed; boundary=b\n", hostileNest(120))},
		{"hostile-three-hundred-parts", simple("Content-Type: multipart/mixed; boundary=b\n", strings.Repeat("--b\n\n\n", 300)+"--b--\n")},
		{"hostile-hundred-dashes", simple("Content-Type: multipart/mixed; boundary=b\n", strings.Repeat("--\n", 100)+"--b\n\none\n--b--\n")},
		{"hostile-comments-deep", simple("To: "+strings.Repeat("(", 500)+"\n", "text\n")},
		{"hostile-quotes", simple("To: "+strings.Repeat("\"\\", 300)+"\n", "text\n")},
		{"hostile-encoded-words", simple("Subject: "+strings.Repeat("=?", 500)+"\n", "text\n")},
		{"hostile-angles", simple("To: "+strings.Repeat("<", 500)+"\n", "text\n")},
		{"hostile-problems", crlf(strings.Repeat("no field\n", 1) + strings.Repeat("x", 10) + "\nSubject: x\n" + strings.Repeat("bad line\n", 150) + "\ntext\n")},
		{"hostile-problems-in-header", crlf("Subject: x\n" + strings.Repeat("bad line\n", 150) + "\ntext\n")},
		{"hostile-two-content-types", simple("Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n", "--a\n\nfor one scanner\n--a--\n--b\n\nfor another\n--b--\n")},
		{"hostile-hidden-in-preamble", simple("Content-Type: multipart/mixed; boundary=b\n", "TVqQAAMAAAAEAAAA\n--b\n\none\n--b--\n")},
		{"hostile-hidden-in-epilogue", simple("Content-Type: multipart/mixed; boundary=b\n", "--b\n\none\n--b--\nTVqQAAMAAAAEAAAA\n")},
		{"hostile-type-mismatch", mixed("Content-Type: image/png; name=a.exe\nContent-Disposition: attachment; filename=a.png\nContent-Transfer-Encoding: base64\n", "TVqQAA==")},
		{"hostile-double-encoding", mixed("Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: quoted-printable\n", "TVqQAA==")},
		{"hostile-subject-with-fields", simple("Subject: =?utf-8?q?x=0D=0ABcc=3A_evil=40x.test?=\n", "text\n")},
		{"hostile-segments", mixed("Content-Type: application/octet-stream; name*0=a"+strings.Repeat("; name*1=b", 150)+"\n", "data")},
	}
}

func hostileNest(n int) string {
	var b strings.Builder
	for i := range n {
		id := "b"
		if i > 0 {
			id = "b" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		}
		next := "b" + strings.Repeat("x", (i+1)%7) + string(rune('a'+(i+1)%26)) + string(rune('a'+(i+1)/26))
		b.WriteString("--" + id + "\nContent-Type: multipart/mixed; boundary=" + next + "\n\n")
	}
	return b.String() + "text\n"
}
