package imapclient_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// FuzzResponses lets a server say anything in answer to some commands: whatever it is, every call ends, nothing panics and no
// goroutine stays.
func FuzzResponses(f *testing.F) {
	for _, s := range []string{
		"* 3 EXISTS\r\nA1 OK [READ-WRITE] done\r\n* 1 FETCH (UID 4 FLAGS (\\Seen) BODY[] {3}\r\nabc ENVELOPE NIL)\r\nA2 OK x\r\n",
		"A1 NO [ALERT] no\r\n* SEARCH 1 2 3\r\n* VANISHED 1:5\r\n* ESEARCH (TAG \"A2\") UID ALL 1:4\r\nA2 OK\r\nA3 OK\r\n",
		"* LIST (\\Noselect) \"/\" &AOQ-\r\n* STATUS x (MESSAGES 1 UIDNEXT 99999999999)\r\n* 1 FETCH (BODYSTRUCTURE ((((((\r\nA1 OK\r\n+ go\r\nA2 BAD\r\nA3 OK [COPYUID 1 1:9 1:9] x\r\n",
		"* 7 UIDFETCH (BINARY[1.2]<0> ~{2}\r\n\x00\x01 PREVIEW NIL MODSEQ (1))\r\n* OK [BADCHARSET (x)] y\r\n* BYE [UNAVAILABLE] z\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer server.Close()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			_, _ = server.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MOVE CONDSTORE SORT THREAD=REFERENCES UIDONLY PREVIEW] hello\r\n"))
			_, _ = server.Write(said)
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		c, err := imapclient.NewClient(ctx, client, &imapclient.Options{ServerName: "fuzz", Events: func(imapclient.Event) {}, TLS: imapclient.TLSNone,
			Limits: imapclient.Limits{Line: 10_000, Literal: 10_000, Response: 20_000, Ahead: 100_000}})
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
		<-done
	})
}
