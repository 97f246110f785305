package main

import (
	"fmt"
	"os"

	"github.com/buuta/mail"
)

// diskAppend is what the disk does of an append: create, write, sync, rename, sync the folder.
func diskAppend(dir, name string, content []byte) error {
	f, err := os.Create(dir + "/tmp/" + name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	f.Close()
	if err == nil {
		err = os.Rename(dir+"/tmp/"+name, dir+"/new/"+name)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir + "/new")
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// appends measures durable appends of 4 KiB by several writers into one mailbox: the disk's, ours and Dovecot's in turns, so that
// a busy moment of the machine hits all.
func (b *bench) appends() error {
	content := message(4096)
	var disk, calls, imap, dovecot float64
	dirs := b.dir + "/disk"
	for _, d := range []string{"", "/tmp", "/new"} {
		if err := os.Mkdir(dirs+d, 0o700); err != nil {
			return err
		}
	}
	s := store(b.dir + "/ours")
	m, _, err := open(b.ctx, s, "append")
	if err != nil {
		return err
	}
	defer m.Close()
	addr, stop, err := serve(s)
	if err != nil {
		return err
	}
	defer stop()
	for round := range 3 {
		r, err := rate(b.writers, b.n(4000), func(_, i int) error { return diskAppend(dirs, fmt.Sprint(round, ".", i), []byte(content)) })
		if err != nil {
			return err
		}
		disk = max(disk, r)
		if r, err = rate(b.writers, b.n(4000), func(int, int) error { return appendOne(b.ctx, m, content) }); err != nil {
			return err
		}
		calls = max(calls, r)
		if r, err = b.appendIMAP(addr, b.n(4000), content); err != nil {
			return err
		}
		imap = max(imap, r)
		if b.dovecot != nil {
			if r, err = b.appendIMAP(b.dovecot.addr, b.n(500), content); err != nil {
				return fmt.Errorf("dovecot: %w", err)
			}
			dovecot = max(dovecot, r)
		}
	}
	b.out.add(fmt.Sprintf("create, write 4 KiB, sync, rename, sync the folder: %d writers", b.writers), perSecond(disk), "", "", "the disk itself")
	b.out.add(fmt.Sprintf("append 4 KiB, durable: %d writers, one mailbox", b.writers), perSecond(calls), perSecond(imap), perSecond(dovecot),
		fmt.Sprintf("%.0f %% of the disk; %s Dovecot, %s over IMAP", 100*calls/disk, times(calls, dovecot), times(imap, dovecot)))
	return nil
}

func (b *bench) appendIMAP(addr string, n int, content string) (float64, error) {
	clients := make([]*client, b.writers)
	for i := range clients {
		c, err := dial(addr, "append", "")
		if err != nil {
			return 0, err
		}
		defer c.close()
		clients[i] = c
	}
	return rate(b.writers, n, func(w, _ int) error { return clients[w].append("INBOX", content) })
}

// flags measures flag changes of one session, one message at a time, in a mailbox of 20,000.
func (b *bench) flags() error {
	n := b.n(20000)
	for _, user := range []string{"flags", "flags2"} {
		if err := fill(b.dir+"/ours/"+user, n, message(2048), true); err != nil {
			return err
		}
	}
	s := store(b.dir + "/ours")
	m, _, err := open(b.ctx, s, "flags")
	if err != nil {
		return err
	}
	defer m.Close()
	addr, stop, err := serve(s)
	if err != nil {
		return err
	}
	defer stop()
	ours, err := dial(addr, "flags", "INBOX")
	if err != nil {
		return err
	}
	defer ours.close()
	var theirs *client
	if b.dovecot != nil {
		if err := b.dovecot.take(b.dir+"/ours/flags2", "flags"); err != nil {
			return err
		}
		if theirs, err = dial(b.dovecot.addr, "flags", "INBOX"); err != nil {
			return err
		}
		defer theirs.close()
	}
	overIMAP := func(c *client, count int) (float64, error) {
		return rate(1, count, func(_, i int) error {
			_, err := c.do(fmt.Sprintf("STORE %d %cFLAGS.SILENT (\\Flagged)", 1+(i/2)%n, "+-"[i%2]))
			return err
		})
	}
	disk, err := newDiskChange(b.dir + "/disk-flags")
	if err != nil {
		return err
	}
	defer disk.close()
	var bare, over, calls, imap, dovecot float64
	for range 3 {
		r, err := rate(1, b.n(2000), func(int, int) error { return disk.change() })
		if err != nil {
			return err
		}
		bare = max(bare, r)
		if r, err = rate(1, b.n(2000), func(int, int) error { return disk.overwrite() }); err != nil {
			return err
		}
		over = max(over, r)
		if r, err = rate(1, b.n(4000), func(_, i int) error {
			c := mail.FlagChange{Op: mail.FlagOp(i % 2), Flags: mail.NewFlags(`\Flagged`)}
			_, err := m.SetFlags(b.ctx, mail.UIDSetOf(mail.UID(1+(i/2)%n)), c)
			return err
		}); err != nil {
			return err
		}
		calls = max(calls, r)
		if r, err = overIMAP(ours, b.n(4000)); err != nil {
			return err
		}
		imap = max(imap, r)
		if theirs != nil {
			if r, err = overIMAP(theirs, b.n(300)); err != nil {
				return fmt.Errorf("dovecot: %w", err)
			}
			dovecot = max(dovecot, r)
		}
	}
	b.out.add("rename, append 138 octets to a file, sync that", perSecond(bare), "", "", "the disk itself")
	b.out.add("rename, write 138 octets over others in a file, sync that", perSecond(over), "", "", "the least that a durable change can be")
	b.out.add(fmt.Sprintf("change a flag of one message, durable: mailbox of %d", n), perSecond(calls), perSecond(imap), perSecond(dovecot),
		fmt.Sprintf("%.0f %% of the disk; %s Dovecot, %s over IMAP", 100*calls/bare, times(calls, dovecot), times(imap, dovecot)))
	return nil
}

// hundredThousand measures what a mailbox of 100,000 costs to open and to list.
func (b *bench) hundredThousand() error {
	n := b.n(100000)
	for _, user := range []string{"large", "large2"} {
		if err := fill(b.dir+"/ours/"+user, n, message(2048), true); err != nil {
			return err
		}
	}
	s := store(b.dir + "/ours")
	m, _, err := open(b.ctx, s, "large") // makes the index
	if err != nil {
		return err
	}
	defer m.Close()
	opened, err := b.openWarm("large", n)
	if err != nil {
		return err
	}
	listed, err := b.list(m, n)
	if err != nil {
		return err
	}
	addr, stop, err := serve(s)
	if err != nil {
		return err
	}
	defer stop()
	oursSelect, oursFetch, err := b.selectAndFetch(addr, "large", n)
	if err != nil {
		return err
	}
	var theirSelect, theirFetch float64
	if b.dovecot != nil {
		if err := b.dovecot.take(b.dir+"/ours/large2", "large"); err != nil {
			return err
		}
		if theirSelect, theirFetch, err = b.selectAndFetch(b.dovecot.addr, "large", n); err != nil {
			return fmt.Errorf("dovecot: %w", err)
		}
	}
	b.out.add(fmt.Sprintf("open a mailbox of %d, index on disk, nothing in memory", n), millis(opened), millis(oursSelect), millis(theirSelect),
		"over IMAP: SELECT, which ours has in memory")
	b.out.add("list UIDs and flags of it", perSecond(listed), perSecond(oursFetch), perSecond(theirFetch), "over IMAP: FETCH 1:* (UID FLAGS)")
	return nil
}

// openWarm opens a mailbox as if for the first time since the program began.
func (b *bench) openWarm(user string, n int) (float64, error) {
	return median(9, func() error {
		m, st, err := open(b.ctx, store(b.dir+"/ours"), user)
		if err != nil {
			return err
		}
		if int(st.Messages) != n {
			return fmt.Errorf("%d messages instead of %d", st.Messages, n)
		}
		return m.Close()
	})
}

// list returns how many messages a second are listed with UID and flags.
func (b *bench) list(m mail.Mailbox, n int) (float64, error) {
	ms, err := median(9, func() error {
		got := 0
		for _, err := range m.Messages(b.ctx, mail.AllUIDs(), mail.FieldFlags) {
			if err != nil {
				return err
			}
			got++
		}
		if got != n {
			return fmt.Errorf("%d messages instead of %d", got, n)
		}
		return nil
	})
	return float64(n) / ms * 1000, err
}

func (b *bench) selectAndFetch(addr, user string, n int) (ms, messages float64, err error) {
	c, err := dial(addr, user, "INBOX") // makes the index
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	ms, err = median(5, func() error {
		_, err := c.do("SELECT INBOX")
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	fetch, err := median(3, func() error {
		lines, err := c.do("FETCH 1:* (UID FLAGS)")
		if err == nil && lines < n {
			err = fmt.Errorf("%d lines for %d messages", lines, n)
		}
		return err
	})
	return ms, float64(n) / fetch * 1000, err
}
