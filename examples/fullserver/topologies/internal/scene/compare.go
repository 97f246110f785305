package scene

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Comparison is a folder whose main.cf and tables are given to Debian's Postfix and to fullserver in turn: they must say the same to the same
// recipients, and bring the same messages to the same places under the same names.
type Comparison struct {
	Site    Site     // Users are those who have mailboxes
	Trusted string   // a client in mynetworks
	Own     []string // domains that the site takes mail for
	Others  []string // more domains that addresses are made with
	Sender  string   // whom messages are from, written as its machine would
	Zone    string
}

// outcome is what a server made of everything.
type outcome struct {
	stranger, trusted []string // replies to RCPT
	arrived           []string
	tables            map[string]string // what postmap -q says of every address
	verified          map[string]string // what sendmail -bv says
}

// Compare plays it.
func (s *Scene) Compare(c Comparison) {
	s.t.Helper()
	var locals, elsewhere []string
	var known strings.Builder
	for _, u := range c.Site.Users {
		local, _, _ := strings.Cut(u, "@")
		locals = append(locals, local)
		fmt.Fprintf(&known, "%s x\n%s x\n", u, local)
	}
	for line := range strings.Lines(c.Zone) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == "A" && f[2] != c.Site.Addr && !slices.Contains(elsewhere, f[2]) {
			elsewhere = append(elsewhere, f[2])
		}
	}
	to := Addresses("["+c.Site.Addr+"]", append(slices.Clone(c.Own), c.Others...), locals)
	require.GreaterOrEqual(s.t, len(to), 300)
	k := s.sinks(elsewhere)
	site := c.Site
	site.Files = map[string]string{"known": known.String()}
	site.Users = nil
	site.Params = append([]string{ // mailboxes are where both can bring mail, and who has one is in a table that both read
		"local_recipient_maps=hash:$config_directory/known $alias_maps", "virtual_mailbox_maps=hash:$config_directory/known",
		"mailbox_transport=lmtp:inet:[" + lmtpSink + "]:24", "virtual_transport=lmtp:inet:[" + lmtpSink + "]:24",
		"smtpd_hard_error_limit=100000", "smtpd_soft_error_limit=100000", "smtpd_client_connection_count_limit=0", "mail_auth_check=no", "smtp_tls_security_level=none",
		"minimal_backoff_time=300s", "maximal_backoff_time=4000s", "queue_run_delay=300s",
	}, site.Params...)
	var theirs, ours outcome
	for kind, out := range map[string]*outcome{"Debian": &theirs, "fullserver": &ours} {
		s.t.Run(kind, func(t *testing.T) {
			s := s.In(t)
			h := s.Host(kind, site)
			*out = s.outcome(h, c, to, k)
			if kind == "Debian" {
				h.Stop()
			}
		})
	}
	s.differences(&theirs, &ours, c, to)
}

// outcome asks and sends.
func (s *Scene) outcome(h *Host, c Comparison, to []string, k *sinks) (o outcome) {
	s.t.Helper()
	o.stranger, o.trusted = make([]string, len(to)), make([]string, len(to))
	var wg sync.WaitGroup
	ids := make([]string, len(to))
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < len(to); i += 8 {
				o.stranger[i] = s.recipient(h, Stranger, "sender@example.org", to[i], "")
				if ungrammatical(to[i]) != "" {
					o.trusted[i] = s.recipient(h, c.Trusted, c.Sender, to[i], "")
					continue
				}
				o.trusted[i] = s.recipient(h, c.Trusted, c.Sender, to[i], fmt.Sprintf(
					"From: Me <%[1]s>, bare\r\nTo: Somebody <nva@example.com>, root\r\nCc: lan@an.example, x@pc1.in.example.com (comment),\r\n \"quoted name\" <all@example.com>\r\nReply-To: alarm@example.com\r\nSubject: %[2]d\r\n\r\nx\r\n.", c.Sender, i))
				if _, id, ok := strings.Cut(o.trusted[i], "queued as "); ok {
					ids[i], o.trusted[i] = id, strings.TrimSuffix(o.trusted[i], id)
				}
			}
		})
	}
	wg.Wait()
	h.drained(ids)
	o.arrived = k.all()
	o.tables = h.tables(to)
	var ask []string
	for i, a := range to {
		if plain.MatchString(a) && slices.Contains(c.Own, a[strings.IndexByte(a, '@')+1:]) && (strings.HasPrefix(o.trusted[i], "250 ") || strings.Contains(o.trusted[i], "in virtual alias table")) {
			ask = append(ask, a)
		}
	}
	require.NotEmpty(s.t, ask)
	o.verified = h.verified(c.Sender, ask, k)
	return o
}

// recipient says RCPT and returns the reply; where it is yes, and there is a message, that is sent.
func (s *Scene) recipient(h *Host, from, sender, to, message string) string {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	conn, err := d.Dial("tcp", h.Addr+":25")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err.Error()
	}
	mail := "MAIL FROM:<" + sender + ">"
	if strings.ContainsFunc(to, func(r rune) bool { return r > 0x7f }) {
		mail += " SMTPUTF8"
	}
	l := lines{conn: conn}
	out := ""
	for _, say := range []string{"", "EHLO client.example.org", mail, "RCPT TO:<" + to + ">", "DATA", message, "QUIT"} {
		if say == "DATA" && message == "" {
			break
		}
		reply := l.say(say)
		if out = reply; len(reply) == 0 || reply[0] > '3' {
			break
		}
		if say == message && say != "" {
			return reply
		}
	}
	return out
}

// differences are errors of the test.
func (s *Scene) differences(theirs, ours *outcome, c Comparison, to []string) {
	t := s.t
	t.Helper()
	same, differ := 0, 0
	for i, a := range to {
		for _, x := range [][3]string{{"a stranger", theirs.stranger[i], ours.stranger[i]}, {"one of us", theirs.trusted[i], ours.trusted[i]}} {
			why := ungrammatical(a)
			switch {
			case x[1] == x[2]:
				same++
			case why == "":
				t.Errorf("RCPT TO:<%.100s> by %s:\n  Postfix %s\n  here    %s", a, x[0], x[1], x[2])
			default:
				differ++
			}
		}
	}
	diff(t, "arrivals", theirs.arrived, ours.arrived)
	for name, text := range theirs.tables {
		diff(t, "postmap -q of "+name, strings.Split(text, "\n"), strings.Split(ours.tables[name], "\n"))
	}
	verified := 0
	for a, verdict := range theirs.verified {
		if got, ok := ours.verified[a]; ok {
			verified++
			if got != verdict {
				t.Errorf("sendmail -bv %s:\n  Postfix %s\n  here    %s", a, verdict, got)
			}
		}
	}
	t.Logf("%d addresses: %d replies are the same, %d others on purpose; %d messages arrived; %d tables asked; %d verdicts of sendmail -bv", len(to), same, differ, len(ours.arrived), len(ours.tables), verified)
}

// ungrammatical says why RFC 5321 section 4.1.2 has no such address, "" where it has. Postfix makes one of it, or asks its tables about it all the
// same; here it is refused at once.
func ungrammatical(a string) string {
	if strings.HasPrefix(a, "@") && strings.Contains(a, ":") { // a source route: what counts is behind it
		a = a[strings.IndexByte(a, ':')+1:]
	}
	local, domain := a, ""
	i := strings.LastIndexByte(a, '@')
	if i >= 0 {
		local, domain = a[:i], a[i+1:]
	}
	quoted := len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"'
	switch {
	case strings.HasSuffix(domain, "."):
		return "a domain has no dot at its end"
	case !quoted && strings.Contains(local, "@"):
		return "a second @ has to be in quotes"
	case strings.HasPrefix(local, "("):
		return "comments are for header fields"
	case i == 0:
		return "there is no local part"
	}
	return ""
}

// diff tells what is in one of two sorted lists alone.
func diff(t *testing.T, what string, theirs, ours []string) {
	t.Helper()
	b := slices.Clone(ours)
	slices.Sort(b)
	for _, x := range theirs {
		if i, found := slices.BinarySearch(b, x); found {
			b = slices.Delete(b, i, i+1)
			continue
		}
		t.Errorf("%s: only with Postfix: %s", what, x)
	}
	for _, x := range b {
		t.Errorf("%s: only here: %s", what, x)
	}
}

// lines is a client that gives no reply its error.
type lines struct {
	conn net.Conn
	buf  []byte
}

// say sends a line, "" for nothing, and returns the last line of the reply, "" where there is none.
func (l *lines) say(line string) string {
	if line != "" {
		if _, err := l.conn.Write([]byte(line + "\r\n")); err != nil {
			return ""
		}
	}
	for {
		if i := bytes.IndexByte(l.buf, '\n'); i >= 0 {
			reply := strings.TrimRight(string(l.buf[:i]), "\r")
			l.buf = l.buf[i+1:]
			if len(reply) < 4 || reply[3] != '-' {
				return reply
			}
			continue
		}
		b := make([]byte, 4096)
		n, err := l.conn.Read(b)
		l.buf = append(l.buf, b[:n]...)
		if err != nil {
			return ""
		}
	}
}
