package imapclient_test

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// second drops what a call returns besides its error.
func second[T any](_ T, err error) error { return err }

// call is one of a client's calls, with an answer of a server's that it understands.
type call struct {
	answer string
	do     func(ctx context.Context, c *imapclient.Client) error
}

func calls() []call {
	key := imap.SearchKey{Op: imap.SearchAll}
	fetch := func(o imapclient.FetchOptions) func(context.Context, *imapclient.Client) error {
		return func(ctx context.Context, c *imapclient.Client) (last error) {
			for m, err := range c.Fetch(ctx, imapclient.All(), &o) {
				if last = err; err == nil && m.Body != nil {
					_, _ = m.Body.Read(make([]byte, 10))
				}
			}
			return last
		}
	}
	return []call{
		{"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [MAILBOXID (F1)] x\r\n* OK [PERMANENTFLAGS (\\*)] x\r\nA1 OK [READ-WRITE] done\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Select(ctx, "INBOX", nil))
		}},
		{"* ENABLED QRESYNC\r\nA1 OK x\r\n* VANISHED (EARLIER) 1:4\r\n* 1 FETCH (UID 5 FLAGS () MODSEQ (7))\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.Enable(ctx, imap.CapQResync)), second(c.Select(ctx, "INBOX", &imapclient.SelectOptions{Known: &imapclient.KnownState{UIDValidity: 1, ModSeq: 1}})))
		}},
		{"* 1 FETCH (UID 4 FLAGS (\\Seen $x) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44 ENVELOPE (NIL \"=?utf-8?q?x?=\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL \"<m@x>\") MODSEQ (3) EMAILID (M1) THREADID NIL SAVEDATE NIL PREVIEW {2}\r\nab X-GM-LABELS (\"a\"))\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, imap.FetchEnvelope, imap.FetchModSeq, imap.FetchEmailID, imap.FetchThreadID, imap.FetchSaveDate, "PREVIEW")})},
		{"* 1 FETCH (UID 4 BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 3 1 NIL (\"inline\" NIL) \"en\" NIL)(\"message\" \"rfc822\" NIL NIL NIL \"8bit\" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"a\" \"b\" NIL NIL NIL \"7bit\" 1) 2) \"mixed\" (\"boundary\" \"x\")))\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: imapclient.Items(imap.FetchBodyStructure)})},
		{"* 1 FETCH (UID 4 BODY[] {3}\r\nabc BODY[HEADER.FIELDS (A \"b\")]<7> \"x\" BINARY[1.2] ~{2}\r\n\x00\x01 BINARY.SIZE[1] 7 RFC822.HEADER NIL)\r\n* 7 UIDFETCH (BODY[] NIL)\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{}), imapclient.Headers("A", "b"), {Att: imap.FetchBinary, Peek: true, Section: imap.Section{Part: []int{1, 2}}}}})},
		{"* 1 FETCH (UID 4 BODY[] {5000}\r\n" + strings.Repeat("0123456789", 500) + " FLAGS ())\r\nA1 OK x\r\n",
			fetch(imapclient.FetchOptions{Stream: true, Items: append(imapclient.Items(imap.FetchFlags), imapclient.Peek(imap.Section{}))})},
		{"* ESEARCH (TAG \"A1\") UID MIN 1 MAX 9 COUNT 3 MODSEQ 5 ALL 1:4,9 PARTIAL (1:2 4) RELEVANCY (1 2) ADDTO (0 1)\r\n* SEARCH 1 2 (MODSEQ 7)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Search(ctx, key, &imap.SearchOptions{Min: true, Max: true, Count: true, Save: true, Relevancy: true, Update: true, Partial: &imap.PartialRange{First: 1, Last: 2}}))
		}},
		{"* SORT 2 1 3\r\n* ESEARCH (TAG \"A1\") UID ALL 3,1:2\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortArrival}}, key, nil))
		}},
		{"* THREAD (1 (2)(3 4))((5)(6))\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Thread(ctx, imap.ThreadReferences, key))
		}},
		{"* ESEARCH (TAG \"A1\" MAILBOX \"&AOQ-\" UIDVALIDITY 3) UID COUNT 1\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, key, nil))
		}},
		{"* 1 FETCH (UID 1 FLAGS (x) MODSEQ (4))\r\nA1 OK [MODIFIED 7,9] x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Store(ctx, imapclient.UID(1, 2), mail.FlagsAdd, mail.NewFlags("x"), &imapclient.StoreOptions{UnchangedSince: 1}))
		}},
		{"* OK [COPYUID 7 1:3 5:7] x\r\n* 1 EXPUNGE\r\n* VANISHED 4:6\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Move(ctx, imapclient.UID(1), "y"))
		}},
		{"A1 OK [COPYUID 7 3:1,9 5:8] x\r\nA2 NO [TRYCREATE] x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.Copy(ctx, imapclient.UID(1), "y")), c.Expunge(ctx))
		}},
		{"* LIST (\\HasChildren \\Sent) \"/\" &AOQ- (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"x\") \"MYRIGHTS\" (\"lr\"))\r\n* STATUS &AOQ- (MESSAGES 1 SIZE 9 MAILBOXID (F1) HIGHESTMODSEQ 3)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			var last error
			for _, last = range c.List(ctx, &imapclient.ListOptions{Status: imap.StatusMessages, Subscribed: true, Deeper: true}) {
			}
			return last
		}},
		{"* STATUS x (MESSAGES 1 UIDNEXT 5 UIDVALIDITY 7 UNSEEN 0 APPENDLIMIT NIL DELETED 1)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Status(ctx, "x", imap.StatusMessages|imap.StatusUIDNext))
		}},
		{"A1 OK [MAILBOXID (F7)] x\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.Create(ctx, "y", mail.UseSent)), c.Rename(ctx, "y", "z"))
		}},
		{"A1 OK [APPENDUID 1 2:3] x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Append(ctx, "y", imapclient.NewDraft([]byte("z")), imapclient.NewDraft([]byte("z"))))
		}},
		{"* OK [APPENDUID 1 2] x\r\n* 1 EXPUNGE\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Replace(ctx, 1, "y", imapclient.NewDraft([]byte("z"))))
		}},
		{"* NAMESPACE ((\"\" \"/\" \"X-P\" (\"a\"))) NIL ((\"#s\" NIL))\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error { return second(c.Namespaces(ctx)) }},
		{"* ID (\"name\" NIL \"version\" {1}\r\n1)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error { return second(c.ID(ctx)) }},
		{"* QUOTAROOT INBOX \"\" {1}\r\nx\r\n* QUOTA \"\" (STORAGE 1 2 MESSAGE 3 4)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error { return second(c.QuotaRoots(ctx, "INBOX")) }},
		{"* ACL INBOX bob lrs \"-x\" \"\"\r\n* LISTRIGHTS INBOX bob lr s t\r\n* MYRIGHTS INBOX lrswi\r\nA1 OK x\r\nA2 OK x\r\nA3 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.ACL(ctx, "INBOX")), second(c.ListRights(ctx, "INBOX", "bob")), second(c.MyRights(ctx, "INBOX")))
		}},
		{"* METADATA INBOX (/private/comment \"x\" /shared/vendor/y/z NIL /shared/z ~{1}\r\n\x00)\r\n* METADATA \"\" /private/a /shared/b\r\nA1 OK [METADATA LONGENTRIES 9] x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private"}}))
		}},
		{"* LANGUAGE (EN DE)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error { return second(c.Language(ctx)) }},
		{"* GENURLAUTH \"imap://x\" y\r\nA1 OK x\r\n* URLFETCH \"imap://x\" {2}\r\nab y NIL\r\nA2 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.GenURLAuth(ctx, "imap://x", "y")), second(c.FetchURLs(ctx, "imap://x", "y")))
		}},
		{"+ idling\r\n* 7 EXISTS\r\n* 3 EXPUNGE\r\n* OK still here\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			for _, err := range c.Idle(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"* XFROB (a (b {1}\r\nc \"d\"))\r\nA1 OK [X-Y z] x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Raw(ctx, "XFROB", func(name string, d *imap.Decoder) bool {
				d.RawValue()
				return name == "XFROB"
			}))
		}},
		{"* UIDBATCHES (TAG \"A1\") 99:50,49:1\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.UIDBatches(ctx, 500))
		}},
		{"* LIST () \"/\" x\r\n* MYRIGHTS x lrs\r\n* METADATA x (/private/comment {1}\r\ny /shared/comment NIL)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			var last error
			for _, last = range c.List(ctx, &imapclient.ListOptions{Rights: true, Metadata: []string{"/private/comment", "/shared/comment"}}) {
			}
			return last
		}},
		{"* ESEARCH (TAG \"A1\") UID MIN 3 MAX 1 COUNT 3 PARTIAL (1:2 3,2)\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortArrival}}, key, &imap.SearchOptions{Min: true, Max: true, Count: true, Partial: &imap.PartialRange{First: 1, Last: 2}}))
		}},
		{"* BYE [UNAVAILABLE] x\r\nA1 OK x\r\n", func(ctx context.Context, c *imapclient.Client) error { return c.Logout(ctx) }},
	}
}
