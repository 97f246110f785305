package webmail_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/internal/peers"
)

// pgpWriter writes messages with signatures of Debian's gpg.
type pgpWriter struct {
	testing.TB
	*peers.GnuPG
}

func newPGPWriter(t *testing.T) pgpWriter { t.Helper(); return pgpWriter{t, peers.NewGnuPG(t)} }

// key makes a key and returns its public part.
func (g pgpWriter) key(user string, args ...string) string {
	g.Helper()
	g.Run("", append(args, "--quick-gen-key", user, "ed25519", "sign", "10y")...)
	return g.public(user)
}

func (g pgpWriter) public(user string) string {
	g.Helper()
	return g.Run("", "--armor", "--export", user)
}

const pgpContent = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nXin ch=C3=A0o <b>pwn</b>\r\n"

// signed is a multipart/signed of a user's key, with header fields and perhaps parts inside beside the text.
func (g pgpWriter) signed(user, from, fields, content string, args ...string) string {
	g.Helper()
	sig := g.Run(content, append(args, "--armor", "-u", user, "--detach-sign")...)
	return strings.ReplaceAll("From: "+from+"\r\nSubject: Ký\r\n"+fields+"MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=bb\r\n\r\n--bb\r\n"+
		content+"\r\n--bb\r\nContent-Type: application/pgp-signature\r\n\r\n"+sig+"\r\n--bb--\r\n", "\r\n", "\n")
}

// clear is a text that is signed where it stands.
func (g pgpWriter) clear(user, from, text string) string {
	g.Helper()
	return "From: " + from + "\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + g.Run(text, "-u", user, "--clearsign")
}

func autocrypt(t *testing.T, armored, addr string) string {
	t.Helper()
	_, b, _ := strings.Cut(armored, "\n\n")
	b, _, _ = strings.Cut(b, "\n=")
	b, _, _ = strings.Cut(b, "\n-----END") // where there is no checksum
	b = strings.Join(strings.Fields(b), "")
	_, err := base64.StdEncoding.DecodeString(b)
	require.NoError(t, err)
	return "Autocrypt: addr=" + addr + "; prefer-encrypt=mutual;\r\n keydata=" + b[:70] + "\r\n " + b[70:] + "\r\n"
}

// read adds a message and opens it.
func (f *fixture) read(text string) {
	f.Helper()
	uid := f.add("INBOX", text)
	f.get(fmt.Sprintf("/mail/INBOX/%d", uid))
}

func fingerprintOf(g pgpWriter, user string) string {
	g.Helper()
	for line := range strings.Lines(g.Run("", "--with-colons", "--list-keys", user)) {
		if p := strings.Split(line, ":"); p[0] == "fpr" {
			s := ""
			for i := 0; i < len(p[9]); i += 4 {
				s += " " + p[9][i:i+4]
			}
			return s[1:]
		}
	}
	require.Fail(g, "no fingerprint")
	return ""
}

// Signatures of OpenPGP are checked with the keys of the address book; what came with a message is believed no more than the message itself.
func TestPGP(t *testing.T) {
	g := newPGPWriter(t)
	bob, eve := g.key("Bob <bob@example.test>"), g.key("Boss <bob@example.test>, really Eve <eve@example.test>")
	second := g.key("Bob again <bob@example.test>")
	print := fingerprintOf(g, "Bob <bob@example.test>")
	f := newFixture(t)
	f.add("INBOX", message(1))
	f.login()
	user := "Bob <bob@example.test>"
	good := g.signed(user, "bob@example.test", "", pgpContent)

	f.read(good)
	require.Contains(t, f.page, "Your contacts do not have the key")
	require.NotContains(t, f.page, "notice fine")

	// What came with the message: seen first, kept when the user says so, and the difference stays visible.
	attached := "Content-Type: multipart/mixed; boundary=mm\r\n\r\n--mm\r\n" + pgpContent + "\r\n--mm\r\nContent-Type: application/pgp-keys; name=k.asc\r\n\r\n" + strings.ReplaceAll(bob, "\n", "\r\n") + "\r\n--mm--\r\n"
	for _, text := range []string{g.signed(user, "bob@example.test", autocrypt(t, bob, "Bob@Example.test"), pgpContent), g.signed(user, "Bob <bob@example.test>", "", attached)} {
		f.read(text)
		require.Contains(t, f.page, "by a key that came with the message itself and names bob@example.test")
		require.Contains(t, f.page, print)
		require.NotContains(t, f.page, "notice fine")
	}
	f.read(g.signed(user, "bob@example.test", autocrypt(t, bob, "bob@example.test")+autocrypt(t, second, "bob@example.test"), pgpContent))
	require.Contains(t, f.page, "Your contacts do not have the key", "two Autocrypt fields are none")
	f.read(g.signed(user, "carol@example.test", autocrypt(t, bob, "carol@example.test"), pgpContent))
	require.Contains(t, f.page, "Your contacts do not have the key", "a key that doesn't name the sender is none of his")

	f.read(strings.Replace(attached, "Content-Type", "From: Bob <bob@example.test>\nContent-Type", 1))
	require.Contains(t, f.page, "brings an OpenPGP key that names bob@example.test")
	f.submit(f.url + "/key")
	require.Contains(t, f.page, "Key kept for bob@example.test")
	require.NotContains(t, f.page, "Keep this key")
	f.read(good)
	require.Contains(t, f.page, "Signed by bob@example.test with the key that you took from a message")
	require.NotContains(t, f.page, "notice fine")
	f.read(g.signed(user, "bob@example.test", autocrypt(t, second, "bob@example.test"), pgpContent))
	require.Contains(t, f.page, "Signed by bob@example.test with the key", "the book's key counts, not what came")
	for _, text := range []string{g.signed("Bob again", "bob@example.test", "", pgpContent), g.signed("Bob again", "bob@example.test", autocrypt(t, second, "bob@example.test"), pgpContent)} {
		f.read(text)
		require.Contains(t, f.page, "not with the key that you keep for bob@example.test")
		require.Contains(t, f.page, "notice bad")
		require.NotContains(t, f.page, "Keep this key")
	}

	// Compared by the user.
	f.get("/contacts?q=bob")
	path := "/contacts/" + f.lastUID()
	f.get(path)
	require.Contains(t, f.page, "first seen on")
	f.submit(path, "do", "save", "confirm", print)
	f.get(path)
	require.NotContains(t, f.page, "first seen on")
	for _, tt := range []struct{ text, want, not string }{
		{good, "Signed by bob@example.test. The message is as it was signed.", "notice bad"},
		{strings.Replace(good, "Xin ch", "Xin Ch", 1), "The signature does not fit", "Signed by"},
		{g.signed(user, "eve@example.test", "", pgpContent), "Signed by bob@example.test, who is not the sender", "as it was signed"},
		{g.signed(user, "bob@example.test, eve@example.test", "", pgpContent), "who is not the sender", "as it was signed"},
		{g.signed(user, "bob@example.test", "", "From: eve@example.test\r\n"+strings.Replace(pgpContent, "utf-8", "utf-8; hp=\"clear\"", 1)), "who is not the sender", "as it was signed"},
		{g.signed(user, "bob@example.test", "", pgpContent, "--digest-algo", "SHA256"), "as it was signed", "notice bad"},
		{"From: bob@example.test\nContent-Type: multipart/mixed; boundary=mm\n\n--mm\n" + good[strings.Index(good, "Content-Type: multipart/signed"):] + "\n--mm\nContent-Type: text/plain\n\nfooter\n--mm--\n",
			"A part of this message was signed by bob@example.test", "as it was signed"},
		{g.clear(user, "bob@example.test", "- Xin chào\n<b>pwn</b>  \nFrom here\n"), "Signed by bob@example.test. The message is as it was signed.", "notice bad"},
		{strings.Replace(g.clear(user, "bob@example.test", "Xin chào\n"), "Xin", "XIN", 1), "The signature does not fit", "as it was signed"},
		{strings.Replace(g.clear(user, "bob@example.test", "Xin chào\n"), "-----BEGIN", "Pay Eve.\n-----BEGIN", 1), "A part of this message was signed by bob@example.test", "as it was signed"},
		{g.clear(user, "bob@example.test", "Xin chào\n") + "Pay Eve.\n", "A part of this message was signed", "as it was signed"},
		{g.clear(user, "eve@example.test", "Xin chào\n"), "who is not the sender", "as it was signed"},
		{"From: bob@example.test\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n", "The signature does not fit", "Signed by"},
	} {
		f.read(tt.text)
		require.Contains(t, f.page, tt.want, tt.text)
		require.NotContains(t, f.page, tt.not, tt.text)
		require.NotContains(t, f.page, "<b>pwn")
	}
	f.read(g.clear(user, "bob@example.test", "- Xin chào\n"))
	require.Contains(t, f.page, `<div class="m-text">- Xin chào<`)

	// A key that somebody pastes, into whichever contact, vouches for that contact's addresses alone.
	f.get("/contacts/new")
	f.submit("/contacts/new", "do", "save", "name", "Eve", "emails", "eve@example.test", "key", "Here it is:\n"+eve)
	f.read(g.signed("really Eve", "bob@example.test", "", pgpContent))
	require.Contains(t, f.page, "Signed by eve@example.test, who is not the sender")
	require.Contains(t, f.page, "notice bad")
	f.get("/contacts/new")
	f.upload("/contacts/new", "dan.asc", "application/pgp-keys", second, "do", "save", "name", "Dan", "emails", "dan@example.test")
	f.read(g.signed("Bob again", "dan@example.test", "", pgpContent))
	require.Contains(t, f.page, "the key itself does not name this address")
	require.NotContains(t, f.page, "notice fine")

	// The owner revokes it: what came before stays good, unless somebody else may have the key.
	f.get(path)
	require.Contains(t, f.page, print)
	f.submit(path, "do", "save", "remove", print)
	f.get(path)
	require.NotContains(t, f.page, print)
	f.read(good)
	require.Contains(t, f.page, "Your contacts do not have the key")
}

// What is no public key that can be used is said to be so, and nothing is kept.
func TestBadKeys(t *testing.T) {
	g := newPGPWriter(t)
	bob := g.key("Bob <bob@example.test>")
	g.Run("", "--quick-gen-key", "Old <old@example.test>", "dsa1024", "sign", "never")
	f := newFixture(t)
	f.login()
	for key, want := range map[string]string{
		"hello": "no OpenPGP public key",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----": "no OpenPGP public key",
		g.Run("", "--armor", "--export-secret-keys", "bob@example.test"):                   "This is a private key",
		g.public("old@example.test"):              "no longer safe",
		strings.Replace(bob, "\n\n", "\n\nAA", 1): "no OpenPGP public key",
		strings.Repeat("x", 300<<10):              "too large",
	} {
		f.get("/contacts/new")
		f.submit("/contacts/new", "do", "save", "name", "Bob", "emails", "bob@example.test", "key", key)
		require.Equal(t, http.StatusUnprocessableEntity, f.code)
		require.Contains(t, f.page, want)
	}
	f.get("/contacts")
	require.Contains(t, f.page, "Nobody is here yet.")
}

// Keys age: an old message stays good after its key has expired, unless its owner says that somebody else may have the key.
func TestAgedKeys(t *testing.T) {
	g := newPGPWriter(t)
	past := time.Now().AddDate(0, 0, -30)
	faked := fmt.Sprintf("--faked-system-time=%d", past.Unix())
	g.Run("", faked, "--quick-gen-key", "Bob <bob@example.test>", "ed25519", "sign", "10d")
	letter := g.signed("bob@example.test", "bob@example.test", "", pgpContent, faked)
	now := past.Add(time.Hour)
	f := newFixture(t, func(c *webmail.Config) { c.Now = func() time.Time { return now } })
	f.login()
	keep := func() string {
		f.get("/contacts")
		path := "/contacts/new"
		if strings.Contains(f.page, "bob@example.test") {
			path = "/contacts/" + f.lastUID()
		}
		f.get(path)
		f.submit(path, "do", "save", "name", "Bob", "emails", "bob@example.test", "key", g.public("bob@example.test"))
		require.Equal(t, http.StatusOK, f.code)
		return path
	}
	keep()
	uid := f.addAt("INBOX", letter, past.Add(time.Minute))
	f.get(fmt.Sprintf("/mail/INBOX/%d", uid))
	require.Contains(t, f.page, "The message is as it was signed.")
	require.Contains(t, f.page, "notice fine")

	now = time.Now()
	f.login()
	f.get(fmt.Sprintf("/mail/INBOX/%d", uid))
	require.Contains(t, f.page, "The message is as it was signed. The key has expired since.")
	require.NotContains(t, f.page, "notice fine")
	f.read(letter) // it comes now
	require.Contains(t, f.page, "whose time was over")
	keep()
	f.get("/contacts/" + f.bookUID())
	require.Contains(t, f.page, "Expired on")

	// 1 is "Key has been compromised".
	rev := g.Run("y\n1\n\ny\n", "--no-batch", "--command-fd", "0", "--armor", "--gen-revoke", "bob@example.test")
	g.Run(rev, "--import")
	keep()
	f.get("/contacts/" + f.bookUID())
	require.Contains(t, f.page, "Revoked by its owner")
	f.get(fmt.Sprintf("/mail/INBOX/%d", uid))
	require.Contains(t, f.page, "has been revoked by its owner")
	require.Contains(t, f.page, "notice bad")
}

// addAt puts a message into a mailbox that has come at a time.
func (f *fixture) addAt(box, text string, at time.Time) mail.UID {
	f.Helper()
	tx, err := f.imap.Mailbox(box).Append(f.Context())
	require.NoError(f, err)
	require.NoError(f, tx.Add(f.Context(), strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")), &mail.AppendOptions{InternalDate: at}))
	done, err := tx.Commit(f.Context())
	require.NoError(f, err)
	return done.UIDs[0]
}

func (f *fixture) bookUID() string { f.Helper(); f.get("/contacts"); return f.lastUID() }
