package takeover

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dropFile is what Postfix 3.7's sendmail leaves in maildrop.
func dropFile(arrived int64, sender string, to ...string) string {
	record := func(kind, value string) string {
		if n := len(value); n >= 128 {
			return kind + string([]byte{byte(n&0x7f | 0x80), byte(n >> 7)}) + value
		}
		return kind + string([]byte{byte(len(value))}) + value
	}
	text := record("T", fmt.Sprint(arrived, " 361530")) + record("A", "rewrite_context=remote") + record("F", "root") + record("S", sender)
	for _, r := range to {
		text += record("A", "notify_flags=1") + record("R", r)
	}
	return text + record("M", "") + record("N", "Subject: x") + record("N", "T not a time") + record("X", "") + record("E", "")
}

// The message that was just given is as old as it was; all others stay as they are, and so does one that isn't as expected.
func TestBackdate(t *testing.T) {
	q := &oldQueue{spool: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(q.spool, maildrop), 0o755))
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(q.spool, maildrop, name), []byte(text), 0o744))
	}
	get := func(name string) string {
		b, err := os.ReadFile(filepath.Join(q.spool, maildrop, name))
		require.NoError(t, err)
		return string(b)
	}
	now := time.Now().Unix()
	old := time.Unix(now-3*24*3600, 0)
	long := strings.Repeat("x", 200) + "@b.example"
	put("A0", dropFile(now, "s@b.example", "r@b.example"))
	before := q.dropped()
	for name, text := range map[string]string{
		"A1": dropFile(now, "s@b.example", "r@b.example", long),
		"A2": dropFile(now, "other@b.example", "r@b.example", long),
		"A3": dropFile(now, "s@b.example", "r@b.example"),
		"A4": dropFile(now-7200, "s@b.example", "r@b.example", long),
		"A5": dropFile(now, "s@b.example", "r@b.example", long)[:100],
		"A6": "",
		"A7": "T\xff\xff\xff\xff\xff",
	} {
		put(name, text)
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(q.spool, maildrop, "A8")))
	all := q.backdate(before, old, "s@b.example", []string{"r@b.example", long})
	require.Len(t, all, 9)
	require.Equal(t, dropFile(old.Unix(), "s@b.example", "r@b.example", long), get("A1"))
	require.Equal(t, dropFile(now, "s@b.example", "r@b.example"), get("A0"))
	require.Equal(t, dropFile(now, "other@b.example", "r@b.example", long), get("A2"))
	require.Equal(t, dropFile(now, "s@b.example", "r@b.example"), get("A3"))
	require.Equal(t, dropFile(now-7200, "s@b.example", "r@b.example", long), get("A4"))

	put("B1", dropFile(now, "", "r@b.example"))
	q.backdate(all, time.Now(), "", []string{"r@b.example"})
	require.Equal(t, dropFile(now, "", "r@b.example"), get("B1"), "it is young")
	q.backdate(all, old, "", []string{"r@b.example"})
	require.Equal(t, dropFile(old.Unix(), "", "r@b.example"), get("B1"), "a report's null sender")
	require.Empty(t, (&oldQueue{spool: "/nowhere"}).backdate(nil, old, "", nil))
}
