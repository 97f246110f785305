package peers

import "path/filepath"

// Courier starts Debian's Courier IMAP and POP3 servers over Maildirs.
func Courier(t TB) *Server {
	t.Helper()
	root := unpacked(t, "courier", "usr/lib/courier/courier/courierpop3d")
	s := newServer(t)
	s.Maildir = filepath.Join(s.Dir, "mail", "user1", "Maildir")
	serve := func(addr, login, server string) string {
		return "couriertcpd -address=127.0.0.1 -maxprocs=40 -maxperip=40 -nodnslookup -noidentlookup " + port(addr) + " " + login + " " + server + " Maildir &\n"
	}
	s.run(root, `mkdir -p /etc/courier /run/courier/authdaemon
cat > /etc/courier/authdaemonrc <<E
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
E
h=$(openssl passwd -1 `+Password+`)
`+text(`u=%[1]s
mkdir -p $D/mail/$u/Maildir/cur $D/mail/$u/Maildir/new $D/mail/$u/Maildir/tmp
printf '%%s\tuid=65534|gid=65534|home=%%s|mail=%%s|systempw=%%s|hmac-md5pw=%%s\n' $u $D/mail/$u $D/mail/$u/Maildir "$h" "$(printf '`+Password+`\n`+Password+`\n' | userdbpw -hmac-md5)" >> /etc/courier/userdb
`)+`chmod 600 /etc/courier/userdb
chown -R 65534:65534 $D/mail
makeuserdb
/usr/lib/courier/courier-authlib/authdaemond &
while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.05; done
export POP3AUTH="LOGIN PLAIN CRAM-MD5" IMAP_KEYWORDS=1 IMAP_USELOCKS=1 IMAP_ENHANCEDIDLE=0 IMAP_TRASHFOLDERNAME=Trash
export IMAP_CAPABILITY="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
`+serve(s.POP3, "/usr/lib/courier/courier/courierpop3login", "/usr/lib/courier/courier/courierpop3d")+
		serve(s.IMAP, "/usr/lib/courier/courier/imaplogin", "/usr/bin/imapd")+"wait\n")
	return s
}
