package mime_test

import "strings"

func boundaryClasses() []class {
	body := func(s string) string { return simple("Content-Type: multipart/mixed; boundary=b\n", s) }
	typ := func(s string) string {
		return simple("Content-Type: "+s+"\n", "--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--\n")
	}
	return append(each("boundary", body,
		"usual", "--b\n\none\n--b\n\ntwo\n--b--\n",
		"preamble-and-epilogue", "before\n--b\n\none\n--b--\nafter\n",
		"preamble-empty-lines", "\n\n--b\n\none\n--b--\n\n\n",
		"never-seen", "some text\n",
		"only-closing", "--b--\n",
		"only-closing-with-text", "some text\n--b--\nmore\n",
		"not-closed", "--b\n\none\n--b\n\ntwo\n",
		"not-closed-mid-line", "--b\n\none\n--b\n\ntw",
		"not-closed-in-header", "--b\n\none\n--b\nContent-Type: text/html",
		"cut-in-delimiter", "--b\n\none\n--b\n\ntwo\n--",
		"closed-twice", "--b\n\none\n--b--\n--b--\n",
		"parts-after-close", "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
		"blanks-after", "--b  \t\n\none\n--b-- \n",
		"blank-before", "--b\n\none\n --b\n\ntwo\n--b--\n",
		"words-after", "--b\n\none\n--b words\n\ntwo\n--b--\n",
		"prefix-of-longer", "--b\n\none\n--bb\n\nstill one\n--b--\n",
		"with-hyphens-after", "--b\n\none\n--b-\n\nstill one\n--b--\n",
		"closing-with-three-hyphens", "--b\n\none\n--b---\n\nstill one\n--b--\n",
		"upper-case", "--b\n\none\n--B\n\nstill one\n--b--\n",
		"mid-line", "--b\n\none --b\n\nstill one\n--b--\n",
		"quoted", "--b\n\n> --b\n> x\n--b--\n",
		"in-base64-part", "--b\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n",
		"empty-part", "--b\n--b\n\ntwo\n--b--\n",
		"empty-body", "--b\nContent-Type: text/html\n\n--b--\n",
		"empty-body-without-empty-line", "--b\nContent-Type: text/html\n--b\n\ntwo\n--b--\n",
		"no-empty-line-before-text", "--b\nsome text without header\n--b--\n",
		"part-header-damaged", "--b\nContent-Type: text/html\nthis is no field\nContent-ID: <x@y>\n\n<p>one</p>\n--b--\n",
		"part-begins-with-empty-lines", "--b\n\n\n\none\n--b--\n",
		"line-end-missing-at-end", "--b\n\none\n--b--",
		"at-once", "--b\n\none\n--b--\n",
		"body-empty", "",
		"with-bare-lf-delimiters", "--b\n\none\n--b--\n",
	), append(each("boundary-parameter", typ,
		"unquoted", "multipart/mixed; boundary=b",
		"quoted", "multipart/mixed; boundary=\"b\"",
		"upper-case-name", "multipart/mixed; BOUNDARY=b",
		"blank-at-end", "multipart/mixed; boundary=\"b \"",
		"blanks-around-equals", "multipart/mixed; boundary = b",
		"quote-unfinished", "multipart/mixed; boundary=\"b",
		"with-comment", "multipart/mixed; boundary=b (a comment)",
		"with-hyphens", "multipart/mixed; boundary=--b",
		"rfc2231", "multipart/mixed; boundary*=us-ascii''b",
		"rfc2231-continued", "multipart/mixed; boundary*0=\"b\"",
		"semicolon-missing", "multipart/mixed boundary=b",
		"twice", "multipart/mixed; boundary=b; boundary=c",
		"subtype-missing", "multipart; boundary=b",
		"subtype-unknown", "multipart/x-strange; boundary=b",
		"folded", "multipart/mixed;\n boundary=\n b",
	),
		class{"boundary-special-characters", simple("Content-Type: multipart/mixed; boundary=\"=_'()+_,-./:=?\"\n", "--=_'()+_,-./:=?\n\none\n--=_'()+_,-./:=?--\n")},
		class{"boundary-unquoted-with-equals", simple("Content-Type: multipart/mixed; boundary=----=_Part_1\n", "------=_Part_1\n\none\n------=_Part_1--\n")},
		class{"boundary-with-blank-inside", simple("Content-Type: multipart/mixed; boundary=\"a b\"\n", "--a b\n\none\n--a b--\n")},
		class{"boundary-of-seventy", simple("Content-Type: multipart/mixed; boundary="+strings.Repeat("x", 70)+"\n", "--"+strings.Repeat("x", 70)+"\n\none\n--"+strings.Repeat("x", 70)+"--\n")},
		class{"boundary-of-two-hundred", simple("Content-Type: multipart/mixed; boundary="+strings.Repeat("x", 200)+"\n", "--"+strings.Repeat("x", 200)+"\n\none\n--"+strings.Repeat("x", 200)+"--\n")},
		class{"boundary-utf8", simple("Content-Type: multipart/mixed; boundary=\"ừ\"\n", "--ừ\n\none\n--ừ--\n")},
		class{"boundary-in-header-of-message", simple("X-Note: x\nContent-Type: multipart/mixed; boundary=b\n--b\n", "--b\n\none\n--b--\n")},
	)...)
}

func nestedClasses() []class {
	inner := "From: in@example.test\nSubject: inner\nDate: Sat, 21 Nov 2026 09:00:00 +0700\n\ninner text\n"
	outer := func(s string) string { return simple("Content-Type: multipart/mixed; boundary=o\n", s) }
	return append(each("nested", outer,
		"alternative", "--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\ntext\n--i\nContent-Type: text/html\n\n<p>x</p>\n--i--\n--o--\n",
		"related", "--o\nContent-Type: multipart/related; boundary=i; type=\"text/html\"\n\n--i\nContent-Type: text/html\n\n<img src=\"cid:p@x\">\n--i\nContent-Type: image/gif\nContent-ID: <p@x>\nContent-Transfer-Encoding: base64\n\nR0lGODlh\n--i--\n--o--\n",
		"same-boundary", "--o\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\none\n--o--\n--o--\n",
		"boundary-extends-outer", "--o\nContent-Type: multipart/mixed; boundary=oo\n\n--oo\n\none\n--oo--\n--o\n\ntwo\n--o--\n",
		"inner-not-closed", "--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n",
		"inner-never-seen", "--o\nContent-Type: multipart/mixed; boundary=i\n\nno parts here\n--o--\n",
		"inner-without-boundary", "--o\nContent-Type: multipart/mixed\n\nno parts here\n--o--\n",
		"inner-after-outer-closed", "--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o--\n--i\n\ntwo\n--i--\n",
		"message", "--o\nContent-Type: message/rfc822\n\n"+inner+"--o--\n",
		"message-of-multipart", "--o\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--o--\n",
		"message-without-header", "--o\nContent-Type: message/rfc822\n\n\ntext only\n--o--\n",
		"message-empty", "--o\nContent-Type: message/rfc822\n\n--o--\n",
		"message-header-only", "--o\nContent-Type: message/rfc822\n\nSubject: in\n--o--\n",
		"message-in-message", "--o\nContent-Type: message/rfc822\n\nSubject: one\nContent-Type: message/rfc822\n\n"+inner+"--o--\n",
		"message-base64", "--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4NCg0KdGV4dA0K\n--o--\n",
		"message-quoted-printable", "--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nSubject: in\n\nte=78t\n--o--\n",
		"message-with-name", "--o\nContent-Type: message/rfc822; name=\"mail.eml\"\nContent-Disposition: attachment; filename=\"mail.eml\"\n\n"+inner+"--o--\n",
		"message-mbox-from", "--o\nContent-Type: message/rfc822\n\nFrom in@example.test Sat Nov 21 09:00:00 2026\n"+inner+"--o--\n",
		"message-global", "--o\nContent-Type: message/global\n\nSubject: thư\n\nthư\n--o--\n",
		"digest", "--o\nContent-Type: multipart/digest; boundary=i\n\n--i\n\n"+inner+"--i\n\n"+inner+"--i--\n--o--\n",
		"digest-with-types", "--o\nContent-Type: multipart/digest; boundary=i\n\n--i\nContent-Type: text/plain\n\nsummary\n--i\n\n"+inner+"--i--\n--o--\n",
		"base64-multipart", "--o\nContent-Type: multipart/mixed; boundary=i\nContent-Transfer-Encoding: base64\n\n--i\n\none\n--i--\n--o--\n",
		"quoted-printable-multipart", "--o\nContent-Type: multipart/mixed; boundary=\"=_i\"\nContent-Transfer-Encoding: quoted-printable\n\n--=_i\n\none\n--=_i--\n--o--\n",
		"signed", "--o\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256; boundary=i\n\n--i\n\ntext\n--i\nContent-Type: application/pgp-signature; name=\"signature.asc\"\n\n-----BEGIN PGP SIGNATURE-----\n\niHUE\n-----END PGP SIGNATURE-----\n--i--\n--o--\n",
		"five-deep", nest(5, "deep text"),
	),
		class{"message-at-root", simple("Content-Type: message/rfc822\n", inner)},
		class{"message-at-root-multipart-inside", simple("Content-Type: message/rfc822\n", "Subject: in\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i\n\ntwo\n--i--\n")},
		class{"digest-at-root", simple("Content-Type: multipart/digest; boundary=i\n", "--i\n\n"+inner+"--i--\n")},
	)
}

// nest wraps a text into n multiparts, the first one a part of boundary "o".
func nest(n int, text string) string {
	var b, end strings.Builder
	b.WriteString("--o\n")
	for i := range n {
		id := "n" + string(rune('a'+i))
		b.WriteString("Content-Type: multipart/mixed; boundary=" + id + "\n\n--" + id + "\n")
	}
	for i := n - 1; i >= 0; i-- {
		end.WriteString("--n" + string(rune('a'+i)) + "--\n")
	}
	return b.String() + "\n" + text + "\n" + end.String() + "--o--\n"
}
