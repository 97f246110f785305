package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter/miltertest"
	"github.com/stretchr/testify/require"
)

// documented are the blocks of docs/filters.md that begin with a line.
func documented(t *testing.T, first string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/filters.md")
	require.NoError(t, err)
	for i, part := range strings.Split(string(text), "\n```\n") {
		if part = strings.TrimPrefix(part, "```\n"); i%2 == 1 && strings.HasPrefix(part, first) {
			blocks = append(blocks, part+"\n")
		}
	}
	return blocks
}

// What docs/filters.md tells an operator to write works as it stands, but for the addresses.
func TestFilterDocs(t *testing.T) {
	masters, mains, scripts := documented(t, "# master.cf\n"), documented(t, "# main.cf\n"), documented(t, "#!/bin/sh\n")
	require.Len(t, masters, 3)
	require.Len(t, mains, 1)
	require.Len(t, scripts, 1)
	for i, master := range masters {
		scan := newScanner(t)
		dir := folder(t, nil)
		master = strings.NewReplacer("smtp      inet", "127.0.0.3:0 inet", "127.0.0.1:10025 inet", "127.0.0.4:0 inet", "[127.0.0.1]:10024", bracketed(scan.addr),
			"127.0.0.1:10024", scan.addr, "/usr/local/bin/filter", dir+"/filter").Replace(master)
		r := withMaster(t, "mail_auth_check = no\n", master)
		back := r.s.Addrs("127.0.0.4:0/inet")[0].String()
		scan.next = back
		require.NoError(t, os.WriteFile(filepath.Join(dir, "filter"), []byte(strings.ReplaceAll(scripts[0], "127.0.0.1:10025", back)), 0o755))
		send := func(head string) string {
			err := smtp.Send(t.Context(), r.s.Addrs("127.0.0.3:0/inet")[0].String(), &smtp.ClientOptions{TLS: smtp.TLSNone}, "bob@example.test", []string{"alice@example.test", "bob@example.test"}, strings.NewReader(head+"\r\n\r\n.x\r\n"))
			if err == nil {
				return ""
			}
			return err.Error()
		}
		if got := send("X-Virus: 1"); i == 0 {
			require.Contains(t, got, "550 5.7.1 infected")
		} else {
			require.Empty(t, got)
			r.logged(`status=bounced`)
			require.Contains(t, r.inbox("bob@example.test", "geheim", 1), "infected", "the sender gets a report")
		}
		require.Empty(t, send("Subject: clean"))
		text := r.inbox("alice", "secret", 1)
		require.Contains(t, text, "Subject: clean")
		require.NotContains(t, text, "X-Virus")
		require.Equal(t, i < 2, strings.Contains(text, "X-Scanned: yes"), text)
	}

	mil := miltertest.NewServer(t)
	mil.SetAnswers(map[string][]string{"E": {"hX-Seen\x00yes\x00", "c"}})
	r := withOptions(t, "mail_auth_check = no\nsmtp_listen = 127.0.0.1:0\n"+strings.NewReplacer("127.0.0.1:11332", mil.Addr(), "/run/clamav", folder(t, nil)).Replace(mains[0]), "", server.Options{})
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: x\r\n\r\nx\r\n"), "250 2.0.0 Ok")
	require.Contains(t, r.inbox("alice", "secret", 1), "X-Seen: yes")
}
