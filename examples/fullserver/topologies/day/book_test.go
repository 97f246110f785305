package day_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// copyOf is a copy of a message: who was written to, and whose mailbox it belongs into, or the report that it can't be delivered.
type copyOf struct {
	to       string
	host     *scene.Host
	box      string
	returned bool
}

// letter is a message that was refused for now.
type letter struct {
	from, subject string
	copies        []copyOf
}

// book is what should be in the mailboxes in the evening.
type book struct {
	t  *testing.T
	mu sync.Mutex
	n  int // messages

	sent, delivered, returned, refused int // copies
	want                               map[string]int
}

// day is the test's course.
type day struct {
	t         *testing.T
	s         *scene.Scene
	mail, far *scene.Host
	b         book
}

func (d *day) say(clock, format string, args ...any) {
	d.t.Helper()
	d.t.Logf("%s  "+format, append([]any{clock}, args...)...)
}

// here and there are copies for a mailbox of the office, and for one elsewhere.
func (d *day) here(to string) copyOf {
	if to == user(7) { // he has his mail forwarded
		return copyOf{to: to, host: d.far, box: "partner@example.org"}
	}
	return copyOf{to: to, host: d.mail, box: to}
}
func (d *day) there(to string) copyOf { return copyOf{to: to, host: d.far, box: to} }

func (d *day) parallel(n int, f func(worker int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// session connects from elsewhere, login as a user.
func (d *day) session(from string) *scene.Client {
	c := d.s.Dial(from, addr+":25")
	c.Reply()
	c.Say("EHLO client.example.org")
	return c
}

func (d *day) login(user string) *scene.Client {
	c := d.s.Dial(scene.Stranger, addr+":587")
	c.Reply()
	c.Login(user)
	return c
}

// send sends a message, and writes its copies down; refused is the reply that it must get, "" for one that takes it.
func (d *day) send(c *scene.Client, from, refused string, copies ...copyOf) {
	d.b.mu.Lock()
	d.b.n++
	l := letter{from, fmt.Sprintf("day %06d", d.b.n), copies}
	d.b.mu.Unlock()
	d.give(c, l, refused)
}

// onFullDisk is send while the disk is full: the message is refused for now, unless the server has just removed something of its own. It
// returns what was refused.
func (d *day) onFullDisk(c *scene.Client, from string, copies ...copyOf) []letter {
	d.b.mu.Lock()
	d.b.n++
	l := letter{from, fmt.Sprintf("day %06d", d.b.n), copies}
	d.b.mu.Unlock()
	reply := d.transact(c, l)
	c.Quit()
	if strings.HasPrefix(reply, "250 ") {
		d.note(l, reply, "")
		return nil
	}
	d.note(l, reply, "45")
	return []letter{l}
}

// once is send for a session with one message.
func (d *day) once(c *scene.Client, from, refused string, copies ...copyOf) {
	d.send(c, from, refused, copies...)
	c.Quit()
}

func (d *day) give(c *scene.Client, l letter, refused string) { d.note(l, d.transact(c, l), refused) }

func (d *day) transact(c *scene.Client, l letter) (reply string) {
	return c.Transact(scene.Letter{From: l.from, To: strings.Join(l.to(), " "), Subject: l.subject, Body: "x"})
}

// to is whom a letter is sent to.
func (l *letter) to() (to []string) {
	for _, x := range l.copies {
		if !slices.Contains(to, x.to) {
			to = append(to, x.to)
		}
	}
	return to
}

// note writes down what a server has answered; refused is what it must, "" for one that takes it.
func (d *day) note(l letter, reply, refused string) {
	to := l.to()
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	d.b.sent += len(l.copies)
	if refused != "" {
		if !strings.HasPrefix(reply, refused) {
			d.t.Errorf("%s to %s: %s, want %s", l.from, to, reply, refused)
		}
		d.b.refused += len(l.copies)
		return
	}
	if !strings.HasPrefix(reply, "250 2.0.0 Ok: queued as ") {
		d.t.Errorf("%s to %s: %s", l.from, to, reply)
		return
	}
	for _, x := range l.copies {
		if x.returned {
			d.b.returned++
			d.b.want["report of "+l.subject+" to "+x.to+" in "+x.box]++
		} else {
			d.b.delivered++
			d.b.want[l.subject+" in "+x.box]++
		}
	}
}

// settled waits until nothing is on its way.
func (d *day) settled() {
	d.t.Helper()
	for _, h := range []*scene.Host{d.mail, d.far} {
		empty := 0
		scene.Eventually(d.t, func() error { // a message that is being moved may be missing in one list
			out := scene.Run(d.t, h.Args("data_directory="+h.Dir+"/data"), "mailq")
			if !strings.Contains(out, "Mail queue is empty") {
				empty = 0
			} else if empty++; empty == 3 {
				return nil
			}
			return fmt.Errorf("%s: %s", h.Addr, out)
		})
	}
}

var (
	subject = regexp.MustCompile(`(?m)^Subject: (day \d+)\r?$`)
	final   = regexp.MustCompile(`(?m)^Final-Recipient: rfc822; ?(\S+)\r?$`)
)

// count compares what is in all mailboxes with what should be.
func (d *day) count() {
	d.t.Helper()
	found := map[string]int{}
	boxes := map[*scene.Host][]string{d.far: {"partner@example.org", "friend@example.org", "sender@example.org"}, d.mail: {"mai@example.com", "an@example.com", "binh@example.com", "chi@example.com"}}
	for i := 1; i <= users; i++ {
		boxes[d.mail] = append(boxes[d.mail], user(i))
	}
	delivered, returned := 0, 0
	for h, list := range boxes {
		for _, box := range list {
			for _, name := range h.Messages(box) {
				b, err := os.ReadFile(name)
				require.NoError(d.t, err)
				m := subject.FindStringSubmatch(string(b))
				require.NotNil(d.t, m, "%s has a message that nobody has sent:\n%s", box, b)
				if strings.Contains(string(b), "multipart/report") {
					returned++
					found["report of "+m[1]+" to "+final.FindStringSubmatch(string(b))[1]+" in "+box]++
					continue
				}
				delivered++
				found[m[1]+" in "+box]++
			}
		}
	}
	for what, n := range d.b.want {
		if found[what] != n {
			d.t.Errorf("%s: %d, want %d", what, found[what], n)
		}
		delete(found, what)
	}
	for what, n := range found {
		d.t.Errorf("%s: %d, and there should be none", what, n)
	}
	d.t.Logf("       %d messages; %d copies sent = %d delivered + %d returned + %d refused", d.b.n, d.b.sent, delivered, returned, d.b.refused)
	require.Equal(d.t, d.b.sent, delivered+returned+d.b.refused)
	require.Equal(d.t, d.b.returned, returned)
}
