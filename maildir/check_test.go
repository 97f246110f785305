package maildir_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// damaged is an account in which something is going to be wrong.
type damaged struct {
	t    *testing.T
	root string
}

func newDamaged(t *testing.T) *damaged {
	d := &damaged{t, t.TempDir()}
	a, err := d.store().Account(t.Context(), "alice")
	require.NoError(t, err)
	defer a.Close()
	_, err = a.Create(t.Context(), "Lists/Go", nil)
	require.NoError(t, err)
	for _, name := range []string{"INBOX", "Lists/Go"} {
		m, err := a.Open(t.Context(), name)
		require.NoError(t, err)
		require.NoError(t, add(t, m, letter(100), letter(200), letter(300)))
		_, err = m.SetFlags(t.Context(), mail.UIDSetOf(1, 2), mail.FlagChange{Flags: mail.NewFlags(`\Seen`, "urgent")})
		require.NoError(t, err)
		for _, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
			require.NoError(t, err)
		}
		require.NoError(t, m.Close())
	}
	require.NoError(t, a.Subscribe(t.Context(), "Lists/Go", true))
	return d
}

func (d *damaged) store() *maildir.Store {
	return &maildir.Store{PathFunc: func(string) (string, error) { return d.root, nil }, NoSync: true, Poll: -1, Quota: maildir.Quota{Storage: 1 << 30}}
}

func (d *damaged) check(repair bool) (faults []maildir.Fault, left int) {
	d.t.Helper()
	left, err := d.store().Check(d.t.Context(), "alice", &maildir.CheckOptions{Repair: repair, Found: func(f maildir.Fault) { faults = append(faults, f) }})
	require.NoError(d.t, err)
	return faults, left
}

// messages is a line a message: mailbox, UID, flags, size, GUID.
func (d *damaged) messages() (out []string) {
	d.t.Helper()
	a, err := d.store().Account(d.t.Context(), "alice")
	require.NoError(d.t, err)
	defer a.Close()
	for info, err := range a.Mailboxes(d.t.Context()) {
		require.NoError(d.t, err)
		if info.NoSelect || info.NonExistent {
			continue
		}
		m, err := a.Open(d.t.Context(), info.Name)
		require.NoError(d.t, err)
		st, err := m.State(d.t.Context())
		require.NoError(d.t, err)
		for msg, err := range m.Messages(d.t.Context(), mail.AllUIDs(), mail.FieldFlags|mail.FieldSize|mail.FieldGUID) {
			require.NoError(d.t, err)
			out = append(out, fmt.Sprintln(info.Name, st.UIDValidity, msg.UID, msg.Flags.Names(), msg.Size, msg.GUID))
		}
		require.NoError(d.t, m.Close())
	}
	return out
}

// tree is all files with what they hold.
func (d *damaged) tree() map[string]string {
	out := map[string]string{}
	require.NoError(d.t, filepath.WalkDir(d.root, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			b, rerr := os.ReadFile(p)
			out[p], err = string(b), rerr
		}
		return err
	}))
	return out
}

func (d *damaged) read(name string) string {
	b, err := os.ReadFile(d.root + "/" + name)
	require.NoError(d.t, err)
	return string(b)
}

// write writes a file; its time is another than before.
func (d *damaged) write(name, content string) {
	require.NoError(d.t, os.WriteFile(d.root+"/"+name, []byte(content), 0o600))
	later := time.Now().Add(time.Duration(len(content)) * time.Millisecond)
	require.NoError(d.t, os.Chtimes(d.root+"/"+name, later, later))
}

// in returns the one file that a pattern matches.
func (d *damaged) in(pattern string) string {
	all, err := filepath.Glob(d.root + "/" + pattern)
	require.NoError(d.t, err)
	require.NotEmpty(d.t, all, pattern)
	return strings.TrimPrefix(all[0], d.root+"/")
}

func TestCheckSound(t *testing.T) {
	d := newDamaged(t)
	before := d.tree()
	faults, left := d.check(false)
	require.Empty(t, faults)
	require.Zero(t, left)
	require.Equal(t, before, d.tree())
	_, err := d.store().Check(t.Context(), "../x", nil)
	require.NoError(t, err) // PathFunc has it
	gone := &maildir.Store{Path: d.root + "/none/%n"}
	_, err = gone.Check(t.Context(), "bob", nil)
	require.ErrorIs(t, err, mail.ErrNoAccount)
	require.NoDirExists(t, d.root+"/none")
}

// TestCheck damages an account in each way: Check tells and changes nothing, and when asked repairs it. What it can't keep is only what is
// named here.
func TestCheck(t *testing.T) {
	const box = ".Lists.Go/"
	for name, c := range map[string]struct {
		damage func(*damaged)
		kinds  []maildir.FaultKind
		left   int                     // that can't be repaired
		want   func([]string) []string // of the messages; nil: all as before
		any    bool                    // the messages are others than before, and only their number counts
	}{
		"folder lacks":    {damage: func(d *damaged) { require.NoError(t, os.Remove(d.root+"/"+box+"tmp")) }, kinds: []maildir.FaultKind{maildir.FaultFolder}},
		"folder's name":   {damage: func(d *damaged) { require.NoError(t, os.MkdirAll(d.root+"/.a..b/cur", 0o700)) }, kinds: []maildir.FaultKind{maildir.FaultFolder}, left: 1},
		"list unreadable": {damage: func(d *damaged) { d.write(box+"dovecot-uidlist", "garbage\n") }, kinds: []maildir.FaultKind{maildir.FaultUIDList}},
		"line unreadable": {damage: func(d *damaged) { d.write(box+"dovecot-uidlist", d.read(box+"dovecot-uidlist")+"x y\n") }, kinds: []maildir.FaultKind{maildir.FaultUIDList}},
		"list ends torn":  {damage: func(d *damaged) { l := d.read(box + "dovecot-uidlist"); d.write(box+"dovecot-uidlist", l[:len(l)-1]) }, kinds: []maildir.FaultKind{maildir.FaultUIDList}},
		"UID twice": {damage: func(d *damaged) {
			d.write(box+"new/1000000000.other.host", letter(50))
			d.write(box+"dovecot-uidlist", d.read(box+"dovecot-uidlist")+"3 :1000000000.other.host\n")
		}, kinds: []maildir.FaultKind{maildir.FaultDuplicateUID, maildir.FaultQuota}, want: func(m []string) []string {
			var validity int
			fmt.Sscanf(m[3], "Lists/Go %d", &validity)
			return append(m, fmt.Sprintln("Lists/Go", validity, 4, "[]", 50, "1000000000.other.host"))
		}, any: true},
		"unlisted": {damage: func(d *damaged) { d.write(box+"cur/1000000000.other.host:2,", letter(50)) }, kinds: []maildir.FaultKind{maildir.FaultUnlisted, maildir.FaultQuota}, any: true},
		"missing":  {damage: func(d *damaged) { require.NoError(t, os.Remove(d.root+"/"+d.in(box+"cur/*"))) }, kinds: []maildir.FaultKind{maildir.FaultMissing, maildir.FaultQuota}, any: true},
		"twice the same": {damage: func(d *damaged) {
			file := d.in(box + "cur/*")
			base, _, _ := strings.Cut(filepath.Base(file), ":")
			d.write(box+"new/"+base, d.read(file))
		}, kinds: []maildir.FaultKind{maildir.FaultTwice}},
		"twice, others": {damage: func(d *damaged) {
			file := d.in(box + "cur/*")
			base, _, _ := strings.Cut(filepath.Base(file), ":")
			d.write(box+"new/"+base, strings.ToUpper(d.read(file)))
		}, kinds: []maildir.FaultKind{maildir.FaultTwice, maildir.FaultQuota}, any: true},
		"size": {damage: func(d *damaged) {
			file := d.in(box + "cur/*")
			d.write(file, d.read(file)+"more\r\n")
		}, kinds: []maildir.FaultKind{maildir.FaultSize, maildir.FaultQuota}, any: true},
		"name": {damage: func(d *damaged) { d.write(box+"cur/a\nb", "x") }, kinds: []maildir.FaultKind{maildir.FaultName}, left: 1},
		"stray tmp": {damage: func(d *damaged) {
			d.write(box+"tmp/1.x.y", "x")
			old := time.Now().Add(-48 * time.Hour)
			require.NoError(t, os.Chtimes(d.root+"/"+box+"tmp/1.x.y", old, old))
			d.write(box+"tmp/2.x.y", "on its way")
		}, kinds: []maildir.FaultKind{maildir.FaultTmp}},
		"index torn":      {damage: func(d *damaged) { d.write(box+"buuta.index.log", d.read(box+"buuta.index.log")+"torn") }, kinds: []maildir.FaultKind{maildir.FaultIndex}},
		"index damaged":   {damage: func(d *damaged) { d.write(box+"buuta.index.log", "x"+d.read(box + "buuta.index.log")[1:]) }, kinds: []maildir.FaultKind{maildir.FaultIndex}},
		"index of others": {damage: func(d *damaged) { d.write(box+"buuta.index.log", d.read("buuta.index.log")) }, kinds: []maildir.FaultKind{maildir.FaultIndex}},
		"cache": {damage: func(d *damaged) {
			d.write(box+"buuta.index.cache", strings.Repeat("x", len(d.read(box+"buuta.index.cache"))))
		}, kinds: []maildir.FaultKind{maildir.FaultCache}},
		"keywords":      {damage: func(d *damaged) { d.write(box+"dovecot-keywords", d.read(box+"dovecot-keywords")+"99 x\n") }, kinds: []maildir.FaultKind{maildir.FaultKeywords}},
		"quota wrong":   {damage: func(d *damaged) { d.write("maildirsize", "1073741824S\n1 1\n") }, kinds: []maildir.FaultKind{maildir.FaultQuota}},
		"quota damaged": {damage: func(d *damaged) { d.write("maildirsize", "1073741824S\nx\n") }, kinds: []maildir.FaultKind{maildir.FaultQuota}},
		"subscriptions": {damage: func(d *damaged) { d.write("subscriptions", d.read("subscriptions")+"a\t\tb\nLists\tGo\n") }, kinds: []maildir.FaultKind{maildir.FaultSubscriptions}},
		"lock": {damage: func(d *damaged) {
			d.write(box+"dovecot-uidlist.lock", "1:elsewhere")
			old := time.Now().Add(-time.Hour)
			require.NoError(t, os.Chtimes(d.root+"/"+box+"dovecot-uidlist.lock", old, old))
		}, kinds: []maildir.FaultKind{maildir.FaultLock}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDamaged(t)
			before := d.messages()
			c.damage(d)
			files := d.tree()
			faults, left := d.check(false)
			kinds := []maildir.FaultKind{}
			for _, f := range faults {
				kinds = append(kinds, f.Kind)
				require.False(t, f.Repaired)
				require.NotContains(t, f.String(), "\n")
			}
			require.Subset(t, c.kinds, kinds, "%v", faults)
			require.Contains(t, kinds, c.kinds[0], "%v", faults)
			require.Len(t, faults, left)
			require.Equal(t, files, d.tree(), "a check without repair changes nothing")

			faults, left = d.check(true)
			require.Equal(t, c.left, left, "%v", faults)
			faults, left = d.check(false)
			require.Len(t, faults, c.left, "%v", faults)
			require.Equal(t, c.left, left)
			after := d.messages()
			if c.want != nil {
				require.Len(t, after, len(c.want(before)))
			}
			if !c.any {
				require.Equal(t, before, after)
				return
			}
			// Those that nothing was wrong with are as they were.
			same := 0
			for _, m := range before {
				for _, n := range after {
					if m == n {
						same++
					}
				}
			}
			require.GreaterOrEqual(t, same, len(before)-1, "%v\n%v", before, after)
		})
	}
}

// A message whose name told a wrong size keeps its UID and its GUID, which was its name.
func TestCheckSizeKeepsIdentity(t *testing.T) {
	d := newDamaged(t)
	before := d.messages()
	file := d.in("cur/*,S=100,*")
	d.write(file, d.read(file)+"more\r\n")
	faults, left := d.check(true)
	require.Zero(t, left, "%v", faults)
	after := d.messages()
	require.Equal(t, strings.Replace(before[0], " 100 ", " 106 ", 1), after[0])
	require.Equal(t, before[1:], after[1:])
	require.Contains(t, d.in("cur/*,S=106,*"), ",W=106:2,S")
}

// Nested folders have other separators in the subscriptions: a repair of what is wrong there leaves the rest.
func TestCheckNested(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", Layout: maildir.LayoutFS, Poll: -1}
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	require.NoError(t, openBox(t, a, "INBOX").Close())
	for _, name := range []string{"Lists/go.dev", "Lists/Việt"} {
		_, err := a.Create(ctx, name, nil)
		require.NoError(t, err)
		require.NoError(t, a.Subscribe(ctx, name, true))
	}
	name := dir + "/alice/subscriptions"
	was, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, append(was, "Lists\tgo.dev\n"...), 0o600))
	var found []maildir.FaultKind
	left, err := s.Check(ctx, "alice", &maildir.CheckOptions{Repair: true, Found: func(f maildir.Fault) { found = append(found, f.Kind) }})
	require.NoError(t, err)
	require.Zero(t, left)
	require.Equal(t, []maildir.FaultKind{maildir.FaultSubscriptions}, found)
	now, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(was), string(now))
	for info, err := range a.Mailboxes(ctx) {
		require.NoError(t, err)
		require.Equal(t, info.Name == "Lists/go.dev" || info.Name == "Lists/Việt", info.Subscribed, info.Name)
	}
}
