package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/stretchr/testify/require"
)

// folk are users in memory.
type folk map[string]bool

func (f folk) Account(name string) (string, bool) {
	name = strings.ToLower(name)
	return name, f[name]
}
func (f folk) First() string { return "" }

// isp is a site of 10,000 domains and 100,000 users in texthash tables, as an ISP has it.
func isp(t testing.TB) (*config.Config, folk) {
	dir := t.TempDir()
	users := folk{}
	var domains, boxes, aliases strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&domains, "d%d.test x\n", i)
	}
	for i := range 100_000 {
		a := fmt.Sprintf("u%d@d%d.test", i, i%10_000)
		users[a] = true
		fmt.Fprintf(&boxes, "%s x\n", a)
		fmt.Fprintf(&aliases, "alias%d@d%d.test %s\n", i, i%10_000, a)
	}
	for name, b := range map[string]*strings.Builder{"domains": &domains, "boxes": &boxes, "aliases": &aliases} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600))
	}
	c, err := config.Read("main.cf", strings.NewReader("virtual_mailbox_domains = texthash:"+dir+"/domains\nvirtual_mailbox_maps = texthash:"+dir+"/boxes\nvirtual_alias_maps = texthash:"+dir+"/aliases\nvirtual_alias_domains =\n"), "mail.isp.test")
	require.NoError(t, err)
	return c, users
}

// An ISP's tables are read in two seconds, and held in bounded memory. The time is a lot more than it takes, for machines that are busy.
func TestManyDomains(t *testing.T) {
	c, users := isp(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: users})
	took := time.Since(began)
	require.NoError(t, err)
	defer p.Close()
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("opened in %v, %d KiB", took, (after.HeapAlloc-before.HeapAlloc)>>10)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(64<<20))
	for _, i := range []int{0, 77_777, 99_999} {
		got, err := p.Recipients(t.Context(), "", fmt.Sprintf("ALIAS%d@d%d.test", i, i%10_000))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("u%d@d%d.test", i, i%10_000), got[0].Account)
	}
	_, err = p.Recipients(t.Context(), "", "nobody@d9999.test")
	require.ErrorContains(t, err, "550 5.1.1")
}

func BenchmarkOpenISP(b *testing.B) {
	c, users := isp(b)
	b.ReportAllocs()
	for b.Loop() {
		p, err := policy.Open(b.Context(), &c.Settings, policy.Options{Users: users})
		if err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}

// BenchmarkRecipientsISP is all that RCPT asks: class, existence, alias, mailbox.
func BenchmarkRecipientsISP(b *testing.B) {
	c, users := isp(b)
	p, err := policy.Open(b.Context(), &c.Settings, policy.Options{Users: users})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("alias%d@d%d.test", i*97, i*97%10_000)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := p.Recipients(b.Context(), "", names[i%1000]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
