package imapserver_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime"
)

// corpus returns the messages of package mime's corpus, with CRLF line ends, by name.
func corpus(t testing.TB) (names []string, messages [][]byte) {
	t.Helper()
	files, err := filepath.Glob("../../mime/testdata/corpus/*.eml")
	require.NoError(t, err)
	require.Greater(t, len(files), 500)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var out []byte
		for i, c := range raw {
			if c == '\n' && (i == 0 || raw[i-1] != '\r') {
				out = append(out, '\r')
			}
			out = append(out, c)
		}
		names, messages = append(names, filepath.Base(file)), append(messages, out)
	}
	return names, messages
}

// A bad message never breaks a session: of every message of the corpus, whatever is wrong with it, every item is answered in
// the syntax of RFC 9051 section 9, and what is shown is what is there.
func TestCorpus(t *testing.T) {
	stores := map[string]func(t *testing.T, s *imapserver.Server){
		"memory": func(*testing.T, *imapserver.Server) {},
		"maildir": func(t *testing.T, s *imapserver.Server) {
			s.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true}
		},
	}
	names, messages := corpus(t)
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *imapserver.Server) { store(t, s) })
			b := f.box("INBOX")
			tx, err := b.Append(context.Background())
			require.NoError(t, err)
			for _, m := range messages {
				require.NoError(t, tx.Add(context.Background(), strings.NewReader(string(m)), nil))
			}
			_, err = tx.Commit(context.Background())
			require.NoError(t, err)
			require.NoError(t, b.Close())
			p := f.login("INBOX")
			for _, mode := range []string{"IMAP4rev1", "UTF8"} {
				if mode == "UTF8" {
					p.do("u ENABLE UTF8=ACCEPT")
				}
				for i, m := range messages {
					checkMessage(t, p, names[i], mode == "UTF8", i+1, m)
				}
			}
			p.do("z NOOP")
		})
	}
}

// fetch sends FETCH and reads its one response.
func (p *peer) fetch(utf8 bool, seq int, items string) (f *fetched, status string, err error) {
	p.send(fmt.Sprintf("f FETCH %d (%s)\r\n", seq, items))
	g := &grammar{r: p.r, utf8: utf8}
	for {
		one, tagged, err := g.response()
		if err != nil || one == nil {
			return f, tagged, err
		}
		f = one
	}
}

func checkMessage(t *testing.T, p *peer, name string, utf8 bool, seq int, message []byte) {
	got, status, err := p.fetch(utf8, seq, "UID FLAGS RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE PREVIEW BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] "+
		"BODY.PEEK[HEADER.FIELDS (Subject From)] BODY.PEEK[HEADER.FIELDS.NOT (Subject)] BINARY.PEEK[] BODY.PEEK[]<10.100>")
	require.NoError(t, err, name)
	require.Contains(t, status, "f OK", name)
	require.NotNil(t, got, name)
	require.Equal(t, int64(len(message)), got.number["RFC822.SIZE"], name)
	shown := strings.ReplaceAll(string(message), "\x00", "\x80") // no literal may hold NUL
	require.Equal(t, shown, got.text["BODY[]"], name)
	require.Equal(t, string(message), got.text["BINARY[]"], name)
	require.Equal(t, shown, got.text["BODY[HEADER]"]+got.text["BODY[TEXT]"], name)
	require.Equal(t, shown[min(10, len(shown)):min(110, len(shown))], got.text["BODY[]<10>"], name)
	require.LessOrEqual(t, len([]rune(got.text["PREVIEW"])), 256, name)

	index, err := mime.BuildIndex(strings.NewReader(string(message)), int64(len(message)), nil)
	require.NoError(t, err, name)
	checkParts(t, p, name, utf8, seq, index.Root, nil)
}

// checkParts fetches every part by its number.
func checkParts(t *testing.T, p *peer, name string, utf8 bool, seq int, part *mime.Part, number []int) {
	if len(number) > 8 {
		return
	}
	if len(number) == 0 && !part.IsMultipart() {
		number = []int{1}
	}
	parts := part.Parts
	if part.Message != nil {
		parts = []*mime.Part{part.Message}
		if part.Message.IsMultipart() {
			parts = part.Message.Parts
		}
	}
	if len(number) > 0 {
		label := imap.Section{Part: number}.String()
		items := strings.ReplaceAll("BODY.PEEK[#] BODY.PEEK[#.MIME] BODY.PEEK[#.HEADER] BODY.PEEK[#.TEXT] BODY.PEEK[#]<2.5>", "#", label)
		got, status, err := p.fetch(utf8, seq, items)
		require.NoError(t, err, "%s %s", name, label)
		require.Contains(t, status, "f OK", "%s %s", name, label)
		whole, ok := got.text["BODY["+label+"]"]
		require.True(t, ok, "%s %s", name, label)
		require.Equal(t, whole[min(2, len(whole)):min(7, len(whole))], got.text["BODY["+label+"]<2>"], "%s %s", name, label)

		items = strings.ReplaceAll("BINARY.SIZE[#] BINARY.PEEK[#] BINARY.PEEK[#]<2.5>", "#", label)
		got, status, err = p.fetch(utf8, seq, items)
		require.NoError(t, err, "%s %s", name, label)
		if strings.HasPrefix(status, "f NO [UNKNOWN-CTE]") {
			require.False(t, mime.KnownTransfer(part.Encoding), "%s %s", name, label)
		} else {
			require.Contains(t, status, "f OK", "%s %s", name, label)
			// "The value returned MUST match the size of the <nstring> or <literal8>" (RFC 3516 section 4.3).
			whole := got.text["BINARY["+label+"]"]
			require.Equal(t, int64(len(whole)), got.number["BINARY.SIZE["+label+"]"], "%s %s", name, label)
			require.Equal(t, whole[min(2, len(whole)):min(7, len(whole))], got.text["BINARY["+label+"]<2>"], "%s %s", name, label)
		}
	}
	for i, sub := range parts[:min(len(parts), 8)] {
		checkParts(t, p, name, utf8, seq, sub, append(number[:len(number):len(number)], i+1))
	}
}
