package peers

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Exim has Debian's Exim, the one with all authenticators, speak SMTP with a client at an address, by a configuration of the test's own, and returns its replies. Nothing is delivered:
// it is a session of "exim -bh".
func Exim(t TB, configuration, client string, commands ...string) []string {
	t.Helper()
	root := unpacked(t, "exim", "usr/sbin/exim4")
	s := newServer(t)
	for _, file := range []string{"passwd", "group"} {
		text, err := os.ReadFile("/etc/" + file)
		if err != nil {
			t.Fatalf("%v", err)
		}
		more := map[string]string{"passwd": "Debian-exim:x:5998:5998::/var/empty:/bin/false\n", "group": "Debian-exim:x:5998:\n"}[file]
		s.write(file, more+string(text))
	}
	for _, dir := range []string{"spool", "log"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.Chown(filepath.Join(s.Dir, dir), 5998, 5998); err != nil {
			t.Fatalf("%v", err)
		}
	}
	s.write("exim.conf", "spool_directory = "+s.Dir+"/spool\nlog_file_path = "+s.Dir+"/log/%s\nexim_user = Debian-exim\nexim_group = Debian-exim\nhost_lookup =\nkeep_environment =\ntls_advertise_hosts =\n"+configuration)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "/bin/sh", "-c", "mount --bind passwd /etc/passwd\nmount --bind group /etc/group\nexec "+root+"/usr/sbin/exim4 -C "+s.Dir+"/exim.conf -bh "+client)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+root+"/usr/lib:"+root+"/usr/lib/x86_64-linux-gnu") // as .ci/peers looks for them
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\r\n") + "\r\n")
	cmd.Stdout = &out // the rest is what it thinks
	var thoughts bytes.Buffer
	cmd.Stderr = &thoughts
	if err := cmd.Run(); err != nil {
		t.Fatalf("exim: %v\n%s%s", err, &out, &thoughts)
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(out.String(), "\r", "")), "\n")
}
