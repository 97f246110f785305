package imapserver_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
)

// scriptConn is a client that says what it has to say without listening, and goes.
type scriptConn struct {
	in  io.Reader
	out bytes.Buffer
}

func (c *scriptConn) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *scriptConn) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *scriptConn) Close() error                     { return nil }
func (c *scriptConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *scriptConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *scriptConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptConn) SetWriteDeadline(time.Time) error { return nil }

// FuzzSession sends whatever comes to sessions in every state. The server must end, and what it says must be lines.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1:* FULL\r\n",
		"a FETCH 1:* (BODY[1.HEADER.FIELDS (a)]<0.5> BINARY[1] BODYSTRUCTURE)\r\nb UID STORE 1 +FLAGS (\\Deleted x)\r\nc EXPUNGE\r\n",
		"a SEARCH RETURN (SAVE) OR BODY {3+}\r\nabc NOT TEXT x\r\nb MOVE $ INBOX\r\nc UID COPY 1:* Trash\r\n",
		"a APPEND INBOX (\\Seen) {3+}\r\nabc {3+}\r\nabc\r\nb IDLE\r\nDONE\r\n",
		"a CREATE &AOk-/x\r\nb RENAME &AOk- y\r\nc LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (* %/x) RETURN (STATUS (MESSAGES))\r\nd DELETE y/x\r\n",
		"a ENABLE QRESYNC UTF8=ACCEPT\r\nb SELECT INBOX (QRESYNC (1001 1 1:9 (1 1)))\r\nc UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\r\n",
		"a APPEND INBOX CATENATE (TEXT {2+}\r\nx:URL /INBOX/;UID=1/;SECTION=HEADER URL \";UID=2/;PARTIAL=1.5\" TEXT ~{1+}\r\n\x00) {1+}\r\nx\r\n",
		"a ENABLE UIDONLY\r\nb SELECT INBOX\r\nc REPLACE 1 INBOX {1+}\r\nx\r\nd UID REPLACE 1 Trash CATENATE (URL ;UID=2)\r\ne UID FETCH 1:* PREVIEW (LAZY)\r\n",
		"a ENABLE UTF8=ACCEPT\r\nb APPEND INBOX UTF8 (~{3+}\r\n\xc3\xa4:)\r\nc FETCH 1:* (BINARY.SIZE[1] BINARY[]<1.2> PREVIEW EMAILID THREADID SAVEDATE)\r\n",
		"a GENURLAUTH imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous INTERNAL\r\nb RESETKEY INBOX INTERNAL\r\nc URLFETCH x \"imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:91354a473744909de610943775f92038\"\r\n",
		"a COMPRESS DEFLATE\r\n\x04\x04\x02\x00b NOOP\r\n",
		"a AUTHENTICATE PLAIN\r\n*\r\nb AUTHENTICATE LOGIN YQ==\r\nYQ==\r\nc ID (\"a\" NIL)\r\n",
		"a LANGUAGE vi-x en\r\nb LANGUAGE\r\nc NAMESPACE\r\nd UNAUTHENTICATE\r\ne LOGIN alice secret\r\nf SELECT INBOX\r\n",
		"a COMPRESS DEFLATE\r\nJT\xf0s\xf4q\r\nb UNAUTHENTICATE\r\nc NOOP\r\n",
		"a GETQUOTAROOT INBOX\r\nb SETQUOTA \"\" (STORAGE 1 MESSAGE 2)\r\nc APPEND INBOX {3+}\r\nabc\r\nd GETQUOTA \"\"\r\n",
		"a SETACL INBOX bob +lrd\r\nb GETACL INBOX\r\nc LISTRIGHTS INBOX -bob\r\nd MYRIGHTS Users/bob/x\r\ne DELETEACL INBOX bob\r\n",
		"a SETMETADATA \"\" (/private/x {3+}\r\nabc /shared/y NIL)\r\nb GETMETADATA (MAXSIZE 1 DEPTH infinity) \"\" (/private /shared)\r\nc LIST \"\" * RETURN (METADATA (/shared/x) MYRIGHTS)\r\n",
		"a NOTIFY SET STATUS (selected (MessageNew (UID BODY[]) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge MailboxName))\r\nb APPEND Trash {3+}\r\nabc\r\nc CREATE x\r\nd EXPUNGE\r\ne NOTIFY NONE\r\n",
		"a ENABLE METADATA\r\nb NOTIFY SET (subtree (a INBOX) (MailboxMetadataChange ServerMetadataChange))\r\nc XLIST \"\" %\r\nd NAMESPACE\r\ne IDLE\r\nDONE\r\n",
	} {
		for state := range byte(3) {
			f.Add(state, []byte(s))
			f.Add(state+9, []byte(s)) // with a store that shares
		}
	}
	f.Fuzz(func(t *testing.T, state byte, script []byte) {
		store := imaptest.NewStore()
		store.Sharing = state&8 != 0
		fx := &fixture{T: t, store: store}
		fx.add("INBOX", simple, nested, "")
		fx.box("Trash")
		srv := &imapserver.Server{Store: store, Authenticator: imaptest.Users{"alice": "secret"}, BareLF: state&4 != 0,
			AllowPlaintext: func(*imapserver.Conn) bool { return true }, Limits: imapserver.Limits{MessageSize: 1000}}
		before := []string{"", "x LOGIN alice secret\r\n", "x LOGIN alice secret\r\ny SELECT INBOX\r\n"}[state%3]
		c := &scriptConn{in: io.MultiReader(strings.NewReader(before), bytes.NewReader(script))}
		srv.ServeConn(context.Background(), c)
		out := c.out.Bytes()
		require.True(t, bytes.HasSuffix(out, []byte("\r\n")), "%q", out)
		require.True(t, bytes.HasPrefix(out, []byte("* OK ")), "%q", out)
		require.NotContains(t, string(out), "SERVERBUG")
	})
}
