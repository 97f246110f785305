//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// slowable is a disk of its own that can be made slow: an ext4 in a file, whose writes a cgroup holds back. Where there are no loop devices it is a tmpfs,
// and slow is nil.
func slowable(t *testing.T, megabytes int) (dir string, slow func(on bool)) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(image)
	require.NoError(t, err)
	err = errors.Join(f.Truncate(int64(megabytes)<<20), f.Close())
	require.NoError(t, err)
	group := fmt.Sprintf("/sys/fs/cgroup/blkio/soak%d", os.Getpid())
	dir = t.TempDir()
	if out, err := exec.Command("sh", "-c", "mkfs.ext4 -q -m 0 $1 && mkdir $3 && mount -o loop,noatime $1 $2", "sh", image, dir, group).CombinedOutput(); err != nil {
		t.Logf("the disk is a tmpfs, and never slow: %s", out)
		_ = os.Remove(group)
		return smallDisk(t, fmt.Sprint(megabytes, "m")), nil
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		removeGroup(t, group)
	})
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat(dir, &st))
	device := fmt.Sprintf("%d:%d", st.Dev>>8&0xfff, st.Dev&0xff|st.Dev>>12&0xfff00)
	set := func(on bool) error {
		limit := " 0"
		if on {
			limit = " 65536" // octets a second
		}
		return os.WriteFile(group+"/blkio.throttle.write_bps_device", []byte(device+limit), 0)
	}
	if err := set(false); err != nil {
		t.Logf("the disk is never slow: %v", err)
		return dir, nil
	}
	return dir, func(on bool) { assert.NoError(t, set(on)) }
}

// soakDNS is the DNS, which can be dead.
type soakDNS struct {
	t    *testing.T
	addr string
	zone *mailauthtest.Zone
	srv  *nameserver.Server
}

func newSoakDNS(t *testing.T) *soakDNS {
	d := &soakDNS{t: t, addr: fmt.Sprintf("127.%d.%d.%d:53", 1+rand.IntN(250), rand.IntN(256), 1+rand.IntN(250)), zone: mailauthtest.MustParse("far.test MX 10 mx.far.test\nmx.far.test A 127.0.0.1\n")}
	d.live(true)
	t.Cleanup(func() { d.live(false) })
	return d
}

func (d *soakDNS) live(on bool) {
	if !on && d.srv != nil {
		d.srv.Close()
		d.srv = nil
	} else if on && d.srv == nil {
		var err error
		d.srv, err = nameserver.StartAt(d.zone, d.addr)
		require.NoError(d.t, err)
	}
}

// copyOf is one copy of a message for one recipient, and when it was seen first.
type copyOf struct {
	id string
	at time.Time
}

// ledger is what became of every message for every recipient.
type ledger struct {
	mu        sync.Mutex
	sent      map[string]time.Time       // "key/recipient": when it was first tried; answered 250 in the end
	lost      map[string]int             // how often the last reply to one was not seen: the client tries again, and can't know (RFC 5321 section 4.5.4.1)
	delivered map[string][]copyOf        // where the reader or the foreign host has it
	returned  map[string][]copyOf        // reports to the sender
	seen      map[string]map[string]bool // copies by unit
	crashes   []time.Time
	bad       []string
}

func (l *ledger) add(m map[string][]copyOf, unit, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[unit] == nil {
		l.seen[unit] = map[string]bool{}
	}
	if !l.seen[unit][id] {
		l.seen[unit][id] = true
		m[unit] = append(m[unit], copyOf{id, time.Now()})
	}
}

func (l *ledger) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.bad) < 20 {
		l.bad = append(l.bad, fmt.Sprintf(format, args...))
	}
}

var (
	soakKey    = regexp.MustCompile(`(?m)^Subject: (key\d+)\r?$`)
	soakEnd    = regexp.MustCompile(`(?m)^end of (key\d+)\r?$`)
	soakWhy    = regexp.MustCompile(`(?m)^(Diagnostic-Code|Status|Action):.*(\r?\n[ \t].*)*`)
	soakFailed = regexp.MustCompile(`(?m)^Final-Recipient: rfc822; *(\S+?)\r?$`)
)

// read enters what a user has found in his mailbox, as a copy with a name of its own.
func (l *ledger) read(user, id, body string) {
	key := soakKey.FindStringSubmatch(body)
	if failed := soakFailed.FindAllStringSubmatch(body, -1); failed != nil && strings.Contains(body, "multipart/report") {
		if key == nil {
			l.wrong("a report without the message's header: %.2000q", body)
			return
		}
		for _, f := range failed {
			l.add(l.returned, key[1]+"/"+f[1], user+" "+id)
			if f[1] != "bad@far.test" {
				l.wrong("%s/%s was returned, and there is nothing against it: %q", key[1], f[1], soakWhy.FindAllString(body, -1))
			}
		}
		return
	}
	end := soakEnd.FindStringSubmatch(body)
	if key == nil || end == nil || key[1] != end[1] {
		l.wrong("%s has a damaged message: %.300q … %q", user, body, body[max(0, len(body)-100):])
		return
	}
	l.add(l.delivered, key[1]+"/"+user+"@example.test", user+" "+id)
}

// farHost is the foreign host: bad@far.test is nobody there, and it has days when it answers nothing or breaks off.
type farHost struct {
	addr  string
	l     *ledger
	moody atomic.Bool
	n     atomic.Int64
}

func newFarHost(t *testing.T, l *ledger) *farHost {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	f := &farHost{addr: ln.Addr().String(), l: l}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go f.serve(nc)
		}
	}()
	return f
}

func (f *farHost) serve(nc net.Conn) {
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	c := textproto.NewConn(nc)
	breaks := func() bool { return f.moody.Load() && rand.IntN(4) == 0 }
	var to []string
	_ = c.PrintfLine("220 far ESMTP")
	for {
		line, err := c.ReadLine()
		if err != nil || breaks() {
			return
		}
		reply := "250 2.0.0 Ok"
		switch verb := strings.ToUpper(line[:min(4, len(line))]); {
		case verb == "MAIL":
			to = nil
		case verb == "RCPT" && f.moody.Load() && rand.IntN(3) == 0:
			reply = "451 4.3.0 later"
		case verb == "RCPT":
			addr := strings.ToLower(strings.SplitN(strings.SplitN(line, "<", 2)[1], ">", 2)[0])
			if addr == "bad@far.test" {
				reply = "550 5.1.1 nobody"
			} else {
				to = append(to, addr)
			}
		case verb == "DATA" && len(to) == 0:
			reply = "554 5.5.1 no valid recipients"
		case verb == "DATA":
			_ = c.PrintfLine("354 go on")
			b, err := c.ReadDotBytes()
			if err != nil || breaks() {
				return
			}
			key, end := soakKey.FindSubmatch(b), soakEnd.FindSubmatch(b)
			if key == nil || end == nil || string(key[1]) != string(end[1]) {
				f.l.wrong("far got a damaged message: %.300q", b)
			} else {
				id := fmt.Sprint("far ", f.n.Add(1))
				for _, a := range to {
					f.l.add(f.l.delivered, string(key[1])+"/"+a, id)
				}
			}
		case verb == "QUIT":
			_ = c.PrintfLine("221 2.0.0 Bye")
			return
		}
		if c.PrintfLine("%s", reply) != nil {
			return
		}
	}
}
