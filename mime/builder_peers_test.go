package mime_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

// peer finds a program that reads what we wrote.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(name + " is missing")
		}
		t.Skip(name + " is missing")
	}
	return path
}

const pythonReader = `
import sys, json, email, email.policy, hashlib, glob, os
for f in sorted(glob.glob(sys.argv[1] + "/*.eml")):
    m = email.message_from_bytes(open(f, "rb").read(), policy=email.policy.default)
    def addrs(h):
        v = m[h]
        return [[a.display_name, (a.username + "@" + a.domain)] for a in v.addresses] if v is not None else []
    parts, defects = [], []
    for p in m.walk():
        defects += [str(d) for d in p.defects]
        for h in p.values(): defects += [str(d) for d in getattr(h, "defects", ())]
        if p.is_multipart(): continue
        parts.append({"Type": p.get_content_type(), "Filename": p.get_filename() or "", "Data": list(p.get_payload(decode=True)),
            "ID": p["Content-ID"] or "", "Method": p.get_param("method") or "", "Disposition": p.get_content_disposition() or "",
            "Text": p.get_content() if p.get_content_maintype() == "text" and p.get_content_disposition() is None else ""})
    print(json.dumps({"File": os.path.basename(f), "Subject": str(m["Subject"] or ""), "From": addrs("From"), "To": addrs("To"), "Cc": addrs("Cc"), "ReplyTo": addrs("Reply-To"),
        "Date": m["Date"].datetime.isoformat(), "ID": m["Message-ID"], "References": (m["References"] or "").split(), "Parts": parts, "Defects": defects}))
`

type pythonMessage struct {
	File, Subject, Date, ID string
	From, To, Cc, ReplyTo   [][2]string
	References, Defects     []string
	Parts                   []pythonPart
}

type pythonPart struct {
	Type, Filename, ID, Method, Disposition, Text string
	Data                                          []int
}

// TestBuilderReadByPython: Python's email package shows what was meant, and finds no fault.
func TestBuilderReadByPython(t *testing.T) {
	python := peer(t, "python3")
	dir := t.TempDir()
	byFile := map[string]*composed{}
	for i, w := range cases(t) {
		name := fmt.Sprintf("%03d.eml", i)
		byFile[name] = w
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(w.msg), 0o600))
	}
	cmd := exec.Command(python, "-c", pythonReader, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var m pythonMessage
		require.NoError(t, dec.Decode(&m))
		w := byFile[m.File]
		delete(byFile, m.File)
		require.Empty(t, m.Defects, w.name)
		require.Equal(t, w.b.Subject, m.Subject, w.name)
		require.Equal(t, w.addresses(t, w.b.From), m.From, w.name)
		require.Equal(t, w.addresses(t, w.b.To), m.To, w.name)
		require.Equal(t, w.addresses(t, w.b.Cc), m.Cc, w.name)
		require.Equal(t, w.addresses(t, w.b.ReplyTo), m.ReplyTo, w.name)
		require.Equal(t, "2026-11-22T09:00:00+07:00", m.Date, w.name)
		require.Equal(t, "<"+w.b.MessageID+">", m.ID, w.name)
		require.Len(t, m.References, len(w.b.References), w.name)
		at := 0
		next := func() pythonPart { at++; return m.Parts[at-1] }
		if w.b.Text != "" || w.b.HTML == "" && len(w.files) == 0 {
			p := next()
			require.Equal(t, "text/plain", p.Type, w.name)
			require.Equal(t, strings.ReplaceAll(w.b.Text, "\r\n", "\n"), strings.ReplaceAll(p.Text, "\r\n", "\n"), w.name)
		}
		if w.b.HTML != "" {
			p := next()
			require.Equal(t, "text/html", p.Type, w.name)
			require.Equal(t, w.b.HTML, strings.ReplaceAll(p.Text, "\r\n", "\n"), w.name)
		}
		files := func(inline bool) {
			for i, f := range w.b.Attachments {
				if f.Inline != inline {
					continue
				}
				p := next()
				require.Equal(t, f.Filename, p.Filename, w.name)
				data := make([]byte, len(p.Data))
				for j := range data {
					data[j] = byte(p.Data[j])
				}
				require.Equal(t, string(w.files[i]), string(data), w.name)
				if f.Inline {
					require.Equal(t, "<"+f.ContentID+">", p.ID)
					require.Equal(t, "inline", p.Disposition)
				} else {
					require.Equal(t, "attachment", p.Disposition)
				}
			}
		}
		files(true)
		if w.b.Calendar != nil {
			p := next()
			require.Equal(t, "text/calendar", p.Type)
			require.Equal(t, "REQUEST", p.Method)
			require.Equal(t, invitation, strings.ReplaceAll(p.Text, "\r\n", "\n"))
		}
		files(false)
		require.Len(t, m.Parts, at, w.name)
	}
	require.Empty(t, byFile, "messages that Python didn't read")
}

// TestBuilderReadByMutt: mutt, asked to show each message, shows its identifier, subject, author and text.
func TestBuilderReadByMutt(t *testing.T) {
	mutt, script := peer(t, "mutt"), peer(t, "script")
	dir := t.TempDir()
	all := cases(t)
	box := filepath.Join(dir, "box")
	for _, sub := range []string{"new", "cur", "tmp"} {
		require.NoError(t, os.MkdirAll(filepath.Join(box, sub), 0o755))
	}
	for i, w := range all {
		require.NoError(t, os.WriteFile(filepath.Join(box, "cur", fmt.Sprintf("%d.%03d.x:2,S", 1700000000+i, i)), []byte(w.msg), 0o600))
	}
	shown, config := filepath.Join(dir, "shown"), filepath.Join(dir, "muttrc")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `set folder="%s" spoolfile="%s" mbox_type=Maildir quit=yes header_cache="" record="" sleep_time=0 charset=utf-8
set pipe_decode=yes pipe_split=yes wait_key=no read_inc=0 sort=mailbox-order rfc2047_parameters=no
ignore *
unignore subject from to message-id
hdr_order message-id from to subject
push "<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> %s; echo ==END== >> %s<enter><quit>"
`, dir, box, shown, shown), 0o600))
	cmd := exec.Command("/usr/bin/env", "TERM=dumb", "HOME="+dir, "LC_ALL=C.UTF-8", script, "-qec", mutt+" -n -F "+config, "/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	b, err := os.ReadFile(shown)
	require.NoError(t, err)
	pieces := strings.Split(string(b), "==END==\n")
	require.Len(t, pieces, len(all)+1)
	byID := map[string]string{} // mutt's order is that of the inodes, which the file system gives as it likes
	for _, piece := range pieces[:len(all)] {
		id, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(piece), "Message-ID: "), "\n")
		byID[strings.TrimSpace(id)] = piece
	}
	require.Len(t, byID, len(all), "each message once")
	for _, w := range all {
		head, body, _ := strings.Cut(byID["<"+w.b.MessageID+">"], "\n\n")
		head = strings.Join(strings.Fields(head), " ")
		require.Contains(t, head, "<"+w.b.MessageID+">", w.name)
		require.Contains(t, head, strings.Join(strings.Fields("Subject: "+w.b.Subject), " "), w.name)
		for a := range mime.Mailboxes(w.b.From) {
			require.Contains(t, head, a.Name+" <"+a.Addr()+">", w.name)
		}
		if w.b.Text != "" && w.name != "controls" {
			require.Contains(t, strings.Join(strings.Fields(body), " "), strings.Join(strings.Fields(w.b.Text), " "), w.name)
		}
	}
}

// TestBuilderReadByDovecot: what Dovecot's IMAP server says of the messages in a Maildir, ENVELOPE and BODYSTRUCTURE, is what was meant.
func TestBuilderReadByDovecot(t *testing.T) {
	doveadm := peer(t, "doveadm")
	dir, err := os.MkdirTemp("", "dovecot") // as root the program runs as nobody, who must be able to go there
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	byID := map[string]*composed{}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 65534, 65534
	}
	for _, sub := range []string{"box", "box/new", "box/cur", "box/tmp", "run"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
		require.NoError(t, os.Chown(filepath.Join(dir, sub), uid, gid))
	}
	for i, w := range cases(t) {
		byID["<"+w.b.MessageID+">"] = w
		require.NoError(t, os.WriteFile(filepath.Join(dir, "box/cur", fmt.Sprintf("%d.%03d.x:2,S", 1700000000+i, i)), []byte(w.msg), 0o644))
	}
	config := filepath.Join(dir, "dovecot.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "mail_location = maildir:%s/box\nmail_uid = %d\nmail_gid = %d\nfirst_valid_uid = 1\nssl = no\nbase_dir = %s/run\nstate_dir = %s/run\n", dir, uid, gid, dir, dir), 0o644))
	cmd := exec.Command(doveadm, "-c", config, "exec", "imap")
	cmd.Env = []string{"USER=test", "HOME=" + dir + "/run", "PATH=" + os.Getenv("PATH")}
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("a EXAMINE INBOX\r\nb FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)\r\nc LOGOUT\r\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for rest := string(out); rest != ""; {
		i := strings.Index(rest, " FETCH (")
		if i < 0 {
			break
		}
		var value any
		value, rest = parseIMAP(t, rest[i+len(" FETCH "):])
		items := map[string]any{}
		list := value.([]any)
		for j := 0; j+1 < len(list); j += 2 {
			items[list[j].(string)] = list[j+1]
		}
		env := items["ENVELOPE"].([]any)
		w := byID[env[9].(string)]
		require.NotNil(t, w, env[9])
		delete(byID, env[9].(string))
		require.Equal(t, strconv.Itoa(len(w.msg)), items["RFC822.SIZE"], w.name)
		require.Equal(t, "Sun, 22 Nov 2026 09:00:00 +0700", env[0], w.name)
		require.Equal(t, w.b.Subject, stdWord(t, env[1]), w.name)
		require.Equal(t, w.addresses(t, w.b.From), imapAddresses(t, env[2]), w.name)
		require.Equal(t, w.addresses(t, w.b.To), imapAddresses(t, env[5]), w.name)
		require.Equal(t, w.addresses(t, w.b.Cc), imapAddresses(t, env[6]), w.name)
		leaves := imapLeaves(t, items["BODYSTRUCTURE"].([]any))
		n := len(w.b.Attachments)
		if w.b.Text != "" || w.b.HTML == "" && n == 0 {
			n++
		}
		if w.b.HTML != "" {
			n++
		}
		if w.b.Calendar != nil {
			n++
		}
		require.Len(t, leaves, n, w.name)
		at := 0
		for _, l := range leaves {
			if l.disposition != "" {
				require.Equal(t, w.b.Attachments[at].Filename, l.filename, w.name)
				require.Equal(t, map[bool]string{true: "inline", false: "attachment"}[w.b.Attachments[at].Inline], l.disposition, w.name)
				at++
			}
		}
		require.Equal(t, len(w.b.Attachments), at, w.name)
	}
	require.Empty(t, byID, "messages that Dovecot didn't tell of")
}
