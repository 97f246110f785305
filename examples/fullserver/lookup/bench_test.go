package lookup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// isp writes the maps of a site with 10,000 domains and 100,000 users and returns the list for main.cf.
func isp(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	var users, domains strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&users, "user%d@domain%d.example\tdomain%d.example/user%d/\n", i, i%10_000, i%10_000, i)
	}
	for i := range 10_000 {
		fmt.Fprintf(&domains, "domain%d.example OK\n", i)
	}
	var list []string
	for name, text := range map[string]string{"domains": domains.String(), "users": users.String()} {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		list = append(list, "hash:"+name)
	}
	return strings.Join(list, ", ")
}

// BenchmarkISPOpen reads all of it; B/table is what stays in memory.
func BenchmarkISPOpen(b *testing.B) {
	list := isp(b)
	var before, after runtime.MemStats
	var l *List
	for b.Loop() {
		l = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		var err error
		if l, err = OpenList(context.Background(), list, nil); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc), "B/table")
	runtime.KeepAlive(l)
}

func BenchmarkISPFind(b *testing.B) {
	l, err := OpenList(context.Background(), isp(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]string, 1<<14)
	for i := range keys {
		keys[i] = fmt.Sprintf("User%d@Domain%d.example", i*6, i*6%10_000)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, found, err := l.Find(context.Background(), keys[i&(len(keys)-1)]); !found || err != nil {
			b.Fatal(found, err)
		}
		i++
	}
}

// TestFindAllocatesNothing, whatever the key's case.
func TestFindAllocatesNothing(t *testing.T) {
	l, err := OpenList(context.Background(), isp(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"user7@domain7.example", "User7@Domain7.Example", "nobody@domain7.example"} {
		if n := testing.AllocsPerRun(100, func() { l.Find(context.Background(), key) }); n > 0 {
			t.Errorf("%s: %v allocations", key, n)
		}
	}
}
