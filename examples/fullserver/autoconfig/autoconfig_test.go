package autoconfig_test

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/autoconfig"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/internal/peers"
)

// site is a server of two domains, one with an accent.
func site() *autoconfig.Site {
	s := &autoconfig.Site{Hostname: "mail.example.org", Password: true, Services: []autoconfig.Service{
		{Protocol: "smtp", TLS: true, Port: 465}, {Protocol: "smtp", Port: 587}, {Protocol: "pop3", TLS: true, Port: 995}, {Protocol: "imap", Port: 143}, {Protocol: "imap", TLS: true, Port: 993}}}
	autoconfig.Sort(s.Services)
	return s
}

func handler(s *autoconfig.Site) http.Handler {
	h := &autoconfig.Handler{
		Site: func() *autoconfig.Site { return s },
		Hosts: func(_ context.Context, domain string) (bool, error) {
			if domain == "broken.test" {
				return false, errors.New("the database is away")
			}
			return domain == "example.org" || domain == "xn--th-e0a.vn", nil
		},
		Secure: "https://mail.example.org",
		Now:    func() time.Time { return time.Unix(0, 0) },
	}
	return h.Before(http.NotFoundHandler())
}

func ask(h http.Handler, method, url, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, url, strings.NewReader(body)))
	return w
}

const forExampleOrg = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <domain>example.org</domain>
    <displayName>example.org</displayName>
    <displayShortName>example.org</displayShortName>
    <incomingServer type="imap">
      <hostname>mail.example.org</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>mail.example.org</hostname>
      <port>143</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname>mail.example.org</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>mail.example.org</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
    <outgoingServer type="smtp">
      <hostname>mail.example.org</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>
`

// The domain is that of the address, or else of the host; the answer is the same whoever asks.
func TestThunderbirdsFile(t *testing.T) {
	h := handler(site())
	for _, url := range []string{
		"http://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=alice%40example.org",
		"http://autoconfig.example.org:8080/mail/config-v1.1.xml",
		"http://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
		"http://mail.other.test/mail/config-v1.1.xml?emailaddress=nobody@EXAMPLE.org",
		"http://mail.example.org/mail/config-v1.1.xml?emailaddress=%22a%40b%22@example.org",
	} {
		w := ask(h, "GET", url, "")
		require.Equal(t, 200, w.Code, url)
		require.Equal(t, "text/xml; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, forExampleOrg, w.Body.String(), url)
	}
	w := ask(h, "GET", "/mail/config-v1.1.xml?emailaddress=a@thư.vn", "")
	require.Contains(t, w.Body.String(), "<domain>xn--th-e0a.vn</domain>")
	for url, code := range map[string]int{
		"http://autoconfig.elsewhere.test/mail/config-v1.1.xml":                  404,
		"http://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=a@b.c":  404,
		"http://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=alice":  404,
		"http://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=@":      404,
		"http://autoconfig.example.org/mail/config-v1.1.xml?%zz":                 404,
		"http://192.0.2.1/mail/config-v1.1.xml":                                  404,
		"http://x/mail/config-v1.1.xml?emailaddress=a@example.org%00":            404,
		"http://x/mail/config-v1.1.xml?emailaddress=a@%3C/domain%3E.example.org": 404,
		"http://x/mail/config-v1.1.xml?emailaddress=a@broken.test":               503,
		"http://x/email.mobileconfig?email=a@broken.test":                        503,
		"http://x/email.mobileconfig?email=a@b.test":                             404,
		"http://x/email.mobileconfig":                                            400,
		"http://x/another":                                                       404,
	} {
		require.Equal(t, code, ask(h, "GET", url, "").Code, url)
	}
	require.Equal(t, 405, ask(h, "POST", "http://autoconfig.example.org/mail/config-v1.1.xml", "").Code)
	s := site()
	s.Password = false
	require.Equal(t, 404, ask(handler(s), "GET", "http://autoconfig.example.org/mail/config-v1.1.xml", "").Code, "no way to log in that such programs know")
	s.CRAM = true
	require.Contains(t, ask(handler(s), "GET", "http://autoconfig.example.org/mail/config-v1.1.xml", "").Body.String(), "<authentication>password-encrypted</authentication>")
}

// Debian's Thunderbird finds everything, given an address of the domain. A proxy stands for the DNS.
func TestThunderbirdFinds(t *testing.T) {
	srv := httptest.NewServer(handler(site()))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	m := peers.StartThunderbird(t, `
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", `+port+`);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", `+port+`);
`)
	const fetch = `
const {FetchConfig} = ChromeUtils.importESModule("resource:///modules/accountcreation/FetchConfig.sys.mjs");
const c = await FetchConfig.fromISP(args[0].split("@")[1], args[0], new AbortController().signal);
const one = s => [s.type, s.hostname, s.port, s.socketType, s.auth, s.username].join(" ");
return [one(c.incoming), ...c.incomingAlternatives.map(one), one(c.outgoing), ...c.outgoingAlternatives.map(one)];`
	// nsMsgSocketType: 3 is SSL, 2 alwaysSTARTTLS; nsMsgAuthMethod: 3 is passwordCleartext.
	require.Equal(t, []any{
		"imap mail.example.org 993 3 3 %EMAILADDRESS%", "imap mail.example.org 143 2 3 %EMAILADDRESS%", "pop3 mail.example.org 995 3 3 %EMAILADDRESS%",
		"smtp mail.example.org 465 3 3 %EMAILADDRESS%", "smtp mail.example.org 587 2 3 %EMAILADDRESS%",
	}, m.Run(fetch, "alice@example.org"))
	require.Contains(t, m.Run(`try { await (async () => {`+fetch+`})(); } catch (e) { return "none: " + e; }`, "alice@elsewhere.test"), "none: ")
}

// What Outlook 2016 and later send.
const outlookAsks = `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
	`<Request><EMailAddress>alice@example.org</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`

func TestOutlook(t *testing.T) {
	h := handler(site())
	for _, path := range []string{"/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml"} {
		w := ask(h, "POST", "https://mail.example.org"+path, outlookAsks)
		require.Equal(t, 200, w.Code)
		var got struct {
			XMLName  xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006 Autodiscover"`
			Response struct {
				XMLName xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a Response"`
				Account struct {
					AccountType, Action string
					Protocol            []struct{ Type, Server, Port, DomainRequired, LoginName, SPA, SSL, Encryption, AuthRequired string }
				}
			}
		}
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
		a := got.Response.Account
		require.Equal(t, "email settings", a.AccountType+" "+a.Action)
		require.Len(t, a.Protocol, 3)
		for i, want := range []string{"IMAP mail.example.org 993 SSL", "POP3 mail.example.org 995 SSL", "SMTP mail.example.org 465 SSL"} {
			p := a.Protocol[i]
			require.Equal(t, want, strings.Join([]string{p.Type, p.Server, p.Port, p.Encryption}, " "))
			require.Equal(t, "alice@example.org off on on off", strings.Join([]string{p.LoginName, p.SPA, p.SSL, p.AuthRequired, p.DomainRequired}, " "))
		}
	}
	s := site()
	s.Services = s.Services[1:2] // IMAP by STARTTLS
	require.Contains(t, ask(handler(s), "POST", autoconfig.OutlookPath, outlookAsks).Body.String(), "<Encryption>TLS</Encryption>")
	nobody := strings.Replace(outlookAsks, "alice@", "nobody@", 1)
	require.Equal(t, strings.ReplaceAll(ask(h, "POST", autoconfig.OutlookPath, outlookAsks).Body.String(), "alice@", "nobody@"), ask(h, "POST", autoconfig.OutlookPath, nobody).Body.String(),
		"nobody finds out who there is")
}

func TestOutlookRefused(t *testing.T) {
	h := handler(site())
	entities := `<!DOCTYPE x [<!ENTITY a "alice@example.org"><!ENTITY b "&a;&a;&a;&a;">]>`
	for body, want := range map[string]string{
		"":                              "600",
		"<a/>":                          "600",
		"<a>":                           "600",
		outlookAsks + outlookAsks + "<": "600",
		strings.Repeat("<a>", 100):      "600",
		strings.Replace(outlookAsks, "<Autodiscover", entities+"<Autodiscover", 1):                        "600",
		strings.Replace(outlookAsks, "alice@", "&a;", 1):                                                  "600",
		strings.Replace(outlookAsks, "encoding=\"utf-8\"", "encoding=\"utf-7\"", 1):                       "600",
		strings.Replace(outlookAsks, "outlook/responseschema/2006a", "mobilesync/responseschema/2006", 1): "601",
		strings.Replace(outlookAsks, "example.org", "elsewhere.test", 1):                                  "500",
		strings.Replace(outlookAsks, "alice@example.org", "alice", 1):                                     "500",
	} {
		w := ask(h, "POST", autoconfig.OutlookPath, body)
		require.Equal(t, 200, w.Code)
		var got struct {
			Response struct {
				Error struct {
					Time, Id  string `xml:",attr"`
					ErrorCode string
				}
			}
		}
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, want, got.Response.Error.ErrorCode, body)
		require.Equal(t, "00:00:00.000000", got.Response.Error.Time)
	}
	require.Equal(t, 413, ask(h, "POST", autoconfig.OutlookPath, outlookAsks+strings.Repeat(" ", 20000)).Code)
	require.Equal(t, 503, ask(h, "POST", autoconfig.OutlookPath, strings.Replace(outlookAsks, "example.org", "broken.test", 1)).Code)

	// "http redirect": a GET without TLS is told where to post.
	w := ask(h, "GET", "http://autodiscover.example.org/autodiscover/autodiscover.xml", "")
	require.Equal(t, 302, w.Code)
	require.Equal(t, "https://mail.example.org/autodiscover/autodiscover.xml", w.Header().Get("Location"))
	require.Equal(t, 405, ask(h, "GET", "https://mail.example.org/autodiscover/autodiscover.xml", "").Code)
}

// program looks for a program that CI has.
func program(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return path
}

const readProfile = `
import plistlib, sys
p = plistlib.loads(sys.stdin.buffer.read())
a, = p["PayloadContent"]
print(p["PayloadType"], p["PayloadVersion"], p["PayloadIdentifier"], len(p["PayloadUUID"]), p["PayloadUUID"] != a["PayloadUUID"], p["PayloadRemovalDisallowed"])
for k in sorted(a):
    if k != "PayloadUUID": print(k, a[k])
`

// A profile as Python reads it, with the signature that OpenSSL finds.
func TestApple(t *testing.T) {
	python, openssl := program(t, "python3"), program(t, "openssl")
	s := site()
	dir := t.TempDir()
	file := filepath.Join(dir, "cert.pem")
	require.NoError(t, tlscert.SelfSigned(file, time.Now(), s.Hostname))
	cert, err := tls.LoadX509KeyPair(file, file)
	require.NoError(t, err)
	get := func() []byte {
		w := ask(handler(s), "GET", "/email.mobileconfig?email=o%27hara%26co@example.org", "")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "application/x-apple-aspen-config", w.Header().Get("Content-Type"))
		return w.Body.Bytes()
	}
	plain := get()
	s.Certificate = &cert
	signed := get()
	cmd := exec.Command(openssl, "smime", "-verify", "-inform", "DER", "-CAfile", file, "-purpose", "any")
	cmd.Stdin = strings.NewReader(string(signed))
	got, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, string(plain), strings.ReplaceAll(string(got), "\r\n", "\n"), "what is signed is the profile")

	changed := []byte(strings.Replace(string(signed), "993", "994", 1))
	require.NotEqual(t, signed, changed)
	cmd = exec.Command(openssl, "smime", "-verify", "-inform", "DER", "-CAfile", file, "-purpose", "any", "-out", "/dev/null")
	cmd.Stdin = strings.NewReader(string(changed))
	require.Error(t, cmd.Run())

	cmd = exec.Command(python, "-c", readProfile)
	cmd.Stdin = strings.NewReader(string(plain))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, `Configuration 1 org.example.email 36 True False
EmailAccountDescription o'hara&co@example.org
EmailAccountType EmailTypeIMAP
EmailAddress o'hara&co@example.org
IncomingMailServerAuthentication EmailAuthPassword
IncomingMailServerHostName mail.example.org
IncomingMailServerPortNumber 993
IncomingMailServerUseSSL True
IncomingMailServerUsername o'hara&co@example.org
OutgoingMailServerAuthentication EmailAuthPassword
OutgoingMailServerHostName mail.example.org
OutgoingMailServerPortNumber 465
OutgoingMailServerUseSSL True
OutgoingMailServerUsername o'hara&co@example.org
OutgoingPasswordSameAsIncomingPassword True
PayloadDisplayName o'hara&co@example.org
PayloadIdentifier org.example.email.account
PayloadType com.apple.mail.managed
PayloadVersion 1
`, string(out))
	s.Services = s.Services[2:3]
	s.Password, s.CRAM, s.Certificate = false, true, nil
	w := ask(handler(s), "GET", "/email.mobileconfig?email=a@example.org", "")
	require.Contains(t, w.Body.String(), "EmailTypePOP")
	require.Contains(t, w.Body.String(), "EmailAuthCRAMMD5")
}

// Whatever comes, the answer is a document, and the address in it is the one that was asked for.
func FuzzOutlook(f *testing.F) {
	f.Add(outlookAsks)
	f.Add(`<!DOCTYPE a><Autodiscover/>`)
	f.Add(strings.Replace(outlookAsks, "alice", "<![CDATA[a&b]]>", 1))
	h := handler(site())
	f.Fuzz(func(t *testing.T, body string) {
		w := ask(h, "POST", autoconfig.OutlookPath, body)
		if w.Code != 200 {
			return
		}
		d := xml.NewDecoder(w.Body)
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
