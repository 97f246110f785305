package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// marked is a message for INBOX, where only what it is marked with tells it from the user's own.
func marked(mark string, n int) string {
	return fmt.Sprintf("Date: %d Mar 2026 12:00:00 +0700\r\nFrom: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: conformance %d\r\n"+
		"X-Conformance: %s\r\n\r\nBody of message %d\r\n.begins with a dot\r\n..with two\r\n.\r\nends\r\n", n%28+1, n, mark, n)
}

// preparePOP3 puts messages into INBOX and finds their numbers: <m1>, <m2> … and sizes: <z1>, <z2> …; <count> is the number of all.
func (p *play) preparePOP3() (why string, err error) {
	for i := range p.c.Messages {
		mark := fmt.Sprintf("%s-%08x", p.r.id, rand.Uint32())
		p.marks = append(p.marks, mark)
		if why, err := p.put(marked(mark, i+1)); why != "" || err != nil {
			return why, err
		}
	}
	for end := time.Now().Add(p.r.t.timeout()); ; {
		found, err := p.find(false)
		if err != nil || found == len(p.marks) {
			return "", err
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("%d of %d messages have come within %v", found, len(p.marks), p.r.t.timeout())
		}
		if err := p.wait(pause); err != nil {
			return "", err
		}
	}
}

// put brings a message into INBOX.
func (p *play) put(m string) (why string, err error) {
	t := p.r.t
	switch {
	case t.Put != nil:
		return "", t.Put(p.ctx, m)
	case t.Dial[IMAP] != nil:
		c, err := p.r.dial(p.ctx, IMAP)
		if err != nil {
			return "", err
		}
		defer func() { _ = c.nc.Close() }()
		if err := c.loginIMAP(t); err != nil {
			return "", err
		}
		return "", c.appendMessage("INBOX", m)
	case t.To != "" && t.Dial[LMTP] != nil:
		return "", p.deliver(LMTP, m)
	case t.To != "" && t.Dial[SMTP] != nil:
		return "", p.deliver(SMTP, m)
	}
	return "no way to put a message there", nil
}

func (p *play) deliver(by Protocol, m string) error {
	c, err := p.r.dial(p.ctx, by)
	if err != nil {
		return err
	}
	defer func() { _ = c.nc.Close() }()
	if err := c.open(p.r.t, false); err != nil {
		return err
	}
	stuffed := strings.ReplaceAll(m, "\r\n.", "\r\n..")
	for _, line := range []string{"MAIL FROM:<" + p.r.t.From + ">", "RCPT TO:<" + p.r.t.To + ">", "DATA", stuffed + "."} {
		if _, err := c.say(line, map[bool]string{true: "354", false: "250"}[line == "DATA"]); err != nil {
			return err
		}
	}
	return nil
}

// find looks for the marked messages among the last ones, and removes them if that is wanted.
func (p *play) find(remove bool) (int, error) {
	c, err := p.r.dial(p.ctx, POP3)
	if err != nil {
		return 0, err
	}
	defer c.leave()
	if err := c.open(p.r.t, true); err != nil {
		return 0, err
	}
	r, err := c.say("STAT", "+OK ")
	if err != nil {
		return 0, err
	}
	words := strings.Fields(r.text + " 0 0")
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return 0, fmt.Errorf("STAT is answered %q", r.text)
	}
	p.vars["count"], p.vars["octets"] = words[1], words[2]
	found := 0
	for n := count; n > max(0, count-100) && found < len(p.marks); n-- {
		if _, err := c.say("RETR "+strconv.Itoa(n), "+OK"); err != nil {
			return 0, err
		}
		lines, err := c.body()
		if err != nil {
			return 0, err
		}
		i := slices.IndexFunc(p.marks, func(mark string) bool { return slices.Contains(lines, "X-Conformance: "+mark) })
		if i < 0 {
			continue
		}
		found++
		if remove {
			if _, err := c.say("DELE "+strconv.Itoa(n), "+OK"); err != nil {
				return 0, err
			}
			continue
		}
		r, err := c.say("LIST "+strconv.Itoa(n), "+OK ")
		if err != nil {
			return 0, err
		}
		p.vars["m"+strconv.Itoa(i+1)] = strconv.Itoa(n)
		p.vars["z"+strconv.Itoa(i+1)] = strings.Fields(r.text + " 0 0")[2]
	}
	_, err = c.say("QUIT", "+OK") // what is marked is removed only now
	return found, err
}
