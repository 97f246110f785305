package webadmin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/smtptest"
)

// files are those of a site of two domains: root administers all, lan and minh one each, hoa nothing.
var files = map[string]string{
	"users":   "root@an.example:{PLAIN}rootsecret\nlan@an.example:{PLAIN}lansecret\nhoa@an.example:{PLAIN}hoasecret\nminh@binh.example:{PLAIN}minhsecret\nchi@binh.example:{PLAIN}chisecret\n",
	"aliases": "info@an.example  lan@an.example\ninfo@binh.example  minh@binh.example\n",
	"domains": "an.example 1\nbinh.example 2\n",
	"quotas":  "an.example *:storage=1G:mailboxes=6\n",
	"admins":  "root@an.example ALL\nlan@an.example an.example\nminh@binh.example binh.example\n",
}

// fixture is a real server with the administration, another server that mail goes to, and a browser without scripts.
type fixture struct {
	*testing.T
	dir  string
	s    *server.Server
	far  *smtptest.Server
	base string
	http *http.Client
	late atomic.Int64 // what the clock is ahead

	page, url string
	code      int
	head      http.Header
}

type zone struct{ *mailauthtest.Zone }

func (zone) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

const records = "mail.an.example A 192.0.2.25\nan.example MX 10 mail.an.example\nbinh.example MX 10 <img src=x onerror=pwn('mx')>\nbinh.example TXT v=spf1 \"><script>pwn('spf')</script>\n"

func newFixture(t *testing.T, params ...string) *fixture {
	t.Helper()
	f := &fixture{T: t, dir: t.TempDir(), far: smtptest.NewServer(t)}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600))
	}
	host, port, err := net.SplitHostPort(f.far.Addr())
	require.NoError(t, err)
	c, err := config.Load(config.Options{Overrides: append([]string{
		"data_directory=" + f.dir, "myhostname=mail.an.example", "mydomain=an.example", "mydestination=", "maillog_file=" + f.dir + "/mail.log", "auth_failure_delay=0", "mail_auth_check=no", "passwd_file=" + f.dir + "/users",
		"virtual_mailbox_domains=hash:" + f.dir + "/domains", "virtual_alias_maps=hash:" + f.dir + "/aliases", "domain_quota_rule_maps=hash:" + f.dir + "/quotas", "domain_admin_maps=hash:" + f.dir + "/admins",
		"smtp_listen=127.0.0.1:0", "webmail_listen=127.0.0.1:0", "webadmin_listen=127.0.0.1:0", "relayhost=[" + host + "]:" + port, "minimal_backoff_time=1h", "maximal_backoff_time=1h", "smtpd_peername_lookup=no",
	}, params...)})
	require.NoError(t, err)
	zoned, err := mailauthtest.Parse(records)
	require.NoError(t, err)
	f.s, err = server.Open(c, server.Options{DNS: zone{zoned}, Now: func() time.Time { return time.Now().Add(time.Duration(f.late.Load())) }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.s.Serve(ctx, nil) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	f.base = "http://" + f.s.Addrs("webadmin_listen")[0].String()
	f.http = f.browser()
	return f
}

func (f *fixture) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(f, err)
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
}

func (f *fixture) do(req *http.Request) string {
	f.Helper()
	resp, err := f.http.Do(req)
	require.NoError(f, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(f, err)
	f.page, f.url, f.code, f.head = string(b), resp.Request.URL.RequestURI(), resp.StatusCode, resp.Header
	return f.page
}

func (f *fixture) get(path string) string {
	f.Helper()
	req, err := http.NewRequest("GET", f.base+path, nil)
	require.NoError(f, err)
	return f.do(req)
}

var queued = regexp.MustCompile(`qmgr\[\d+\]: (\w+): from=<.*>, size`)

var tokenForm = regexp.MustCompile(`name="token" value="([^"]+)"`)

// post sends a form with the token of the last page. Fields are name, value, name, value.
func (f *fixture) post(path string, fields ...string) string {
	f.Helper()
	v := url.Values{}
	if m := tokenForm.FindStringSubmatch(f.page); m != nil {
		v.Set("token", m[1])
	}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequest("POST", f.base+path, strings.NewReader(v.Encode()))
	require.NoError(f, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(req)
}

// login signs somebody in, whose password is his name with "secret" behind it, in a browser of his own.
func (f *fixture) login(user string) *fixture {
	f.Helper()
	f.http = f.browser()
	f.get("/admin/login")
	name, _, _ := strings.Cut(user, "@")
	f.post("/admin/login", "user", user, "password", name+"secret")
	require.Equal(f, http.StatusOK, f.code, f.page)
	require.Equal(f, "/admin/", f.url)
	return f
}

func (f *fixture) read(name string) string {
	f.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	require.NoError(f, err)
	return string(b)
}

// unchanged fails when a file is not what it was.
func (f *fixture) unchanged(what string) {
	f.Helper()
	for name, text := range files {
		require.Equal(f, text, f.read(name), "%s: %s", what, name)
	}
}

// value is what a field of the last page has.
func (f *fixture) value(name string) string {
	f.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(f.page)
	require.NotNil(f, m, "%s in %s", name, f.page)
	return html.UnescapeString(m[1])
}

// send has a message come in by SMTP, and returns its queue id.
func (f *fixture) send(from, to, text string) string {
	f.Helper()
	before := len(queued.FindAllString(f.read("mail.log"), -1))
	err := smtp.Send(f.Context(), f.s.Addrs("smtp_listen")[0].String(), &smtp.ClientOptions{TLS: smtp.TLSNone}, from, []string{to}, strings.NewReader(text))
	require.NoError(f, err)
	var id string
	require.Eventually(f, func() bool {
		if all := queued.FindAllStringSubmatch(f.read("mail.log"), -1); len(all) > before {
			id = all[len(all)-1][1]
		}
		return id != "" && strings.Contains(f.read("mail.log"), id+": to=<")
	}, time.Minute, 10*time.Millisecond)
	return id
}

// deferAll has the other server put everything off, in its own words.
func (f *fixture) deferAll(words string) {
	f.far.Fail(smtptest.Fault{Stage: smtptest.Recipient, Reply: smtp.NewReply(450, mail.EnhancedCode{4, 2, 0}, words)})
}
