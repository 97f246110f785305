package interop_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
)

const dovecotConf = `base_dir = $D/run
state_dir = $D/state
log_path = $D/log/dovecot
protocols = lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <$D/cert.pem
ssl_key = <$D/key.pem
mail_location = maildir:$D/box/%n:LAYOUT=fs:INBOX=$D/box/%n
mail_uid = $READER
mail_gid = $READER
first_valid_uid = 100
mailbox_list_index = no
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $D/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $D/users
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $PORT
  }
  unix_listener lmtp {
    path = lmtp.sock
    mode = 0666
  }
}
`

// startDovecot runs the installed Dovecot as an LMTP server, with a configuration of its own.
func startDovecot(t *testing.T, id *identity) *mta {
	t.Helper()
	program(t, "dovecot")
	if _, err := os.Stat("/usr/lib/dovecot/lmtp"); err != nil {
		lack(t, "Debian's dovecot-lmtpd is missing")
	}
	j := newJail(t)
	port := freePort(t)
	fill := strings.NewReplacer("$D", j.dir, "$PORT", strconv.Itoa(port), "$READER", strconv.Itoa(readerID))
	write(t, j.path("dovecot.conf"), fill.Replace(dovecotConf))
	write(t, j.path("users"), fill.Replace("reader@example.test:x:$READER:$READER::$D/home/reader\nother@example.test:x:$READER:$READER::$D/home/other\n"))
	write(t, j.path("cert.pem"), id.cert)
	write(t, j.path("key.pem"), id.key)
	for _, d := range []string{"run", "state", "log", "home"} {
		require.NoError(t, os.Mkdir(j.path(d), 0o755))
	}
	require.NoError(t, os.Chown(j.path("home"), readerID, readerID))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	j.start(fill.Replace("exec dovecot -F -c $D/dovecot.conf\n"), addr)
	return &mta{jail: j, addr: addr, id: id,
		has: smtp.Pipelining | smtp.EightBitMIME | smtp.EnhancedStatusCodes | smtp.Chunking | smtp.StartTLS}
}

// Our LMTP client and Dovecot: an answer for each recipient, behind DATA and behind BDAT.
func TestDovecotLMTP(t *testing.T) {
	t.Parallel()
	m := startDovecot(t, newIdentity(t))
	for name, opts := range map[string]smtp.ClientOptions{
		"BDAT":               {TLS: smtp.TLSNone},
		"BDAT, small chunks": {TLS: smtp.TLSNone, Limits: smtp.ClientLimits{ChunkSize: 1000}},
		"DATA":               {TLS: smtp.TLSNone, NoChunking: true},
		"command by command": {TLS: smtp.TLSNone, NoChunking: true, NoPipelining: true},
		"STARTTLS":           {TLS: smtp.TLSStartTLS},
	} {
		t.Run(name, func(t *testing.T) {
			opts.LMTP = true
			c := m.dial(t, opts)
			require.Equal(t, opts.TLS == smtp.TLSStartTLS, c.TLS() != nil)
			if c.TLS() == nil {
				require.True(t, c.Capabilities().Has(m.has), "it offers less than %s", m.has)
			}
			for _, size := range []int{0, 300 << 10} {
				l := newLetter(size)
				results, err := c.Send(t.Context(), envelope(sender, "reader@example.test", "nobody@example.test", "other@example.test"), l.reader())
				require.NoError(t, err)
				require.Len(t, results, 3)
				require.True(t, results[0].Reply.OK() && results[2].Reply.OK(), results)
				require.Equal(t, 550, results[1].Reply.Code)
				m.landed(t, "reader", l)
				m.landed(t, "other", l)
			}
			require.NoError(t, c.Quit(t.Context()))
		})
	}
	t.Run("unix socket", func(t *testing.T) {
		tr := &smtp.Transport{Options: smtp.ClientOptions{LMTP: true, TLS: smtp.TLSNone}}
		defer tr.Close()
		for range 3 {
			l := newLetter(0)
			results, err := tr.Send(t.Context(), "unix:"+m.path("run/lmtp.sock"), envelope(sender, "reader@example.test"), l.reader())
			require.NoError(t, err)
			require.True(t, results[0].Reply.OK(), results[0].Detail)
			m.landed(t, "reader", l)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		c := m.dial(t, smtp.ClientOptions{LMTP: true, TLS: smtp.TLSNone})
		results, err := c.Send(t.Context(), envelope(sender, "nobody@example.test"), newLetter(0).reader())
		require.NoError(t, err)
		require.Equal(t, 550, results[0].Reply.Code)
		l := newLetter(0)
		send(t, c, l, "reader@example.test")
		m.landed(t, "reader", l)
	})
}
