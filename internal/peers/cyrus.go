package peers

import "fmt"

// Cyrus starts Debian's Cyrus IMAP.
func Cyrus(t TB) *Server {
	t.Helper()
	root := unpacked(t, "cyrus", "usr/lib/cyrus/bin/master")
	s := newServer(t)
	s.write("imapd.conf", fmt.Sprintf(`configdirectory: %[1]s/conf
partition-default: %[1]s/spool
defaultpartition: default
sievedir: %[1]s/sieve
cyrus_user: mail
cyrus_group: mail
admins: cyrus
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: %[1]s/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5
virtdomains: off
servername: localhost
defaultdomain: localhost
unixhierarchysep: yes
altnamespace: yes
conversations: yes
autocreate_users: anyone
autocreate_quota: 0
imapidlepoll: 1
idlesocket: %[1]s/conf/idle
lmtpsocket: %[1]s/conf/lmtp
syslog_prefix: cyrus
`, s.Dir))
	s.write("cyrus.conf", fmt.Sprintf(`START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C %[1]s/imapd.conf -r"
  idled cmd="/usr/lib/cyrus/bin/idled -C %[1]s/imapd.conf"
}
SERVICES {
  imap cmd="/usr/lib/cyrus/bin/imapd -C %[1]s/imapd.conf" listen="%[2]s" prefork=0
  pop3 cmd="/usr/lib/cyrus/bin/pop3d -C %[1]s/imapd.conf" listen="%[3]s" prefork=0
}
EVENTS {
}
`, s.Dir, s.IMAP, s.POP3))
	s.run(root, `mkdir -p conf spool sieve
`+text("echo "+Password+" | saslpasswd2 -p -c -f $D/sasldb2 -u localhost %s\n")+`chown -R mail:mail conf spool sieve sasldb2
exec /usr/lib/cyrus/bin/master -C $D/imapd.conf -M $D/cyrus.conf -p $D/conf/master.pid
`)
	return s
}
