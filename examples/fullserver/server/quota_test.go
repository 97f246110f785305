package server_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The user's own rule comes first, then the address's, then the domain's, then everybody's; a full mailbox is said at once.
func TestQuotaRules(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "own@example.test:{PLAIN}x::::::userdb_quota_rule=*:storage=40k\naddress@example.test:{PLAIN}x\nother@example.test:{PLAIN}x\nx@free.test:{PLAIN}x\nx@usual.test:{PLAIN}x\n")
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), "virtual_mailbox_domains=example.test free.test usual.test", "quota_rule=*:messages=1",
		"quota_rule_maps=inline:{ {address@example.test = *:bytes=20000}, {@example.test = *:storage=10}, {@free.test = *:ignore} }")...)
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 100) // 7.6 kB
	for to, want := range map[string]int{"own@example.test": 5, "address@example.test": 2, "other@example.test": 1, "x@usual.test": 1, "x@free.test": 8} {
		n := 0
		for ; n < 8; n++ {
			if reply := r.send("s@far.test", to, body); !strings.Contains(reply, "250 2.0.0 Ok") {
				require.Contains(t, reply, "552 5.2.2 ", to)
				break
			}
		}
		require.Equal(t, want, n, to)
	}
}
