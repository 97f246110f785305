//go:build unix

package course_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
	"github.com/buuta/mail/internal/peers"
)

// asScript writes a dialogue as a script of examples/conformance/script, which asks for what is the protocol's and leaves out what is
// only this server's way to say it: of SMTP the codes, of POP3 +OK and -ERR, of IMAP responses without their texts.
func asScript(b *block) (string, error) {
	o, err := openerOf(b.lines[0])
	if err != nil {
		return "", err
	}
	protocol := protocolOf(o.addr)
	out := []string{"protocol: " + protocol, "case: " + b.at(0), "given: greeting", "clause: MUST RFC 1 section 1", `"-"`, "en: -", "vi: -"}
	said := "" // the last command
	body := false
	lines := b.lines[1:]
	for i := 0; i < len(lines); i++ {
		who, text, _ := strings.Cut(lines[i], ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case who == "C":
			said, body = strings.ToUpper(text), false
			out = append(out, lines[i])
			if protocol == "imap" && !strings.HasSuffix(text, "}") {
				said = strings.Join(strings.Fields(said)[1:], " ")
			}
		case text == "<end>":
			out = append(out, "closed:")
		case text == "…":
		case protocol == "smtp":
			if len(text) > 3 && text[3] == '-' {
				continue
			}
			out = append(out, "S: "+text[:3])
		case protocol == "pop3" && body:
			if text == "." {
				body = false
			} else if text != "" {
				out = append(out, "M: "+text)
			}
		case protocol == "pop3":
			sign, _, _ := strings.Cut(text, " ")
			out = append(out, "S: "+sign)
			body = sign == "+OK" && (said == "LIST" || said == "UIDL" || said == "CAPA" || strings.HasPrefix(said, "RETR") || strings.HasPrefix(said, "TOP"))
			if body {
				out = append(out, "M: …")
			}
		case protocol == "imap":
			// Of a literal, what stands before it.
			if open := strings.LastIndexByte(text, '{'); open > 0 && strings.HasSuffix(text, "}") {
				for i++; i < len(lines) && !strings.HasSuffix(lines[i], ")"); i++ {
				}
				text = text[:open] + "…)"
			}
			if strings.HasPrefix(text, "* OK ") && !strings.HasPrefix(text, "* OK [") {
				text = "* OK"
			}
			out = append(out, "S: "+text)
		default:
			return "", fmt.Errorf("%s: no peer speaks %s", b.at(i), protocol)
		}
	}
	return strings.Join(out, "\n") + "\n", nil
}

// debian are Postfix and Dovecot, with the demo's users.
type debian struct {
	mta   *peers.MTA
	store *peers.Server
}

// postfixCF is a main.cf for the demo's domain.
const postfixCF = `compatibility_level = 3.6
myhostname = mail.example.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_maps = inline:{ alice@example.test=x, bob@example.test=x, postmaster@example.test=x }
header_checks = static:HOLD
smtpd_error_sleep_time = 0
`

// play runs a dialogue against the peer.
func (d *debian) play(t *testing.T, s *site, b *block, name string) {
	// What is typed in a login is Dovecot's own user, whose mail is what our server has for the same user.
	text, err := asScript(b)
	require.NoError(t, err)
	target := &script.Target{Name: name, User: "user1", Password: peers.Password, From: "bob@example.test", To: "alice@example.test", Timeout: limit,
		Dial: map[script.Protocol]script.Dialer{}}
	dialer := func(addr string) script.Dialer {
		return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) }
	}
	if name == "postfix" {
		target.Dial[script.SMTP] = dialer(d.mta.SMTP)
	} else {
		text = strings.NewReplacer("alice@example.test <password>", "user1 "+peers.Password, "USER alice@example.test", "USER user1").Replace(text)
		target.Dial[script.IMAP], target.Dial[script.POP3] = dialer(d.store.IMAP), dialer(d.store.POP3)
		d.fill(t, s)
	}
	parsed, err := script.Parse("x", text)
	require.NoError(t, err, text)
	r := script.NewRunner(target)
	for _, c := range parsed.Cases {
		for _, result := range r.Run(t.Context(), c) {
			require.Equal(t, script.Pass, result.Outcome, "%s with %s: %s\n%s", b.at(0), name, result.Why, result.Transcript)
		}
	}
}

// fill gives Dovecot's user the messages that alice has.
func (d *debian) fill(t *testing.T, s *site) {
	require.NoError(t, os.RemoveAll(d.store.Maildir))
	for _, dir := range []string{"", "new", "cur", "tmp"} {
		require.NoError(t, os.Mkdir(filepath.Join(d.store.Maildir, dir), 0o777))
		require.NoError(t, os.Chown(filepath.Join(d.store.Maildir, dir), 65534, 65534))
	}
	for _, dir := range []string{"new", "cur"} {
		from := filepath.Join(s.dir, "fullserver-data", "mail", "example.test", "alice", dir)
		files, err := os.ReadDir(from)
		require.NoError(t, err)
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(from, f.Name()))
			require.NoError(t, err)
			to := filepath.Join(d.store.Maildir, dir, f.Name())
			require.NoError(t, os.WriteFile(to, text, 0o666))
			require.NoError(t, os.Chown(to, 65534, 65534))
		}
	}
}

// TestPeers plays the dialogues that are marked so with Debian's Postfix and Dovecot, each at the place where the lesson has it: the student's
// mailbox is theirs.
func TestPeers(t *testing.T) {
	need(t, "sh", "curl", "openssl", "grep", "base64")
	d := &debian{mta: peers.Postfix(t, postfixCF, nil), store: peers.Dovecot(t, "")}
	played := map[string]int{}
	for _, file := range lessons(t) {
		l := readLesson(t, file)
		last := -1
		for i, b := range l.blocks {
			if b.is("postfix") || b.is("dovecot") {
				last = i
			}
		}
		if last < 0 {
			continue
		}
		t.Run(file, func(t *testing.T) {
			s := newSite(t)
			for i, b := range l.blocks[:last+1] {
				for _, name := range []string{"postfix", "dovecot"} {
					if b.is(name) {
						d.play(t, s, b, name)
						played[name]++
					}
				}
				if i < last {
					require.NoError(t, s.play(b))
				}
			}
		})
	}
	require.NotZero(t, played["postfix"])
	require.NotZero(t, played["dovecot"])
}
