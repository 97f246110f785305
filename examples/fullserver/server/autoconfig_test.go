package server_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// page asks a web server of a server's as a host of its; body is posted, if there is one.
func (r *running) page(param, host, path, body string) (int, string) {
	r.t.Helper()
	scheme := map[bool]string{true: "https", false: "http"}[param == "https_listen" || param == "webmails_listen"]
	method := "GET"
	if body != "" {
		method = "POST"
	}
	req, err := http.NewRequest(method, scheme+"://"+r.s.Addrs(param)[0].String()+path, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Host = host
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(b)
}

// Every web server tells programs of the listeners that are on, for the domains whose mail is here.
func TestPrograms(t *testing.T) {
	r := start(t, "webmail_listen=127.0.0.1:0", "webmails_listen=127.0.0.1:0", "pop3_listen=", "virtual_mailbox_domains=example.test, second.test", "virtual_alias_domains=alias.test", "relay_domains=relayed.test")
	port := func(param string) int { return r.s.Addrs(param)[0].(*net.TCPAddr).Port }
	for _, param := range []string{"http_listen", "https_listen", "webmail_listen", "webmails_listen"} {
		for _, domain := range []string{"example.test", "second.test"} {
			code, text := r.page(param, "autoconfig."+domain, "/mail/config-v1.1.xml?emailaddress=whoever@"+domain, "")
			require.Equal(t, 200, code)
			require.Contains(t, text, "<domain>"+domain+"</domain>")
			for _, param := range []string{"submission_listen", "submissions_listen", "imap_listen", "imaps_listen", "pop3s_listen"} {
				require.Contains(t, text, fmt.Sprintf("<port>%d</port>", port(param)))
			}
			require.Equal(t, 3, strings.Count(text, "<incomingServer"), "POP3 without TLS is off")
		}
		for _, domain := range []string{"elsewhere.test", "alias.test", "relayed.test"} {
			code, _ := r.page(param, "autoconfig."+domain, "/mail/config-v1.1.xml", "")
			require.Equal(t, 404, code, domain)
		}
	}
	code, text := r.page("https_listen", "mail.example.test", "/autodiscover/autodiscover.xml", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>a@second.test</EMailAddress>`+
		`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`)
	require.Equal(t, 200, code)
	require.Contains(t, text, fmt.Sprintf("<Port>%d</Port>", port("imaps_listen")))
	code, text = r.page("https_listen", "mail.example.test", "/email.mobileconfig?email=a@example.test", "")
	require.Equal(t, 200, code)
	require.Equal(t, byte(0x30), text[0], "the profile is signed")
	code, _ = r.page("http_listen", "autodiscover.example.test", "/autodiscover/autodiscover.xml", "")
	require.Equal(t, 302, code)

	for _, off := range []string{"autoconfig_enable=no", "smtpd_tls_cert_file="} { // passwords are asked for nowhere without TLS
		r := start(t, off, "submissions_listen=", "imaps_listen=", "pop3s_listen=", "https_listen=")
		code, _ := r.page("http_listen", "autoconfig.example.test", "/mail/config-v1.1.xml", "")
		require.Equal(t, 404, code)
		code, _ = r.page("http_listen", "", "/healthz", "")
		require.Equal(t, 200, code)
	}
}

// What the DNS should say comes from the same listeners, master.cf's too; those of this machine alone are not told of.
func TestProgramsOfConfiguration(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/main.cf", []byte("myhostname = mail.example.test\ninet_interfaces = all\nimaps_listen = :993\nwebmails_listen = :443\nhttps_listen = :8443\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/master.cf", []byte(insiders+"smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\nsmtps inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes\n127.0.0.1:465 inet n - y - - smtpd\n"), 0o600))
	c, err := config.Load(config.Options{File: dir + "/main.cf"})
	require.NoError(t, err)
	services, https := server.Programs(c)
	require.Equal(t, "[{imap true 993} {smtp true 465} {smtp false 587}]", fmt.Sprint(services))
	require.Equal(t, []uint16{443, 8443}, https)
	for want, params := range map[string]string{
		"imaps 993, imap 143, pop3s 995, submissions 465": "imaps_listen=127.0.0.1:994 0.0.0.0:993; imap_listen=:143; pop3_listen=[::1]:110; pop3s_listen=:995; submissions_listen=:465",
		"imap 143":  "imap_listen=127.0.0.1:143",
		"":          "imap_listen=127.0.0.1:143; smtpd_tls_cert_file=",
		"imaps 993": "imaps_listen=unix:/tmp/x :993",
	} {
		c, err := config.Load(config.Options{Overrides: append([]string{"data_directory=" + t.TempDir(), "myhostname=mail.example.test"}, strings.Split(params, "; ")...)})
		require.NoError(t, err)
		var got []string
		services, _ := server.Programs(c)
		for _, v := range services {
			got = append(got, fmt.Sprintf("%s %d", v.Name(), v.Port))
		}
		require.Equal(t, want, strings.Join(got, ", "), params)
	}
}
