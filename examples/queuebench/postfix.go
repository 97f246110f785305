//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const postfixMain = `compatibility_level = 3.6
queue_directory = $D/spool
data_directory = $D/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = $D/mail.log
maillog_file_prefixes = $D
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
relayhost = [127.0.0.1]:$SINK
`

const postfixMaster = `127.0.0.1:$PORT inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

func postfixVersion() string {
	out, err := exec.Command("postconf", "-d", "-h", "mail_version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// startPostfix runs Debian's Postfix with a configuration and a queue of its own in dir.
func startPostfix(dir string, sinkPort int) (*relay, error) {
	port := freePort()
	fill := strings.NewReplacer("$D", dir, "$PORT", strconv.Itoa(port), "$SINK", strconv.Itoa(sinkPort))
	for _, d := range []string{"conf", "spool", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if u, err := user.Lookup("postfix"); err != nil {
		return nil, err
	} else if uid, err := strconv.Atoi(u.Uid); err != nil {
		return nil, err
	} else if err := os.Chown(filepath.Join(dir, "data"), uid, -1); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "conf")
	for name, text := range map[string]string{"main.cf": postfixMain, "master.cf": postfixMaster} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(fill.Replace(text)), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := command(context.Background(), "postfix", "-c", conf, "start-fg")
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := launch(cmd, addr); err != nil {
		return nil, fmt.Errorf("%w (it takes root to start Postfix)", err)
	}
	return &relay{addr: addr, pid: cmd.Process.Pid, stop: func() {
		_ = exec.Command("postfix", "-c", conf, "stop").Run()
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
	}}, nil
}
