package server_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// The log goes to syslog and into the file at once, under the facility of main.cf; nowhere is an error.
func TestLogTargets(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	require.NoError(t, err)
	defer c.Close()
	r := withOptions(t, "log_targets = file, syslog\nsyslog_facility = local3\nsyslog_name = mx7\n", insiders+"127.0.0.1:0 inet n - y - - smtpd\n", server.Options{LogSocket: socket})
	b := make([]byte, 64<<10)
	line := ""
	for !strings.Contains(line, "daemon started") {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		n, err := c.Read(b)
		require.NoError(t, err)
		line = string(b[:n])
	}
	require.Regexp(t, `^<158>\w{3} [ \d]\d [\d:]{8} mx7/master\[\d+\]: daemon started, pid \d+`, line)
	r.logged(`mx7/master\[\d+\]: daemon started`)
	r.end()
	_, err = server.Open(load(t, append(base(t.TempDir()), "log_targets=", "passwd_file=/dev/null")...), server.Options{})
	require.ErrorContains(t, err, "log_targets: is empty")
}
