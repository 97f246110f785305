package proxydmz_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { scene.Main(m) }

// TestProxy is what the README says, with the host inside, the friend's and the one on the other side of the Internet ours and Debian's.
func TestProxy(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	for _, kind := range scene.Kinds {
		t.Run("neighbours are "+kind, func(t *testing.T) {
			s := s.In(t)
			far, gate := s.Far(kind), s.Fullserver(scene.Site{Addr: scene.GateAddr, Folder: "."})

			t.Log("the host inside is down: mail for it is taken, and waits; who isn't there is known all the same")
			scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "sender@example.org", To: "an@example.com", Subject: "in, waits"}))
			gate.Logged(`to=<an@example\.com>, relay=none, .*status=deferred \(connect to box\.in\.example\.com\[10\.1\.1\.25\]:25: Connection refused\)`)
			require.Contains(t, s.Post(scene.Stranger, gate, scene.Letter{From: "sender@example.org", To: "nobody@example.com"}), "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in relay recipient table")

			t.Log("the friend's host is down: the gate is the second MX, and keeps it")
			scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "sender@example.org", To: "duc@example.net", Subject: "backup"}))
			gate.Logged(`to=<duc@example\.net>, relay=none, .*status=deferred \(connect to mail\.example\.net\[203\.0\.113\.25\]:25: Connection refused\)`)

			t.Log("both come back")
			box, peer := s.Box(kind, "../intranet"), s.Peer(kind)
			require.Contains(t, box.Arrives("an@example.com", "in, waits"), "from mx.example.org (mx.example.org [198.51.100.25])")
			require.Contains(t, peer.Arrives("duc@example.net", "backup"), "from gate.example.com (gate.example.com [192.0.2.25])")

			t.Log("out: what the host inside sends, under its outer names")
			scene.Accepted(t, s.Post(scene.DeskAddr, box, scene.Letter{From: "binh@pc7.in.example.com", To: "friend@example.org", Subject: "out"}))
			text := far.Arrives("friend@example.org", "out")
			require.Contains(t, text, "Return-Path: <binh@example.com>")
			require.Contains(t, text, "from gate.example.com (gate.example.com [192.0.2.25])")

			t.Log("what is written to the gate itself goes to who looks after it")
			scene.Accepted(t, s.Post(scene.Stranger, gate, scene.Letter{From: "sender@example.org", To: "postmaster@gate.example.com abuse@example.com", Subject: "about you"}))
			box.Arrives("an@example.com", "about you")

			t.Log("an address that the list has and the host inside hasn't: the sender is told")
			scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "sender@example.org", To: "left@example.com", Subject: "to who has left"}))
			report := far.Arrives("sender@example.org", "Undelivered Mail Returned to Sender")
			require.Contains(t, report, "Final-Recipient: rfc822; left@example.com")
			require.Contains(t, strings.Join(strings.Fields(report), " "), "User unknown in local recipient table")
		})
	}
}

// TestRefused is what the README says that strangers may not; who is inside may.
func TestRefused(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	gate := s.Gate("fullserver", ".")
	for _, x := range []struct{ from, to, header, want string }{
		{"sender@example.org", "friend@example.org", "", "554 5.7.1 <friend@example.org>: Relay access denied"},
		{"sender@example.org", "x@sub.example.com", "", "554 5.7.1 <x@sub.example.com>: Relay access denied"},
		{"sender@example.org", "friend%example.org@example.com", "", "554 5.7.1 <friend%example.org@example.com>: Relay access denied"},
		{"sender@example.org", "postmaster@localhost", "", "554 5.7.1 <postmaster@localhost>: Relay access denied"},
		{"an@example.com", "binh@example.com", "", "554 5.7.1 <an@example.com>: Sender address rejected: Mail from example.com does not come from there"},
		{"sender@nowhere.example", "an@example.com", "", "450 4.1.8 <sender@nowhere.example>: Sender address rejected: Domain not found"},
		{"sender", "an@example.com", "", "504 5.5.2 <sender>: Sender address rejected: need fully-qualified address"},
		{"sender@example.org", "an@example.com", "Content-Disposition: attachment; filename=\"a.scr\"\r\n", "550 5.7.1 Programs are not taken here"},
	} {
		require.Contains(t, s.Post(scene.Stranger, gate, scene.Letter{From: x.from, To: x.to, Header: x.header, Subject: "no"}), x.want)
	}
	c := s.Dial(scene.Stranger, scene.GateAddr+":25")
	c.Reply()
	c.Say("EHLO gate.example.com")
	require.Contains(t, c.Transact(scene.Letter{From: "sender@example.org", To: "an@example.com"}), "554 5.7.1 <gate.example.com>: Helo command rejected: You are not gate.example.com")
	scene.Accepted(t, s.Post(scene.BoxAddr, gate, scene.Letter{From: "an@example.com", To: "friend@example.org", Subject: "from inside"}))
}

// TestVerified: without a list of recipients the host inside is asked.
func TestVerified(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	for _, kind := range scene.Kinds {
		t.Run("inside is "+kind, func(t *testing.T) {
			s := s.In(t)
			gate := s.Fullserver(scene.Site{Addr: scene.GateAddr, Folder: ".", Params: []string{"relay_recipient_maps=", "smtpd_recipient_restrictions=reject_unverified_recipient", "unverified_recipient_reject_code=550", "address_verify_poll_count=10"}})
			ask := func(to string) string {
				return s.Post(scene.Stranger, gate, scene.Letter{From: "sender@example.org", To: to, Subject: "to " + to})
			}
			require.Contains(t, ask("binh@example.com"), "450 4.1.1 <binh@example.com>: Recipient address rejected: ", "it is down, and nothing is known")
			box := s.Box(kind, "../intranet")
			scene.Accepted(t, ask("an@example.com"))
			box.Arrives("an@example.com", "to an@example.com")
			require.Regexp(t, `550 5\.1\.1 <nobody@example\.com>: Recipient address rejected: undeliverable address: host box\.in\.example\.com\[10\.1\.1\.25\] said: 550 5\.1\.1 <nobody@example\.com>: Recipient address rejected: User unknown in local recipient table`, ask("nobody@example.com"))
			box.Stop()
			scene.Accepted(t, ask("an@example.com")) // remembered
			require.Contains(t, ask("nobody@example.com"), "550 5.1.1 <nobody@example.com>")
		})
	}
}
