package peers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// MTA is Debian's Postfix with a configuration of the test's own.
type MTA struct {
	SMTP string // where its smtpd listens; mail that it takes is held
	Dir  string // what is Postfix's; its main.cf is in Dir/etc
	s    *Server
}

// Postfix starts Debian's Postfix 3.7 with a main.cf, in which $D is the server's folder, and with files there. Its smtpd listens on loopback;
// nothing is sent anywhere: other servers are not there, and header_checks = static:HOLD keeps what it takes.
func Postfix(t TB, mainCF string, files map[string]string) *MTA {
	t.Helper()
	return PostfixAt(t, "", mainCF, files)
}

// usual adds to a main.cf what it doesn't say itself. What is said twice each of Postfix's programs warns of when it starts, and nobody reads so
// many warnings before the log's own program has started: they all stand still.
func usual(mainCF string) string {
	for _, line := range []string{"inet_interfaces = 127.0.0.1", "smtpd_peername_lookup = no"} {
		name, _, _ := strings.Cut(line, " ")
		if !regexp.MustCompile(`(?m)^` + name + ` *=`).MatchString(mainCF) {
			mainCF = line + "\n" + mainCF
		}
	}
	return mainCF
}

// tables are those that a main.cf names by hash:, in the folder of its own.
var tables = regexp.MustCompile(`hash:\$config_directory/([\w.-]+)`)

// PostfixAt is Postfix whose smtpd listens at an address and port, "" for a free port of loopback. Files that main.cf names as
// hash:$config_directory/NAME, which are the files etc/NAME, are made into tables by postmap, or by postalias where the name is "aliases".
func PostfixAt(t TB, listen, mainCF string, files map[string]string) *MTA {
	t.Helper()
	return postfix(t, listen, mainCF, "", files)
}

// PostfixWith is Postfix with more lines of master.cf. It asks the name servers of the file "resolv.conf", if there is one among files.
func PostfixWith(t TB, mainCF, masterCF string, files map[string]string) *MTA {
	t.Helper()
	return postfix(t, "", mainCF, masterCF, files)
}

// folders makes those that "postfix check" would, with the same owners and modes; where there is a file quick-start, that isn't run, which takes a second
// of a processor for each start.
const folders = `set -e
cd "$1"
mkdir etc spool data
chown postfix data
cd spool
mkdir pid public maildrop
mkdir -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
chown postfix [!p]* private
chown postfix:postdrop public maildrop
chmod 710 public
chmod 730 maildrop
touch quick-start
`

func postfix(t TB, listen, mainCF, masterCF string, files map[string]string) *MTA {
	t.Helper()
	const sbin = "/usr/lib/postfix/sbin"
	if _, err := os.Stat(sbin + "/master"); err != nil {
		lack(t, "Postfix is not there: run .ci/deps")
	}
	s := newServer(t)
	if listen != "" {
		s.IMAP = listen
	}
	m := &MTA{SMTP: s.IMAP, Dir: s.Dir, s: s}
	s.POP3 = s.IMAP // there is one port to wait for
	if out, err := exec.Command("/bin/sh", "-c", folders, "sh", s.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range files {
		s.write(name, text)
	}
	s.write("etc/main.cf", fmt.Sprintf(`queue_directory = %[1]s/spool
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = %[2]s
maillog_file = %[1]s/maillog
maillog_file_prefixes = %[1]s
%[3]s
`, s.Dir, sbin, strings.ReplaceAll(usual(mainCF), "$D", s.Dir)))
	var services strings.Builder
	fmt.Fprintf(&services, "%s inet n - n - - smtpd\n", m.SMTP)
	for _, line := range []string{"pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite",
		"bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "verify unix - - n - 1 verify", "flush unix n - n 1000? 0 flush",
		"proxymap unix - - n - - proxymap", "smtp unix - - n - - smtp", "relay unix - - n - - smtp", "showq unix n - n - - showq", "error unix - - n - - error",
		"retry unix - - n - - error", "discard unix - - n - - discard", "local unix - n n - - local", "virtual unix - n n - - virtual", "lmtp unix - - n - - lmtp",
		"anvil unix - - n - 1 anvil", "tlsmgr unix - - n 1000? 1 tlsmgr", "scache unix - - n - 1 scache"} {
		services.WriteString(line + "\n")
	}
	// Sockets are made in the order of the file: with the last of them all are there. It is the log's, as in Debian's own file.
	s.write("etc/master.cf", services.String()+strings.ReplaceAll(masterCF, "$D", s.Dir)+"postlog unix-dgram n - n - 1 postlogd\n")
	old := time.Now().Add(-time.Hour) // it waits until files have been left alone for a while
	for _, name := range []string{"main.cf", "master.cf"} {
		if err := os.Chtimes(filepath.Join(s.Dir, "etc", name), old, old); err != nil {
			t.Fatalf("%v", err)
		}
	}
	for _, found := range tables.FindAllStringSubmatch(mainCF, -1) {
		program := "postmap"
		if found[1] == "aliases" {
			program = "postalias"
		}
		if out, err := exec.Command(program, "-c", filepath.Join(s.Dir, "etc"), "hash:"+filepath.Join(s.Dir, "etc", found[1])).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", found[0], out)
		}
	}
	start := "exec postfix -c $D/etc start-fg\n"
	if files["resolv.conf"] != "" {
		start = "mount --bind $D/resolv.conf /etc/resolv.conf\n" + start
	}
	s.run("", start)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(s.Dir, "spool", "public", "postlog")); err == nil {
			break
		}
		select {
		case <-s.exited:
			t.Fatalf("Postfix doesn't start:\n%s", s.out.tail()) // a port was taken again, perhaps
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("Postfix doesn't start")
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "maillog"))
			t.Logf("Postfix' log:\n%s", log[max(0, len(log)-6000):])
		}
	})
	return m
}

// PID is its first process, which all others are below.
func (m *MTA) PID() int { return m.s.PID() }

// Stop ends it before the test does.
func (m *MTA) Stop() { m.s.Stop() }

// Ask asks one of Postfix's services in spool/private, in the protocol that its programs speak with each other: names and values in turn. The
// answer has one value for each name, the last one.
func (m *MTA) Ask(service string, attributes ...string) (map[string]string, error) {
	c, err := net.DialTimeout("unix", filepath.Join(m.Dir, "spool", "private", service), 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, a := range attributes {
		b.WriteString(a + "\x00")
	}
	b.WriteByte(0)
	if _, err := c.Write(b.Bytes()); err != nil {
		return nil, err
	}
	var got []byte
	buf := make([]byte, 8192)
	for lists(got) < 2 { // the protocol's name, and the answer
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return nil, fmt.Errorf("after %q: %w", got, err)
		}
	}
	out := map[string]string{}
	words := strings.Split(string(got), "\x00")
	for i := 0; i+1 < len(words); i += 2 {
		if words[i] == "" { // the end of a list
			i--
			continue
		}
		out[words[i]] = words[i+1]
	}
	return out, nil
}

// lists counts the lists of attributes that end in b. A value may be empty: a list ends where a name would be.
func lists(b []byte) int {
	n := 0
	for len(b) > 0 {
		name := bytes.IndexByte(b, 0)
		if name < 0 {
			break
		}
		if name == 0 {
			n, b = n+1, b[1:]
			continue
		}
		value := bytes.IndexByte(b[name+1:], 0)
		if value < 0 {
			break
		}
		b = b[name+1+value+1:]
	}
	return n
}

// Held returns a message that smtpd has taken: the records of postcat.
func (m *MTA) Held(id string) (string, error) {
	out, err := exec.Command("postcat", "-c", filepath.Join(m.Dir, "etc"), "-q", id).Output()
	return string(out), err
}
