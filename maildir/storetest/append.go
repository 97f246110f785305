package storetest

import (
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing/iotest"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func testAppend(e *env) {
	m := e.open("INBOX")
	before := e.state(m)
	a, err := m.Append(e.ctx)
	e.ok(err)
	opts := &mail.AppendOptions{Flags: mail.NewFlags(`\Seen`, `\Draft`, "$Forwarded"), InternalDate: aDate}
	e.ok(a.Add(e.ctx, iotest.OneByteReader(strings.NewReader(text(1))), opts))
	e.equal(uint32(0), e.state(m).Messages) // nothing is seen before its Commit
	got, err := a.Commit(e.ctx)
	e.ok(err)
	e.ok(a.Abort()) // "Abort after the end does nothing"
	e.equal(before.UIDValidity, got.UIDValidity)
	e.equal([]mail.UID{1}, got.UIDs)
	require.Greater(e, got.ModSeq, before.HighestModSeq)
	st := e.state(m)
	e.equal(got.ModSeq, st.HighestModSeq)
	e.equal(mail.UID(2), st.UIDNext)

	msg := e.one(m, 1)
	e.equal(got.ModSeq, msg.ModSeq)
	e.equal(opts.Flags, msg.Flags)
	require.True(e, aDate.Equal(msg.InternalDate), "%v", msg.InternalDate)
	require.WithinDuration(e, time.Now(), msg.SaveDate, time.Hour)
	e.equal(int64(len(text(1))), msg.Size)
	require.Regexp(e, regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`), string(msg.GUID)) // RFC 8474 section 4
	e.equal(text(1), e.content(m, 1))

	_, err = a.Commit(e.ctx)
	require.Error(e, err)
	require.Error(e, a.Add(e.ctx, strings.NewReader(text(2)), nil))
	e.equal([]mail.UID{1}, e.uids(m))

	uid := e.add(m, text(2))
	e.equal(mail.UID(2), uid)
	require.WithinDuration(e, time.Now(), e.one(m, uid).InternalDate, time.Hour) // "zero: now"
	require.NotEqual(e, msg.GUID, e.one(m, uid).GUID)
}

// "all or none, in the order of the calls (RFC 3502)"
func testAppendMany(e *env) {
	m := e.open("INBOX")
	a, err := m.Append(e.ctx)
	e.ok(err)
	for i := range 20 {
		flags := mail.Flags{}
		if i%2 == 1 {
			flags = mail.NewFlags(`\Answered`)
		}
		e.ok(a.Add(e.ctx, strings.NewReader(text(i)), &mail.AppendOptions{Flags: flags}))
	}
	got, err := a.Commit(e.ctx)
	e.ok(err)
	require.Len(e, got.UIDs, 20)
	for i, uid := range got.UIDs {
		e.equal(mail.UID(i+1), uid)
		e.equal(text(i), e.content(m, uid))
		e.equal(i%2 == 1, e.one(m, uid).Flags.Has(`\answered`))
	}
	// An Append to which nothing was added adds nothing.
	a, err = m.Append(e.ctx)
	e.ok(err)
	before := e.state(m)
	got, err = a.Commit(e.ctx)
	e.ok(err)
	require.Empty(e, got.UIDs)
	e.equal(before, e.state(m))
}

func testAppendAbort(e *env) {
	m := e.open("INBOX")
	before := e.state(m)
	a, err := m.Append(e.ctx)
	e.ok(err)
	e.ok(a.Add(e.ctx, strings.NewReader(text(1)), nil))
	e.ok(a.Abort())
	e.ok(a.Abort())
	_, err = a.Commit(e.ctx)
	require.Error(e, err)
	e.equal(before.Messages, e.state(m).Messages)
	e.equal([]mail.UID{}, e.uids(m))
}

// "An error takes nothing of this message and leaves those before it. … The stream's own error is returned as it is."
func testAppendBrokenStream(e *env) {
	m := e.open("INBOX")
	a, err := m.Append(e.ctx)
	e.ok(err)
	e.ok(a.Add(e.ctx, strings.NewReader(text(1)), nil))
	gone := errors.New("the sender went away")
	err = a.Add(e.ctx, io.MultiReader(strings.NewReader(text(2)), iotest.ErrReader(gone)), nil)
	require.True(e, err == gone, "%v", err)
	e.ok(a.Add(e.ctx, strings.NewReader(text(3)), nil))
	got, err := a.Commit(e.ctx)
	e.ok(err)
	require.Len(e, got.UIDs, 2)
	e.equal(text(1), e.content(m, got.UIDs[0]))
	e.equal(text(3), e.content(m, got.UIDs[1]))
}

// "a second Commit with the same token within a day adds nothing and returns the first's UIDs"
func testAppendToken(e *env) {
	m := e.open("INBOX")
	first, err := add(e.ctx, m, text(1), &mail.AppendOptions{Token: "t1"})
	e.ok(err)
	for range 3 {
		got, err := add(e.ctx, m, text(1), &mail.AppendOptions{Token: "t1"})
		e.ok(err)
		e.equal(first.UIDs, got.UIDs)
		e.equal(first.UIDValidity, got.UIDValidity)
	}
	other, err := add(e.ctx, m, text(1), &mail.AppendOptions{Token: "t2"})
	e.ok(err)
	require.NotEqual(e, first.UIDs, other.UIDs)
	e.equal(uint32(2), e.state(m).Messages)
	// Many at once with one token are still one message.
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[mail.UID]bool{}
	for range 8 {
		wg.Go(func() {
			got, err := add(e.ctx, m, text(3), &mail.AppendOptions{Token: "t3"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				e.Error(err)
				return
			}
			for _, u := range got.UIDs {
				seen[u] = true
			}
		})
	}
	wg.Wait()
	require.Len(e, seen, 1)
	e.equal(uint32(3), e.state(m).Messages)
}

func testAppendGUID(e *env) {
	m := e.open("INBOX")
	got, err := add(e.ctx, m, text(1), &mail.AppendOptions{GUID: "M-from_elsewhere1"})
	e.ok(err)
	e.equal(mail.GUID("M-from_elsewhere1"), e.one(m, got.UIDs[0]).GUID)
}

// Whatever a message holds comes out as it went in.
func testAppendSizes(e *env) {
	m := e.open("INBOX")
	rnd := rand.New(rand.NewPCG(1, 2))
	contents := []string{"", "\r\n", "no line end", "\r", "Subject: x\r\n\r\n.\r\n..\r\n.x\r\n", "a: b\r\n\r\n\x00\xff\xfe\r\n", strings.Repeat("x", 100000) + "\r\n"}
	for _, n := range []int{4095, 4096, 65535, 65536, 65537, 131072, 5 << 20} {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(text(rnd.IntN(1000)))
			if rnd.IntN(4) == 0 {
				b.WriteString("\r")
			}
		}
		contents = append(contents, b.String()[:n-2]+"\r\n")
	}
	var size int64
	for _, c := range contents {
		c = strings.ReplaceAll(c, "\r\r\n", "\r\n")
		uid := e.add(m, c)
		e.equal(int64(len(c)), e.one(m, uid).Size)
		require.True(e, c == e.content(m, uid), "message of %d octets changed", len(c))
		size += int64(len(c))
	}
	e.equal(size, e.state(m).Size)
}

func testBody(e *env) {
	m := e.open("INBOX")
	var sb strings.Builder
	for i := range 5000 {
		sb.WriteString(text(i))
	}
	want := sb.String()
	uid := e.add(m, want)
	b, err := m.OpenBody(e.ctx, uid)
	e.ok(err)
	defer b.Close()
	e.equal(int64(len(want)), b.Size())
	rnd := rand.New(rand.NewPCG(3, 4))
	var wg sync.WaitGroup
	for range 4 {
		seed := rnd.Uint64()
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 0))
			buf := make([]byte, 100000)
			for range 50 {
				off := rnd.IntN(len(want))
				p := buf[:rnd.IntN(len(buf))]
				n, err := b.ReadAt(p, int64(off))
				if n < len(p) && err != io.EOF || n == len(p) && err != nil && err != io.EOF || string(p[:n]) != want[off:min(off+len(p), len(want))] {
					e.Errorf("ReadAt(%d, %d) = %d, %v, or other octets", len(p), off, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	n, err := b.ReadAt(make([]byte, 1), b.Size())
	e.equal(0, n)
	e.equal(io.EOF, err)
	if w, ok := b.(io.WriterTo); ok {
		for range 2 { // it says nothing of a position
			var out strings.Builder
			n, err := w.WriteTo(&out)
			e.ok(err)
			e.equal(int64(len(want)), n)
			require.True(e, out.String() == want)
		}
	}
}

func testBodyExpunged(e *env) {
	m := e.open("INBOX")
	uid := e.add(m, text(1))
	b, err := m.OpenBody(e.ctx, uid)
	e.ok(err)
	_, err = m.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
	e.ok(err)
	b.Close()
	_, err = m.OpenBody(e.ctx, uid)
	e.is(err, mail.ErrExpunged)
	_, err = m.OpenBody(e.ctx, 77)
	e.is(err, mail.ErrExpunged)
}
