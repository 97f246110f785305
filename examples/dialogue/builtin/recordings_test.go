package builtin

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/recording"
)

var write = flag.Bool("write", false, "write the recordings anew, as the servers answer now")

// varies is what is another one each time, and what stands for it when recordings are compared.
var varies = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`queued as [0-9A-F]+`), "queued as 1"},
	{regexp.MustCompile(`UIDVALIDITY \d+`), "UIDVALIDITY 1"},
	{regexp.MustCompile(`APPENDUID \d+`), "APPENDUID 1"},
	{regexp.MustCompile(`INTERNALDATE "[^"]+"`), `INTERNALDATE "x"`},
	{regexp.MustCompile(`(?m)^(S: 1 )\S{16,}$`), "${1}x"},
	{regexp.MustCompile(`MAILBOXID \([^)]+\)`), "MAILBOXID (x)"},
	{regexp.MustCompile(`HIGHESTMODSEQ \d+`), "HIGHESTMODSEQ 1"},
}

func same(text string) string {
	for _, v := range varies {
		text = v.re.ReplaceAllString(text, v.by)
	}
	return text
}

// announced is what a server of IMAP can do. Recordings have some of it only, so that a line can be read.
var announced = regexp.MustCompile(`\[CAPABILITY ([^\]]+)\]`)

// shorten leaves of what a server announces what a recording has, if all of that is announced.
func shorten(text, recorded string) string {
	lists := announced.FindAllStringSubmatch(recorded, -1)
	return announced.ReplaceAllStringFunc(text, func(all string) string {
		if len(lists) == 0 {
			return all
		}
		short := lists[0]
		lists = lists[1:]
		has := strings.Fields(announced.FindStringSubmatch(all)[1])
		for word := range strings.FieldsSeq(short[1]) {
			if !slices.Contains(has, word) {
				return all
			}
		}
		return short[0]
	})
}

// take is one more take of a recording: the client says the same, the server what it says.
type take struct {
	t       *testing.T
	conn    net.Conn
	r       *bufio.Reader
	session *explain.Session
	out     strings.Builder
}

// read reads until it is the client's turn, or, in IDLE, until what is wanted comes.
func (k *take) read(until string) {
	for {
		client := k.session.State().Client
		if until == "" && client != "client.waits" && client != "client.listens" && k.r.Buffered() == 0 {
			return
		}
		line, err := k.r.ReadString('\n')
		require.NoError(k.t, err, k.out.String())
		k.session.Feed(explain.Server, []byte(line))
		fmt.Fprintf(&k.out, "S: %s\n", strings.TrimRight(line, "\r\n"))
		if until != "" && strings.Contains(line, until) {
			return
		}
	}
}

func (k *take) say(line string) {
	k.session.Feed(explain.Client, []byte(line))
	_, err := k.conn.Write([]byte(line))
	require.NoError(k.t, err)
	fmt.Fprintf(&k.out, "C: %s\n", strings.TrimRight(line, "\r\n"))
}

func (k *take) startTLS() {
	c := tls.Client(k.conn, &tls.Config{InsecureSkipVerify: true})
	require.NoError(k.t, c.Handshake())
	k.conn, k.r = c, bufio.NewReader(c)
	k.session.Secured()
	k.out.WriteString("tls:\n")
}

// message is what the recordings of who reads find in the mailbox, new is what comes in the meantime.
const (
	message    = "Subject:Thu gui thu tu telnet\r\n\r\nDay la mot buc thu gui tu telnet\r\n"
	newMessage = "From: Trung <trunghq@ubuntu.localdomain>\r\nSubject: Xin chao\r\nDate: Mon, 02 Mar 2026 08:00:00 +0700\r\nMessage-ID: <1@ubuntu.localdomain>\r\n\r\nChao ban.\r\n"
)

// put puts a message into the recipient's mailbox as it is.
func put(t *testing.T, w *World, text string) {
	c, err := net.Dial("tcp", w.Addr(explain.IMAP))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprintf(c, "a LOGIN %s %s\r\nb APPEND INBOX {%d+}\r\n%s\r\n", Receiver, Password, len(text), text)
	r := bufio.NewReader(c)
	for line := ""; !strings.HasPrefix(line, "b OK"); {
		line, err = r.ReadString('\n')
		require.NoError(t, err)
	}
}

// Every recording is what the servers really say: what its client says is said to them again, and they answer so. -write records anew.
func TestRecordingsAreReal(t *testing.T) {
	for _, name := range recording.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each has a world of its own
			w, err := Start(nil)
			require.NoError(t, err)
			defer func() { require.NoError(t, w.Close()) }()
			r, err := recording.Open(name)
			require.NoError(t, err)
			addr := w.Addr(r.Protocol)
			switch {
			case name == "refusal":
				addr = w.far.Addrs("smtp_listen")[0].String()
			case r.Protocol != explain.SMTP:
				put(t, w, message)
			}
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
			k := &take{t: t, conn: c, r: bufio.NewReader(c), session: explain.New(r.Protocol)}
			k.read("")
			for _, l := range r.Lines {
				switch l.Side {
				case explain.Client:
					k.say(l.Text)
					k.read("")
					if k.session.State().Client == "client.idles" {
						put(t, w, newMessage)
						k.read("EXISTS")
					}
				case 0:
					k.startTLS()
				}
			}
			file := filepath.Join("..", "recording", "files", name+".txt")
			old, err := os.ReadFile(file)
			require.NoError(t, err)
			begins := bytes.Index(old, []byte("\nS: ")) + 1
			recorded := string(old[begins:])
			got := shorten(k.out.String(), recorded)
			if *write && same(got) != same(recorded) {
				require.NoError(t, os.WriteFile(file, []byte(string(old[:begins])+got), 0o644))
				return
			}
			require.Equal(t, same(recorded), same(got))
		})
	}
}
