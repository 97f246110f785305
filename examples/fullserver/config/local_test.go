package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// Programs of this machine hand in their mail where other servers do, not where users log in, and past filters that only strangers' mail goes through.
func TestForPrograms(t *testing.T) {
	for _, tt := range []struct{ main, master, want string }{
		{"smtp_listen = 127.0.0.1:2525", "smtp inet n - n - - smtpd", "127.0.0.1:2525"},
		{"", "submission inet n - n - - smtpd\nsmtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\nsmtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd", "127.0.0.1:25"},
		{"", "10.0.0.1:26 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n127.0.0.1:27 inet n - n - - smtpd", "127.0.0.1:27"},
		{"inet_interfaces = 192.0.2.1", "smtp inet n - n - - smtpd", "192.0.2.1:25"},
		{"", "smtp inet n - n - - smtpd -o content_filter=smtp:[127.0.0.1]:10024\n127.0.0.1:10025 inet n - n - - smtpd -o content_filter=", "127.0.0.1:10025"},
		{"content_filter = smtp:[127.0.0.1]:10024", "smtp inet n - n - - smtpd\n127.0.0.1:10025 inet n - n - - smtpd -o content_filter=", "127.0.0.1:25"},
		{"", "smtp inet n - n - - smtpd -o smtpd_proxy_filter=127.0.0.1:10024", "127.0.0.1:25"},
		{"", "smtp unix - - n - - smtp", ""},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "main.cf"), []byte("myhostname = mx.example.test\n"+tt.main+"\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "master.cf"), []byte(tt.master+"\n"), 0o600))
		c, err := config.Load(config.Options{File: filepath.Join(dir, "main.cf")})
		require.NoError(t, err)
		a, ok := c.ForPrograms()
		require.Equal(t, tt.want != "", ok)
		require.Equal(t, tt.want, a.Address, tt.master)
	}
}
