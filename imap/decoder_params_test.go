package imap

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

// "Servers SHOULD decode parameter-value continuations and parameter-value character sets" (RFC 9051 section 7.5.2): those that do, and Dovecot, which
// sends them as they stand in the message.
func TestJoinParams(t *testing.T) {
	for i, c := range []struct {
		raw  []string
		want []mime.Param
	}{
		{[]string{"charset", "utf-8", "name", "a.txt"}, []mime.Param{{Name: "charset", Value: "utf-8"}, {Name: "name", Value: "a.txt"}}},
		{[]string{"filename*", "Tệp.txt"}, []mime.Param{{Name: "filename", Value: "Tệp.txt", Extended: true}}},
		{[]string{"filename*", "utf-8''T%E1%BB%87p.txt"}, []mime.Param{{Name: "filename", Value: "Tệp.txt", Extended: true}}},
		{[]string{"filename", "Tep.txt", "filename*", "UTF-8'vi'T%E1%BB%87p.txt"}, []mime.Param{{Name: "filename", Value: "Tệp.txt", Extended: true}}},
		{[]string{"filename*1", "b \"c\".txt", "filename*0", "a;"}, []mime.Param{{Name: "filename", Value: "a;b \"c\".txt"}}},
		{[]string{"filename*0*", "utf-8''T%E1%BB", "filename*1*", "%87p", "filename*2", ".txt"}, []mime.Param{{Name: "filename", Value: "Tệp.txt", Extended: true}}},
		{[]string{"filename*", "it's 100% 'mine'"}, []mime.Param{{Name: "filename", Value: "it's 100% 'mine'", Extended: true}}},
		{[]string{"filename*x", "y"}, []mime.Param{{Name: "filename*x", Value: "y"}}},
		{[]string{"*", "utf-8''x"}, []mime.Param{{Name: "", Value: "utf-8''x", Extended: true}}},
		{[]string{"filename*0*", "a; evil=1"}, []mime.Param{{Name: "filename*0", Value: "a; evil=1", Extended: true}}},
	} {
		require.Equal(t, c.want, joinParams(c.raw), i)
	}
}
