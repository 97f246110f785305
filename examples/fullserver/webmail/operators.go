package webmail

import (
	"strings"
	"time"

	"github.com/buuta/mail/imap"
)

// operators are what may be written into the search box as in Gmail: from:an, subject:"hoá đơn", has:attachment, is:unread, after:2026-01-31, -word.
// What is no operator is a word. Each returns the key, or false.
func operator(name, value string) (imap.SearchKey, bool) {
	text := func(op imap.SearchOp) (imap.SearchKey, bool) {
		return imap.SearchKey{Op: op, Value: value}, value != ""
	}
	day := func(op imap.SearchOp) (imap.SearchKey, bool) {
		t, err := time.Parse(time.DateOnly, strings.ReplaceAll(value, "/", "-"))
		return imap.SearchKey{Op: op, Date: t}, err == nil
	}
	switch name + ":" {
	case "from:", "từ:":
		return text(imap.SearchFrom)
	case "to:", "đến:":
		return text(imap.SearchTo)
	case "cc:":
		return text(imap.SearchCc)
	case "bcc:":
		return text(imap.SearchBcc)
	case "subject:":
		return text(imap.SearchSubject)
	case "body:":
		return text(imap.SearchBody)
	case "after:", "since:":
		return day(imap.SearchSince)
	case "before:":
		return day(imap.SearchBefore)
	}
	switch name + ":" + strings.ToLower(value) {
	case "has:attachment":
		return attached(), true
	case "is:unread":
		return imap.SearchKey{Op: imap.SearchUnseen}, true
	case "is:read":
		return imap.SearchKey{Op: imap.SearchSeen}, true
	case "is:starred":
		return imap.SearchKey{Op: imap.SearchFlagged}, true
	case "is:answered":
		return imap.SearchKey{Op: imap.SearchAnswered}, true
	}
	return imap.SearchKey{}, false
}

// attached finds what probably has attachments: IMAP has no key for it, and a message with files is a multipart/mixed.
func attached() imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchHeader, Field: "Content-Type", Value: "multipart/mixed"}
}

// textKeys makes keys of what was written into the search box: all must hold.
func textKeys(s string) []imap.SearchKey {
	var out []imap.SearchKey
	for _, t := range terms(s) {
		word, not := strings.CutPrefix(t, "-")
		if word == "" {
			continue
		}
		name, value, has := strings.Cut(word, ":")
		key, ok := imap.SearchKey{}, false
		if has {
			key, ok = operator(strings.ToLower(name), strings.Trim(value, `"`))
		}
		if !ok {
			word = strings.Trim(word, `"`)
			if key = (imap.SearchKey{Op: imap.SearchText, Value: word}); word == "" {
				continue
			}
		}
		if not {
			key = imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{key}}
		}
		out = append(out, key)
	}
	return out
}

// terms divides at blanks that are not in quotes.
func terms(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\u3000')
	})
}
