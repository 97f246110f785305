package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// rebuild measures a mailbox of 100,000 files that nobody has opened yet: with the sizes in the files' names, and without, when every
// file must be read. The machine's caches are empty.
func (b *bench) rebuild() error {
	n := b.n(100000)
	for _, sizes := range []bool{true, false} {
		what, user := "with sizes in the names", "rebuild"
		if !sizes {
			what, user = "names without sizes: every file is read", "rebuild2"
		}
		dir := b.dir + "/ours/" + user
		if err := fill(dir, n, message(2048), sizes); err != nil {
			return err
		}
		note := "caches not emptied"
		if exec.Command("sync").Run() == nil && cold() {
			note = "caches emptied before"
		}
		began := time.Now()
		m, st, err := open(b.ctx, store(b.dir+"/ours"), user)
		if err != nil {
			return err
		}
		ours := float64(time.Since(began).Microseconds()) / 1000
		m.Close()
		if int(st.Messages) != n {
			return fmt.Errorf("%d messages instead of %d", st.Messages, n)
		}
		var dovecot float64
		if b.dovecot != nil {
			if err := strip(dir); err != nil {
				return err
			}
			if err := b.dovecot.take(dir, user); err != nil {
				return err
			}
			exec.Command("sync").Run()
			cold()
			c, err := dial(b.dovecot.addr, user, "")
			if err != nil {
				return err
			}
			began := time.Now()
			if _, err = c.do("SELECT INBOX"); err != nil {
				return err
			}
			dovecot = float64(time.Since(began).Microseconds()) / 1000
			c.close()
		}
		b.out.add(fmt.Sprintf("first opening of %d files, %s", n, what), millis(ours), "", millis(dovecot), note)
	}
	return nil
}

// memory measures what 400 open mailboxes of 1,000 take. They have been opened twice before: the first time makes the index, the second, some time
// after the files came, finds nothing new and says so in it.
func (b *bench) memory() error {
	users, n := b.n(400), 1000
	for round := range 2 {
		for i := range users {
			user := fmt.Sprint("memory", i)
			if round == 0 {
				if err := fill(b.dir+"/ours/"+user, n, message(512), true); err != nil {
					return err
				}
			}
			m, _, err := open(b.ctx, store(b.dir+"/ours"), user)
			if err != nil {
				return err
			}
			m.Close()
		}
	}
	resident, heap, err := b.child("memory", users)
	b.out.add(fmt.Sprintf("memory of %d open mailboxes of %d", users, n), fmt.Sprintf("%.1f MiB", resident), "", "", fmt.Sprintf("resident, grown by opening them; %.1f MiB are in use", heap))
	return err
}

// child has another process of ours open the mailboxes user0, user1, … and tells how many MiB it has grown by.
func (b *bench) child(user string, users int) (resident, heap float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	out, err := exec.CommandContext(b.ctx, self, "-child", b.dir+"/ours", user, strconv.Itoa(users)).Output()
	if err == nil {
		_, err = fmt.Sscan(string(out), &resident, &heap)
	}
	return resident, heap, err
}

// childMain is the other process.
func childMain(ctx context.Context, dir string, args []string) error {
	user := args[0]
	users, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s := store(dir)
	if m, _, err := open(ctx, s, "warm"); err != nil { // what is there once
		return err
	} else {
		m.Close()
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	was, err := resident()
	if err != nil {
		return err
	}
	var all []mail.Mailbox
	for i := range users {
		m, _, err := open(ctx, s, fmt.Sprint(user, i))
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	is, err := resident()
	if err != nil {
		return err
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(all)
	fmt.Println(is-was, float64(after.HeapAlloc-before.HeapAlloc)/(1<<20))
	return nil
}

// resident returns this process's resident memory in MiB.
func resident() (float64, error) {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(raw))[1])
	return float64(pages*os.Getpagesize()) / (1 << 20), err
}

// millions measures a mailbox of a million.
func (b *bench) millions() error {
	n := b.n(1000000)
	const user = "million0"
	dir := b.dir + "/ours/" + user
	if err := fill(dir, n, message(512), true); err != nil {
		return err
	}
	began := time.Now()
	m, _, err := open(b.ctx, store(b.dir+"/ours"), user)
	if err != nil {
		return err
	}
	b.out.add(fmt.Sprintf("a mailbox of %d: first opening", n), millis(float64(time.Since(began).Milliseconds())), "", "", "")
	m.Close()
	opened, err := b.openWarm(user, n)
	if err != nil {
		return err
	}
	info, err := os.Stat(dir + "/buuta.index.log")
	if err != nil {
		return err
	}
	b.out.add("- opening with its index", millis(opened), "", "", fmt.Sprintf("%.0f MB, %d octets a message", float64(info.Size())/1e6, info.Size()/int64(n)))
	if exec.Command("sync").Run() == nil && cold() {
		began := time.Now()
		if m, _, err = open(b.ctx, store(b.dir+"/ours"), user); err != nil {
			return err
		}
		b.out.add("- the same with the machine's caches emptied", millis(float64(time.Since(began).Microseconds())/1000), "", "", "")
		m.Close()
	}
	if m, _, err = open(b.ctx, store(b.dir+"/ours"), user); err != nil {
		return err
	}
	defer m.Close()
	for _, what := range []string{"- search a text for the first time", "- search a text that none has"} {
		began := time.Now()
		found, err := m.(mail.TextSearcher).SearchText(b.ctx, mail.AllUIDs(), mail.TextQuery{Text: "nowhere at all"})
		if err != nil || found.Count() > 0 {
			return fmt.Errorf("%d found, %w", found.Count(), err)
		}
		b.out.add(what, millis(float64(time.Since(began).Microseconds())/1000), "", "", "messages of 512 octets, all texts alike")
	}
	listed, err := b.list(m, n)
	if err != nil {
		return err
	}
	b.out.add("- list UIDs and flags", perSecond(listed), "", "", "")
	r, err := rate(1, b.n(2000), func(_, i int) error {
		_, err := m.SetFlags(b.ctx, mail.UIDSetOf(mail.UID(1+i*499%n)), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Flagged`)})
		return err
	})
	if err != nil {
		return err
	}
	b.out.add("- change a flag of one message, durable", perSecond(r), "", "", "")
	r, err = rate(b.writers, b.n(2000), func(int, int) error { return appendOne(b.ctx, m, message(4096)) })
	if err != nil {
		return err
	}
	b.out.add(fmt.Sprintf("- append 4 KiB, durable: %d writers", b.writers), perSecond(r), "", "", "")
	st, err := m.State(b.ctx)
	if err != nil {
		return err
	}
	poll, err := median(101, func() error {
		_, err := m.Changes(b.ctx, st.HighestModSeq)
		return err
	})
	if err != nil {
		return err
	}
	b.out.add("- ask whether anything changed", fmt.Sprintf("%.0f µs", poll*1000), "", "", "")
	grown, heap, err := b.child("million", 1)
	b.out.add("- memory", fmt.Sprintf("%.0f MiB", grown), "", "", fmt.Sprintf("resident, grown by opening it; %.0f MiB are in use", heap))
	return err
}
