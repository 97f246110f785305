package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// letter returns the i-th of many different messages of about 2 KiB, with text and HTML.
func letter(i int) string {
	word := func(n int) string { return words[(i*31+n*7)%len(words)] }
	var text, html strings.Builder
	for line := range 8 {
		for w := range 10 {
			text.WriteString(word(line*10+w) + " ")
			html.WriteString("<b>" + word(line*11+w) + "</b> ")
		}
		text.WriteString("\r\n")
		html.WriteString("<br>\r\n")
	}
	return fmt.Sprintf("Return-Path: <sender%d@example.test>\r\nReceived: from a.example.test by b.example.test; Mon, 7 Feb 2026 21:52:25 +0700\r\n"+
		"Date: Mon, 7 Feb 2026 21:52:25 +0700\r\nFrom: \"Sender %d\" <sender%d@example.test>\r\nTo: alice@example.test, bob@example.test\r\n"+
		"Subject: %s %s number %d\r\nMessage-ID: <%d@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n"+
		"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s--=_b--\r\n",
		i%500, i%500, i%500, word(1), word(2), i, i, text.String(), html.String())
}

// words are what letters consist of; one in a thousand letters has "zeppelin".
var words = strings.Fields(`the quick brown fox jumps over a lazy dog while budget proposals wait for their review and nobody in the office has
	read what was sent on Monday about invoices contracts holidays meetings travel plans and the new coffee machine`)

// fillLetters makes a Maildir of n different messages as another program delivers them.
func fillLetters(dir string, n int) error {
	if err := fill(dir, 0, "", false); err != nil {
		return err
	}
	for i := range n {
		content := letter(i)
		if i%1000 == 7 {
			content = strings.Replace(content, "lazy dog", "zeppelin", 1)
		}
		name := fmt.Sprintf("%s/cur/%d.M%06dP7Q%d.host,S=%d,W=%d:2,S", dir, 1761234567+i/100, i*7919%1000000, i, len(content), len(content))
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// reading measures what IMAP clients do most: fetching and searching in a mailbox of 20,000 that another program has filled.
func (b *bench) reading() error {
	n := b.n(20000)
	if err := fillLetters(b.dir+"/ours/letters", n); err != nil {
		return err
	}
	s := store(b.dir + "/ours")
	addr, stop, err := serve(s)
	if err != nil {
		return err
	}
	defer stop()
	addrs := []string{addr}
	if b.dovecot != nil {
		if err := fillLetters(b.dir+"/ours/letters2", n); err != nil {
			return err
		}
		if err := b.dovecot.take(b.dir+"/ours/letters2", "letters"); err != nil {
			return err
		}
		addrs = append(addrs, b.dovecot.addr)
	}
	exec.Command("sync").Run()
	clients := make([]*client, len(addrs))
	for i, a := range addrs {
		if clients[i], err = dial(a, "letters", "INBOX"); err != nil {
			return err
		}
		defer clients[i].close()
	}
	const warm = 5
	for _, row := range []struct {
		what, cmd string
		runs      int
		messages  bool // a rate of messages, else the time of a command
	}{
		{"fetch envelopes for the first time", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", 1, true},
		{"fetch envelopes", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", warm, true},
		{"fetch structures for the first time", "FETCH 1:* (UID BODYSTRUCTURE)", 1, true},
		{"fetch flags", "FETCH 1:* (UID FLAGS)", warm, true},
		{"fetch messages", "FETCH 1:* (BODY.PEEK[])", warm, true},
		{"search a text for the first time", `SEARCH TEXT "zeppelin"`, 1, false},
		{"search a text that one in a thousand has", `SEARCH TEXT "zeppelin"`, warm, false},
		{"search a text that many have", `SEARCH TEXT "budget proposals"`, warm, false},
		{"search a text that none has", `SEARCH TEXT "voyage of the beagle"`, warm, false},
		{"search a subject", `SEARCH SUBJECT "quick number 1"`, warm, false},
		{"store a flag in all", `STORE 1:* +FLAGS.SILENT (\Flagged)`, 1, true},
	} {
		took := make([]float64, len(clients))
		for i, c := range clients {
			if took[i], err = median(row.runs, func() error { return c.drain(row.cmd) }); err != nil {
				return fmt.Errorf("%s: %w", row.cmd, err)
			}
		}
		cells, ratio := [2]string{}, ""
		for i, ms := range took {
			cells[i] = millis(ms)
			if row.messages {
				cells[i] = perSecond(float64(n) / ms * 1000)
			}
		}
		if len(took) > 1 {
			ratio = times(took[1], took[0]) + " Dovecot"
		}
		b.out.add(fmt.Sprintf("%s, mailbox of %d", row.what, n), "", cells[0], cells[1], ratio)
	}
	return nil
}

// drain sends a command and reads its answer without looking at literals.
func (k *client) drain(cmd string) error {
	k.tag++
	if _, err := fmt.Fprintf(k.c, "a%d %s\r\n", k.tag, cmd); err != nil {
		return err
	}
	tag := []byte(fmt.Sprintf("a%d ", k.tag))
	k.c.SetDeadline(time.Now().Add(4 * time.Minute))
	for {
		line, err := k.r.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.HasSuffix(line, []byte("}\r\n")):
			size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, '{')+1 : len(line)-3]))
			if err == nil {
				_, err = k.r.Discard(size)
			}
			if err != nil {
				return err
			}
		case bytes.HasPrefix(line, tag):
			if !bytes.HasPrefix(line[len(tag):], []byte("OK")) {
				return fmt.Errorf("%s", line)
			}
			return nil
		}
	}
}
