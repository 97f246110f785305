//go:build unix

package mirror_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
	"github.com/buuta/mail/internal/peers"
)

// dovecot is a Maildir that Debian's Dovecot serves to whoever dials, each with a process of its own.
type dovecot struct {
	t *testing.T
	*peers.Alone
}

func newDovecot(t *testing.T) *dovecot {
	t.Helper()
	return &dovecot{t, peers.DovecotAlone(t)}
}

// dial starts a process.
func (d *dovecot) dial(cut int) (net.Conn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	here, there := os.NewFile(uintptr(fds[0]), "here"), os.NewFile(uintptr(fds[1]), "there")
	defer here.Close()
	defer there.Close()
	cmd := d.IMAP()
	cmd.Stdin, cmd.Stdout = there, there
	syscall.CloseOnExec(fds[0])
	conn, err := net.FileConn(here)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, err
	}
	return &process{Conn: conn, cmd: cmd, left: cut}, nil
}

// process is a connection with a program. Closing it waits for the program, which perhaps has something to end yet.
type process struct {
	net.Conn
	cmd  *exec.Cmd
	left int // octets to be read until it is cut; below 0: never
	once sync.Once
}

func (p *process) Read(b []byte) (int, error) {
	if p.left == 0 {
		p.Close()
		return 0, net.ErrClosed
	}
	if p.left > 0 && len(b) > p.left {
		b = b[:p.left]
	}
	n, err := p.Conn.Read(b)
	if p.left > 0 {
		p.left -= n
	}
	return n, err
}

func (p *process) Close() error {
	p.once.Do(func() {
		p.Conn.Close()
		_ = p.cmd.Wait()
	})
	return nil
}

// client connects; the connection is cut after so many octets from the server, if cut is not negative.
func (d *dovecot) client(cut int, without ...string) (*imapclient.Client, error) {
	c, err := imapclient.Dial(context.Background(), "dovecot:143", &imapclient.Options{Without: without,
		Dial: func(context.Context, string, string) (net.Conn, error) { return d.dial(cut) }})
	if err == nil {
		d.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// The client's calls, with Dovecot's extensions and with hardly any.
func TestDovecotClient(t *testing.T) {
	d := newDovecot(t)
	for i, without := range [][]string{nil, {"QRESYNC", "CONDSTORE", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "MULTIAPPEND", "LITERAL+", "SPECIAL-USE"}} {
		c, err := d.client(-1, without...)
		require.NoError(t, err)
		ctx, name := t.Context(), fmt.Sprintf("Thư %d", i)
		_, err = c.Create(ctx, name)
		require.NoError(t, err)
		_, err = c.Create(ctx, name+"/sub")
		require.NoError(t, err)
		one, two := imapclient.NewDraft([]byte(crlf(message(1))), `\Seen`, "$x"), imapclient.NewDraft([]byte(crlf(message(2))))
		two.InternalDate = time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
		done, err := c.Append(ctx, name, one, two)
		require.NoError(t, err)
		require.Equal(t, []mail.UID{1, 2}, done.UIDs)
		found := false
		for l, err := range c.List(ctx, &imapclient.ListOptions{Status: imap.StatusMessages}) {
			require.NoError(t, err)
			if l.Name == name {
				found = true
				require.EqualValues(t, 2, l.Status.Messages)
			}
		}
		require.True(t, found)
		box, err := c.Select(ctx, name, nil)
		require.NoError(t, err)
		require.True(t, box.NewKeywords)
		m, err := c.FetchOne(ctx, 2, append(imapclient.Items(imap.FetchEnvelope, imap.FetchInternalDate, imap.FetchFlags, imap.FetchBodyStructure), imapclient.Peek(imap.Section{}))...)
		require.NoError(t, err)
		require.Equal(t, "message 2", m.Envelope.Subject.Value)
		require.True(t, two.InternalDate.Equal(m.InternalDate))
		body, _ := m.Section(imap.Section{})
		require.Equal(t, crlf(message(2)), string(body))
		r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchSubject, Value: "message"}, &imap.SearchOptions{Count: true, Max: true})
		require.NoError(t, err)
		require.Equal(t, []int{2, 2}, []int{r.Count, int(r.Max)})
		r, err = c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortArrival}}, imap.SearchKey{Op: imap.SearchAll}, nil)
		require.NoError(t, err)
		require.Equal(t, []mail.UID{2, 1}, r.Order)
		_, err = c.Thread(ctx, imap.ThreadReferences, imap.SearchKey{Op: imap.SearchAll})
		require.NoError(t, err)
		moved, err := c.Move(ctx, imapclient.UID(1), name+"/sub")
		require.NoError(t, err)
		require.Equal(t, []mail.UID{1}, moved.To)
		require.EqualValues(t, 1, c.Mailbox().Messages)
		require.NoError(t, c.Delete(ctx, name+"/sub"))
		require.NoError(t, c.Logout(ctx))
	}
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// TestDovecotInStep does random things on both sides of a mailbox of Dovecot's, and cuts connections at random octets: in the end
// both sides are equal, and what was made here is there once.
func TestDovecotInStep(t *testing.T) {
	for seed, without := range [][]string{nil, {"QRESYNC"}, {"QRESYNC", "CONDSTORE", "ESEARCH"}} {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		d := newDovecot(t)
		other, err := d.client(-1) // another client: what happens there
		require.NoError(t, err)
		_, err = other.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		cache := &mirror.Memory{}
		m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, Batch: 4}
		sent := map[string]int{}
		there := func() map[mail.UID]string {
			out := map[mail.UID]string{}
			require.NoError(t, other.Noop(t.Context()))
			if other.Mailbox().Messages == 0 {
				return out
			}
			for msg, err := range other.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags)}) {
				require.NoError(t, err)
				out[msg.UID] = fmt.Sprint(sorted(msg.Flags))
			}
			return out
		}
		flags := func() mail.Flags { return mail.NewFlags(flagNames[rnd.IntN(len(flagNames))]) }
		expungeable := mail.UIDSet{}
		cuts, whole := 0, 0
		for round := range 40 {
			for range rnd.IntN(4) {
				uids := slices.Sorted(maps.Keys(there()))
				pick := func() mail.UIDSet { return mail.UIDSetOf(uids[rnd.IntN(len(uids))]) }
				switch n := rnd.IntN(6); {
				case n == 0 || len(uids) == 0:
					done, err := other.Append(t.Context(), "INBOX", imapclient.NewDraft(fmt.Appendf(nil, "Subject: there %d\r\n\r\n", round)))
					require.NoError(t, err)
					expungeable.Add(done.UIDs[0])
				case n == 1:
					_, err := other.Store(t.Context(), imapclient.UIDs(pick()), mail.FlagOp(rnd.IntN(2)), flags(), nil)
					require.NoError(t, err)
				case n == 2:
					if u := pick(); expungeable.Contains(u.Ranges()[0].First) {
						_, err := other.Store(t.Context(), imapclient.UIDs(u), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
						require.NoError(t, err)
						require.NoError(t, other.ExpungeSet(t.Context(), imapclient.UIDs(u)))
					}
				case n == 3:
					cache.SetFlags(pick(), mail.FlagOp(rnd.IntN(2)), flags())
				case n == 4:
					if u := pick(); expungeable.Contains(u.Ranges()[0].First) {
						cache.Delete(u)
					}
				case n == 5:
					body := crlf(message(round / 3))
					sent[body]++
					cache.Add([]byte(body), flags(), time.Time{})
				}
			}
			c, err := d.client(300+rnd.IntN(1500), without...)
			if err != nil {
				cuts++
				continue
			}
			if _, err = m.Sync(t.Context(), c); err != nil {
				cuts++
			} else {
				whole++
			}
			require.NoError(t, c.Close())
		}
		require.Greater(t, min(cuts, whole), 3, "%d were cut, %d came through", cuts, whole)
		c, err := d.client(-1, without...)
		require.NoError(t, err)
		for range 3 {
			_, err = m.Sync(t.Context(), c)
			require.NoError(t, err)
		}
		here := map[mail.UID]string{}
		for _, msg := range cache.Messages() {
			require.False(t, msg.Changed())
			here[msg.UID] = fmt.Sprint(sorted(msg.Flags))
		}
		require.Equal(t, there(), here)
		got := map[string]int{}
		for msg, err := range c.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
			require.NoError(t, err)
			if body, _ := msg.Section(imap.Section{}); !strings.Contains(string(body), "there") {
				got[string(body)]++
			}
		}
		require.Equal(t, sent, got)
	}
}
