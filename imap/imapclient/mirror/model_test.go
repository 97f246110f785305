package mirror_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
	"github.com/buuta/mail/imap/imaptest"
)

// TestModel does random things on both sides, and cuts connections at random octets of random answers. After each Sync that
// came through, every flag is as the rules say; in the end both sides are equal, and every message that was made here is on the
// server once.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt)
		rt.Repeat(map[string]func(*rapid.T){
			"add there":     m.addThere,
			"flags there":   m.flagsThere,
			"expunge there": m.expungeThere,
			"anew there":    m.anewThere,
			"flags here":    func(rt *rapid.T) { m.flagsHere(rt) },
			"delete here":   m.deleteHere,
			"add here":      m.addHere,
			"cut":           m.cut,
			"sync":          m.sync,
		})
		m.srv.Heal()
		m.drop()
		for range 3 { // what happened during the last one, then its own changes
			m.mirror.Progress, m.cache.during = nil, nil
			_, err := m.mirror.Sync(context.Background(), m.client())
			require.NoError(rt, err)
		}
		requireEqual(rt, &m.cache.Memory, m.box())
		for body, n := range m.sent {
			require.Equal(rt, n, m.count(rt, body), "copies of %s", body)
		}
		m.drop()
	})
}

type model struct {
	srv     *imaptest.Server
	cache   *racing
	mirror  *mirror.Mirror
	without []string
	conn    *imapclient.Client
	tb      testing.TB
	serial  int
	faulty  bool
	sent    map[string]int // by content
}

// racing is a cache in which something changes at the very moment when Sync is about to write.
type racing struct {
	mirror.Memory
	during func()
}

func (r *racing) race() {
	if r.during != nil {
		r.during()
	}
}

func (r *racing) Apply(ctx context.Context, b *mirror.Batch) (mirror.Applied, error) {
	if len(b.Stored) > 0 {
		r.race()
	}
	return r.Memory.Apply(ctx, b)
}

var flagNames = []string{`\Seen`, `\Flagged`, `\Answered`, "$a", "B"}

func newModel(t testing.TB, rt *rapid.T) *model {
	m := &model{srv: imaptest.NewServer(t), cache: &racing{}, tb: t, sent: map[string]int{}}
	m.without = rapid.SampledFrom([][]string{nil, {"QRESYNC"}, {"QRESYNC", "CONDSTORE"}, {"ESEARCH", "IMAP4rev2", "QRESYNC"}}).Draw(rt, "without")
	m.mirror = &mirror.Mirror{Mailbox: "Box", Cache: m.cache, Batch: rapid.IntRange(1, 5).Draw(rt, "batch")}
	m.srv.Mailbox("Box")
	return m
}

func (m *model) box() mail.Mailbox { return m.srv.Mailbox("Box") }

func (m *model) client() *imapclient.Client {
	if m.conn == nil || m.conn.Err() != nil {
		m.drop()
		var err error
		m.conn, err = imapclient.Dial(context.Background(), "x:143", &imapclient.Options{Dial: m.srv.Dial, Without: m.without,
			Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
		require.NoError(m.tb, err)
	}
	return m.conn
}

func (m *model) drop() {
	if m.conn != nil {
		_ = m.conn.Close()
		m.conn = nil
	}
}

func (m *model) content() string {
	m.serial++
	return message(m.serial / 2) // pairs are alike
}

func (m *model) there() (out []mail.UID) {
	for msg, err := range m.box().Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(m.tb, err)
		out = append(out, msg.UID)
	}
	return out
}

func (m *model) pickThere(rt *rapid.T) (mail.UID, bool) {
	if list := m.there(); len(list) > 0 {
		return rapid.SampledFrom(list).Draw(rt, "uid"), true
	}
	return 0, false
}

func (m *model) addThere(rt *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(rt, "n") {
		m.serial++
		m.srv.Add("Box", fmt.Sprintf("Subject: there %d\n\n", m.serial))
	}
}

func (m *model) flagsThere(rt *rapid.T) {
	if u, ok := m.pickThere(rt); ok {
		op := rapid.SampledFrom([]mail.FlagOp{mail.FlagsAdd, mail.FlagsRemove, mail.FlagsReplace}).Draw(rt, "op")
		setFlags(m.tb, m.box(), op, u, rapid.SliceOfDistinct(rapid.SampledFrom(flagNames), rapid.ID).Draw(rt, "flags")...)
	}
}

func (m *model) expungeThere(rt *rapid.T) {
	// Not what was made here: it is counted.
	u, ok := m.pickThere(rt)
	if ok && strings.Contains(m.read(u), "Subject: there") {
		expunge(m.tb, m.box(), u)
	}
}

func (m *model) read(u mail.UID) string {
	b, err := m.box().OpenBody(context.Background(), u)
	require.NoError(m.tb, err)
	defer b.Close()
	buf := make([]byte, b.Size())
	_, err = b.ReadAt(buf, 0)
	require.NoError(m.tb, err)
	return string(buf)
}

func (m *model) anewThere(rt *rapid.T) {
	if len(m.sent) > 0 || rapid.IntRange(0, 3).Draw(rt, "seldom") > 0 {
		return
	}
	a, err := m.srv.Store.Account(context.Background(), imaptest.Username)
	require.NoError(m.tb, err)
	defer a.Close()
	require.NoError(m.tb, a.Delete(context.Background(), "Box"))
	m.box()
}

func (m *model) pickHere(rt *rapid.T) (mirror.Message, bool) {
	if list := m.cache.Messages(); len(list) > 0 {
		return rapid.SampledFrom(list).Draw(rt, "message"), true
	}
	return mirror.Message{}, false
}

func (m *model) flagsHere(rt *rapid.T) {
	if msg, ok := m.pickHere(rt); ok {
		op := rapid.SampledFrom([]mail.FlagOp{mail.FlagsAdd, mail.FlagsRemove, mail.FlagsReplace}).Draw(rt, "op")
		m.cache.SetFlags(mail.UIDSetOf(msg.UID), op, mail.NewFlags(rapid.SliceOfDistinct(rapid.SampledFrom(flagNames), rapid.ID).Draw(rt, "flags")...))
	}
}

func (m *model) deleteHere(rt *rapid.T) {
	msg, ok := m.pickHere(rt)
	if ok && strings.Contains(m.readIfThere(msg.UID), "Subject: there") {
		m.cache.Delete(mail.UIDSetOf(msg.UID))
	}
}

func (m *model) readIfThere(u mail.UID) string {
	for _, o := range m.there() {
		if o == u {
			return m.read(u)
		}
	}
	return ""
}

func (m *model) addHere(rt *rapid.T) {
	c := strings.ReplaceAll(m.content(), "\n", "\r\n")
	m.sent[c]++
	m.cache.Add([]byte(c), mail.NewFlags(rapid.SampledFrom(flagNames).Draw(rt, "flag")), time.Time{})
}

func (m *model) count(rt *rapid.T, body string) (n int) {
	for _, u := range m.there() {
		if m.read(u) == body {
			n++
		}
	}
	return n
}

func (m *model) cut(rt *rapid.T) {
	m.faulty = true
	f := imaptest.Fault{Times: 1, Command: rapid.SampledFrom([]string{"SELECT", "UID FETCH", "UID STORE", "UID EXPUNGE", "APPEND", "UID SEARCH", "STATUS"}).Draw(rt, "command")}
	if f.Cut = int64(rapid.IntRange(0, 300).Draw(rt, "octets")); f.Cut == 0 {
		f.Drop = true
	}
	m.srv.Fail(f)
}

func (m *model) sync(rt *rapid.T) {
	during := rapid.Bool().Draw(rt, "changes during the sync")
	m.cache.during = nil
	if during {
		m.cache.during = func() { m.flagsHere(rt) }
	}
	m.mirror.Progress = func(mirror.Progress) { m.cache.race() }
	want := m.expected()
	_, err := m.mirror.Sync(context.Background(), m.client())
	if err != nil {
		require.True(rt, m.faulty, "%v", err)
		m.drop()
		return
	}
	if during || m.faulty {
		return
	}
	got := map[mail.UID]string{}
	for msg, err := range m.box().Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(rt, err)
		got[msg.UID] = fmt.Sprint(sorted(msg.Flags))
	}
	for u, flags := range want {
		require.Equal(rt, flags, got[u], "message %d", u)
	}
}

// expected is what the server's messages shall be after a Sync, by the rules: a flag that is not here as it was when both sides last
// agreed is as here, and else as there; deleted here or there is gone. (Messages that are sent are not in it.)
func (m *model) expected() map[mail.UID]string {
	out := map[mail.UID]string{}
	here := map[mail.UID]mirror.Message{}
	state, err := m.cache.State(context.Background())
	require.NoError(m.tb, err)
	st, err := m.box().State(context.Background())
	require.NoError(m.tb, err)
	if state.UIDValidity == st.UIDValidity {
		for _, msg := range m.cache.Messages() {
			here[msg.UID] = msg
		}
	}
	for there, err := range m.box().Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(m.tb, err)
		msg, known := here[there.UID]
		if msg.Deleted {
			out[there.UID] = ""
			continue
		}
		var names []string
		for _, f := range flagNames {
			is := there.Flags.Has(f)
			if known && msg.Flags.Has(f) != msg.Server.Has(f) {
				is = msg.Flags.Has(f)
			}
			if is {
				names = append(names, f)
			}
		}
		out[there.UID] = fmt.Sprint(sorted(mail.NewFlags(names...)))
	}
	return out
}
