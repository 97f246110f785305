package maildir_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime"
)

// What is added here is ready for searching when somebody searches: no message is read then.
func TestTextAhead(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			var watched atomic.Bool
			var reads atomic.Int32
			r.fs.Fail = func(op, name string) error {
				if watched.Load() && op == "open" && (strings.Contains(name, "/cur/") || strings.Contains(name, "/new/")) {
					reads.Add(1)
				}
				return nil
			}
			r.s.TextAhead = ahead
			defer r.s.Close()
			m := r.open("INBOX")
			for i := range 20 {
				addTo(t, m, fmt.Sprintf("Subject: number %d\r\n\r\nHóa đơn tháng %d\r\n", i, i))
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			watched.Store(true)
			found, err := m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{In: mail.InBody, Text: "hoa don thang 7"})
			require.NoError(t, err)
			require.Equal(t, "8", found.String())
			require.Equal(t, ahead == 0, reads.Load() > 0, "%d files were opened", reads.Load())
			// What comes later, too, and in a mailbox that is gone or has another name by then there is no harm.
			addTo(t, m, "Subject: later\r\n\r\nhóa đơn tháng 7\r\n")
			require.NoError(t, m.Close())
			a, err := r.s.Account(t.Context(), "u")
			require.NoError(t, err)
			_, err = a.Create(t.Context(), "x", nil)
			require.NoError(t, err)
			x, err := a.Open(t.Context(), "x")
			require.NoError(t, err)
			addTo(t, x, "Subject: x\r\n\r\nx\r\n")
			require.NoError(t, x.Close())
			require.NoError(t, a.Delete(t.Context(), "x"))
			require.NoError(t, a.Close())
			time.Sleep(5 * time.Second)
			synctest.Wait()
			m = r.open("INBOX")
			found, err = m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{In: mail.InBody, Text: "hoa don thang 7"})
			require.NoError(t, err)
			require.Equal(t, "8,21", found.String())
		})
	}
}

// bodyReads counts how many messages are read.
func (r *rig) bodyReads() *atomic.Int32 {
	reads := new(atomic.Int32)
	r.fs.Fail = func(op, name string) error {
		if op == "open" && (strings.Contains(name, "/cur/") || strings.Contains(name, "/new/")) {
			reads.Add(1)
		}
		return nil
	}
	return reads
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("Subject: number %d\r\n\r\nbody\r\n", i)
	}
	return out
}

// Texts are made in pieces, and for a while after each nothing is done: a search that comes then has its answer at once. Many messages aren't waited with.
func TestTextAheadRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.s.TextAhead = time.Hour
		defer r.s.Close()
		reads := r.bodyReads()
		m := r.open("INBOX")
		addTexts(t, m, numbered(63)...)
		synctest.Wait()
		require.Zero(t, reads.Load(), "what is little may become more")
		addTexts(t, m, numbered(137)...)
		synctest.Wait()
		require.EqualValues(t, 32, reads.Load())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 64, reads.Load())
		began := time.Now()
		require.Equal(t, "63,126,200", findText(t, m, "number 62")+","+findText(t, m, "number 136"))
		require.Equal(t, began, time.Now(), "the search waited")
		require.EqualValues(t, 200, reads.Load(), "the search made what was left")
		time.Sleep(time.Minute)
		require.EqualValues(t, 200, reads.Load(), "once is enough")
	})
}

// The threads of messages that came are known when somebody searches for one: no message is read then, and no index.
func TestThreadsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.s.TextAhead = time.Second
		defer r.s.Close()
		m := r.open("INBOX")
		r.write("new/1777000001.b.host", "Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\nfiled\r\n")
		_, err := m.State(t.Context())
		require.NoError(t, err)
		addTexts(t, m, "Message-ID: <a@x>\r\n\r\n", "Message-ID: <c@x>\r\n\r\n", "\r\n")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		opened := map[string]int{}
		r.fs.Fail = func(op, name string) error {
			if op == "open" {
				opened[name[strings.LastIndexByte(name, '/')+1:]]++
			}
			return nil
		}
		id := (&mime.Envelope{MessageID: mime.NString{Value: "<a@x>", Set: true}}).ThreadID("")
		got, err := m.(mail.ThreadSearcher).SearchThread(t.Context(), mail.AllUIDs(), id)
		require.NoError(t, err)
		require.Equal(t, "1:2", got.String())
		require.Equal(t, map[string]int{"buuta.text.threads": 1, "buuta.text.threads.index": 1}, opened)
	})
}

// Where messages come from makes no difference, but for those that were there before the index.
func TestTextAheadOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.s.TextAhead = time.Second
		defer r.s.Close()
		reads := r.bodyReads()
		r.write("new/1777000000.a.host", "Subject: old\r\n\r\nfirst\r\n")
		m := r.open("INBOX")
		later := func() {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
		}
		later()
		was := reads.Load()
		require.Equal(t, "1", findText(t, m, "first"))
		require.Greater(t, reads.Load(), was)

		r.write("new/1777000001.b.host", "Subject: filed\r\n\r\nsecond\r\n")
		_, err := m.State(t.Context())
		require.NoError(t, err)
		later()
		was = reads.Load()
		require.Equal(t, "2", findText(t, m, "second"))
		require.Equal(t, was, reads.Load())

		a, err := r.s.Account(t.Context(), "u")
		require.NoError(t, err)
		defer a.Close()
		_, err = a.Create(t.Context(), "x", nil)
		require.NoError(t, err)
		x, err := a.Open(t.Context(), "x")
		require.NoError(t, err)
		defer x.Close()
		_, err = m.Copy(t.Context(), mail.AllUIDs(), x.Info().ID, nil)
		require.NoError(t, err)
		later()
		was = reads.Load()
		require.Equal(t, "2", findText(t, x, "second"))
		require.Equal(t, was, reads.Load())
	})
}

// Close ends what is under way, and waits for it. What it leaves over is made by a search.
func TestTextAheadClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.s.TextAhead = time.Second
		reads := r.bodyReads()
		m := r.open("INBOX")
		addTexts(t, m, numbered(1)...)
		require.NoError(t, r.s.Close()) // while a timer runs
		addTexts(t, m, numbered(200)...)
		time.Sleep(time.Minute)
		require.Zero(t, reads.Load())

		r.restart()
		r.s.TextAhead = time.Second
		m = r.open("INBOX")
		addTexts(t, m, numbered(200)...)
		synctest.Wait()
		require.EqualValues(t, 32, reads.Load())
		require.NoError(t, r.s.Close()) // while it rests
		require.NoError(t, r.s.Close())
		time.Sleep(time.Minute)
		require.EqualValues(t, 32, reads.Load())
		require.Equal(t, "64,264", findText(t, m, "number 62"))
	})
}

// A function that panics ends the texts of one mailbox and no more.
func TestTextAheadPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.s.TextAhead = time.Second
		defer r.s.Close()
		bad := true
		r.s.AttachmentText = func(*mime.Part, io.Reader, io.Writer) (bool, error) {
			if bad {
				panic("bad")
			}
			return false, nil
		}
		m := r.open("INBOX")
		addTexts(t, m, "Content-Type: application/pdf\r\n\r\nx\r\n")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		bad = false
		reads := r.bodyReads()
		addTexts(t, m, "Subject: two\r\n\r\nbody\r\n")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, reads.Load())
		require.Equal(t, "2", findText(t, m, "two"))
		require.EqualValues(t, 2, reads.Load())
	})
}

// Appends, searches, removals and the making of texts at once, on the real file system.
func TestTextAheadConcurrent(t *testing.T) {
	s := &maildir.Store{Path: t.TempDir(), NoSync: true, TextAhead: time.Millisecond}
	defer s.Close()
	m := textBox(t, s)
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for n := range 40 {
				addTexts(t, m, fmt.Sprintf("Subject: w%dn%d.\r\n\r\nbody\r\n", w, n), "Subject: goes\r\n\r\nbody\r\n")
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			set, err := m.(mail.TextSearcher).SearchText(context.Background(), mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: "goes"})
			if err == nil && rand.IntN(2) == 0 {
				_, err = m.Expunge(context.Background(), set, nil)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	for w := range 3 {
		for n := range 40 {
			got, err := m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: fmt.Sprintf("w%dn%d.", w, n)})
			require.NoError(t, err)
			require.Equal(t, 1, got.Count())
		}
	}
}
