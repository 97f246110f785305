package imap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
)

// The examples of RFC 4467, 4469, 5092 and 8508.
func TestParseURL(t *testing.T) {
	for in, want := range map[string]imap.URL{
		"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER": {Mailbox: "Drafts", UIDValidity: 385759045, UID: 20,
			Section: imap.Section{Spec: imap.SectionHeader}},
		"/Drafts;UIDVALIDITY=385759045/;UID=20/;Section=2.MIME": {Mailbox: "Drafts", UIDValidity: 385759045, UID: 20,
			Section: imap.Section{Part: []int{2}, Spec: imap.SectionMIME}},
		"/Drafts/;UID=3002":       {Mailbox: "Drafts", UID: 3002},
		"Drafts/;UID=3002":        {Mailbox: "Drafts", UID: 3002},
		";UID=3002/;PARTIAL=0.20": {UID: 3002, Partial: &imap.Partial{Size: 20}},
		"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038": {
			User: "joe", Host: "example.com", Mailbox: "INBOX", UID: 20, Section: imap.Section{Part: []int{1, 2}},
			Access: "submit+fred", Mechanism: "INTERNAL", Token: "91354a473744909de610943775f92038"},
		"imap://joe@example.com/inbox/;uid=20/;section=1.2;urlauth=submit+fred": {User: "joe", Host: "example.com",
			Mailbox: "INBOX", UID: 20, Section: imap.Section{Part: []int{1, 2}}, Access: "submit+fred"},
		"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024": {Host: "minbari.example.org",
			Mailbox: "gray-council", UIDValidity: 385759045, UID: 20, Partial: &imap.Partial{Size: 1024}},
		"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97": {Host: "psicorp.example.org",
			Mailbox: "~peter/日本語/台北"},
		"imap://;AUTH=*@minbari.example.org/gray%20council": {Auth: "*", Host: "minbari.example.org", Mailbox: "gray council"},
		"imap://john;AUTH=*@minbari.example.org/babylon5/personel": {User: "john", Auth: "*", Host: "minbari.example.org",
			Mailbox: "babylon5/personel"},
		"imap://[::1]:143/a/;UID=1/;PARTIAL=5;EXPIRE=2026-03-01T12:00:00Z;URLAUTH=ANONYMOUS": {Host: "[::1]:143", Mailbox: "a",
			UID: 1, Partial: &imap.Partial{Offset: 5}, Expire: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
			Access: imap.AccessAnonymous},
		"/a/;UID=1/;SECTION=HEADER.FIELDS%20(To%20Cc)": {Mailbox: "a", UID: 1,
			Section: imap.Section{Spec: imap.SectionFields, Fields: []string{"To", "Cc"}}},
	} {
		u, err := imap.ParseURL(in)
		require.NoError(t, err, "%s", in)
		require.Equal(t, want, *u, "%s", in)
		again, err := imap.ParseURL(u.String())
		require.NoError(t, err, "%s", u)
		require.Equal(t, want, *again, "%s", u)
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, in := range []string{"", "/", "imap://", "imap://host", "imap://host/", "imap:///a", "imap://@host/a", "//host/a", "http://host/a",
		"/;UID=1", "imap://host/;UID=1", "/a/;UID=0", "/a/;UID=4294967296", "/a/;UID=x", "/a/;UID=1/", "/a;UID=1", "/a/;UID=1;SECTION=1",
		"/a/;SECTION=1", ";SECTION=1", "/a/;UID=1/;SECTION=", "/a/;UID=1/;SECTION=1x", "/a/;UID=1/;PARTIAL=1/;SECTION=1", "/a/;UID=1/;PARTIAL=1.0",
		"/a/;UID=1/;UID=1", "/a/;UID=1/;COLOUR=red", "/a?TEXT%20x", "/a%", "/a%0", "/a%zz", "/a%00", "/a%0D%0A", "/%FF", "/a b", "/ä", "/a#x",
		"/a/;UID=1/;URLAUTH=anonymous", "/a;URLAUTH=anonymous", "/a/;UID=1;URLAUTH=", "/a/;UID=1;URLAUTH=submit+", "/a/;UID=1;URLAUTH=root",
		"/a/;UID=1;URLAUTH=anonymous:INTERNAL:1234", "/a/;UID=1;URLAUTH=anonymous:INTERNAL:91354a473744909de610943775f9203x",
		"/a/;UID=1;URLAUTH=anonymous::91354a473744909de610943775f92038", "/a/;UID=1;EXPIRE=tomorrow", "/a/;UID=1;URLAUTH=anonymous;EXPIRE=2026-03-01T12:00:00Z",
		"/a;UIDVALIDITY=0/;UID=1", "/;UIDVALIDITY=1/;UID=1", "imap://a:b@host/x", "imap://a;AUTH=@host/x", "imap://a;x=y@host/x"} {
		_, err := imap.ParseURL(in)
		require.Error(t, err, "%s", in)
	}
}

// RFC 4467 section 6: "Removal of the ":<mech>:<token>" portion of the URL MUST be the only operation".
func TestRumpURL(t *testing.T) {
	rump, ok := imap.RumpURL("iMAP://joe@eXample.com/%49NBOX/;uid=20;urlauth=submit+fred:internal:91354a473744909de610943775f92038")
	require.True(t, ok)
	require.Equal(t, "iMAP://joe@eXample.com/%49NBOX/;uid=20;urlauth=submit+fred", rump)
	_, ok = imap.RumpURL("/INBOX/;UID=1")
	require.False(t, ok)
}

func TestURLAccess(t *testing.T) {
	user, ok := imap.URLAccess("submit+fred").Submit()
	require.True(t, ok)
	require.Equal(t, "fred", user)
	_, ok = imap.URLAccess("submit+fred").User()
	require.False(t, ok)
	user, ok = imap.URLAccess("user+fred").User()
	require.True(t, ok)
	require.Equal(t, "fred", user)
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", ";UID=1/;PARTIAL=0.2", "imap://u;AUTH=*@h:1/%E6%97%A5/x",
		"imap://joe@example.com/INBOX/;uid=20/;section=1.2;EXPIRE=2026-03-01T12:00:00.5+07:00;urlauth=submit+fred:internal:91354a473744909de610943775f92038",
		"/a/;UID=1/;SECTION=HEADER.FIELDS%20(To%20%22C%5C%22%22)", "/INBOX/;UID=1;URLAUTH=authuser"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := imap.ParseURL(s)
		if err != nil {
			return
		}
		again, err := imap.ParseURL(u.String())
		if err != nil {
			t.Fatalf("%q reads as %+v, written as %q, which is refused", s, u, u)
		}
		if again.String() != u.String() {
			t.Fatalf("%q, then %q, then %q", s, u, again)
		}
	})
}
