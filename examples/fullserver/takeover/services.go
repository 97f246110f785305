package takeover

import (
	"net"
	"strings"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// protocols says which there are. Where they are listened for is in services.
func (t *translation) protocols() {
	for _, s := range t.model.settings {
		if s.name != "protocols" {
			continue
		}
		if strings.TrimSpace(s.value) == "" {
			t.find(Translated, s, "", "neither IMAP nor POP3 is served")
		}
		for p := range strings.FieldsSeq(s.value) {
			one := s
			one.said = "protocols: " + p
			switch p {
			case "imap", "pop3":
				t.find(Translated, one, "", "%s_listen, %ss_listen", p, p)
			case "lmtp":
				t.same(one, "mail gets from the queue to the mailboxes within the server")
			case "sieve":
				t.find(Differs, one, "", "there is no ManageSieve service")
			case "submission":
				t.find(Differs, one, "set submission_listen and submissions_listen, or a service in master.cf", "submission is Postfix's: master.cf says where")
			default:
				t.find(Differs, one, "", "this protocol isn't here")
			}
		}
	}
}

// has reports whether a protocol is served.
func (t *translation) has(protocol string) bool {
	for _, s := range t.model.settings {
		if s.name == "protocols" {
			for p := range strings.FieldsSeq(s.value) {
				if p == protocol {
					return true
				}
			}
			return false
		}
	}
	return !t.v24 // 2.3's default
}

// services are where clients connect, and processes, of which there is one here.
func (t *translation) services() {
	listen := map[string][]string{}
	for _, p := range []struct{ name, port, tls string }{{"imap", "143", "993"}, {"pop3", "110", "995"}} {
		if !t.has(p.name) {
			continue
		}
		listen[p.name] = t.addresses(nil, p.port)
		if t.value("ssl") != "no" {
			listen[p.name+"s"] = t.addresses(nil, p.tls)
		}
	}
	for _, s := range t.model.services {
		for _, v := range s.Settings {
			t.same(setting{said: s.Title() + ": " + v.Name + " = " + v.Value, line: v.Line}, "is about Dovecot's processes; this server is one program")
		}
		for _, l := range s.Sections {
			t.listener(s, l, listen)
		}
	}
	for _, name := range []string{"imap", "imaps", "pop3", "pop3s", "lmtp", "auth"} {
		if len(listen[name]) > 0 {
			t.param(name+"_listen", strings.Join(listen[name], " "))
		}
	}
}

// listener is one of a service's sockets.
func (t *translation) listener(s, l *doveconf.Section, listen map[string][]string) {
	about := setting{said: s.Title() + " / " + l.Title(), line: l.Line}
	for _, v := range l.Settings {
		about.said += ", " + v.Name + " = " + v.Value
	}
	protocol, login := strings.CutSuffix(s.Name, "-login")
	inet := l.Kind == "inet_listener"
	switch {
	case inet && login && (protocol == "imap" || protocol == "pop3"):
		if !t.has(protocol) {
			t.same(about, "is of a protocol that isn't served")
			return
		}
		name, tls := protocol, l.Value("ssl") == "yes" || l.Name == protocol+"s"
		if tls {
			name += "s"
		}
		usual := l.Name == protocol || l.Name == protocol+"s"
		if l.Value("haproxy") == "yes" {
			t.find(Differs, about, "let clients connect directly, or by another port", "IMAP and POP3 behind a proxy show the proxy's address")
		}
		port, given := l.Get("port")
		switch {
		case port == "0":
			if usual {
				delete(listen, name)
			}
			t.find(Translated, about, "", "nobody listens there")
			return
		case !given && usual:
			port = map[string]string{"imap": "143", "imaps": "993", "pop3": "110", "pop3s": "995"}[l.Name]
		case !given:
			t.same(about, "has no port")
			return
		}
		if tls && t.value("ssl") == "no" {
			t.same(about, "there is no TLS from the start")
			return
		}
		at := t.addresses(l, port)
		if usual {
			listen[name] = at
		} else {
			listen[name] = append(listen[name], at...)
		}
		t.find(Translated, about, "", "%s_listen = %s", name, strings.Join(at, " "))
	case s.Name == "lmtp" && inet && l.Value("port") != "" && l.Value("port") != "0":
		at := t.addresses(l, l.Value("port"))
		listen["lmtp"] = append(listen["lmtp"], at...)
		t.find(Translated, about, "", "lmtp_listen = %s", strings.Join(at, " "))
	case s.Name == "lmtp":
		t.same(about, "mail gets from the queue to the mailboxes within the server")
	case s.Name == "auth" && inet && l.Value("port") != "" && l.Value("port") != "0":
		at := t.addresses(l, l.Value("port"))
		listen["auth"] = append(listen["auth"], at...)
		t.find(Translated, about, "", "auth_listen = %s", strings.Join(at, " "))
	case s.Name == "auth" && strings.Contains(l.Name, "/private/"):
		t.same(about, "SMTP clients log in with the same users within the server")
	case s.Name == "auth":
		t.find(Differs, about, "set auth_listen, auth_userdb_listen for programs that ask", "Dovecot's sockets aren't there")
	case inet && strings.Contains(s.Name, "quota-status") || strings.Contains(s.Value("executable"), "quota-status"):
		for _, a := range t.addresses(l, l.Value("port")) {
			_, port, _ := net.SplitHostPort(a)
			t.policies = append(t.policies, port)
		}
		if l.Kind == "unix_listener" {
			t.policies = append(t.policies, l.Name)
		}
		t.same(about, "a full mailbox is refused when it is named")
	case s.Name == "managesieve-login" || s.Name == "managesieve":
		t.find(Differs, about, "", "there is no ManageSieve service")
	case s.Name == "doveadm" && inet:
		t.find(Differs, about, "use ssh", "commands come by a socket of this machine, never by the network")
	case s.Name == "stats" && inet:
		t.find(Differs, about, "metrics_listen gives this server's to Prometheus", "Dovecot's metrics aren't here")
	case s.Name == "submission-login":
		t.find(Differs, about, "", "submission is Postfix's: master.cf says where")
	case inet:
		t.find(Differs, about, "look whether you need it", "nobody listens there")
	default:
		t.same(about, "is between Dovecot's processes")
	}
}

// addresses are those of a listener, or of all, as a ..._listen parameter has them.
func (t *translation) addresses(l *doveconf.Section, port string) (out []string) {
	list := t.value("listen")
	if l != nil {
		if v := l.Value("address") + l.Value("listen"); v != "" {
			list = v
		}
	}
	all := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	any4, any6 := len(all) == 0, len(all) == 0
	for _, a := range all {
		switch a {
		case "*":
			any4 = true
		case "::", "[::]":
			any6 = true
		default:
			out = append(out, net.JoinHostPort(strings.Trim(a, "[]"), port))
		}
	}
	switch {
	case any4 && any6:
		return append(out, ":"+port)
	case any4:
		return append(out, "0.0.0.0:"+port)
	case any6:
		return append(out, "[::]:"+port)
	}
	return out
}

// filters are settings for some clients, or some names.
func (t *translation) filters() {
	var sni strings.Builder
	for _, f := range t.model.filters {
		about := setting{said: f.Title(), line: f.Line}
		cert, key := strings.TrimPrefix(f.Value("ssl_cert")+f.Value("ssl_server_cert_file"), "<"), strings.TrimPrefix(f.Value("ssl_key")+f.Value("ssl_server_key_file"), "<")
		if s := f.Find("ssl_server", ""); s != nil {
			cert, key = s.Value("cert_file"), s.Value("key_file")
		}
		if f.Kind == "local_name" && cert != "" && key != "" {
			sni.WriteString(strings.TrimPrefix(f.Name, "*") + " " + key + ", " + cert + "\n")
			t.find(Translated, about, "", "tls_server_sni_maps, with certificate %s", cert)
		}
		for in, v := range f.All() {
			if f.Kind == "local_name" && cert != "" && key != "" && (strings.Contains(v.Name, "cert") || strings.Contains(v.Name, "key")) {
				continue
			}
			s := t.as(v, "", "")
			s.said = strings.Join(append([]string{f.Title()}, in...), " / ") + " / " + s.said
			if f.Kind == "remote" && s.name == "disable_plaintext_auth" {
				t.find(Differs, s, "let these clients use TLS", "who may log in without TLS is the same for all clients, except on this machine itself")
				continue
			}
			t.find(Differs, s, "look whether you need it", "settings are the same for all clients")
		}
	}
	if sni.Len() > 0 {
		t.made["sni"] = sni.String()
		t.param("tls_server_sni_maps", "texthash:$config_directory/sni")
	}
}
