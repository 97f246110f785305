package imapserver_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

const thunderbirdPrefs = `
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.accountmanager.localfoldersserver", "server2");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.identity.id1.useremail", "alice@example.test");
user_pref("mail.identity.id1.valid", true);
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.hostname", "%s");
user_pref("mail.server.server1.port", %s);
user_pref("mail.server.server1.socketType", 0);
user_pref("mail.server.server1.authMethod", 3);
user_pref("mail.server.server1.userName", "alice");
user_pref("mail.server.server1.name", "alice");
user_pref("mail.server.server1.login_at_startup", false);
user_pref("mail.server.server1.check_new_mail", false);
user_pref("mail.server.server1.offline_download", false);
user_pref("mail.server.server2.type", "none");
user_pref("mail.server.server2.hostname", "Local Folders");
user_pref("mail.server.server2.userName", "nobody");
user_pref("mail.biff.show_alert", false);
`

// thunderbirdTools are what the steps use, kept where scripts find it again.
const thunderbirdTools = `
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const {setTimeout} = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init("imap://" + args[0], null, "imap://" + args[0], "alice", "secret", "", "");
await Services.logins.addLoginAsync(login);
const tools = {
  server: MailServices.accounts.getAccount("account1").incomingServer,
  // done waits for the end of what run begins with a listener.
  done: run => new Promise((ok, bad) => run({
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgCopyServiceListener"]),
    onStartRunningUrl() {}, onStopRunningUrl(url, status) { status ? bad(new Error(url.spec + " " + status.toString(16))) : ok(); },
    onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
    onStopCopy(status) { status ? bad(new Error("copy " + status.toString(16))) : ok(); },
  })),
  // until waits for look to return something.
  until: async look => {
    for (let i = 0; i < 1200; i++) {
      const seen = await look();
      if (seen) return seen;
      await new Promise(ok => setTimeout(ok, 50));
    }
    throw new Error("never true: " + look);
  },
  folder: name => tools.until(() => tools.server.rootFolder.descendants.find(f => f.name == name)),
  // look has it look what there is in a folder; not everything that is done there tells when it ends.
  look: async name => (await tools.folder(name)).updateFolder(null),
  list: folder => [...folder.messages].map(h => h.mime2DecodedSubject + (h.isRead ? " read" : "") + (h.isFlagged ? " flagged" : "") +
    (h.flags & Ci.nsMsgMessageFlags.IMAPDeleted ? " deleted" : "")).sort(),
  // shows waits for a folder to show these messages. It has it look now and then: what is told while it does something else it
  // looks at when it has a reason.
  shows: async (name, want) => {
    for (let i = 1, got; JSON.stringify(got = tools.list(await tools.folder(name))) != JSON.stringify(want); i++) {
      if (i == 1000) throw new Error(name + " shows " + JSON.stringify(got));
      if (i % 40 == 0) await tools.look(name);
      await new Promise(ok => setTimeout(ok, 50));
    }
  },
  message: async (folder, subject) => tools.until(async () => [...(await tools.folder(folder)).messages].find(h => h.mime2DecodedSubject == subject)),
  // text is what a reader sees of a message.
  text: async message => {
    const {MsgHdrToMimeMessage} = ChromeUtils.importESModule("resource:///modules/gloda/MimeMessage.sys.mjs");
    const parts = await new Promise(ok => MsgHdrToMimeMessage(message, null, (_, mime) => ok(mime), true, {}));
    return parts.coerceBodyToPlaintext(message.folder).trim();
  },
  copy: async (from, subjects, to, move) => {
    const messages = await Promise.all(subjects.map(s => tools.message(from, s)));
    const [source, target] = [await tools.folder(from), await tools.folder(to)];
    await tools.done(l => MailServices.copy.copyMessages(source, messages, target, move, l, null, false));
  },
};
window.tools = tools;
tools.server.performExpand(null);
await tools.look("INBOX");
await tools.folder("Trash"); // which it makes when it has seen what there is
return Services.appinfo.version;
`

// Thunderbird reads, flags, tags, copies, moves, deletes, expunges and files a draft; makes and renames folders; sees what came
// and what others changed; and nothing it says is misunderstood.
func TestThunderbird(t *testing.T) {
	var bad misunderstandings
	var said dialogue
	f := newFixture(t, func(s *imapserver.Server) {
		s.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true}
		s.Hooks.Rejected = bad.add
		s.Trace = said.add
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The dialogue:\n%s", strings.Join(said.list(), "\n"))
		}
	})
	f.add("INBOX", "Subject: one\nFrom: a@example.test\n\nfirst text\n", "Subject: two\nFrom: b@example.test\n\n2\n", nested)
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	m := peers.StartThunderbird(t, fmt.Sprintf(thunderbirdPrefs, host, port))
	t.Logf("Thunderbird %s", m.Run(thunderbirdTools, host))

	shows := func(folder string, want ...string) {
		t.Helper()
		m.Run(`await tools.shows(...args);`, folder, want)
	}

	const gui = `=?UTF-8?Q?Th=C6=B0?= gui` // nested's subject, as it is written

	// Reading.
	require.Equal(t, "first text", m.Run(`
		await tools.look("INBOX");
		return await tools.text(await tools.message("INBOX", "one"));`))
	shows("INBOX", "Thư gui", "one", "two")
	require.Contains(t, m.Run(`return await tools.text(await tools.message("INBOX", "Thư gui"));`), "Chào bạn")

	// Flags and keywords.
	m.Run(`
		const inbox = await tools.folder("INBOX"), one = await tools.message("INBOX", "one");
		inbox.markMessagesRead([one], true);
		inbox.markMessagesFlagged([one], true);
		inbox.addKeywordsToMessages([await tools.message("INBOX", "two")], "$label1");`)
	f.eventually("INBOX", gui, `one \Seen \Flagged`, `two $label1`)

	// Folders, copies, moves.
	m.Run(`
		tools.server.rootFolder.createSubfolder("Dự án", null);
		await tools.copy("INBOX", ["one", "Thư gui"], "Dự án", false);
		await tools.copy("INBOX", ["two"], "Dự án", true);
		await tools.look("Dự án");`)
	shows("Dự án", "Thư gui", "one read flagged", "two")
	shows("INBOX", "Thư gui", "one read flagged")
	f.eventually("Dự án", gui, `one \Seen \Flagged`, `two $label1`)

	// What others do.
	m.Run(`await tools.look("INBOX");`)
	f.add("INBOX", "Subject: four\nFrom: d@example.test\n\n4\n")
	shows("INBOX", "Thư gui", "four", "one read flagged")
	p := f.login("INBOX")
	p.do(`a STORE 1 -FLAGS (\Flagged \Seen)`)
	shows("INBOX", "Thư gui", "four", "one")
	p.do(`b STORE 2 +FLAGS (\Deleted)`)
	p.do(`c EXPUNGE`)
	shows("INBOX", "four", "one")

	// Deleting, which moves to the trash, and from the trash; expunging.
	m.Run(`
		const remove = async (name, subject) => tools.done(async l => {
			const folder = await tools.folder(name);
			folder.deleteMessages([await tools.message(name, subject)], null, false, false, l, false);
		});
		await remove("INBOX", "one");
		await tools.look("Trash");
		await remove("Trash", "one");
		// compact does this, too, but goes on with its own files, doesn't tell when it has ended, and loses what is asked meanwhile.
		(await tools.folder("Trash")).QueryInterface(Ci.nsIMsgImapMailFolder).expunge(null, null);`)
	f.eventually("INBOX", "four")
	f.eventually("Trash")

	// A draft.
	m.Run(`
		const file = Services.dirsvc.get("TmpD", Ci.nsIFile);
		file.append("draft.eml");
		file.createUnique(Ci.nsIFile.NORMAL_FILE_TYPE, 0o600);
		await IOUtils.writeUTF8(file.path, "From: alice@example.test\r\nSubject: draft\r\n\r\nNot yet\r\n");
		const folder = await tools.folder("Dự án");
		await tools.done(l => MailServices.copy.copyFileMessage(file, folder, null, true, Ci.nsMsgMessageFlags.Read, "", l, null));`)
	f.eventually("Dự án", gui, `draft \Seen \Draft`, `one \Seen \Flagged`, `two $label1`)

	shows("Dự án", "Thư gui", "draft read", "one read flagged", "two")

	// Folders once more.
	m.Run(`
		(await tools.folder("Dự án")).rename("Xong", null);
		await tools.look("Xong");`)
	shows("Xong", "Thư gui", "draft read", "one read flagged", "two")
	require.Empty(t, bad.list())
}

// eventually waits for a mailbox to hold these subjects and flags.
func (f *fixture) eventually(box string, want ...string) {
	f.Helper()
	var got []string
	if !assert.Eventually(f, func() bool { got = f.subjects("alice", `"`+imap.EncodeUTF7(box)+`"`); return slices.Equal(want, got) }, waitLong, 10*waitShort) {
		require.Equal(f, want, got)
	}
}

// misunderstandings are the commands that were answered BAD.
type misunderstandings struct {
	mu  sync.Mutex
	all []string
}

func (m *misunderstandings) add(_ *imapserver.Conn, command string, s *imap.Status) {
	if s.Type != imap.BAD || s.Text == "No message with that number" { // which the test itself asks for in mailboxes that are empty
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, command+": "+s.Error())
}

func (m *misunderstandings) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all
}

// dialogue is what was said on all connections, each with when and the address of its client.
type dialogue struct {
	mu  sync.Mutex
	all []string
}

func (d *dialogue) add(c *imapserver.Conn, sent bool, line string) {
	who := "C"
	if sent {
		who = "S"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, fmt.Sprintf("%s %s %s: %s", time.Now().Format("05.000"), c.RemoteAddr(), who, line))
}

func (d *dialogue) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all
}
