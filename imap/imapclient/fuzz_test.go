package imapclient_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// everything is what the fuzzed server offers: nothing is done without.
const everything = "IMAP4rev1 LITERAL+ ID NAMESPACE UNSELECT UIDPLUS MOVE IDLE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE " +
	"STATUS=SIZE ESEARCH SEARCHRES CONTEXT=SEARCH CONTEXT=SORT ESORT SORT SORT=DISPLAY THREAD=REFERENCES PARTIAL MULTISEARCH SEARCH=FUZZY CONDSTORE " +
	"QRESYNC UIDONLY BINARY CATENATE MULTIAPPEND REPLACE URLAUTH QUOTA QUOTASET ACL METADATA NOTIFY OBJECTID PREVIEW SAVEDATE LANGUAGE UNAUTHENTICATE"

// saying is a connection to a server that says something at once, whatever it is told, and hangs up.
func saying(text ...string) (conn net.Conn, over <-chan struct{}) {
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		go func() { _, _ = io.Copy(io.Discard, server) }()
		for _, s := range text {
			_, _ = io.WriteString(server, s)
		}
	}()
	return client, done
}

// answering is a connection to a server that greets and answers once it has been told a line: what comes before nobody asked for.
func answering(greeting, answer string) (conn net.Conn, over <-chan struct{}) {
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		_, _ = io.WriteString(server, greeting)
		r := bufio.NewReader(server)
		_, _ = r.ReadString('\n')
		go func() { _, _ = io.Copy(io.Discard, r) }()
		_, _ = io.WriteString(server, answer)
	}()
	return client, done
}

// fuzzed are options with limits that are reached soon.
func fuzzed() *imapclient.Options {
	return &imapclient.Options{ServerName: "fuzz", Events: func(imapclient.Event) {}, Trace: func(bool, string) {}, TLS: imapclient.TLSNone,
		Limits: imapclient.Limits{Line: 10_000, Literal: 10_000, Response: 20_000, Ahead: 100_000}}
}

// fuzzTimeout is how long a call may take; the server's end of the connection is closed long before.
const fuzzTimeout = 20 * time.Second

// call is one of a client's calls, with an answer of a server's that it understands.
type call struct {
	answer string
	do     func(ctx context.Context, c *imapclient.Client)
}

func calls() []call {
	key := imap.SearchKey{Op: imap.SearchAll}
	fetch := func(o imapclient.FetchOptions) func(context.Context, *imapclient.Client) {
		return func(ctx context.Context, c *imapclient.Client) {
			for m, err := range c.Fetch(ctx, imapclient.All(), &o) {
				if err == nil && m.Body != nil {
					_, _ = m.Body.Read(make([]byte, 10))
				}
			}
		}
	}
	return []call{
		{"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [MAILBOXID (F1)] x\r\n* OK [PERMANENTFLAGS (\\*)] x\r\nA1 OK [READ-WRITE] done\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Select(ctx, "INBOX", nil)
			_ = c.Mailbox()
		}},
		{"* ENABLED QRESYNC\r\nA1 OK x\r\n* VANISHED (EARLIER) 1:4\r\n* 1 FETCH (UID 5 FLAGS () MODSEQ (7))\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Enable(ctx, imap.CapQResync)
			_, _ = c.Select(ctx, "INBOX", &imapclient.SelectOptions{Known: &imapclient.KnownState{UIDValidity: 1, ModSeq: 1}})
		}},
		{"* 1 FETCH (UID 4 FLAGS (\\Seen $x) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44 ENVELOPE (NIL \"=?utf-8?q?x?=\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL \"<m@x>\") MODSEQ (3) EMAILID (M1) THREADID NIL SAVEDATE NIL PREVIEW {2}\r\nab X-GM-LABELS (\"a\"))\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, imap.FetchEnvelope, imap.FetchModSeq, imap.FetchEmailID, imap.FetchThreadID, imap.FetchSaveDate, "PREVIEW")})},
		{"* 1 FETCH (UID 4 BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 3 1 NIL (\"inline\" NIL) \"en\" NIL)(\"message\" \"rfc822\" NIL NIL NIL \"8bit\" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"a\" \"b\" NIL NIL NIL \"7bit\" 1) 2) \"mixed\" (\"boundary\" \"x\")))\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: imapclient.Items(imap.FetchBodyStructure)})},
		{"* 1 FETCH (UID 4 BODY[] {3}\r\nabc BODY[HEADER.FIELDS (A \"b\")]<7> \"x\" BINARY[1.2] ~{2}\r\n\x00\x01 BINARY.SIZE[1] 7 RFC822.HEADER NIL)\r\n* 7 UIDFETCH (BODY[] NIL)\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{}), imapclient.Headers("A", "b"), {Att: imap.FetchBinary, Peek: true, Section: imap.Section{Part: []int{1, 2}}}}})},
		{"* 1 FETCH (UID 4 BODY[] {5000}\r\n" + strings.Repeat("0123456789", 500) + " FLAGS ())\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Stream: true, Items: append(imapclient.Items(imap.FetchFlags), imapclient.Peek(imap.Section{}))})},
		{"* ESEARCH (TAG \"A1\") UID MIN 1 MAX 9 COUNT 3 MODSEQ 5 ALL 1:4,9 PARTIAL (1:2 4) RELEVANCY (1 2) ADDTO (0 1)\r\n* SEARCH 1 2 (MODSEQ 7)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Search(ctx, key, &imap.SearchOptions{Min: true, Max: true, Count: true, Save: true, Relevancy: true, Update: true, Partial: &imap.PartialRange{First: 1, Last: 2}})
		}},
		{"* SORT 2 1 3\r\n* ESEARCH (TAG \"A1\") UID ALL 3,1:2\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortArrival}}, key)
		}},
		{"* THREAD (1 (2)(3 4))((5)(6))\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Thread(ctx, imap.ThreadReferences, key)
		}},
		{"* ESEARCH (TAG \"A1\" MAILBOX \"&AOQ-\" UIDVALIDITY 3) UID COUNT 1\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, key, nil)
		}},
		{"* 1 FETCH (UID 1 FLAGS (x) MODSEQ (4))\r\nA1 OK [MODIFIED 7,9] x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Store(ctx, imapclient.UID(1, 2), mail.FlagsAdd, mail.NewFlags("x"), &imapclient.StoreOptions{UnchangedSince: 1})
		}},
		{"* OK [COPYUID 7 1:3 5:7] x\r\n* 1 EXPUNGE\r\n* VANISHED 4:6\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Move(ctx, imapclient.UID(1), "y")
		}},
		{"A1 OK [COPYUID 7 3:1,9 5:8] x\r\nA2 NO [TRYCREATE] x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Copy(ctx, imapclient.UID(1), "y")
			_ = c.Expunge(ctx)
		}},
		{"* LIST (\\HasChildren \\Sent) \"/\" &AOQ- (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"x\") \"MYRIGHTS\" (\"lr\"))\r\n* STATUS &AOQ- (MESSAGES 1 SIZE 9 MAILBOXID (F1) HIGHESTMODSEQ 3)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			for range c.List(ctx, &imapclient.ListOptions{Status: imap.StatusMessages, Subscribed: true, Deeper: true}) {
			}
		}},
		{"* STATUS x (MESSAGES 1 UIDNEXT 5 UIDVALIDITY 7 UNSEEN 0 APPENDLIMIT NIL DELETED 1)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Status(ctx, "x", imap.StatusMessages|imap.StatusUIDNext)
		}},
		{"A1 OK [MAILBOXID (F7)] x\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Create(ctx, "y", mail.UseSent)
			_ = c.Rename(ctx, "y", "z")
		}},
		{"A1 OK [APPENDUID 1 2:3] x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Append(ctx, "y", imapclient.NewDraft([]byte("z")), imapclient.NewDraft([]byte("z")))
		}},
		{"* OK [APPENDUID 1 2] x\r\n* 1 EXPUNGE\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Replace(ctx, 1, "y", imapclient.NewDraft([]byte("z")))
		}},
		{"* NAMESPACE ((\"\" \"/\" \"X-P\" (\"a\"))) NIL ((\"#s\" NIL))\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) { _, _ = c.Namespaces(ctx) }},
		{"* ID (\"name\" NIL \"version\" {1}\r\n1)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) { _, _ = c.ID(ctx) }},
		{"* QUOTAROOT INBOX \"\" {1}\r\nx\r\n* QUOTA \"\" (STORAGE 1 2 MESSAGE 3 4)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) { _, _ = c.QuotaRoots(ctx, "INBOX") }},
		{"* ACL INBOX bob lrs \"-x\" \"\"\r\n* LISTRIGHTS INBOX bob lr s t\r\n* MYRIGHTS INBOX lrswi\r\nA1 OK x\r\nA2 OK x\r\nA3 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.ACL(ctx, "INBOX")
			_, _ = c.ListRights(ctx, "INBOX", "bob")
			_, _ = c.MyRights(ctx, "INBOX")
		}},
		{"* METADATA INBOX (/private/comment \"x\" /shared/vendor/y/z NIL /shared/z ~{1}\r\n\x00)\r\n* METADATA \"\" /private/a /shared/b\r\nA1 OK [METADATA LONGENTRIES 9] x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private"}})
		}},
		{"* LANGUAGE (EN DE)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) { _, _ = c.Language(ctx) }},
		{"* GENURLAUTH \"imap://x\" y\r\nA1 OK x\r\n* URLFETCH \"imap://x\" {2}\r\nab y NIL\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.GenURLAuth(ctx, "imap://x", "y")
			_, _ = c.FetchURLs(ctx, "imap://x", "y")
		}},
		{"+ idling\r\n* 7 EXISTS\r\n* 3 EXPUNGE\r\n* OK still here\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) {
			for _, err := range c.Idle(ctx) {
				if err != nil {
					break
				}
			}
		}},
		{"* XFROB (a (b {1}\r\nc \"d\"))\r\nA1 OK [X-Y z] x\r\n", func(ctx context.Context, c *imapclient.Client) {
			_, _ = c.Raw(ctx, "XFROB", func(name string, d *imap.Decoder) bool {
				d.RawValue()
				return name == "XFROB"
			})
		}},
		{"* BYE [UNAVAILABLE] x\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) { _ = c.Logout(ctx) }},
	}
}

// FuzzCalls lets a server say anything in answer to each call: whatever it is, the call ends, nothing panics and no goroutine stays.
func FuzzCalls(f *testing.F) {
	list := calls()
	for i, c := range list {
		f.Add(uint8(i), c.answer)
	}
	f.Fuzz(func(t *testing.T, which uint8, said string) {
		conn, over := saying("* PREAUTH [CAPABILITY "+everything+"] hello\r\n", said)
		ctx, cancel := context.WithTimeout(context.Background(), fuzzTimeout)
		defer cancel()
		c, err := imapclient.NewClient(ctx, conn, fuzzed())
		if err == nil {
			list[int(which)%len(list)].do(ctx, c)
			_ = c.Close()
		}
		if ctx.Err() != nil {
			t.Fatal("a call did not end")
		}
		<-over
	})
}

// The calls understand the answers that the fuzzing begins with: none of them is malformed, and none is left over.
func TestFuzzSeeds(t *testing.T) {
	for i, call := range calls() {
		var events events
		o := fuzzed()
		o.Events = events.add
		events.news = make(chan struct{}, 1)
		conn, over := answering("* PREAUTH [CAPABILITY "+everything+"] hello\r\n", call.answer)
		c, err := imapclient.NewClient(t.Context(), conn, o)
		if err != nil {
			t.Fatal(err)
		}
		call.do(t.Context(), c)
		_ = c.Close()
		<-over
		for _, e := range events.take() {
			if bad, ok := e.(imapclient.MalformedEvent); ok {
				t.Errorf("call %d, %q: %v", i, call.answer, bad.Err)
			}
		}
	}
}

// FuzzSession lets a server say anything to several calls, one after the other, which can get each other's answers.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"* 3 EXISTS\r\nA1 OK [READ-WRITE] done\r\n* 1 FETCH (UID 4 FLAGS (\\Seen) BODY[] {3}\r\nabc ENVELOPE NIL)\r\nA2 OK x\r\n",
		"A1 NO [ALERT] no\r\n* SEARCH 1 2 3\r\n* VANISHED 1:5\r\n* ESEARCH (TAG \"A2\") UID ALL 1:4\r\nA2 OK\r\nA3 OK\r\n",
		"* LIST (\\Noselect) \"/\" &AOQ-\r\n* STATUS x (MESSAGES 1 UIDNEXT 99999999999)\r\n* 1 FETCH (BODYSTRUCTURE ((((((\r\nA1 OK\r\n+ go\r\nA2 BAD\r\nA3 OK [COPYUID 1 1:9 1:9] x\r\n",
		"* 7 UIDFETCH (BINARY[1.2]<0> ~{2}\r\n\x00\x01 PREVIEW NIL MODSEQ (1))\r\n* OK [BADCHARSET (x)] y\r\n* BYE [UNAVAILABLE] z\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		conn, over := saying("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MOVE CONDSTORE SORT THREAD=REFERENCES UIDONLY PREVIEW] hello\r\n", said)
		ctx, cancel := context.WithTimeout(context.Background(), fuzzTimeout)
		defer cancel()
		c, err := imapclient.NewClient(ctx, conn, fuzzed())
		if err == nil {
			_, _ = c.Select(ctx, "INBOX", nil)
			for m, err := range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Stream: true, Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
				if err == nil && m.Body != nil {
					_, _ = m.Body.Read(make([]byte, 10))
				}
			}
			_, _ = c.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, nil)
			_, _ = c.Store(ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags("x"), nil)
			_, _ = c.Move(ctx, imapclient.UID(1), "y")
			for range c.List(ctx, nil) {
			}
			_, _ = c.Append(ctx, "y", imapclient.NewDraft([]byte("z")))
			_, _ = c.Thread(ctx, imap.ThreadReferences, imap.SearchKey{Op: imap.SearchAll})
			_ = c.Close()
		}
		if ctx.Err() != nil {
			t.Fatal("a call did not end")
		}
		<-over
	})
}

// FuzzOpening lets a server say anything from the greeting on: STARTTLS, login, ID, ENABLE and COMPRESS.
func FuzzOpening(f *testing.F) {
	for _, s := range []string{
		"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR ENABLE ID QRESYNC COMPRESS=DEFLATE] hello\r\nA1 OK in\r\nA2 OK go\r\n",
		"* OK hello\r\n* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 AUTH=CRAM-MD5 ENABLE IMAP4rev2\r\nA1 OK x\r\n+ PDE4OTYuNjk3MTcwOTUyQHg+\r\nA2 OK [CAPABILITY IMAP4rev2 ENABLE ID] x\r\n* ID NIL\r\nA3 OK x\r\n* ENABLED IMAP4rev2\r\nA4 OK x\r\n",
		"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x\r\n",
		"* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\nA1 OK go\r\n\x16\x03\x01\x00\x02\x02\x46",
		"* BYE [UNAVAILABLE] later\r\n",
		"220 smtp.example.org ESMTP\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		conn, over := saying(said)
		ctx, cancel := context.WithTimeout(context.Background(), fuzzTimeout)
		defer cancel()
		o := fuzzed()
		o.TLS, o.Auth, o.ID, o.Compress, o.UTF8 = imapclient.TLSAuto, alice(), []string{"name", "fuzz"}, true, true
		o.Auth.AllowPlaintext = true
		c, err := imapclient.NewClient(ctx, conn, o)
		if err == nil {
			_, _ = c.Select(ctx, "INBOX", nil)
			_ = c.Close()
		}
		if ctx.Err() != nil {
			t.Fatal("opening did not end")
		}
		<-over
	})
}
