package interop_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// passwords knows user1 and its password, and other users by theirs, so that APOP and CRAM-MD5 can be offered.
type passwords struct{}

func (passwords) Authenticate(_ context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
	if !strings.HasPrefix(r.Username, "user") || r.Password != "secret" {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: r.Username}, nil
}

func (passwords) Password(_ context.Context, r *mail.AuthRequest) (string, *mail.Identity, error) {
	if r.Username != "user1" {
		return "", nil, mail.ErrAuthFailed
	}
	return "secret", &mail.Identity{Username: "user1"}, nil
}

// serve serves a store by POP3 and returns the address.
func serve(t *testing.T, store mail.Store, config func(*pop3.Server)) string {
	t.Helper()
	s := &pop3.Server{Store: store, Authenticator: passwords{}, Hostname: "localhost",
		AllowPlaintext: func(*pop3.Conn) bool { return true }, Timeouts: pop3.Timeouts{Error: -1}}
	if config != nil {
		config(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l.Addr().String()
}

// inbox is a Maildir with the given messages.
func inbox(t *testing.T, messages []string) mail.Store {
	t.Helper()
	store := &maildir.Store{Path: t.TempDir() + "/%u", NoSync: true}
	a, err := store.Account(t.Context(), "user1")
	require.NoError(t, err)
	defer a.Close()
	box, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer box.Close()
	ap, err := box.Append(t.Context())
	require.NoError(t, err)
	for _, m := range messages {
		require.NoError(t, ap.Add(t.Context(), strings.NewReader(m), nil))
	}
	_, err = ap.Commit(t.Context())
	require.NoError(t, err)
	return store
}

func program(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(name + " is missing: run .ci/deps")
	}
	t.Skip(name + " is missing: run .ci/deps")
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	program(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8", "TERM=vt100")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

// python has poplib log in by each way that it knows, and everything is compared by it.
const python = `
import glob, poplib, ssl, sys
host, port, want, ca = sys.argv[1], int(sys.argv[2]), [open(f, "rb").read() for f in sorted(glob.glob(sys.argv[3] + "/*"))], sys.argv[4]
def check(p):
    assert p.stat() == (len(want), sum(map(len, want))), p.stat()
    assert p.list()[1] == [b"%d %d" % (i + 1, len(w)) for i, w in enumerate(want)]
    assert len(set(l.split()[1] for l in p.uidl()[1])) == len(want)
    for i, w in enumerate(want):
        got = b"".join(l + b"\r\n" for l in p.retr(i + 1)[1])
        assert got == w, (i, got[:200], w[:200])
    head = p.top(1, 0)[1]
    assert head[-1] == b"" and b"Subject: message 0" in head, head
def user(p): p.user("user1"); p.pass_("secret")
def apop(p): p.apop("user1", "secret")
def stls(p):
    assert "STLS" in p.capa()
    p.stls(context=ssl.create_default_context(cafile=ca)); user(p)
def utf8(p): p.utf8(); user(p)
for login in (user, apop, stls, utf8):
    p = poplib.POP3(host, port)
    login(p)
    check(p)
    p.quit()
p = poplib.POP3(host, port)
try: p.user("user1"); p.pass_("no"); sys.exit("a wrong password was taken")
except poplib.error_proto as e: assert b"[AUTH]" in e.args[0], e
p = poplib.POP3(host, port); apop(p); p.dele(1); p.rset(); p.dele(2); p.quit()
p = poplib.POP3(host, port); apop(p); assert p.stat()[0] == len(want) - 1; p.quit()
print("ok")
`

func TestPoplib(t *testing.T) {
	want, dir := messages(), t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/want", 0o700))
	for i, m := range want {
		require.NoError(t, os.WriteFile(fmt.Sprintf("%s/want/%03d", dir, i), []byte(m), 0o600))
	}
	cert := pop3test.NewUnstartedServer(t) // for its certificate
	var ca string
	addr := serve(t, inbox(t, want), func(s *pop3.Server) {
		s.TLSConfig = cert.Config.TLSConfig
		ca = certificatePEM(s.TLSConfig)
	})
	require.NoError(t, os.WriteFile(dir+"/ca.pem", []byte(ca), 0o600))
	host, port, _ := net.SplitHostPort(addr)
	require.Equal(t, "ok\n", run(t, dir, "python3", "-c", python, map[string]string{"127.0.0.1": "localhost"}[host], port, dir+"/want", dir+"/ca.pem"))
}

// getmail forks for each message and may wait for ever for a child that was too quick, whatever the server does: then it is
// tried again.
func TestGetmail(t *testing.T) {
	program(t, "getmail")
	want := messages()[:8]
	for try := range 5 {
		files, out, ok := getmail(t, serve(t, inbox(t, want), nil))
		if !ok && strings.Contains(out, "waiting child") && try < 4 {
			continue
		}
		require.True(t, ok, "%s", out)
		got := map[string]bool{}
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			got[essence(string(b))] = true
		}
		require.Len(t, files, len(want))
		for _, m := range want {
			require.True(t, got[essence(m)], "%.200q", m)
		}
		return
	}
}

// getmail fetches a maildrop twice, of which the second time, by APOP, must find by their unique-ids that it has all.
func getmail(t *testing.T, addr string) (files []string, out string, ok bool) {
	_, port, _ := net.SplitHostPort(addr)
	dir, err := os.MkdirTemp("", "getmail")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	user := ""
	if os.Getuid() == 0 { // it delivers nothing as root
		user = "user = nobody\n"
	}
	for _, d := range []string{"rc", "got", "got/cur", "got/new", "got/tmp"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o755))
		if user != "" && d != "rc" {
			require.NoError(t, os.Chown(filepath.Join(dir, d), 65534, 65534))
		}
	}
	for _, apop := range []string{"false", "true"} {
		require.NoError(t, os.WriteFile(dir+"/rc/getmailrc", fmt.Appendf(nil, `[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = %s
username = user1
password = secret
use_apop = %s
timeout = 10
[destination]
type = Maildir
path = %s/got/
%s[options]
read_all = false
delivered_to = false
received = false
`, port, apop, dir, user), 0o600))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		b, err := exec.CommandContext(ctx, "getmail", "--getmaildir", dir+"/rc", "--quiet").CombinedOutput()
		if err != nil {
			return nil, fmt.Sprintf("%s: %v", b, err), false
		}
	}
	files, err = filepath.Glob(dir + "/got/new/*")
	require.NoError(t, err)
	return files, "", true
}

// essence is what a program that edits leaves: the message without what stands before From and between line ends.
func essence(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if i := strings.Index(s, "From: a@"); i > 0 {
		s = s[i:]
	}
	return strings.TrimRight(s, "\n")
}

// mutt reads a maildrop on a terminal of its own and saves it into an mbox file.
func TestMutt(t *testing.T) {
	program(t, "mutt")
	want, dir := messages(), t.TempDir()
	addr := serve(t, inbox(t, want), nil)
	rc, box := dir+"/muttrc", dir+"/saved"
	require.NoError(t, os.WriteFile(rc, fmt.Appendf(nil, `set pop_user="user1"
set pop_pass="secret"
set ssl_starttls=no
set ssl_force_tls=no
set folder=%q
set mbox_type=mbox
set confirmappend=no
set confirmcreate=no
set copy=no
set quit=yes
set wait_key=no
set pop_delete=no
push '<tag-pattern>~A<enter><tag-prefix><copy-message>%s<enter><exit>'
`, dir, box), 0o600))
	out := run(t, dir, "script", "-qec", "mutt -n -F "+rc+" -f pop://"+addr, "/dev/null")
	b, err := os.ReadFile(box)
	require.NoError(t, err, "%s", out)
	saved := strings.ReplaceAll(string(b), "\r\n", "\n")
	for i := range want {
		require.Equal(t, 1, strings.Count(saved, fmt.Sprintf("\nMessage-ID: <%d@example.test>\n", i)), "message %d", i)
	}
}

func certificatePEM(c *tls.Config) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificates[0].Certificate[0]}))
}
