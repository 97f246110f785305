package contacts_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
)

// Cards as address books write them: RFC 6350 section 8, an iPhone's, Outlook's 2.1 with quoted-printable.
const (
	rfc6350 = "BEGIN:VCARD\nVERSION:4.0\nFN:Simon Perreault\nN:Perreault;Simon;;;ing. jr,M.Sc.\nBDAY:--0203\nGENDER:M\nLANG;PREF=1:fr\nORG;TYPE=work:Viagenie\nADR;TYPE=work:;Suite D2-630;2875 Laurier;\n Quebec;QC;G1V 2M2;Canada\n" +
		"TEL;VALUE=uri;TYPE=\"work,voice\";PREF=1:tel:+1-418-656-9254;ext=102\nEMAIL;TYPE=work:simon.perreault@viagenie.ca\nURL;TYPE=home:http://nomis80.org\nEND:VCARD\n"
	apple = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Nguyễn;Thị Bình;;;\r\nFN:Nguyễn Thị Bình\r\nitem1.EMAIL;type=INTERNET;type=pref:binh@example.vn\r\nitem1.X-ABLabel:work\r\nEMAIL;type=HOME:b@home.example\r\n" +
		"NOTE:một\\, hai\\nba \\\\ bốn\r\nCATEGORIES:Gia đình,Bạn\\, bè\r\nPHOTO;ENCODING=b;TYPE=JPEG:" + "/9j/4AAQ\r\nEND:VCARD\r\n"
	outlook = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:Tr=E1=BA=A7n;V=C4=83n =\r\nAn\r\nTEL;CELL;VOICE:+84 90 123 4567\r\nEMAIL;PREF;INTERNET:an@example.vn\r\nORG;CHARSET=windows-1258:C\xf4ng ty\r\nEND:VCARD\r\n"
)

func TestVCards(t *testing.T) {
	list := contacts.ParseVCards([]byte("junk\n" + rfc6350 + "\n" + apple + outlook + "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\nBEGIN:VCARD\nFN:never ends"))
	require.Len(t, list, 3)
	s, b, o := list[0], list[1], list[2]
	require.Equal(t, "Simon Perreault", s.Name)
	require.Equal(t, []string{"+1-418-656-9254;ext=102"}, s.Phones)
	require.Equal(t, "Viagenie", s.Org)
	require.Contains(t, s.Rest, "ADR;TYPE=work:;Suite D2-630;2875 Laurier;Quebec;QC;G1V 2M2;Canada", "what isn't shown stays")
	require.Equal(t, []string{"binh@example.vn", "b@home.example"}, b.Emails)
	require.Equal(t, "một, hai\nba \\ bốn", b.Note)
	require.Equal(t, []string{"Gia đình", "Bạn, bè"}, b.Groups)
	require.Equal(t, "Văn An Trần", o.Name)
	require.Equal(t, "Công ty", o.Org)
	require.Equal(t, []string{"+84 90 123 4567"}, o.Phones)
	for _, c := range list {
		raw := c.AppendVCard(nil)
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			require.LessOrEqual(t, len(line), 75)
			require.True(t, utf8.ValidString(line))
		}
		again := contacts.ParseVCards(raw)
		require.Len(t, again, 1)
		again[0].Rest, c.Rest = withoutName(again[0].Rest), withoutName(c.Rest)
		require.Equal(t, c, again[0])
	}
}

func withoutName(rest []string) (out []string) {
	for _, r := range rest {
		if !strings.HasPrefix(r, "N:") && !strings.HasPrefix(r, "N;") {
			out = append(out, r)
		}
	}
	return out
}

// What a card or a form has never becomes a line of its own in what is written.
func TestNoNewLines(t *testing.T) {
	c := contacts.Contact{UID: "x\r\nEND:VCARD", Name: "A\r\nEMAIL:eve@example.test", Emails: []string{"a@example.test\r\nFN:x", "b@example.test"}, Note: "x\r\nEND:VCARD\nBEGIN:VCARD", Groups: []string{"g\nTEL:1", "", "g\nTEL:1"}}.Check()
	raw := string(c.AppendVCard(nil))
	require.Equal(t, 1, strings.Count(raw, "\r\nEMAIL"))
	require.Equal(t, 1, strings.Count(raw, "END:VCARD\r\n"))
	require.Equal(t, []string{"b@example.test"}, c.Emails)
	require.Equal(t, []string{"g TEL:1"}, c.Groups)
}

func TestTables(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want contacts.Contact
	}{
		"Google":       {"First Name,Middle Name,Last Name,Organization Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Value\r\nBình,Thị,Nguyễn,ACME,Bạn ::: * myContacts,Work,b@example.vn ::: c@example.vn,+84 90\r\n", contacts.Contact{Name: "Bình Thị Nguyễn", Org: "ACME", Groups: []string{"Bạn"}, Emails: []string{"b@example.vn", "c@example.vn"}, Phones: []string{"+84 90"}}},
		"Outlook":      {"\ufeffFirst Name;Last Name;Company;E-mail Address;E-mail Display Name;E-mail 2 Address;Mobile Phone;Notes\r\nAn;\"Trần; B\";;an@example.vn;An (an@example.vn);;090;\"two\r\nlines\"\r\n", contacts.Contact{Name: "An Trần; B", Emails: []string{"an@example.vn"}, Phones: []string{"090"}, Note: "two\nlines"}},
		"Thunderbird":  {"First Name\tLast Name\tDisplay Name\tPrimary Email\tSecondary Email\tWork Phone\nx\ty\tCarol D\tc@example.test\td@example.test\t1\n", contacts.Contact{Name: "Carol D", Emails: []string{"c@example.test", "d@example.test"}, Phones: []string{"1"}}},
		"Vietnamese":   {"Họ và tên,Thư điện tử,Điện thoại,Công ty,Ghi chú\nLê Văn C,c@example.vn,1,Cty,x\n", contacts.Contact{Name: "Lê Văn C", Emails: []string{"c@example.vn"}, Phones: []string{"1"}, Org: "Cty", Note: "x"}},
		"windows-1258": {"Name,Email\nNguy\xean,n@example.vn\n", contacts.Contact{Name: "Nguyên", Emails: []string{"n@example.vn"}}},
		"SquirrelMail": {"jd|John|Doe|john@example.test|a friend\nbad|||not an address|\n", contacts.Contact{Name: "John Doe", Emails: []string{"john@example.test"}, Note: "a friend"}},
	} {
		list, err := contacts.Parse([]byte(c.file), "windows-1258")
		require.NoError(t, err, name)
		require.Len(t, list, 1, name)
		require.NotEmpty(t, list[0].UID)
		list[0].UID = ""
		require.Equal(t, c.want, list[0], name)
	}
	for _, bad := range []string{"", "just text", "a,b\n1,2\n", "\x00\x01"} {
		_, err := contacts.Parse([]byte(bad), "windows-1252")
		require.ErrorIs(t, err, contacts.ErrFormat, "%q", bad)
	}
}

// A table that is written is read again, and no cell is a formula to a spreadsheet.
func TestTableThereAndBack(t *testing.T) {
	list := []contacts.Contact{
		contacts.Contact{Name: `=HYPERLINK("x")`, Emails: []string{"a@example.test", "b@example.test"}, Phones: []string{"+84 90 1"}, Note: "@x, \"y\"\n-z", Groups: []string{"A", "B"}}.Check(),
		contacts.Contact{Name: "'tis", Emails: []string{"-c@example.test"}, Org: "+1+1"}.Check(),
	}
	b, err := contacts.AppendCSV(nil, list)
	require.NoError(t, err)
	require.NotContains(t, string(b), "\n=")
	require.Contains(t, string(b), ",+84 90 1,")
	require.Contains(t, string(b), ",'-c@example.test,")
	got, err := contacts.Parse(b, "windows-1252")
	require.NoError(t, err)
	for i := range got {
		got[i].UID = list[i].UID
	}
	require.Equal(t, list, got)
}

func TestFinding(t *testing.T) {
	c := contacts.Contact{Name: "Nguyễn Thị Bình", Emails: []string{"binh.nguyen@acme.example"}, Org: "Đại học"}
	for q, want := range map[string]bool{"": true, "ngu": true, "nguyen bi": true, "Bình": true, "inh": false, "acme": true, "dai hoc": true, "binh@": false, "nguyen x": false, "binh.n": true} {
		require.Equal(t, want, c.Match(contacts.NewWords(q)), q)
	}
	list := []contacts.Contact{{Name: "Zoe"}, {Name: "Ân"}, {Name: "an"}, {Name: "Bob"}}
	contacts.Sort(list)
	require.Equal(t, "an Ân Bob Zoe", strings.Join([]string{list[0].Name, list[1].Name, list[2].Name, list[3].Name}, " "))
	a := contacts.Contact{Name: "A", Emails: []string{"a@example.test"}}.Check()
	require.True(t, a.Has(contacts.Contact{Emails: []string{"A@EXAMPLE.test"}}))
	require.True(t, a.Add(contacts.Contact{Name: "B", Emails: []string{"b@example.test"}, Org: "O"}))
	require.False(t, a.Add(contacts.Contact{Name: "B", Emails: []string{"b@example.test"}, Org: "P"}))
	require.Equal(t, "A O a@example.test b@example.test", a.Name+" "+a.Org+" "+strings.Join(a.Emails, " "))
	b := contacts.Contact{Name: "x", Rest: []string{"N:x;;;;", "URL:y"}}
	b.SetName("y")
	require.Equal(t, []string{"URL:y"}, b.Rest)
}

// FuzzParse: whatever comes in, what is written of it is read again as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rfc6350 + apple + outlook))
	f.Add([]byte("Name,Email\nx,x@example.test\n"))
	f.Add([]byte("a|b|c|d@example.test|e\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := contacts.Parse(b, "windows-1258")
		if err != nil {
			return
		}
		var raw []byte
		for _, c := range list {
			raw = c.AppendVCard(raw)
		}
		again := contacts.ParseVCards(raw)
		require.Len(t, again, len(list))
		for i, c := range list {
			require.LessOrEqual(t, len(c.AppendVCard(nil)), 2*contacts.MaxCard)
			require.Equal(t, c.Emails, again[i].Emails)
			require.Equal(t, c.Phones, again[i].Phones)
			require.Equal(t, c.Note, again[i].Note)
			require.Equal(t, c.Groups, again[i].Groups)
			require.Equal(t, c.UID, again[i].UID)
		}
	})
}

// Keys of OpenPGP come and go with a card, as both versions write them; others stay as they are.
func TestKeysOfCards(t *testing.T) {
	list := contacts.ParseVCards([]byte("BEGIN:VCARD\nVERSION:4.0\nFN:An\nKEY:data:application/pgp-keys;base64,AQID\nKEY;MEDIATYPE=application/pgp-keys:ftp://example.com/keys/jdoe\nEND:VCARD\n" +
		"BEGIN:VCARD\nVERSION:3.0\nFN:B\nKEY;ENCODING=b;TYPE=PGP;X-SEEN=2026-11-27;X-CONFIRMED=1:BAUG\nKEY;ENCODING=b;TYPE=X509:AAAA\nKEY;TYPE=PGP:!\nEND:VCARD\n"))
	require.Len(t, list, 2)
	require.Equal(t, []contacts.Key{{Data: []byte{1, 2, 3}}}, list[0].Keys)
	require.Equal(t, []contacts.Key{{Data: []byte{4, 5, 6}, Seen: "2026-11-27", Confirmed: true}}, list[1].Keys)
	require.Contains(t, list[1].Rest, "KEY;ENCODING=b;TYPE=X509:AAAA")
	for _, c := range list {
		again := contacts.ParseVCards(c.AppendVCard(nil))
		require.Equal(t, c.Keys, again[0].Keys)
	}
	c := contacts.Contact{Name: "C"}
	for i := range 6 {
		c.Keys = append(c.Keys, contacts.Key{Data: []byte{byte(i)}, Seen: "x;y:z\n"}, contacts.Key{Data: make([]byte, 9001)})
	}
	c = c.Check()
	require.Len(t, c.Keys, contacts.MaxKeys)
	require.Empty(t, c.Keys[0].Seen)
}
