package intake

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPeekHeader(t *testing.T) {
	for _, tt := range []struct {
		text string
		want headerInfo
	}{
		{"", headerInfo{}},
		{"\r\nbody Received: no\r\n", headerInfo{}},
		{"Subject: x\r\n\r\nReceived: in the body\r\n", headerInfo{}},
		{"Received: a\r\nreceived : b\r\nRECEIVED:c\r\n d\r\nReceived-SPF: pass\r\n\r\n", headerInfo{received: 3}},
		{"Date: x\r\nMessage-ID: <a@b>\r\n\r\n", headerInfo{date: true, messageID: "<a@b>"}},
		{"message-id:\r\n <a@b>\r\nMessage-Id: <c@d>\r\n\r\n", headerInfo{messageID: "<a@b>"}},
		{"Resent-Date: x\r\nX-Message-ID: <a@b>\r\n\r\n", headerInfo{}},
		{"Message-ID:\r\nSubject: x\r\n folded\r\n\r\n", headerInfo{}},
		// RFC 8689 section 3: the one value is No, and "More than one instance of the TLS-Required header field MUST NOT appear".
		{"TLS-Required: No\r\n\r\n", headerInfo{plaintext: true}},
		{"tls-required:no\r\n\r\n", headerInfo{plaintext: true}},
		{"TLS-Required: No\r\nSubject: x\r\nTLS-Required: No\r\n\r\n", headerInfo{}},
		{"TLS-Required: Yes\r\nTLS-Required: No\r\n\r\n", headerInfo{}},
		{"Subject: x\r\n\r\nTLS-Required: No\r\n", headerInfo{}},
		{"Just text.\r\nDate: x\r\n", headerInfo{headless: true}},
		{": no name\r\n\r\n", headerInfo{headless: true}},
		{" folded: at once\r\n\r\n", headerInfo{headless: true}},
		{"Xin chào: không\r\n\r\n", headerInfo{headless: true}},
		{"Only: a header", headerInfo{}},
		{"no end", headerInfo{headless: true}},
	} {
		for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			r := wrap(strings.NewReader(tt.text))
			head, info, err := peekHeader(r)
			require.NoError(t, err, "%q", tt.text)
			info.head = nil
			require.Equal(t, tt.want, info, "%q", tt.text)
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, tt.text, string(head)+string(rest), "nothing is lost on the way")
		}
	}
}

func TestPeekHeaderIsBounded(t *testing.T) {
	endless := strings.NewReader(strings.Repeat("X-Field: "+strings.Repeat("x", 70)+"\r\n", 1<<20/81))
	head, info, err := peekHeader(endless)
	require.NoError(t, err)
	require.LessOrEqual(t, len(head), 4*maxHeader)
	require.Zero(t, info.received)
	require.Positive(t, endless.Len())

	gone := errors.New("gone")
	_, _, err = peekHeader(io.MultiReader(strings.NewReader("Subject: x\r\n"), iotest.ErrReader(gone)))
	require.Equal(t, gone, err)
}

// Why a message is junk stands above the trace field of the server that says so, not below it.
func TestJunkAboveTheTrace(t *testing.T) {
	for text, want := range map[string]string{
		"X-Junk-Reason: a b\r\nReceived: from x\r\n\tby here.test (Postfix) with SMTP\r\nX-Junk-Reason: c\r\n\r\n":             "a b",
		"Received: from filter by other.test with SMTP\r\nx-junk-reason:a\r\nReceived: from x\r\n\tby here.test with SMTP\r\n": "a",
		"Received: from x\r\n\tby here.test (Postfix) with SMTP\r\nX-Junk-Reason: c\r\n\r\n":                                   "",
		"Subject: by here.test x\r\n by here.test x\r\nX-Junk-Reason: c\r\n\r\n":                                               "c",
		"Subject: x\r\n\r\n": "",
	} {
		_, info, err := peekHeader(strings.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, want, info.junk("here.test"), "%q", text)
	}
}

// The short form of Postfix's queue ids, which tools find by [0-9A-F]{6,}.
func TestNewID(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0x913E0*1000, time.UTC)
	seen := map[string]bool{}
	for range 1000 {
		id := newID(at)
		require.Regexp(t, `^913E0[0-9A-F]{9}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func FuzzPeekHeader(f *testing.F) {
	f.Add("Received: a\r\nMessage-ID:\r\n <a@b>\r\n\r\nbody")
	f.Add("\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := iotest.HalfReader(strings.NewReader(text))
		head, a, err := peekHeader(r)
		require.NoError(t, err)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, text, string(head)+string(rest))
		_, b, err := peekHeader(iotest.OneByteReader(strings.NewReader(text)))
		require.NoError(t, err)
		require.Equal(t, a, b, "how the message comes in pieces changes nothing")
	})
}

func BenchmarkPeekHeader(b *testing.B) {
	text := strings.Repeat("Received: from a by b\r\n\twith ESMTP; now\r\n", 5) + "Subject: x\r\nMessage-ID: <a@b>\r\nDate: now\r\n\r\n" + strings.Repeat("x", 3000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := peekHeader(strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
