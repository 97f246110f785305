package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBadConfigurations: what is wrong with a main.cf or a table is one line that says where and how to mend it, from check and at the start.
func TestBadConfigurations(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0") // so that what would start all the same ends, too
	require.NoError(t, err)
	defer taken.Close()
	for name, tt := range map[string]struct {
		lines string // from line 7 on
		want  string
		fine  bool // the server starts with it, and says so in its log
	}{
		"a typo in a name":      {"mydestinaton = example.com", "main.cf, line 7: unused parameter: mydestinaton=example.com; did you mean mydestination?", true},
		"a typo in a value":     {"smtpd_recipient_restrictions = permit_mynetwork, reject", "main.cf, line 7: smtpd_recipient_restrictions: unknown restriction \"permit_mynetwork\"; is it permit_mynetworks?", false},
		"a network":             {"mynetworks = 127.0.0.0/33", "main.cf, line 7: mynetworks: \"127.0.0.0/33\" is not a network like 192.0.2.0/24 or [2001:db8::]/32", false},
		"no equals sign":        {"relayhost [smart.example.com]", "main.cf, line 7: missing '=' after \"relayhost [smart.example.com]\"", false},
		"a parameter in itself": {"relayhost = $relayhost", "main.cf, line 7: relayhost: its value refers to itself: relayhost -> relayhost", false},
		"an unknown table type": {"virtual_alias_maps = hsah:$config_directory/virtual", "main.cf, line 7: virtual_alias_maps: table \"hsah:$D/virtual\": unknown table type \"hsah\"; did you mean hash?", false},
		"no table type":         {"virtual_alias_maps = $config_directory/virtual", "is no table: what type is it? Most are hash:$D/virtual", false},
		"a missing file":        {"virtual_alias_maps = hash:$config_directory/vrtual", "main.cf, line 7: virtual_alias_maps: $D/vrtual: open: no such file or directory; write the file, or take the table out", false},
		"a missing file behind": {"\nheader_checks =\n  regexp:$config_directory/checks", "main.cf, line 8: header_checks: $D/checks: open: no such file or directory; write the file, or take the table out", false},
		"an open relay":         {"smtpd_relay_restrictions = permit_mynetworks", "main.cf, line 7: smtpd_relay_restrictions: everybody could send anywhere through this server: add reject_unauth_destination", false},
		"a transport":           {"default_transport = smpt:", "main.cf, line 7: default_transport: there is no transport \"smpt\"", false},
		"virtual in a circle":   {"virtual_alias_maps = hash:$config_directory/virtual", "main.cf, line 7: virtual_alias_maps: a@example.com -> b@example.com -> a@example.com has no end (virtual_alias_recursion_limit): take one of these lines out of the table", true},
		"canonical in a circle": {"canonical_maps = hash:$config_directory/canonical", "main.cf, line 7: canonical_maps: c@example.com -> d@example.com -> c@example.com goes in a circle: take one of these lines out of the table", true},
		"virtual and canonical": {"virtual_alias_domains = shop.example.com\nvirtual_alias_maps = inline:{new@shop.example.com=old@shop.example.com}\ncanonical_maps = inline:{old@shop.example.com=new@shop.example.com}",
			"main.cf, line 8: virtual_alias_maps: new@shop.example.com -> old@shop.example.com, which nobody has, and which canonical_maps turns back into new@shop.example.com: take one of the two lines out", true},
		"an alias for nobody": {"virtual_alias_maps = inline:{sales@example.com=gone@example.com}",
			"main.cf, line 7: virtual_alias_maps: sales@example.com -> gone@example.com, which nobody has (<gone@example.com>: Recipient address rejected: User unknown in local recipient table): mend the line, or make the user", true},
		"a transport in a table":   {"transport_maps = inline:{ {a.example.com = smtp:[192.0.2.1]}, {b.example.com = smpt:[192.0.2.1]} }", "main.cf, line 7: transport_maps: b.example.com: there is no transport \"smpt\"; did you mean smtp?", true},
		"two names for each other": {"virtual_alias_maps = inline:{an.nguyen@example.com=an@example.com}\ncanonical_maps = inline:{an@example.com=an.nguyen@example.com}", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
			}
			write("users", "an:{PLAIN}secret\n")
			write("virtual", "a@example.com b@example.com\nb@example.com a@example.com\n")
			write("canonical", "c@example.com d@example.com\nd@example.com c@example.com\n")
			port := "127.0.0.1:0"
			if tt.fine {
				port = taken.Addr().String()
			}
			write("main.cf", "myhostname = mail.example.com\nmydestination = example.com\nmail_auth_check = no\ndata_directory = "+dir+"\npasswd_file = "+dir+"/users\nsmtp_listen = "+port+"\n"+tt.lines+"\n")
			want := strings.ReplaceAll(tt.want, "$D", dir)
			_, out, errs := command(t, "", "-c", dir+"/main.cf", "check")
			require.Empty(t, errs)
			said := 0
			for line := range strings.Lines(strings.ReplaceAll(out, dir+"/main.cf", "main.cf")) {
				switch {
				case strings.Contains(line, "DNS"), strings.Contains(line, "smtp_listen"), strings.Contains(line, "goes to"): // that of the machine which runs the test; the port
				case want != "" && strings.Contains(line, want):
					said++
				default:
					t.Errorf("check says, too: %s", line)
				}
			}
			require.Equal(t, min(len(want), 1), said, "check:\n%s", out)
			status, _, errs := command(t, "", "-c", dir+"/main.cf")
			require.Equal(t, 1, status)
			last := strings.Split(strings.TrimSpace(errs), "\n")
			switch {
			case !tt.fine:
				require.Len(t, last, 1, "one line")
				require.Contains(t, strings.ReplaceAll(last[0], dir+"/main.cf", "main.cf"), want)
			case strings.Contains(want, "unused"):
				require.Contains(t, strings.ReplaceAll(errs, dir+"/main.cf", "main.cf"), "warning: "+want)
				fallthrough
			default:
				require.Contains(t, last[len(last)-1], "address already in use")
			}
		})
	}
}
