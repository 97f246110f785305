package imapclient_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// everything is what the fuzzed server offers: nothing is done without.
const everything = "IMAP4rev1 LITERAL+ ID NAMESPACE UNSELECT UIDPLUS MOVE IDLE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE " +
	"STATUS=SIZE ESEARCH SEARCHRES CONTEXT=SEARCH CONTEXT=SORT ESORT SORT SORT=DISPLAY THREAD=REFERENCES PARTIAL MULTISEARCH SEARCH=FUZZY CONDSTORE " +
	"QRESYNC UIDONLY BINARY CATENATE MULTIAPPEND REPLACE URLAUTH QUOTA QUOTASET ACL METADATA NOTIFY OBJECTID PREVIEW SAVEDATE LANGUAGE UNAUTHENTICATE " +
	"UIDBATCHES LIST-MYRIGHTS LIST-METADATA"

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
			_ = list[int(which)%len(list)].do(ctx, c)
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
		_ = call.do(t.Context(), c)
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
