package backup

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/queue"
)

// site is a server's files in a folder.
type site struct {
	t   *testing.T
	dir string
	Server
}

func newSite(t *testing.T) *site {
	dir := t.TempDir()
	s := &site{t: t, dir: dir}
	s.Head = Head{Program: "test", Host: "mx.example.test", Config: dir + "/etc/main.cf", Data: dir + "/data", Queue: dir + "/data/queue"}
	s.Now = time.Now
	s.Store = storeAt(dir + "/data/mail")
	s.Users = func(context.Context) ([]string, error) { return []string{"binh", "an", "nobody"}, nil }
	require.NoError(t, os.MkdirAll(dir+"/etc", 0o700))
	require.NoError(t, os.MkdirAll(dir+"/data/settings", 0o700))
	return s
}

func storeAt(dir string) *maildir.Store {
	return &maildir.Store{Path: dir + "/%u", MustExist: true, NoSync: true, NoTextCache: true}
}

func (s *site) account(user string) mail.Account {
	s.t.Helper()
	require.NoError(s.t, os.MkdirAll(s.dir+"/data/mail/"+user, 0o700))
	return open(s.t, s.Store, user)
}

func open(t *testing.T, s *maildir.Store, user string) mail.Account {
	t.Helper()
	a, err := s.Account(t.Context(), user)
	require.NoError(t, err)
	t.Cleanup(func() { a.Close() })
	return a
}

func (s *site) write(name, content string) {
	s.t.Helper()
	require.NoError(s.t, os.MkdirAll(filepath.Dir(filepath.Join(s.dir, name)), 0o700))
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600))
}

// small fills a site with a bit of everything.
func (s *site) small() {
	s.t.Helper()
	s.write("etc/main.cf", "myhostname = mx.example.test\ndkim_key_table = "+s.dir+"/etc/dkim\n")
	s.write("etc/dkim", "s._domainkey.example.test example.test:s:"+s.dir+"/keys/s.private\n")
	s.write("keys/s.private", "-----BEGIN PRIVATE KEY-----\n")
	s.write("data/users", "an:{PLAIN}x\n")
	s.write("data/settings/an", "{}\n")
	s.write("data/greylist.lock", "")
	a := s.account("an")
	for _, name := range []string{"Lists/Đi chợ", "Empty"} {
		_, err := a.Create(s.t.Context(), name, nil)
		require.NoError(s.t, err)
	}
	require.NoError(s.t, a.Subscribe(s.t.Context(), "Lists/Đi chợ", true))
	for i := range 5 {
		put(s.t, a, "INBOX", message(i), mail.NewFlags(`\Seen`, "work"))
	}
	put(s.t, a, "Lists/Đi chợ", message(5), mail.NewFlags(`\Flagged`))
	put(s.t, s.account("binh"), "INBOX", message(6), mail.Flags{})
	s.queued("hello", false)
	s.queued("waits", true)
	s.Files, _ = ReadConfig(s.Config, []string{s.dir + "/etc/dkim"}, nil)
}

func message(i int) string {
	return fmt.Sprintf("Message-ID: <m%d@example.test>\r\nSubject: =?utf-8?q?Ch=C3=A0o_%d?=\r\nFrom: an@example.test\r\n\r\nbody %d\r\n", i, i, i)
}

func put(t *testing.T, a mail.Account, box, text string, f mail.Flags) mail.UID {
	t.Helper()
	b, err := a.Open(t.Context(), box)
	require.NoError(t, err)
	defer b.Close()
	tx, err := b.Append(t.Context())
	require.NoError(t, err)
	require.NoError(t, tx.Add(t.Context(), strings.NewReader(text), &mail.AppendOptions{Flags: f, InternalDate: time.Unix(1_700_000_000, 0)}))
	done, err := tx.Commit(t.Context())
	require.NoError(t, err)
	return done.UIDs[0]
}

// queued puts a message into the queue.
func (s *site) queued(text string, held bool) {
	s.t.Helper()
	q := &queue.Spool{Dir: s.Queue, Log: true}
	defer func() { require.NoError(s.t, q.Close()) }()
	queueOne(s.t, q, text, held)
}

func queueOne(t *testing.T, q *queue.Spool, text string, held bool) string {
	t.Helper()
	d, err := q.Create(t.Context())
	require.NoError(t, err)
	m := &queue.Message{From: "an@example.test", Recipients: []queue.Recipient{{Address: "x@elsewhere.test"}}}
	require.NoError(t, d.Write(t.Context(), m, strings.NewReader("Subject: "+text+"\r\n\r\n")))
	require.NoError(t, d.Commit(t.Context(), queue.Placement{Held: held}))
	return d.ID()
}

// seen is what a client can know of a message.
type seen struct {
	UID     mail.UID
	Flags   string
	Date    time.Time
	Content string
}

// all is what a client can know of an account: by mailbox, and by UIDVALIDITY.
func all(t *testing.T, a mail.Account) map[string][]seen {
	t.Helper()
	out := map[string][]seen{}
	for info, err := range a.Mailboxes(t.Context()) {
		require.NoError(t, err)
		if info.NoSelect || info.NonExistent {
			continue
		}
		b, err := a.Open(t.Context(), info.Name)
		require.NoError(t, err)
		st, err := b.State(t.Context())
		require.NoError(t, err)
		key := fmt.Sprintf("%s %d %s %v", info.Name, st.UIDValidity, info.ID, info.Subscribed)
		out[key] = []seen{}
		for m, err := range b.Messages(t.Context(), mail.AllUIDs(), mail.FieldFlags|mail.FieldDate) {
			require.NoError(t, err)
			body, err := b.OpenBody(t.Context(), m.UID)
			require.NoError(t, err)
			content, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
			require.NoError(t, err)
			require.NoError(t, body.Close())
			out[key] = append(out[key], seen{m.UID, strings.Join(m.Flags.Names(), " "), m.InternalDate, string(content)})
		}
		require.NoError(t, b.Close())
	}
	return out
}

func (s *site) verify(where string) []string {
	s.t.Helper()
	b, err := Open(where)
	if err != nil {
		return []string{err.Error()}
	}
	defer b.Close()
	var out []string
	files, err := b.Verify(s.t.Context(), func(err error) { out = append(out, err.Error()) }, nil)
	require.NoError(s.t, err)
	if len(out) == 0 {
		require.Positive(s.t, files)
	}
	return out
}

// whole restores all below a root and returns what was left out.
func whole(t *testing.T, where, root string) (WholeResult, []string) {
	t.Helper()
	b, err := Open(where)
	require.NoError(t, err)
	defer b.Close()
	var out []string
	res, err := b.All(t.Context(), Whole{Root: root, Now: time.Now, Damaged: func(err error) { out = append(out, err.Error()) }})
	require.NoError(t, err)
	return res, out
}

// What goes into a backup comes out of it: mail with UIDs, flags, dates and subscriptions, configuration, keys, the queue on hold; from a folder,
// a file and a stream alike.
func TestThereAndBack(t *testing.T) {
	s := newSite(t)
	s.small()
	where := map[string]string{"folder": s.dir + "/backups", "file": s.dir + "/b.tar", "stream": s.dir + "/s.tar"}
	res, err := ToFolder(t.Context(), &s.Server, where["folder"], false, nil)
	require.NoError(t, err)
	require.Empty(t, res.Missed)
	require.Equal(t, []int{2, 7, 7, 0, 2}, []int{res.Accounts, res.Messages, res.Copied, res.Linked, res.Queue})
	res, err = ToFile(t.Context(), &s.Server, where["file"], nil)
	require.NoError(t, err)
	require.Equal(t, []int{2, 7, 7, 0, 2}, []int{res.Accounts, res.Messages, res.Copied, res.Linked, res.Queue})
	f, err := os.Create(where["stream"])
	require.NoError(t, err)
	_, err = ToStream(t.Context(), &s.Server, f, nil)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	before := all(t, open(t, s.Store, "an"))
	require.Len(t, before, 4)
	for kind, name := range where {
		require.Empty(t, s.verify(name), kind)
		root := t.TempDir()
		res, damaged := whole(t, name, root)
		require.Empty(t, damaged, kind)
		require.Equal(t, WholeResult{Accounts: 2, Messages: 7, Files: 5, Queue: 2}, res, kind)
		for _, name := range []string{"etc/main.cf", "etc/dkim", "keys/s.private", "data/users", "data/settings/an"} {
			a, err := os.ReadFile(filepath.Join(s.dir, name))
			require.NoError(t, err)
			b, err := os.ReadFile(filepath.Join(root, s.dir, name))
			require.NoError(t, err, kind)
			require.Equal(t, a, b)
		}
		restored := storeAt(root + s.dir + "/data/mail")
		require.Equal(t, before, all(t, open(t, restored, "an")), kind)

		// No UID and no ModSeq comes again.
		was, err := open(t, s.Store, "an").Status(t.Context(), "INBOX")
		require.NoError(t, err)
		is, err := open(t, restored, "an").Status(t.Context(), "INBOX")
		require.NoError(t, err)
		require.Greater(t, is.UIDNext, was.UIDNext+100_000)
		require.Greater(t, is.HighestModSeq, was.HighestModSeq)
		require.Equal(t, was.UIDNext+uidGap, put(t, open(t, restored, "an"), "INBOX", "new", mail.Flags{}))

		q := &queue.Spool{Dir: root + s.Queue}
		n := 0
		for e, err := range q.List(t.Context(), queue.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, queue.Held, e.State)
			_, c, err := q.Open(t.Context(), e.ID)
			require.NoError(t, err)
			b, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Contains(t, "Subject: hello\r\n\r\nSubject: waits\r\n\r\n", string(b))
			require.NoError(t, c.Close())
			n++
		}
		require.Equal(t, 2, n)
		require.NoError(t, q.Close())

		// Once more: everything is there, nothing is changed.
		res, _ = whole(t, name, root)
		require.Equal(t, WholeResult{Kept: 4}, res, "two accounts and two messages; the files are as they were")
	}
	for _, name := range []string{where["file"], where["folder"] + "/" + filepath.Base(resWhere(t, where["folder"])) + "/MANIFEST"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "a backup holds secrets")
	}
}

func resWhere(t *testing.T, dir string) string {
	t.Helper()
	b, err := Open(dir)
	require.NoError(t, err)
	defer b.Close()
	return b.Where
}

// The next backup in a folder copies what is new and has changed, and shares the rest; removing the first leaves the second whole.
func TestIncremental(t *testing.T) {
	s := newSite(t)
	s.small()
	dir := s.dir + "/backups"
	first, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
	require.NoError(t, err)
	a := open(t, s.Store, "an")
	box, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer box.Close()
	lists, err := a.Open(t.Context(), "Lists/Đi chợ")
	require.NoError(t, err)
	defer lists.Close()
	_, err = box.SetFlags(t.Context(), mail.UIDSetOf(1), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Answered`)})
	require.NoError(t, err)
	_, err = box.Expunge(t.Context(), mail.UIDSetOf(2), nil)
	require.NoError(t, err)
	_, err = box.Copy(t.Context(), mail.UIDSetOf(3), lists.Info().ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	put(t, a, "INBOX", message(9), mail.Flags{})
	second, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
	require.NoError(t, err)
	require.NotEqual(t, first.Where, second.Where)
	require.Equal(t, []int{7, 1, 6}, []int{second.Messages, second.Copied, second.Linked}, "the moved one and that with a flag are as before")
	require.NoError(t, os.RemoveAll(first.Where))
	require.Empty(t, s.verify(dir))
	root := t.TempDir()
	_, damaged := whole(t, dir, root)
	require.Empty(t, damaged)
	require.Equal(t, all(t, a), all(t, open(t, storeAt(root+s.dir+"/data/mail"), "an")))

	third, err := ToFolder(t.Context(), &s.Server, dir, true, nil)
	require.NoError(t, err)
	require.Equal(t, []int{7, 7, 0}, []int{third.Messages, third.Copied, third.Linked})
	// A message that the last backup has lost or cut is copied again.
	b, err := Open(dir)
	require.NoError(t, err)
	defer b.Close()
	p, err := b.Account("an")
	require.NoError(t, err)
	cut := 0
	for _, e := range p.Entries {
		if e.GUID != "" && cut < 2 {
			if cut++; cut == 1 {
				require.NoError(t, os.Remove(filepath.Join(b.Where, e.Path)))
			} else {
				require.NoError(t, os.Truncate(filepath.Join(b.Where, e.Path), 3))
			}
		}
	}
	fourth, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
	require.NoError(t, err)
	require.Equal(t, []int{7, 2, 5}, []int{fourth.Messages, fourth.Copied, fourth.Linked})
	require.Empty(t, s.verify(dir))
	require.NotEmpty(t, s.verify(third.Where))

	// A clock that was put back, and the removal of an older one in the same second, leave the last the last.
	s.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	for range 3 {
		next, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
		require.NoError(t, err)
		b, err := Open(dir)
		require.NoError(t, err)
		require.Equal(t, next.Where, b.Where)
		require.NoError(t, b.Close())
		require.NoError(t, os.RemoveAll(fourth.Where))
	}
}

// Each file of a backup is damaged in turn: an octet changed, its end cut off, removed. Each is noticed and named, and all the rest is restored.
func TestDamageIsNoticed(t *testing.T) {
	s := newSite(t)
	s.small()
	res, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	var files []string
	require.NoError(t, filepath.WalkDir(res.Where, func(name string, d fs.DirEntry, err error) error {
		if d.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	}))
	require.Greater(t, len(files), 15)
	for n, name := range files {
		rel, err := filepath.Rel(res.Where, name)
		require.NoError(t, err)
		good, err := os.ReadFile(name)
		require.NoError(t, err)
		bad := map[string]func(){
			"removed": func() { require.NoError(t, os.Remove(name)) },
		}
		if len(good) > 0 {
			bad["changed"] = func() { flip(t, name, good, (n*7919)%len(good)) }
			bad["cut"] = func() { require.NoError(t, os.WriteFile(name, good[:len(good)-1], 0o600)) }
		}
		for how, damage := range bad {
			damage()
			said := s.verify(res.Where)
			require.NotEmpty(t, said, "%s: %s", how, rel)
			require.Contains(t, strings.Join(said, "\n"), rel, how)
			if how == "changed" && n%3 == 0 && rel != manifestName {
				back, damaged := whole(t, res.Where, t.TempDir())
				if rel != readmeName {
					require.Len(t, damaged, 1)
				}
				if strings.Contains(rel, "/cur/") || strings.Contains(rel, "/new/") {
					require.Equal(t, 6, back.Messages)
				} else {
					require.Equal(t, 7, back.Messages)
				}
			}
			require.NoError(t, os.WriteFile(name, good, 0o600))
		}
	}
	require.Empty(t, s.verify(res.Where))
}

func flip(t *testing.T, name string, good []byte, at int) {
	t.Helper()
	b := slices.Clone(good)
	b[at] ^= 0x20
	require.NoError(t, os.WriteFile(name, b, 0o600))
}

// In a tar file one octet of each block is changed in turn: either it is noticed, or it was one that means nothing.
func TestDamagedTar(t *testing.T) {
	s := newSite(t)
	s.small()
	name := s.dir + "/b.tar"
	_, err := ToFile(t.Context(), &s.Server, name, nil)
	require.NoError(t, err)
	good, err := os.ReadFile(name)
	require.NoError(t, err)
	b, err := Open(name)
	require.NoError(t, err)
	content := make([]bool, len(good)/tarBlock+1)
	for _, sp := range b.from.(*tarSource).files {
		for at := sp.from; at < sp.to; at += tarBlock {
			content[at/tarBlock] = true
		}
	}
	require.NoError(t, b.Close())
	noticed := 0
	for at := 0; at < len(good); at += tarBlock {
		flip(t, name, good, at)
		said := s.verify(name)
		if content[at/tarBlock] {
			require.NotEmpty(t, said, "block %d", at/tarBlock)
		}
		if len(said) > 0 {
			noticed++
		}
	}
	require.Greater(t, noticed, 40)
	require.NoError(t, os.WriteFile(name, good[:len(good)/2], 0o600))
	require.Contains(t, strings.Join(s.verify(name), ""), "no backup")
}

// Messages go to a user who has others meanwhile: below another mailbox, or where they were if they are missing; one by its Message-ID, by its
// UID, by words.
func TestToUser(t *testing.T) {
	s := newSite(t)
	s.small()
	_, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	b, err := Open(s.dir + "/backups")
	require.NoError(t, err)
	defer b.Close()
	a := open(t, s.Store, "an")
	to := func(sel Selection, parent string) (int, int) {
		t.Helper()
		res, err := b.ToUser(t.Context(), "an", sel, a, parent, func(err error) { t.Error(err) })
		require.NoError(t, err)
		return res.Messages, res.There
	}
	count := func(box string) int {
		t.Helper()
		st, err := a.Status(t.Context(), box)
		require.NoError(t, err)
		return int(st.Messages)
	}
	n, _ := to(Selection{MessageID: "<m3@example.test>"}, "Restored")
	require.Equal(t, 1, n)
	require.Equal(t, 1, count("Restored/INBOX"))
	_, err = a.Status(t.Context(), "Restored/Empty")
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	n, _ = to(Selection{Mailbox: "INBOX", UID: 2}, "One")
	require.Equal(t, 1, n)
	n, _ = to(Selection{Text: "CHÀO 5"}, "Text")
	require.Equal(t, 1, n)
	require.Equal(t, 1, count("Text/Lists/Đi chợ"))
	n, _ = to(Selection{Mailbox: "Lists"}, "L")
	require.Equal(t, 1, n)
	n, _ = to(Selection{}, "All")
	require.Equal(t, 6, n)
	require.Equal(t, 0, count("All/Empty"))
	got := all(t, a)
	key := func(name string) string {
		for k := range maps.Keys(got) {
			if strings.HasPrefix(k, name+" ") {
				return k
			}
		}
		t.Fatal(name)
		return ""
	}
	require.Equal(t, got[key("INBOX")], got[key("All/INBOX")], "flags, keywords and dates come along")

	box, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer box.Close()
	_, err = box.Expunge(t.Context(), mail.UIDSetOf(1, 4), nil)
	require.NoError(t, err)
	require.NoError(t, a.Delete(t.Context(), "Lists/Đi chợ"))
	put(t, a, "INBOX", message(20), mail.Flags{})
	n, there := to(Selection{}, "")
	require.Equal(t, []int{3, 3}, []int{n, there})
	require.Equal(t, 6, count("INBOX"))
	n, there = to(Selection{}, "")
	require.Equal(t, []int{0, 6}, []int{n, there}, "a second time adds nothing")

	var listed []string
	require.NoError(t, b.Messages(t.Context(), "an", Selection{Mailbox: "INBOX"}, func(m Listed) {
		listed = append(listed, fmt.Sprint(m.Mailbox, m.UID, m.Subject, m.ID))
	}, func(err error) { t.Error(err) }))
	slices.Sort(listed)
	require.Len(t, listed, 5)
	require.Equal(t, "INBOX1Chào 0<m0@example.test>", listed[0])
	_, err = b.ToUser(t.Context(), "chi", Selection{}, a, "", nil)
	require.ErrorContains(t, err, "no mail of chi")
}

// Mailboxes in folders within each other come back as they are, and a user's messages under the mailboxes' own names, however these are spelled on the disk.
func TestNested(t *testing.T) {
	s := newSite(t)
	s.Store.Layout, s.Store.UTF8 = maildir.LayoutFS, true
	s.Users = func(context.Context) ([]string, error) { return []string{"an"}, nil }
	a := s.account("an")
	for i, name := range []string{"Lists", "Lists/new", "R&D-x/a.b", "Đi chợ"} {
		_, err := a.Create(t.Context(), name, nil)
		require.NoError(t, err)
		put(t, a, name, message(i), mail.NewFlags("work"))
	}
	put(t, a, "INBOX", message(4), mail.Flags{})
	where := s.dir + "/backups"
	_, err := ToFolder(t.Context(), &s.Server, where, false, nil)
	require.NoError(t, err)
	require.Empty(t, s.verify(where))

	root := t.TempDir()
	_, damaged := whole(t, where, root)
	require.Empty(t, damaged)
	restored := storeAt(root + s.dir + "/data/mail")
	restored.Layout, restored.UTF8 = maildir.LayoutFS, true
	require.Equal(t, all(t, a), all(t, open(t, restored, "an")))

	b, err := Open(where)
	require.NoError(t, err)
	defer b.Close()
	res, err := b.ToUser(t.Context(), "an", Selection{}, a, "Restored", func(err error) { t.Error(err) })
	require.NoError(t, err)
	require.Equal(t, 5, res.Messages)
	for _, name := range []string{"INBOX", "Lists", "Lists/new", "R&D-x/a.b", "Đi chợ"} {
		st, err := a.Status(t.Context(), "Restored/"+name)
		require.NoError(t, err, name)
		require.Equal(t, uint32(1), st.Messages, name)
	}
}
