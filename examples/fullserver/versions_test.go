package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp/greylist"
)

// writeVersion has TestVersions make the data of this version, under this name: see testdata/versions/README.md.
var writeVersion = flag.String("write-version", "", "make testdata/versions/NAME.tar.gz as this version writes it")

// held is what a data directory holds, as the version told that has written it.
type held struct {
	Mailboxes map[string]heldMailbox
	Queue     map[string]string // subjects, and the state of each
}

type heldMailbox struct {
	UIDValidity uint32
	UIDNext     mail.UID
	ModSeq      mail.ModSeq
	ID          mail.MailboxID
	Subscribed  bool
	Messages    []heldMessage
}

type heldMessage struct {
	UID     mail.UID
	ModSeq  mail.ModSeq
	GUID    mail.GUID
	Flags   string
	Date    int64
	Content string
}

// fill makes an account, and a queue that is left as a crash leaves it, with no more than versions long ago had, and copies them to another folder while
// they are open.
func fill(ctx context.Context, dir, to string) (out held, err error) {
	must := func(e error) { err = errors.Join(err, e) }
	s := &maildir.Store{Path: dir + "/mail/example.test/an"}
	a, e := s.Account(ctx, "an@example.test")
	must(e)
	for _, name := range []string{"Lists/Đi chợ", "Empty", "Trash"} {
		_, e := a.Create(ctx, name, nil)
		must(e)
		must(a.Subscribe(ctx, name, name != "Empty"))
	}
	inbox, e := a.Open(ctx, "INBOX")
	must(e)
	for i := range 30 {
		tx, e := inbox.Append(ctx)
		must(e)
		must(tx.Add(ctx, strings.NewReader(fmt.Sprintf("Subject: m%d\r\nFrom: binh@example.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none %d\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n", i, i)),
			&mail.AppendOptions{InternalDate: time.Unix(1_700_000_000+int64(i), 0), Flags: mail.NewFlags([][]string{nil, {`\Seen`}, {`\Flagged`, "work"}, {"$Forwarded", "nhà"[:2]}}[i%4]...)}))
		_, e = tx.Commit(ctx)
		must(e)
	}
	lists, e := a.Open(ctx, "Lists/Đi chợ")
	must(e)
	_, e = inbox.Copy(ctx, mail.UIDRangeSet(3, 6), lists.Info().ID, nil)
	must(e)
	_, e = inbox.Copy(ctx, mail.UIDRangeSet(7, 9), lists.Info().ID, &mail.CopyOptions{Move: true})
	must(e)
	_, e = inbox.SetFlags(ctx, mail.UIDRangeSet(10, 14), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Deleted`, "later")})
	must(e)
	_, e = inbox.Expunge(ctx, mail.UIDRangeSet(12, 13), nil)
	must(e)
	out.Mailboxes, e = mailboxesOf(ctx, a)
	must(e)

	q := &queue.Spool{Dir: dir + "/queue"}
	withLog(q)
	out.Queue = map[string]string{}
	for i, at := range []queue.Placement{{}, {Held: true}, {NotBefore: time.Now().Add(time.Hour)}, {}} {
		d, e := q.Create(ctx)
		must(e)
		subject := fmt.Sprintf("q%d", i)
		must(d.Write(ctx, &queue.Message{From: "an@example.test", Recipients: []queue.Recipient{{Address: "x@elsewhere.test"}, {Address: "y@elsewhere.test"}}}, strings.NewReader("Subject: "+subject+"\r\n\r\nbody\r\n")))
		must(d.Commit(ctx, at))
		out.Queue[subject] = "waits"
		if at.Held {
			out.Queue[subject] = "hold"
		}
	}
	// One message has been delivered to one of its recipients.
	leases, _, e := q.Claim(ctx, queue.ClaimQuery{Messages: 1})
	must(e)
	for _, l := range leases {
		_, c, e := q.Open(ctx, l.ID)
		must(e)
		b, e := io.ReadAll(c)
		must(errors.Join(e, c.Close()))
		must(q.Finish(ctx, l, queue.Finish{Outcomes: []queue.Outcome{{Recipients: []int{1}, State: queue.Delivered}}, Retry: time.Now().Add(time.Hour)}))
		subject, _, _ := strings.Cut(strings.TrimPrefix(string(b), "Subject: "), "\r\n")
		out.Queue[subject] = "half"
	}
	must(exec.Command("cp", "-a", dir+"/.", to).Run()) // with the times of files
	must(errors.Join(inbox.Close(), lists.Close(), a.Close(), q.Close()))
	return out, err
}

// withLog has the queue keep what has just come in a log. Versions before 504fa532 have none.
func withLog(q *queue.Spool) { q.Log = true }

func mailboxesOf(ctx context.Context, a mail.Account) (map[string]heldMailbox, error) {
	out := map[string]heldMailbox{}
	for info, err := range a.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		if info.NoSelect || info.NonExistent {
			continue
		}
		b, err := a.Open(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		st, err := b.State(ctx)
		if err != nil {
			return nil, err
		}
		m := heldMailbox{UIDValidity: st.UIDValidity, UIDNext: st.UIDNext, ModSeq: st.HighestModSeq, ID: info.ID, Subscribed: info.Subscribed}
		for msg, err := range b.Messages(ctx, mail.AllUIDs(), mail.FieldFlags|mail.FieldDate|mail.FieldGUID) {
			if err != nil {
				return nil, err
			}
			body, err := b.OpenBody(ctx, msg.UID)
			if err != nil {
				return nil, err
			}
			content, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
			if err = errors.Join(err, body.Close()); err != nil {
				return nil, err
			}
			m.Messages = append(m.Messages, heldMessage{msg.UID, msg.ModSeq, msg.GUID, strings.Join(msg.Flags.Names(), " "), msg.InternalDate.Unix(), string(content)})
		}
		out[info.Name] = m
		if err := b.Close(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fillServer adds what else a server keeps.
func fillServer(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string]string{
		"users":             "an@example.test:{PLAIN}secret\n",
		"recovery-codes":    "",
		"webmail/settings/": "",
	} {
		if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o700))
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"passwd", "-app", "an@example.test", "imap", "phone"}, strings.NewReader(""), &out, &errs), errs.String())
	_, password, ok := strings.Cut(strings.TrimSpace(errs.String()), "again: ")
	require.True(t, ok, errs.String())
	require.NoError(t, os.WriteFile(dir+"/app-passwords", out.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(dir+"/app-password-in-words", []byte(password), 0o600))
	l, err := greylist.Open(dir+"/greylist", greylist.Options{})
	require.NoError(t, err)
	_ = l.Check(netip.MustParseAddr("192.0.2.1"), "a@elsewhere.test", "an@example.test")
	require.NoError(t, l.Close())
}

const versionMainCF = `myhostname = mx.example.test
mydomain = example.test
virtual_mailbox_domains = example.test
imap_listen = 127.0.0.1:0
lmtp_listen = 127.0.0.1:0
relayhost = [127.0.0.1]:1
greylist = yes
passdb = passwd-file:$data_directory/users app-passwords:$data_directory/app-passwords
maillog_file = $data_directory/log
`

// Data that earlier versions have written is read by this one, wholly, and goes on: UIDs, flags and ModSeqs stay or grow, the queue is as it was, what comes
// now gets the next UID.
func TestVersions(t *testing.T) {
	dir := "testdata/versions"
	if *writeVersion != "" {
		made, copied := t.TempDir(), t.TempDir()
		fillServer(t, made)
		h, err := fill(t.Context(), made, copied)
		require.NoError(t, err)
		writeArchive(t, filepath.Join(dir, *writeVersion+".tar.gz"), copied, h)
	}
	all, err := filepath.Glob(dir + "/*.tar.gz")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 3, "the first version is there still")
	for _, name := range all {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".tar.gz"), func(t *testing.T) { readVersion(t, name) })
	}
}

func writeArchive(t *testing.T, name, dir string, h held) {
	t.Helper()
	b, err := json.MarshalIndent(h, "", "\t")
	require.NoError(t, err)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "held.json", Size: int64(len(b)), Mode: 0o600, Typeflag: tar.TypeReg}))
	_, err = w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(name, out.Bytes(), 0o644))
}

// unpack unpacks a version's data into a folder.
func unpack(t *testing.T, name, dir string) (h held) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		e, err := r.Next()
		if err == io.EOF {
			return h
		}
		require.NoError(t, err)
		require.True(t, fs.ValidPath(strings.TrimSuffix(e.Name, "/")))
		to := filepath.Join(dir, e.Name)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		switch {
		case e.Name == "held.json":
			require.NoError(t, json.Unmarshal(b, &h))
		case e.Typeflag == tar.TypeDir:
			require.NoError(t, os.MkdirAll(to, 0o700))
		default:
			require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
			require.NoError(t, os.WriteFile(to, b, 0o600))
			require.NoError(t, os.Chtimes(to, e.ModTime, e.ModTime))
		}
	}
}

func readVersion(t *testing.T, name string) {
	dir := t.TempDir()
	h := unpack(t, name, dir+"/data")
	require.NotEmpty(t, h.Mailboxes)
	if _, err := os.Stat(dir + "/data/users"); err != nil {
		fillServer(t, dir+"/data") // of that version there is mail and a queue only
	}
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte(versionMainCF+"data_directory = "+dir+"/data\n"), 0o600))

	// The queue, before a server works on it.
	q := &queue.Spool{Dir: dir + "/data/queue"}
	queued := map[string]string{}
	for e, err := range q.List(t.Context(), queue.Filter{}) {
		require.NoError(t, err)
		_, c, err := q.Open(t.Context(), e.ID)
		require.NoError(t, err)
		b, err := io.ReadAll(c)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		subject, _, _ := strings.Cut(strings.TrimPrefix(string(b), "Subject: "), "\r\n")
		require.Equal(t, "an@example.test", e.From)
		queued[subject] = "waits"
		if e.State == queue.Held {
			queued[subject] = "hold"
		}
		if e.Recipients[1].State == queue.Delivered {
			queued[subject] = "half"
		}
	}
	require.Equal(t, h.Queue, queued)
	require.NoError(t, q.Close())

	c, err := config.Load(config.Options{File: file})
	require.NoError(t, err)
	m, err := server.OpenMail(c, server.Options{Stderr: io.Discard})
	require.NoError(t, err)
	a, err := m.Store.Account(t.Context(), "an@example.test")
	require.NoError(t, err)
	now, err := mailboxesOf(t.Context(), a)
	require.NoError(t, err)
	for name, was := range h.Mailboxes {
		is := now[name]
		require.GreaterOrEqual(t, is.ModSeq, was.ModSeq, name)
		require.Len(t, is.Messages, len(was.Messages), name)
		for i := range was.Messages {
			require.GreaterOrEqual(t, is.Messages[i].ModSeq, was.Messages[i].ModSeq)
			is.Messages[i].ModSeq = was.Messages[i].ModSeq
		}
		is.ModSeq = was.ModSeq
		require.Equal(t, was, is, name)
	}
	var faults []string
	_, err = m.Maildir().Check(t.Context(), "an@example.test", &maildir.CheckOptions{Found: func(f maildir.Fault) { faults = append(faults, f.String()) }})
	require.NoError(t, err)
	require.Empty(t, faults)
	require.NoError(t, a.Close())
	m.Close()

	// A server delivers into it, and the user reads with a password of old.
	s, end := runServer(t, file)
	require.Contains(t, lmtpSays(t, s.Addrs("lmtp_listen")[0].String(), "LHLO x", "MAIL FROM:<binh@example.test>", "RCPT TO:<an@example.test>", "DATA", "Subject: now\r\n\r\nnow\r\n."), "250 2.0.0")
	next := h.Mailboxes["INBOX"].UIDNext
	said := imapSays(t, s.Addrs("imap_listen")[0], "b SELECT INBOX", fmt.Sprintf("c UID FETCH %d (UID BODY[HEADER.FIELDS (SUBJECT)])", next))
	require.Contains(t, said, fmt.Sprintf("UIDVALIDITY %d]", h.Mailboxes["INBOX"].UIDValidity))
	require.Contains(t, said, "Subject: now")
	password, err := os.ReadFile(dir + "/data/app-password-in-words")
	require.NoError(t, err)
	require.NotEmpty(t, password)
	require.Contains(t, imapAs(t, s.Addrs("imap_listen")[0].String(), "an@example.test", string(password)), "a OK", "the app password is good still")
	end()
	l, err := greylist.Open(dir+"/data/greylist", greylist.Options{})
	require.NoError(t, err)
	require.Equal(t, 1, l.Len())
	require.NoError(t, l.Close())
}
