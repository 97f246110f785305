package imapserver_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

// newSharing starts a server whose users share mailboxes.
func newSharing(t *testing.T) *fixture {
	f := newFixture(t, nil)
	f.store.Sharing = true
	return f
}

// share gives alice rights to a mailbox of bob's with two messages and returns the name by which she knows it.
func (f *fixture) share(mailbox, rights string) string {
	f.Helper()
	name := f.grant(mailbox, rights)
	p := f.as("bob")
	for range 2 {
		p.send("a APPEND " + mailbox + " {320+}\r\n" + strings.ReplaceAll(simple, "\n", "\r\n") + "\r\n")
		require.Contains(p, p.line(), "a OK")
	}
	_ = p.Close()
	return name
}

// grant gives alice rights to a mailbox of bob's, which is made if need be, in whatever store there is.
func (f *fixture) grant(mailbox, rights string) string {
	f.Helper()
	if f.srv.Store == f.store {
		return f.store.Share("bob", mailbox, "alice", rights)
	}
	ctx := context.Background()
	bob, err := f.srv.Store.Account(ctx, "bob")
	require.NoError(f, err)
	defer bob.Close()
	if _, err := bob.Create(ctx, mailbox, nil); !errors.Is(err, mail.ErrExists) {
		require.NoError(f, err)
	}
	r, ok := mail.ParseRights(rights)
	require.True(f, ok)
	require.NoError(f, bob.(mail.SharingAccount).SetACL(ctx, mailbox, "alice", mail.RightsReplace, r))
	return "Users/bob/" + mailbox
}

// as dials and logs a user in.
func (f *fixture) as(user string) *peer {
	f.Helper()
	p := f.dial()
	p.line()
	p.do("login LOGIN " + user + " secret")
	return p
}

const (
	lookup, read, seen, write, insert = mail.RightLookup, mail.RightRead, mail.RightSeen, mail.RightWrite, mail.RightInsert
	create, remove, deleted, expunge  = mail.RightCreate, mail.RightDeleteBox, mail.RightDeleteFlag, mail.RightExpunge
	admin                             = mail.RightAdmin
)

// accessRow is a command on the mailbox @, or in it where selected is set, and what it needs. Where the need is not
// met the command is refused: as on a mailbox that isn't there if the user may not see it, which is what the same command
// on NOWHERE is answered.
type accessRow struct {
	command  string
	before   string // said before, on INBOX
	selected bool
	need     func(r mail.Rights) bool
	known    bool // that it is there can't be hidden: the name is in the way
}

// wholeURL names the first message of the mailbox @, for GENURLAUTH.
const wholeURL = "imap://alice@example.com/@/;uid=1;urlauth=anonymous"

func has(want mail.Rights) func(mail.Rights) bool {
	return func(r mail.Rights) bool { return r.Has(want) }
}

func always(mail.Rights) bool { return true }

// accessTable is the table of RFC 4314 section 4 with the commands of RFC 5464 section 3.3, RFC 6851 section 4.2 and RFC 9208
// section 6.
var accessTable = []accessRow{
	{command: "SELECT @", need: has(read)},
	{command: "EXAMINE @", need: has(read)},
	{command: "STATUS @ (MESSAGES)", need: has(read)},
	{command: "SUBSCRIBE @", need: always},
	{command: "UNSUBSCRIBE @", need: always},
	{command: "CREATE @/child", need: has(create), known: true},
	{command: "DELETE @", need: has(remove)},
	{command: "RENAME @ Users/bob/top/new", need: has(remove)},
	{command: "SETACL @ anyone l", need: has(admin)},
	{command: "DELETEACL @ anyone", need: has(admin)},
	{command: "GETACL @", need: has(admin)},
	{command: "LISTRIGHTS @ anyone", need: has(admin)},
	{command: "MYRIGHTS @", need: func(r mail.Rights) bool { return r&(lookup|read|insert|create|remove|admin) != 0 }},
	{command: "APPEND @ {3+}\r\nabc", need: has(insert)},
	{command: "COPY 1 @", before: "SELECT INBOX", need: has(insert)},
	{command: "UID COPY 1 @", before: "SELECT INBOX", need: has(insert)},
	{command: "MOVE 1 @", before: "SELECT INBOX", need: has(insert)},
	{command: "UID MOVE 1 @", before: "SELECT INBOX", need: has(insert)},
	{command: "REPLACE 1 @ {3+}\r\nabc", before: "SELECT INBOX", need: has(insert)},
	{command: "UID REPLACE * @ {3+}\r\nabc", before: "SELECT INBOX", need: has(insert)},
	{command: `GENURLAUTH "` + wholeURL + `" INTERNAL`, need: has(read)},
	{command: "RESETKEY @", need: has(read)},
	{command: "GETQUOTAROOT @", need: has(read)},
	{command: "GETMETADATA @ /shared/comment", need: metadataRight},
	{command: `SETMETADATA @ (/shared/comment "x")`, need: metadataRight},

	{command: "EXPUNGE", selected: true, need: has(expunge)},
	{command: "UID EXPUNGE 1:*", selected: true, need: has(expunge)},
	{command: "CLOSE", selected: true, need: always},
	{command: "MOVE 1 INBOX", selected: true, need: has(deleted | expunge)},
	{command: "UID MOVE 1 INBOX", selected: true, need: has(deleted | expunge)},
	// RFC 8508 section 4.1: as UID STORE of \Deleted and UID EXPUNGE.
	{command: "REPLACE 1 INBOX {3+}\r\nabc", selected: true, need: has(deleted | expunge)},
	{command: "UID REPLACE 1 INBOX {3+}\r\nabc", selected: true, need: has(deleted | expunge)},
	{command: "COPY 1 INBOX", selected: true, need: always},
	{command: "UID COPY 1 INBOX", selected: true, need: always},
	{command: "FETCH 1 BODY[]", selected: true, need: always},
	{command: "UID FETCH 1 BODY[]", selected: true, need: always},
	{command: "SEARCH ALL", selected: true, need: always},
	{command: "UID SEARCH RETURN (UPDATE) ALL", selected: true, need: always},
	{command: `CANCELUPDATE "y"`, selected: true, need: always},
	{command: "SORT (ARRIVAL) UTF-8 ALL", selected: true, need: always},
	{command: "UID SORT (ARRIVAL) UTF-8 ALL", selected: true, need: always},
	{command: "THREAD REFERENCES UTF-8 ALL", selected: true, need: always},
	{command: "UID THREAD REFERENCES UTF-8 ALL", selected: true, need: always},
	{command: "UIDBATCHES 500", selected: true, need: always},
	{command: "CHECK", selected: true, need: always},
	{command: "UNSELECT", selected: true, need: always},
	{command: `STORE 1 +FLAGS (\Seen)`, selected: true, need: has(seen)},
	{command: `STORE 1 FLAGS (\Seen)`, selected: true, need: func(r mail.Rights) bool { return r&(seen|deleted|write) != 0 }},
	{command: `STORE 1 +FLAGS (\Deleted)`, selected: true, need: has(deleted)},
	{command: `UID STORE 1 +FLAGS ($Work)`, selected: true, need: has(write)},
	{command: `STORE 1 -FLAGS (\Flagged)`, selected: true, need: has(write)},
	// "STORE operation SHOULD NOT fail if the user has rights to modify at least one flag specified in the STORE".
	{command: `STORE 1 +FLAGS (\Seen \Deleted \Draft)`, selected: true,
		need: func(r mail.Rights) bool { return r&(seen|deleted|write) != 0 }},
}

func metadataRight(r mail.Rights) bool {
	return r.Has(lookup) && r&(read|seen|write|insert|mail.RightPost) != 0
}

// accessElsewhere are the commands that the table can't have: they name no mailbox, or are answered OK whatever the user may do and
// say less then.
var accessElsewhere = map[string]string{
	"CAPABILITY": "", "NOOP": "", "LOGOUT": "", "ID": "", "LANGUAGE": "", "STARTTLS": "", "AUTHENTICATE": "", "LOGIN": "", "ENABLE": "",
	"NAMESPACE": "", "UNAUTHENTICATE": "", "IDLE": "", "COMPRESS": "",
	"GETQUOTA": "names a quota root", "SETQUOTA": "names a quota root",
	"LIST": "TestAccessList", "LSUB": "TestAccessLists", "XLIST": "TestAccessLists",
	"ESEARCH": "TestAccessSilent", "NOTIFY": "TestAccessSilent", "URLFETCH": "TestAccessSilent",
}

// Each command that there is has a row, and each that has a UID form a row for that.
func TestAccessMatrixIsComplete(t *testing.T) {
	rows := map[string]bool{}
	for _, row := range accessTable {
		words := strings.Fields(row.command)
		if words[0] == "UID" {
			words[0] += " " + words[1]
		}
		rows[words[0]] = true
	}
	for name, h := range commandTable(t) {
		if _, elsewhere := accessElsewhere[name]; elsewhere {
			require.False(t, rows[name], name)
			continue
		}
		require.True(t, rows[name], "no row for %s", name)
		require.True(t, !strings.Contains(h, "uid: true") || rows["UID "+name], "no row for UID %s", name)
	}
}

// accessSets are no right, each by itself, all but one, and all.
func accessSets() []mail.Rights {
	sets := []mail.Rights{0, mail.AllRights, lookup | read, lookup | insert, read | insert, lookup | mail.RightPost}
	for r := mail.RightLookup; r <= mail.RightAdmin; r <<= 1 {
		sets = append(sets, r, mail.AllRights&^r, r|lookup|read)
	}
	return sets
}

// Every command by every right.
func TestAccessMatrix(t *testing.T) {
	accessMatrix(t, accessSets(), newSharing)
}

// The same over files: each right with those that make a mailbox visible, none, and all.
func TestAccessMatrixMaildir(t *testing.T) {
	sets := []mail.Rights{0, mail.AllRights, lookup | read}
	for r := mail.RightLookup; r <= mail.RightAdmin; r <<= 1 {
		sets = append(sets, r|lookup|read)
	}
	accessMatrix(t, sets, func(t *testing.T) *fixture {
		dir := t.TempDir()
		return newFixture(t, func(s *imapserver.Server) {
			s.Store = &maildir.Store{Path: filepath.Join(dir, "%u"), NoSync: true, Sharing: &maildir.Sharing{}}
		})
	})
}

func accessMatrix(t *testing.T, sets []mail.Rights, begin func(*testing.T) *fixture) {
	for _, rights := range sets {
		t.Run("rights="+rights.String(), func(t *testing.T) {
			f := begin(t)
			for i, row := range accessTable {
				if row.selected && !rights.Has(read) {
					continue
				}
				f.grant("top", "lk")
				box := f.share("top/box"+string(rune('A'+i%26))+string(rune('a'+i/26)), rights.String())
				f.add("INBOX", simple)
				p := f.as("alice")
				switch {
				case row.selected:
					p.do("s SELECT " + box)
				case row.before != "":
					p.do("s " + row.before)
				}
				// On a mailbox that isn't there, for comparison: before, so that it finds what the other finds.
				nowhere, nowhereStatus := []string(nil), ""
				if !row.selected && !row.known && !rights.Has(lookup) && !row.need(rights) {
					nowhere, nowhereStatus = p.try("x " + on("Users/bob/top/nowhere", row.command))
				}
				lines, status := p.try("x " + on(box, row.command))
				switch {
				case row.need(rights):
					require.Contains(t, status, "x OK", row.command)
				case row.selected || row.known || rights.Has(lookup):
					require.Contains(t, status, "x NO [NOPERM]", row.command)
				default:
					hide := func(s string) string { return strings.ReplaceAll(s, box, "Users/bob/top/nowhere") }
					require.Equal(t, nowhereStatus, hide(status), row.command)
					require.Equal(t, nowhere, splitLines(hide(strings.Join(lines, "\n"))), row.command)
				}
				_ = p.Close()
			}
		})
	}
}

// on puts a mailbox's name into a command of the table.
func on(box, command string) string {
	return strings.ReplaceAll(strings.ReplaceAll(command, " @", " "+box), "/@/", "/"+box+"/")
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// RFC 4314 section 4: "LIST - "l" right is required. However, unlike other commands … the server MUST NOT return a NO response";
// "if the user has "l" right to a mailbox "A/B", but not to its parent mailbox "A", the LIST command should behave as if the
// mailbox "A" doesn't exist".
func TestAccessList(t *testing.T) {
	for _, rights := range accessSets() {
		f := newSharing(t)
		f.store.Share("bob", "A", "alice", "rswipkxtea")
		f.share("A/B", rights.String())
		p := f.as("alice")
		got := strings.Join(p.do(`a LIST "" "Users/bob/*" RETURN (STATUS (MESSAGES) MYRIGHTS)`), "\n")
		want := []string{}
		if rights.Has(lookup) {
			want = append(want, `* LIST (\Noselect \HasChildren) "/" Users/bob/A`, `* LIST (\HasNoChildren) "/" Users/bob/A/B`)
			if rights.Has(read) {
				want = append(want, `* STATUS Users/bob/A/B (MESSAGES 2)`)
			}
			want = append(want, "* MYRIGHTS Users/bob/A/B "+virtual(rights))
		}
		require.Equal(t, strings.Join(want, "\n"), got, rights.String())
	}
}

// virtual writes rights with those that RFC 2086 clients know.
func virtual(r mail.Rights) string {
	s := r.String()
	if r&create != 0 {
		s += "c"
	}
	if r&(remove|deleted|expunge) != 0 {
		s += "d"
	}
	return s
}

// RFC 4314 section 4: of flags only those are changed that the user may; "A FETCH request that implies setting \Seen flag MUST NOT
// set it"; "If the server is unable to expunge the mailbox because the user doesn't have the "e" right, the server MUST ignore
// the expunge request, close the mailbox, and return the tagged OK response".
func TestAccessFlags(t *testing.T) {
	for _, rights := range accessSets() {
		if !rights.Has(read) {
			continue
		}
		f := newSharing(t)
		box := f.share("box", rights.String())
		p := f.as("alice")
		p.do("a SELECT " + box)
		may := mail.NewFlags(`\Seen`, `\Deleted`, `\Draft`, "$Work")
		may = rights.Flags(mail.Flags{}, may)
		flags := "(" + strings.Join(may.Names(), " ") + ")"
		_, _ = p.try(`b STORE 1 +FLAGS.SILENT (\Seen \Deleted \Draft $Work)`)
		require.Contains(t, p.do("c FETCH 1 FLAGS")[0], "FLAGS "+strings.Replace(flags, ")", "", 1), rights.String())
		p.do("d FETCH 2 BODY[]")
		require.Equal(t, rights.Has(seen), strings.Contains(p.do("e FETCH 2 FLAGS")[0], `\Seen`), rights.String())
		p.do("f CLOSE")
		require.Contains(t, p.do("g STATUS " + box + " (MESSAGES)")[0], map[bool]string{true: "MESSAGES 1", false: "MESSAGES 2"}[rights.Has(deleted|expunge)], rights.String())
	}
}

// RFC 4314 section 4, the example of COPY: "\Deleted flag was lost on COPY, as the user has no "t" right in the target mailbox"; and
// section 5.2 and 5.1.1: the response codes of SELECT, and PERMANENTFLAGS as the rights are.
func TestAccessCopyExample(t *testing.T) {
	for rights, want := range map[string][3]string{
		"rwis": {`\Draft`, `\Answered`, `\Seen $Forwarded`},
		"rsti": {`\Deleted`, ``, `\Seen`},
	} {
		f := newSharing(t)
		f.add("INBOX", simple, simple, simple)
		box := f.store.Share("bob", "target", "alice", rights)
		f.login("INBOX").dialogue(`
			C: a MYRIGHTS ` + box + `
			S: * MYRIGHTS ` + box + ` …
			S: a OK MYRIGHTS completed.
			C: b STORE 1 FLAGS.SILENT (\Draft \Deleted)
			S: b OK STORE completed.
			C: c STORE 2 FLAGS.SILENT (\Answered)
			S: c OK STORE completed.
			C: d STORE 3 FLAGS.SILENT ($Forwarded \Seen)
			S: …
			S: …
			S: d OK STORE completed.
			C: e COPY 1:3 ` + box + `
			S: e OK [COPYUID …] COPY completed.
			C: f UNSELECT
			S: f OK …
			C: g APPEND ` + box + ` (\Seen \Deleted \Draft) {3+}
			C: abc
			S: g OK …`)
		p := f.as("alice")
		p.do("a EXAMINE " + box)
		lines := p.do("b FETCH 1:3 FLAGS")
		for i, w := range want {
			require.Contains(t, strings.ReplaceAll(lines[i], ` \Recent`, ""), "FLAGS ("+w+")", rights)
		}
	}
}

// RFC 4314 section 5.2: "The server MUST include a READ-ONLY response code in the tagged OK response to a SELECT command if none of
// the following rights is granted to the current user: "i", "e", and "shared flag rights"". \Seen is not shared here.
func TestAccessReadOnly(t *testing.T) {
	for rights, want := range map[string]string{
		"lr": "READ-ONLY ()", "lrs": `READ-ONLY (\Seen)`, "lri": "READ-WRITE ()", "lre": "READ-WRITE ()", "lrt": `READ-WRITE (\Deleted)`,
		"lrsw": `READ-WRITE (\Seen \Answered \Flagged \Draft \*)`, "lrka": "READ-ONLY ()",
	} {
		f := newSharing(t)
		p := f.as("alice")
		box := f.share("box", rights)
		lines, status := p.try("a SELECT " + box)
		code, flags, _ := strings.Cut(want, " ")
		require.Contains(t, status, "a OK ["+code+"]", rights)
		require.Contains(t, strings.Join(lines, "\n"), "[PERMANENTFLAGS "+flags+"]", rights)
	}
}

// RFC 4314 section 5.1.1: "If the server checks the rights on each command, then it SHOULD send FLAGS and PERMANENTFLAGS responses if
// they have changed. If such server detects that the user no longer has read access to the mailbox, it MAY send an untagged
// BYE response and close connection."
func TestRightsTakenAway(t *testing.T) {
	f := newSharing(t)
	box := f.share("box", "lrswite")
	p, q := f.as("alice"), f.as("bob")
	p.do("a SELECT " + box)
	q.do("b SETACL box alice -wte")
	p.dialogue(`
		C: c STORE 1 +FLAGS (\Flagged)
		S: * FLAGS (…)
		S: * OK [PERMANENTFLAGS (\Seen)] Flags permitted.
		S: c NO [NOPERM] Permission denied.
		C: d EXPUNGE
		S: d NO [NOPERM] Permission denied.
		C: e STORE 1 +FLAGS (\Seen)
		S: * 1 FETCH (UID 1 FLAGS (\Seen…
		S: e OK STORE completed.`)
	q.do("f DELETEACL box alice")
	p.dialogue(`
		C: g NOOP
		S: * BYE [NONEXISTENT] The selected mailbox was deleted.
		S: g OK NOOP completed.`)
	p.closed()
}

// A name that is taken by a mailbox which may not be seen can't be made; why is not told.
func TestHiddenNameIsTaken(t *testing.T) {
	f := newSharing(t)
	f.store.Share("bob", "top", "alice", "lrk")
	f.store.Share("bob", "top/seen", "alice", "lx")
	f.store.Share("bob", "top/hidden", "alice", "")
	p := f.as("alice")
	p.dialogue(`
		C: a CREATE Users/bob/top/seen
		S: a NO [ALREADYEXISTS] Mailbox exists already.
		C: b CREATE Users/bob/top/hidden
		S: b NO [NOPERM] Permission denied.
		C: c RENAME Users/bob/top/seen Users/bob/top/hidden
		S: c NO [NOPERM] Permission denied.
		C: d CREATE Users/nobody/box
		S: d NO [NOPERM] Permission denied.
		C: e CREATE Users/bob/box
		S: e NO [NOPERM] Permission denied.`)
}

// Without the capability the commands are unknown, and the rights hold all the same.
func TestWithoutACL(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "ACL") })
	f.store.Sharing = true
	box := f.share("box", "lr")
	p := f.as("alice")
	require.NotContains(t, p.do("a CAPABILITY")[0], "RIGHTS")
	p.dialogue(`
		C: b MYRIGHTS ` + box + `
		S: b BAD Unknown command
		C: c DELETE ` + box + `
		S: c NO [NOPERM] Permission denied.
		C: d LIST "" % RETURN (MYRIGHTS)
		S: d BAD Unknown return option`)
}
