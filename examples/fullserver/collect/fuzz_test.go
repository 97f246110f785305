package collect_test

import (
	"bytes"
	"testing"

	"github.com/buuta/mail/examples/fullserver/collect"
)

// What is read of a list of unique-ids is a whole number of lines, and reading that again gives the same.
func FuzzSeen(f *testing.F) {
	for _, s := range []string{"", "{\"u\":\"a\",\"t\":1}\n", "{\"u\":\"a\",\"t\":1}\n{\"u\":\"b\",\"t\":2,\"g\":3}\n{\"u\":\"c", "{\"u\":\"\"}\n", "null\n", "{}\n", "\x00\x00\n{\"u\":\"a\"}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, good := collect.ParseSeen(b)
		if good < 0 || good > len(b) || good > 0 && b[good-1] != '\n' {
			t.Fatalf("%d of %d octets", good, len(b))
		}
		again, all := collect.ParseSeen(b[:good])
		if all != good || len(again) != len(m) || len(m) > bytes.Count(b, []byte("\n")) {
			t.Fatalf("%d lines and then %d", len(m), len(again))
		}
	})
}

// A user's file is read with accounts that can be, or not at all.
func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"User":"alice","Accounts":[{"Account":{"ID":"x","Host":"pop.example.com","Port":995,"TLS":"tls","User":"a","Folder":"INBOX","Days":-1,"Paused":false},"Sealed":"AAAA","Status":{}}]}`))
	f.Add([]byte(`{"User":"alice","Accounts":[null]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		user, accounts, err := collect.ParseBook(b)
		if err != nil {
			return
		}
		if user == "" {
			t.Fatal("nobody's")
		}
		for _, a := range accounts {
			if a.ID == "" || a.Host == "" || a.User == "" || a.Folder == "" || a.Port < 1 || a.Port > 65535 || bytes.ContainsAny([]byte(a.Host+a.User+a.Folder), "\r\n\x00") {
				t.Fatalf("%+v", a)
			}
		}
	})
}
