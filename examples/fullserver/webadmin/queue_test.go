package webadmin_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/examples/fullserver/webadmin"
)

// What waits is seen and changed by whose it is; what can't be taken back is shown before, with how many they are.
func TestQueue(t *testing.T) {
	s := newFixture(t)
	s.deferAll("come again <b>later</b>")
	body := "Subject: hello\r\nTo: x\r\n\r\nwhat it says\r\n"
	an, binh := s.send("lan@an.example", "x@far.example", body), s.send("minh@binh.example", "y@far.example", body)
	s.login("minh@binh.example")
	require.Eventually(t, func() bool { return strings.Contains(s.get("/admin/queue"), "come again") }, time.Minute, 10*time.Millisecond)
	require.Contains(t, s.page, binh)
	require.NotContains(t, s.page, an)
	require.Contains(t, s.page, "450 4.2.0 come again &lt;b&gt;later&lt;/b&gt;")
	s.get("/admin/queue/" + an)
	require.Equal(t, http.StatusNotFound, s.code)
	s.get("/admin/queue/" + binh)
	require.Contains(t, s.page, "Subject: hello")
	require.NotContains(t, s.page, "what it says")
	require.Eventually(t, func() bool {
		return strings.Contains(s.read("mail.log"), "minh@binh.example from 127.0.0.1: queue look at "+binh)
	}, time.Minute, 10*time.Millisecond)
	for _, do := range []string{"retry", "hold", "release"} {
		s.get("/admin/queue")
		s.post("/admin/queue", "do", do, "id", an)
		require.Equal(t, http.StatusNotFound, s.code, do)
	}
	for _, do := range []string{"bounce", "delete"} {
		s.get("/admin/queue")
		s.post("/admin/queue", "do", do, "id", an, "sure", "yes")
		require.Equal(t, http.StatusNotFound, s.code, do)
	}
	s.get("/admin/trace?q=" + an)
	require.NotContains(t, s.page, "far.example")
	s.get("/admin/trace?q=" + binh)
	require.Contains(t, s.page, "y@far.example: could not be delivered yet")

	s.login("root@an.example")
	s.get("/admin/queue?q=LAN@")
	require.Contains(t, s.page, an)
	require.NotContains(t, s.page, binh)
	s.post("/admin/queue", "do", "hold", "id", an)
	require.Equal(t, http.StatusOK, s.code, s.page)
	s.get("/admin/queue?state=hold")
	require.Contains(t, s.page, an)
	s.post("/admin/queue", "do", "delete", "id", an, "id", binh)
	require.Contains(t, s.page, "These 2 messages are deleted, and nobody is told")
	require.Contains(t, s.page, an+": lan@an.example → x@far.example")
	s.get("/admin/queue")
	require.Contains(t, s.page, "2 messages")
	s.post("/admin/queue", "do", "delete", "id", an, "id", binh, "sure", "yes")
	require.Equal(t, "/admin/queue?done=delete", s.url)
	require.Contains(t, s.page, "Nothing is waiting.")
}

// vectors are what strangers write where a text is expected; each has the marker "pwn".
var vectors = []string{`<img/src=x/onerror=pwn(1)>`, `"><script>pwn(2)</script>`, `'><svg/onload=pwn(3)>`, `</textarea></title><script>pwn(4)</script>`, `{{.}}pwn`, `pwn"autofocus/onfocus="pwn(6)`}

// poison puts vectors wherever strangers, and administrators of other domains, choose what is shown.
func (f *fixture) poison() (id string) {
	f.Helper()
	f.deferAll("no " + strings.Join(vectors, " "))
	id = f.send("lan@an.example", "x@far.example", "Subject: "+strings.Join(vectors, " ")+"\r\nX-"+"Odd: "+vectors[0]+"\r\nFrom: "+vectors[1]+" <lan@an.example>\r\nMessage-ID: <"+vectors[2]+"@x>\r\n\r\nx\r\n")
	line := "Nov 27 08:00:00 mail "
	log, err := os.OpenFile(f.dir+"/mail.log", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(f, err)
	defer log.Close()
	mine := f.http
	for i, v := range vectors {
		for _, text := range []string{"postfix/smtpd[1]: warning: " + v, "postfix/smtpd[1]: fatal: " + v, "fullserver/acme[1]: warning: " + v, "fullserver/admin[1]: " + v, "postfix/smtp[1]: 4ABCDEFGH: to=<" + v + "@far.example>, relay=" + v + ", delay=1, delays=0/0/0/0, dsn=4.0.0, status=deferred (" + v + ")",
			"postfix/smtpd[1]: NOQUEUE: reject: RCPT from " + v + "[192.0.2.1]: 550 5.1.1 " + v + "; from=<" + v + "> to=<x@an.example> proto=ESMTP helo=<" + v + ">"} {
			_, err := log.WriteString(line + text + "\n")
			require.NoError(f, err)
		}
		if i < 4 { // more would be slowed down
			f.http = f.browser()
			f.get("/admin/login")
			f.post("/admin/login", "user", v, "password", v)
			require.Equal(f, http.StatusUnauthorized, f.code)
		}
	}
	f.http = mine
	f.write("users", files["users"]+`<img/src=x/onerror=pwn(1)>@an.example:{PLAIN}x`+"\n")
	f.write("aliases", files["aliases"]+`<script>pwn(2)</script>@an.example  '><svg/onload=pwn(3)>@far.example`+"\n")
	f.write("admins", files["admins"]+`<img/src=x/onerror=pwn(1)>@an.example an.example`+"\n")
	return id
}

func (f *fixture) write(name, text string) {
	require.NoError(f, os.WriteFile(f.dir+"/"+name, []byte(text), 0o600))
}

// screens are all pages, with everything on them that poison has left.
func screens(id string) []string {
	return []string{"/admin/", "/admin/users?domain=an.example", "/admin/user?name=%3Cimg/src=x/onerror=pwn(1)%3E@an.example", "/admin/user?name=lan@an.example", "/admin/import", "/admin/aliases?domain=an.example",
		"/admin/alias?address=%3Cscript%3Epwn(2)%3C/script%3E@an.example", "/admin/alias?address=pwn%22onfocus=%22pwn(6)@an.example&to=%3C/textarea%3E%3Cscript%3Epwn(4)%3C/script%3E", "/admin/domains", "/admin/domain?name=an.example",
		"/admin/queue", "/admin/queue?q=%22%3E%3Cscript%3Epwn(2)%3C/script%3E", "/admin/queue/" + id, "/admin/trace?q=x@far.example", "/admin/trace?q=192.0.2.1", "/admin/trace?q=%22%3E%3Cscript%3Epwn(2)%3C/script%3E", "/admin/dns?domain=an.example", "/admin/dns?domain=binh.example",
		"/admin/logins", "/admin/logins?q=%22%3E%3Cscript%3Epwn(2)%3C/script%3E", "/admin/tls", "/admin/limits", "/admin/nosuch%3Cscript%3Epwn(2)%3C/script%3E"}
}

// Nothing that strangers write becomes more than text, on any page.
func TestPoison(t *testing.T) {
	s := newFixture(t)
	s.login("root@an.example")
	id := s.poison()
	shown := ""
	for _, path := range screens(id) {
		s.get(path)
		require.Less(t, s.code, 500, path)
		shown += s.page
		doc, err := html.Parse(strings.NewReader(s.page))
		require.NoError(t, err)
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			require.NotContains(t, []string{"script", "style", "svg", "img", "iframe", "object"}, n.Data, path)
			for _, a := range n.Attr {
				require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "autofocus" || a.Key == "style", "%s: %s=%q", path, a.Key, a.Val)
				if a.Key == "href" || a.Key == "action" {
					require.True(t, strings.HasPrefix(a.Val, "/admin/") || a.Val == "#main", "%s: %s", path, a.Val)
				}
			}
		}
	}
	for _, want := range []string{"no &lt;img/src=x/onerror=pwn(1)&gt;", "&#39;&gt;&lt;svg/onload=pwn(3)&gt;@far.example", "X-Odd: &lt;img"} {
		require.Contains(t, shown, want, "the poison is there")
	}
	for _, rt := range webadmin.Routes() { // none is forgotten
		if rt.Method == "GET" && !rt.Public && !strings.HasSuffix(rt.Path, ".csv") && !strings.HasSuffix(rt.Path, ".zone") {
			path := strings.NewReplacer("{$}", "", "{id}", id).Replace(rt.Path)
			found := false
			for _, p := range screens(id) {
				found = found || strings.Split(p, "?")[0] == path
			}
			require.True(t, found, rt.Path)
		}
	}
}
