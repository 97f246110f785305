package scene

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// Debian starts Postfix, and where there are mailboxes Dovecot, which gets mail from it by LMTP: what local(8) and virtual(8) would file.
func (s *Scene) Debian(o Site) *Host {
	s.t.Helper()
	s.Address(o.Addr)
	h := &Host{Addr: o.Addr, t: s.t, kind: "Debian"}
	params := append(append([]string{"inet_interfaces=" + o.Addr, "smtpd_peername_lookup=yes", "alias_database=", "smtpd_sasl_auth_enable=no", "smtpd_tls_security_level=none",
		"smtp_tls_security_level=may"}, quick...), o.Params...)
	files := o.files(s.t)
	var stops []func()
	if len(o.Users) > 0 {
		var known, passwords strings.Builder
		for _, u := range o.Users {
			u, _, _ = strings.Cut(u, ":")
			local, _, _ := strings.Cut(u, "@")
			fmt.Fprintf(&known, "%s x\n%s x\n", u, local)
			fmt.Fprintf(&passwords, "%s:{PLAIN}%s\n", local, Password)
		}
		dir, err := os.MkdirTemp("", "users")
		require.NoError(s.t, err)
		s.t.Cleanup(func() { os.RemoveAll(dir) })
		require.NoError(s.t, os.Chmod(dir, 0o755))
		require.NoError(s.t, os.WriteFile(dir+"/users", []byte(passwords.String()), 0o644))
		d := peers.Dovecot(s.t, fmt.Sprintf(`protocols = imap pop3 lmtp
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%n %s/users
}
service lmtp {
  inet_listener lmtp {
    address = %s
    port = 24
  }
}
`, dir, o.Addr))
		h.imap, h.mail = d.IMAP, filepath.Dir(d.Maildir)
		stops = append(stops, d.Stop)
		files["known"] = known.String()
		params = append(params, "virtual_transport=lmtp:inet:["+o.Addr+"]:24", "mailbox_transport=lmtp:inet:["+o.Addr+"]:24", "virtual_mailbox_maps=hash:$config_directory/known",
			"local_recipient_maps=hash:$config_directory/known $alias_maps")
	}
	params = append(params, o.Only...)
	main := mainCF(files["main.cf"], params)
	placed := map[string]string{}
	for name, text := range files {
		placed["etc/"+name] = text
	}
	delete(placed, "etc/main.cf")
	m := peers.PostfixAt(s.t, o.Addr+":25", main, placed)
	stops = append(stops, m.Stop)
	h.Dir, h.log = m.Dir, m.Dir+"/maillog"
	h.stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	h.start = func() { s.t.Fatal("Debian's programs are started once: start them later instead") }
	return h
}

// mainCF is a main.cf without fullserver's own parameters, and with others in the place of those that it sets.
func mainCF(text string, params []string) string {
	last := map[string]string{}
	var names []string
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if _, there := last[name]; !there {
			names = append(names, name)
		}
		last[name] = value
	}
	out, keep := "", true
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			name := strings.TrimSpace(strings.SplitN(line, "=", 2)[0])
			_, otherwise := last[name]
			keep = !otherwise && !strings.HasSuffix(name, "_listen")
		}
		if keep {
			out += line
		}
	}
	for _, name := range names {
		out += name + " = " + last[name] + "\n"
	}
	return out
}
