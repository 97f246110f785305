package peerbench

import (
	"context"
	"net"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	goimapserver "github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

// imapPeer is a server that all of the client's calls are tried on.
type imapPeer struct {
	name  string
	start func(t *testing.T) (addr string)
}

// imapPeers are six servers, each with a user "user1" whose password is "secret".
func imapPeers() []imapPeer {
	serve := func(t *testing.T, store mail.Store) string {
		srv := &imapserver.Server{Store: store, Authenticator: imaptest.Users{"user1": peers.Password}, ID: []string{"name", "ours"},
			AllowPlaintext: (*imapserver.Conn).FromThisMachine}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
		return l.Addr().String()
	}
	return []imapPeer{
		{"memory", func(t *testing.T) string {
			store := imaptest.NewStore()
			store.Quota, store.Sharing = 100<<20, true
			return serve(t, store)
		}},
		{"maildir", func(t *testing.T) string {
			return serve(t, &maildir.Store{Path: t.TempDir() + "/%u", NoSync: true, Quota: maildir.Quota{Storage: 100 << 20}})
		}},
		{"dovecot", func(t *testing.T) string {
			return peers.Dovecot(t, `mail_plugins = quota acl zlib
protocol imap {
  mail_plugins = quota acl zlib imap_quota imap_acl imap_zlib
  imap_metadata = yes
}
mail_attribute_dict = file:%h/attributes
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=100M
  acl = vfile
}
imap_urlauth_host = localhost
`).IMAP
		}},
		{"cyrus", func(t *testing.T) string { return peers.Cyrus(t).IMAP }},
		{"courier", func(t *testing.T) string { return peers.Courier(t).IMAP }},
		{"go-imap", func(t *testing.T) string {
			user := imapmemserver.NewUser("user1", peers.Password)
			require.NoError(t, user.Create("INBOX", nil))
			mem := imapmemserver.New()
			mem.AddUser(user)
			caps := goimap.CapSet{goimap.CapIMAP4rev1: {}, goimap.CapIMAP4rev2: {}}
			srv := goimapserver.New(&goimapserver.Options{InsecureAuth: true, Caps: caps,
				NewSession: func(*goimapserver.Conn) (goimapserver.Session, *goimapserver.GreetingData, error) {
					return mem.NewSession(), nil, nil
				}})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			go srv.Serve(l)
			t.Cleanup(func() { srv.Close() })
			return l.Addr().String()
		}},
	}
}

// on is a server that a case runs on, with a connection of the case's own.
type on struct {
	require.TestingT
	*imapclient.Client
	ctx    context.Context
	peer   string
	addr   string
	prefix string // of the user's mailboxes
	opened []*imapclient.Client
}

// is reports whether the server is one of these.
func (o *on) is(names ...string) bool {
	for _, n := range names {
		if n == o.peer {
			return true
		}
	}
	return false
}

// connect opens a connection.
func (o *on) connect(change func(*imapclient.Options)) *imapclient.Client {
	opts := &imapclient.Options{TLS: imapclient.TLSNone, Auth: &mail.Credentials{Username: "user1", Password: peers.Password}}
	if change != nil {
		change(opts)
	}
	c, err := imapclient.Dial(o.ctx, o.addr, opts)
	require.NoError(o, err)
	o.opened = append(o.opened, c)
	return c
}

// name is a mailbox's name on the server.
func (o *on) name(s string) string { return o.prefix + s }

// messages are what box fills a mailbox with.
func messages() []string {
	return []string{
		"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nFrom: Fred Foobar <foobar@example.test>\r\nSubject: afternoon meeting\r\nTo: mooch@example.test\r\n" +
			"Message-ID: <1@example.test>\r\n\r\nHello Joe, do you think we can meet at 3:30 tomorrow?\r\n",
		"Date: Tue, 8 Feb 1994 21:52:25 -0800\r\nFrom: Joe Mooch <mooch@example.test>\r\nSubject: Re: afternoon meeting\r\nTo: foobar@example.test\r\n" +
			"In-Reply-To: <1@example.test>\r\nReferences: <1@example.test>\r\nMessage-ID: <2@example.test>\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
			"H=E1=BB=8Dp\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			"AAECAwQF\r\n--b--\r\n",
		"Date: Sun, 6 Feb 1994 21:52:25 -0800\r\nFrom: =?utf-8?q?Th=E1=BB=8B?= <thi@example.test>\r\nSubject: =?utf-8?q?=C4=90=C6=A1n?=\r\nTo: foobar@example.test\r\n" +
			"Message-ID: <3@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nMột lá đơn dài hơn các thư khác trong hộp này.\r\n",
	}
}

// box makes a mailbox with the three messages, of which the first is \Seen, and selects it.
func (o *on) box(name string) string {
	name = o.name(name)
	_, err := o.Create(o.ctx, name)
	require.NoError(o, err)
	for i, m := range messages() {
		flags := []string{}
		if i == 0 {
			flags = append(flags, `\Seen`)
		}
		_, err := o.Append(o.ctx, name, imapclient.NewDraft([]byte(m), flags...))
		require.NoError(o, err)
	}
	_, err = o.Select(o.ctx, name, nil)
	require.NoError(o, err)
	return name
}

// uids returns the UIDs of the selected mailbox's messages.
func (o *on) uids() (out []mail.UID) {
	if o.Mailbox().Messages == 0 {
		return nil
	}
	for m, err := range o.Fetch(o.ctx, imapclient.All(), nil) {
		require.NoError(o, err)
		out = append(out, m.UID)
	}
	return out
}
