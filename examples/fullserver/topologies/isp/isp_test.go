package isp_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { scene.Main(m) }

const (
	addr     = "203.0.113.10"
	ownHost  = "203.0.113.60"
	storeBox = "203.0.113.20"
	zone     = scene.FarZone + `
example.net MX 10 mx1.example.net
mx1.example.net A 203.0.113.10
203.0.113.10 PTR mx1.example.net
mail.own-host.example A 203.0.113.60
store.example.net A 203.0.113.20
an.example MX 10 mx1.example.net
an-shop.example MX 10 mx1.example.net
binh.example MX 10 mx1.example.net
small.example MX 10 mx1.example.net
big.example MX 10 mx1.example.net
own-host.example MX 10 mx1.example.net
d007.example MX 10 mx1.example.net
d299.example MX 10 mx1.example.net
`
)

var users = []string{"hostmaster@example.net", "lan@an.example", "hoa@an.example", "minh@binh.example", "x@small.example"}

// many is the folder with three hundred more domains, two users and two aliases in each.
func many(t *testing.T) scene.Site {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(b)
	}
	s := scene.Site{Addr: addr, Folder: ".", Users: users}
	domains, virtual := read("domains"), read("virtual")
	for i := range 300 {
		d := fmt.Sprintf("d%03d.example", i)
		domains += d + " x\n"
		virtual += fmt.Sprintf("all@%s u1@%s, u2@%s\nother@%s u1@d%03d.example\n", d, d, d, d, (i+1)%300)
		s.Users = append(s.Users, "u1@"+d, "u2@"+d)
	}
	s.Files = map[string]string{"domains": domains, "virtual": virtual}
	return s
}

// TestISP is what the README says, with the customer's host, the store and the one on the other side of the Internet ours and Debian's.
func TestISP(t *testing.T) {
	s := scene.New(t, zone)
	for _, kind := range scene.Kinds {
		t.Run("neighbours are "+kind, func(t *testing.T) {
			s := s.In(t)
			far, isp := s.Far(kind), s.Fullserver(many(t))
			in := func(to, subject string) {
				t.Helper()
				scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "sender@example.org", To: to, Subject: subject}))
			}

			t.Log("in from the Internet, to domains of three hundred; aliases lead to others")
			in("all@d007.example u1@d299.example other@d299.example", "first")
			for _, u := range []string{"u1@d007.example", "u2@d007.example", "u1@d299.example", "u1@d000.example"} {
				isp.Arrives(u, "first")
			}

			t.Log("a domain that is another one, a catch-all, an alias with somebody elsewhere, postmaster of every domain")
			in("hoa+x@an-shop.example whoever@binh.example", "second")
			require.Contains(t, isp.Arrives("hoa@an.example", "second"), "Delivered-To: hoa+x@an.example")
			isp.Arrives("minh@binh.example", "second")
			in("office@binh.example postmaster@d007.example postmaster@an.example", "third")
			isp.Arrives("minh@binh.example", "third")
			isp.Arrives("hostmaster@example.net", "third")
			isp.Arrives("lan@an.example", "third")
			require.Contains(t, far.Arrives("partner@example.org", "third"), "Return-Path: <sender@example.org>")

			t.Log("customers send: as themselves, and as what they may")
			scene.Accepted(t, s.Submit(scene.Nobody, isp, "u2@d299.example", scene.Letter{From: "u2@d299.example", To: "friend@example.org u1@d000.example", Subject: "fourth"}))
			far.Arrives("friend@example.org", "fourth")
			isp.Arrives("u1@d000.example", "fourth")
			scene.Accepted(t, s.Submit(scene.Nobody, isp, "hoa@an.example", scene.Letter{From: "info@an.example", To: "friend@example.org", Subject: "fifth"}))
			far.Arrives("friend@example.org", "fifth")
			require.Contains(t, s.Submit(scene.Nobody, isp, "u2@d299.example", scene.Letter{From: "info@an.example", To: "friend@example.org"}),
				"553 5.7.1 <info@an.example>: Sender address rejected: not owned by user u2@d299.example")

			t.Log("a customer's own host is down, and comes back; a store behind gets its part by LMTP")
			in("root@own-host.example vi@big.example", "sixth")
			isp.Logged(`to=<root@own-host\.example>, relay=none, .*status=deferred \(connect to mail\.own-host\.example\[203\.0\.113\.60\]:25: Connection refused\)`)
			own := s.Host(kind, scene.Site{Addr: ownHost, Users: []string{"root@own-host.example"}, Files: map[string]string{"main.cf": `compatibility_level = 3.6
myhostname = mail.own-host.example
mydestination =
virtual_mailbox_domains = own-host.example
alias_maps =
smtp_listen = 203.0.113.60:25
imap_listen = 203.0.113.60:143
`}})
			store := s.Host(kind, scene.Site{Addr: storeBox, Users: []string{"vi@big.example"}, Files: map[string]string{"main.cf": `compatibility_level = 3.6
myhostname = store.example.net
mydestination =
virtual_mailbox_domains = big.example
alias_maps =
smtp_listen = 203.0.113.20:25
lmtp_listen = 203.0.113.20:24
imap_listen = 203.0.113.20:143
`}})
			own.Arrives("root@own-host.example", "sixth")
			store.Arrives("vi@big.example", "sixth")

			t.Log("a small customer's mailbox is full: senders are told, the others' mailboxes aren't")
			large := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 400) // 30 kB
			scene.Accepted(t, s.Post(scene.Stranger, isp, scene.Letter{From: "sender@example.org", To: "x@small.example", Subject: "fits", Body: large}))
			full := scene.Letter{From: "sender@example.org", To: "x@small.example", Subject: "too much", Body: large}
			require.Contains(t, s.Post(scene.Stranger, isp, full), "552 5.2.2 ")
			full.To = "x@small.example u1@d007.example"
			scene.Accepted(t, s.Post(scene.Stranger, far, full))
			isp.Arrives("u1@d007.example", "too much")
			require.Contains(t, far.Arrives("sender@example.org", "Undelivered Mail Returned to Sender"), "5.2.2")

			t.Log("a domain more, while mail goes on")
			c := s.Dial(scene.Stranger, addr+":25")
			c.Reply()
			c.Say("EHLO client.example.org")
			require.Contains(t, c.Transact(scene.Letter{From: "sender@example.org", To: "new@new.example", Subject: "too early"}), "554 5.7.1 <new@new.example>: Relay access denied")
			isp.Append("etc/domains", "new.example 1006\n")
			isp.Append("data/users", "new@new.example:{PLAIN}"+scene.Password+"\n")
			scene.Run(t, isp.Args("data_directory="+isp.Dir+"/data"), "reload")
			scene.Eventually(t, func() error {
				if r := c.Transact(scene.Letter{From: "sender@example.org", To: "new@new.example", Subject: "in time"}); !strings.HasPrefix(r, "250 2.0.0 Ok") {
					return fmt.Errorf("on a session from before: %s", r)
				}
				return nil
			})
			isp.Arrives("new@new.example", "in time")
		})
	}
}

// TestRefused is what the README says that nobody may.
func TestRefused(t *testing.T) {
	s := scene.New(t, zone)
	isp := s.Fullserver(many(t))
	for to, want := range map[string]string{
		"friend@example.org":     "554 5.7.1 <friend@example.org>: Relay access denied",
		"nobody@d007.example":    "550 5.1.1 <nobody@d007.example>: Recipient address rejected: User unknown in virtual mailbox table",
		"nobody@big.example":     "550 5.1.1 <nobody@big.example>: Recipient address rejected: User unknown in relay recipient table",
		"x@sub.big.example":      "554 5.7.1 <x@sub.big.example>: Relay access denied",
		"closed@an.example":      "450 4.2.1 <closed@an.example>: Recipient address rejected: This mailbox is moving, try again tomorrow",
		"nobody@mx1.example.net": "550 5.1.1 <nobody@mx1.example.net>: Recipient address rejected: User unknown in local recipient table",
	} {
		require.Contains(t, s.Post(scene.Stranger, isp, scene.Letter{From: "sender@example.org", To: to}), want)
	}
}
