// Package day plays a day in the life of a mail host with 400 users.
package day_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { scene.Main(m) }

const (
	users = 400
	addr  = "192.0.2.25"
	zone  = scene.FarZone + `
example.com MX 10 mail.example.com
mail.example.com A 192.0.2.25
192.0.2.25 PTR mail.example.com
`
)

func user(i int) string { return fmt.Sprintf("u%d@example.com", (i-1+users)%users+1) }

// office is the folder mailbox-dmz with 400 users, on a disk of its own; u7 has his mail forwarded to a partner.
func office(t *testing.T) scene.Site {
	aliases, err := os.ReadFile("../mailbox-dmz/aliases")
	require.NoError(t, err)
	s := scene.Site{Addr: addr, Folder: "../mailbox-dmz", Disk: "96m"}
	everyone := "everyone: u1"
	for i := 1; i <= users; i++ {
		line := user(i)
		if i == 7 {
			line += ":{PLAIN}" + scene.Password + "::::$D/home7::"
		}
		s.Users = append(s.Users, line)
		if i > 1 {
			everyone += fmt.Sprintf(", u%d", i)
		}
	}
	s.Users = append(s.Users, "an@example.com", "binh@example.com", "chi@example.com")
	s.Files = map[string]string{"aliases": string(aliases) + everyone + "\nhelpdesk: u1, u2, friend@example.org\n"}
	return s
}

// TestADayInTheLife goes through the day and counts every copy of every message in the evening: what was sent has been delivered, returned or
// refused, and each once.
func TestADayInTheLife(t *testing.T) {
	s := scene.New(t, zone)
	far, mail := s.Far("fullserver"), s.Fullserver(office(t))
	d := &day{t: t, s: s, mail: mail, far: far, b: book{t: t, want: map[string]int{}}}

	home := filepath.Join(mail.Dir, "home7")
	require.NoError(t, os.Mkdir(home, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".forward"), []byte("partner@example.org\n"), 0o644))

	d.say("06:00", "the server is up, with %d users", users)

	d.say("07:00", "the night's mail from the Internet: one message for each user")
	d.parallel(4, func(worker int) {
		c := d.session(scene.Stranger)
		for i := 1 + worker; i <= users; i += 4 {
			d.send(c, "sender@example.org", "", d.here(user(i)))
		}
	})
	d.say("08:00", "people read; u7 has his mail forwarded to a partner")
	far.Arrives("partner@example.org", "day ")
	for i := 1; i <= users; i += 40 {
		require.Contains(t, mail.Arrives(user(i), "day "), "Delivered-To: "+user(i))
	}

	d.say("09:00", "people write: to each other, to friends, to lists")
	d.parallel(4, func(worker int) {
		for i := 1 + worker; i <= 40; i += 4 {
			c := d.login(user(i))
			d.send(c, user(i), "", d.here(user(i+1)))
			d.send(c, user(i), "", d.there("friend@example.org"))
			d.send(c, user(i), "", d.here(user(i+2)), d.there("partner@example.org"))
			c.Quit()
		}
	})
	var all []copyOf
	for i := 1; i <= users; i++ {
		one := d.here(user(i))
		one.to = "everyone@example.com"
		all = append(all, one)
	}
	c := d.login(user(1))
	d.send(c, user(1), "", all...)
	c = d.session(scene.Stranger)
	d.send(c, "sender@example.org", "", copyOf{to: "helpdesk@example.com", host: mail, box: user(1)}, copyOf{to: "helpdesk@example.com", host: mail, box: user(2)}, copyOf{to: "helpdesk@example.com", host: far, box: "friend@example.org"})

	d.say("10:00", "some write to who isn't there: here they hear it at once, from elsewhere it comes back")
	for i := range 10 {
		d.once(d.session(scene.Stranger), "sender@example.org", "550 5.1.1 ", d.here(fmt.Sprintf("nobody%d@example.com", i)))
		d.once(d.session(scene.Nobody), "sender@example.org", "554 5.7.1 ", d.there("friend@example.org")) // and a stranger wants to use the server
		back := d.here(user(i + 1))
		back.to, back.returned = fmt.Sprintf("nobody%d@example.org", i), true
		d.once(d.login(user(i+1)), user(i+1), "", back)
	}

	d.say("11:00", "the host of example.org goes down; people don't notice")
	d.settled() // what it has taken is in its mailboxes
	far.Stop()
	c = d.login(user(50))
	for range 30 {
		d.send(c, user(50), "", d.there("friend@example.org"))
	}
	mail.Logged(`to=<friend@example\.org>, relay=none, .*status=deferred \(connect to mx\.example\.org\[198\.51\.100\.25\]:25: Connection refused\)`)
	d.say("12:00", "it is back: %d messages go on", 30)
	far.Start()

	d.say("13:00", "a new user and a new alias; the server reads its tables again while mail comes in")
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for worker := range 2 {
		busy.Go(func() {
			c := d.session(scene.Stranger)
			for i := worker; ; i += 2 {
				select {
				case <-stop:
					return
				default:
					d.send(c, "sender@example.org", "", d.here(user(i+1)))
				}
				if i > 300 {
					<-stop
					return
				}
			}
		})
	}
	mail.Append("data/users", "mai@example.com:{PLAIN}"+scene.Password+"\n")
	mail.Append("etc/aliases", "newcomer: mai\n")
	scene.Run(t, mail.Args("data_directory="+mail.Dir+"/data"), "reload")
	c = d.session(scene.Stranger)
	scene.Eventually(t, func() error {
		if r := c.Ask("sender@example.org", "newcomer@example.com"); !strings.HasPrefix(r, "250 ") {
			return fmt.Errorf("newcomer: %s", r)
		}
		return nil
	})
	d.send(c, "sender@example.org", "", copyOf{to: "newcomer@example.com", host: mail, box: "mai@example.com"})
	close(stop)
	busy.Wait()

	d.say("14:00", "the disk is full: senders are told to come again")
	fill, free := filling(t, filepath.Join(mail.Dir, "data"))
	var later []letter
	for i := range 10 {
		fill() // again: what the server does in its own time may have given something back
		later = append(later, d.onFullDisk(d.session(scene.Stranger), "sender@example.org", d.here(user(100+i)))...)
		later = append(later, d.onFullDisk(d.login(user(200+i)), user(200+i), d.there("friend@example.org"))...)
	}
	require.Greater(t, len(later), 10)
	d.say("15:00", "there is room again, and they come again")
	free()
	for _, l := range later {
		c := d.session(scene.Stranger)
		if strings.HasSuffix(l.from, "@example.com") {
			c = d.login(l.from)
		}
		d.give(c, l, "")
		c.Quit()
	}

	d.say("16:00", "the server is restarted, with mail in its queue")
	d.settled()
	far.Stop()
	c = d.login(user(60))
	for range 10 {
		d.send(c, user(60), "", d.there("partner@example.org"))
	}
	mail.Stop()
	mail.Start()
	far.Start()

	d.say("18:00", "the evening: everything is counted")
	d.settled()
	d.count()
}

// filling returns what leaves no room on a disk, and what frees it.
func filling(t *testing.T, dir string) (fill, free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "fill"))
	require.NoError(t, err)
	block := make([]byte, 1<<16)
	fill = func() {
		for size := len(block); size > 0; {
			if _, err := f.Write(block[:size]); err != nil {
				size /= 2
			}
		}
	}
	return fill, func() {
		require.NoError(t, f.Close())
		require.NoError(t, os.Remove(f.Name()))
	}
}
