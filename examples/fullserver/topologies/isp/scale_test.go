package isp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// large are the folder's tables for 10,000 domains with ten users and ten aliases each.
func large() (files map[string]string, users []string) {
	var domains, mailboxes, virtual, quotas strings.Builder
	for i := range 10_000 {
		d := fmt.Sprintf("d%05d.example", i)
		fmt.Fprintf(&domains, "%s %d\n", d, i)
		fmt.Fprintf(&quotas, "@%s *:storage=%dM\n", d, 100+i)
		for j := range 10 {
			u := fmt.Sprintf("u%d@%s", j, d)
			users = append(users, u)
			fmt.Fprintf(&mailboxes, "%s x\n", u)
			fmt.Fprintf(&virtual, "a%d@%s u%d@d%05d.example\n", j, d, j, (i+1)%10_000)
		}
	}
	return map[string]string{"domains": domains.String(), "mailboxes": mailboxes.String(), "virtual": virtual.String(), "quotas": quotas.String()}, users
}

// TestTenThousandDomains: a provider's server with 100,000 users starts in two seconds, holds its tables in bounded memory, and reads them again
// without a moment in which somebody is unknown. The bounds are wide, for machines that are busy; the log has what it took.
func TestTenThousandDomains(t *testing.T) {
	s := scene.New(t, zone)
	files, users := large()
	began := time.Now()
	isp := s.Fullserver(scene.Site{Addr: addr, Folder: ".", Files: files, Users: users, Params: []string{"virtual_mailbox_maps=hash:$config_directory/mailboxes"}})
	require.Contains(t, s.Dial(scene.Stranger, addr+":25").Reply(), "220 ") // it takes its ports before it reads its tables
	took, before := time.Since(began), isp.Memory()
	t.Logf("10,000 domains, 100,000 users, 100,000 aliases: files written and server started in %v, %d MB of memory", took.Round(time.Millisecond), before>>20)
	require.Less(t, took, 30*time.Second)
	require.Less(t, before, int64(700<<20))

	// What is asked from a session while the tables change under it: an alias and a user who are there before and after.
	var asked atomic.Int64
	stop, done := make(chan struct{}), make(chan string, 4)
	for worker := range 4 {
		c := s.Dial(scene.Stranger, addr+":25")
		c.Reply()
		c.Say("EHLO client.example.org")
		c.Say("MAIL FROM:<sender@example.org>")
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					done <- ""
					return
				default:
				}
				d := (i*4 + worker) * 7 % 10_000
				to := fmt.Sprintf("%s%d@d%05d.example", []string{"u", "A"}[i%2], i%10, d)
				if reply := c.Say("RCPT TO:<" + to + ">"); reply != "250 2.1.5 Ok" {
					done <- to + ": " + reply
					return
				}
				asked.Add(1)
				if i%50 == 49 {
					c.Say("RSET")
					c.Say("MAIL FROM:<sender@example.org>")
				}
			}
		}()
	}
	for round := range 3 {
		first := asked.Load()
		for name, text := range files { // a new file in the place of the old one, as an operator's script does
			tmp := filepath.Join(isp.Dir, "etc", name+".new")
			more := map[string]string{"domains": fmt.Sprintf("new%d.example x\n", round), "mailboxes": fmt.Sprintf("u@new%d.example x\n", round)}[name]
			files[name] = text + more
			require.NoError(t, os.WriteFile(tmp, []byte(files[name]), 0o644))
			require.NoError(t, os.Rename(tmp, filepath.Join(isp.Dir, "etc", name)))
		}
		isp.Append("data/users", fmt.Sprintf("u@new%d.example:{PLAIN}x\n", round))
		scene.Run(t, isp.Args("data_directory="+isp.Dir+"/data"), "reload")
		to := fmt.Sprintf("u@new%d.example", round)
		scene.Eventually(t, func() error {
			if r := s.Post(scene.Nobody, isp, scene.Letter{From: "sender@example.org", To: to, Subject: "new"}); !strings.HasPrefix(r, "250 2.0.0 Ok") {
				return fmt.Errorf("%s: %s", to, r)
			}
			return nil
		})
		scene.Eventually(t, func() error {
			if asked.Load() < first+500 && len(done) == 0 {
				return fmt.Errorf("%d asked", asked.Load()-first)
			}
			return nil
		})
	}
	close(stop)
	for range 4 {
		require.Empty(t, <-done)
	}
	after := isp.Memory()
	t.Logf("%d recipients said during three reloads, none refused; %d MB of memory afterwards", asked.Load(), after>>20)
	require.Less(t, after, int64(1200<<20))
}
