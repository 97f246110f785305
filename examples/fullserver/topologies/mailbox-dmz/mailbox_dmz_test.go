package mailboxdmz_test

import (
	"bufio"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { scene.Main(m) }

const zone = scene.FarZone + `
example.com MX 10 mail.example.com
mail.example.com A 192.0.2.25
192.0.2.25 PTR mail.example.com
example.net MX 10 mail.example.com
`

const addr = "192.0.2.25"

// site is the folder as it is.
var site = scene.Site{Addr: addr, Folder: ".", Users: []string{"an@example.com", "binh@example.com", "chi@example.com"}}

// TestMailboxHost is what the README says, with a fullserver and with Debian's Postfix and Dovecot on the other side of the Internet.
func TestMailboxHost(t *testing.T) {
	s := scene.New(t, zone)
	for _, kind := range scene.Kinds {
		t.Run("far is "+kind, func(t *testing.T) {
			s := s.In(t)
			far, mail := s.Far(kind), s.Fullserver(site)

			t.Log("in from the Internet, by MX")
			scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "sender@example.org", To: "an+news@example.com", Subject: "hello in"}))
			text := mail.Arrives("an@example.com", "hello in")
			require.Contains(t, text, "from mx.example.org (mx.example.org [198.51.100.25])")
			require.Contains(t, text, "Delivered-To: an+news@example.com")

			t.Log("aliases, the second domain, another name")
			for to, users := range map[string]string{"sales@example.net": "chi an", "webmaster@example.com": "binh", "An.Nguyen@Example.COM": "an", "abuse@mail.example.com": "an", "postmaster": "an"} {
				scene.Accepted(t, s.Post(scene.Stranger, mail, scene.Letter{From: "sender@example.org", To: to, Subject: "to " + to}))
				for u := range strings.FieldsSeq(users) {
					mail.Arrives(u+"@example.com", "to "+to)
				}
			}

			t.Log("a list with a member outside, who hears from its owner")
			scene.Accepted(t, s.Post(scene.Stranger, mail, scene.Letter{From: "sender@example.org", To: "project@example.com", Subject: "to the project"}))
			mail.Arrives("binh@example.com", "to the project")
			require.Contains(t, far.Arrives("partner@example.org", "to the project"), "Return-Path: <owner-project@example.com>")

			t.Log("out: a user logs in and sends, and is answered")
			scene.Accepted(t, s.Submit(scene.Stranger, mail, "an@example.com", scene.Letter{From: "an@example.com", To: "friend@example.org all@example.com", Subject: "hello out"}))
			require.Contains(t, far.Arrives("friend@example.org", "hello out"), "from mail.example.com (mail.example.com [192.0.2.25])")
			for _, u := range []string{"an", "binh", "chi"} {
				mail.Arrives(u+"@example.com", "hello out")
			}

			t.Log("an address that isn't there comes back as a report")
			scene.Accepted(t, s.Submit(scene.Stranger, mail, "an@example.com", scene.Letter{From: "an@example.com", To: "nobody@example.org", Subject: "to nobody"}))
			report := mail.Arrives("an@example.com", "Undelivered Mail Returned to Sender")
			require.Contains(t, report, "Final-Recipient: rfc822; nobody@example.org")
			require.Contains(t, report, "User unknown in virtual mailbox table")
		})
	}
}

// TestRefused is what the README says that strangers may not.
func TestRefused(t *testing.T) {
	s := scene.New(t, zone)
	mail := s.Fullserver(site)
	for _, x := range []struct{ from, to, header, want string }{
		{"sender@example.org", "friend@example.org", "", "554 5.7.1 <friend@example.org>: Relay access denied"},
		{"sender@example.org", "friend%example.org@example.com", "", "554 5.7.1 <friend%example.org@example.com>: Relay access denied"},
		{"sender@example.org", "nobody@example.com", "", "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local recipient table"},
		{"sender@example.org", "nobody@example.net", "", "550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown in virtual alias table"},
		{"sender@example.org", "all@example.com", "", "554 5.7.1 <all@example.com>: Recipient address rejected: Access denied"},
		{"sender@nowhere.example", "an@example.com", "", "450 4.1.8 <sender@nowhere.example>: Sender address rejected: Domain not found"},
		{"sender@example.org", "an@example.com", "Content-Type: application/octet-stream; name=\"a.exe\"\r\n", "550 5.7.1 Programs are not taken here"},
	} {
		require.Contains(t, s.Post(scene.Stranger, mail, scene.Letter{From: x.from, To: x.to, Header: x.header, Subject: "no"}), x.want)
	}
	require.Contains(t, s.Submit(scene.Stranger, mail, "an@example.com", scene.Letter{From: "binh@example.com", To: "friend@example.org", Subject: "no"}),
		"553 5.7.1 <binh@example.com>: Sender address rejected: not owned by user an@example.com")
	c := s.Dial(scene.Stranger, addr+":587")
	c.Reply()
	c.Say("EHLO client.example")
	require.Contains(t, c.Say("MAIL FROM:<an@example.com>"), "530 5.7")
	require.Empty(t, mail.Messages("an@example.com"))
}

// TestPorts: every port that the README names is there, with TLS, and a message is read by POP3 as by IMAP.
func TestPorts(t *testing.T) {
	s := scene.New(t, zone)
	mail := s.Fullserver(site)
	scene.Accepted(t, s.Post(scene.Stranger, mail, scene.Letter{From: "sender@example.org", To: "an@example.com", Subject: "to be fetched"}))
	mail.Arrives("an@example.com", "to be fetched")
	for port, exchange := range map[string][]string{
		"465": {"", "220 mail.example.com ESMTP", "EHLO c.example", "250-mail.example.com"},
		"993": {"", "* OK", "a LOGIN an " + scene.Password, "a OK"},
		"995": {"", "+OK", "USER an", "+OK", "PASS " + scene.Password, "+OK", "STAT", "+OK 1 ", "RETR 1", "Subject: to be fetched"},
		"443": {"GET / HTTP/1.0\r\nHost: mail.example.com\r\n", "HTTP/1."},
	} {
		conn, err := tls.Dial("tcp", addr+":"+port, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err, port)
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		r := bufio.NewReader(conn)
		for i := 0; i < len(exchange); i += 2 {
			if exchange[i] != "" {
				_, err = conn.Write([]byte(exchange[i] + "\r\n"))
				require.NoError(t, err, port)
			}
			line := ""
			for !strings.HasPrefix(line, exchange[i+1]) {
				line, err = r.ReadString('\n')
				require.NoError(t, err, "port %s: after %q: %q is not %q", port, exchange[i], line, exchange[i+1])
			}
		}
		conn.Close()
	}
}
