package queue

import (
	"bytes"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// queueFileOf writes a whole queue file.
func queueFileOf(m *Message, content string, journal ...Outcome) []byte {
	var p prologue
	buf := appendEnvelope(make([]byte, prologueSize), m)
	p.envelope, p.content = int64(len(buf)-prologueSize), int64(len(content))
	p.envelopeSum, p.contentSum = crc32.Checksum(buf[prologueSize:], castagnoli), crc32.Checksum([]byte(content), castagnoli)
	p.appendTo(buf[:0])
	buf = append(buf, content...)
	sum := p.sum
	for i := range journal {
		buf, sum = appendOutcome(buf, sum, &journal[i])
	}
	return buf
}

func testMessage() *Message {
	return &Message{
		ID: "913E010089F", From: "a@example.org", Arrived: time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC),
		Recipients: []Recipient{{Address: "b@example.net", State: Pending}, {Address: "c@example.net", State: Pending}, {Address: "d@example.net", State: Pending}},
	}
}

func outcomeOf(st RecipientState, n ...int) Outcome {
	return Outcome{Recipients: n, State: st, Attempt: Attempt{
		Time: time.Date(2026, 11, 22, 1, 2, 4, 0, time.UTC), Reply: mail.NewReply(451, mail.EnhancedCode{4, 2, 0}, "later\n\"please\""),
	}}
}

// The format is a contract with the queue files that lie on disks: this is what version 1 looks like.
func TestFileFormat(t *testing.T) {
	m := testMessage()
	m.Options.Body, m.Options.EnvelopeID = mail.Body8BitMIME, "two words"
	m.Recipients[1].Options = mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyFailure, OriginalRecipient: "rfc822;c@example.com"}
	got := string(queueFileOf(m, "Subject: x\r\n\r\nhello\r\n", outcomeOf(Delivered, 0, 1), outcomeOf(Pending, 2)))
	require.Equal(t, strings.Join([]string{
		`Buuta-Queue-File: 01 0000000235 0000000000000021 9fd133bd ec2140e9 2a6df761`,
		`message id=913E010089F arrived=2026-11-22T01:02:03.000004Z from=a@example.org body=8BITMIME envid="two words"`,
		`to address=b@example.net`,
		`to address=c@example.net notify=SUCCESS,FAILURE orcpt=rfc822;c@example.com`,
		`to address=d@example.net`,
		"Subject: x\r", "\r", "hello\r",
		`outcome rcpt=0-1 state=D time=2026-11-22T01:02:04Z code=451 enhanced=4.2.0 text="later\n\"please\"" sum=7b163fa8`,
		`outcome rcpt=2 state=P time=2026-11-22T01:02:04Z code=451 enhanced=4.2.0 text="later\n\"please\"" sum=858c1a2a`,
		``,
	}, "\n"), got)
	f, err := readQueueFile(strings.NewReader(got), int64(len(got)))
	require.NoError(t, err)
	require.Equal(t, int64(len(got)), f.end)
	require.Equal(t, Delivered, f.msg.Recipients[1].State)
	require.Equal(t, "later\n\"please\"", f.msg.Recipients[2].Last.Reply.Text)
}

// A later version may say more: what isn't known is passed over.
func TestUnknownKeysAreIgnored(t *testing.T) {
	m, err := parseEnvelope("message id=1A from=\"\" color=blue\nweather sun=yes\nto address=b@example.net shape=\"a b\"\n")
	require.NoError(t, err)
	require.Equal(t, "1A", m.ID)
	require.Equal(t, "b@example.net", m.Recipients[0].Address)
}

func TestEnvelopeDamage(t *testing.T) {
	for _, text := range []string{
		"", "\n", "message id=1A from=x", "to address=b@example.net\n", "message id=1A from=x\n", "message from=x\nto address=b\n",
		"message id=../x from=x\nto address=b\n", "message id=1A from=x\nto address=\"\"\n", "message id=1A from=x\nto\n",
		"message id=1A from=x\nmessage id=1A from=x\nto address=b\n", "message id=1A from=\"x\nto address=b\n",
		"message id=1A from=\"x\"y\nto address=b\n", "message id=1A from=x size=many\nto address=b\n",
		"message id=1A from=x arrived=today\nto address=b\n", "message id=1A from=x by=1\nto address=b\n",
		"message id=1A from=x\nto address=b notify=PERHAPS\n", "message id=1A from=x\ntoparam name=X\nto address=b\n",
		"message id=1A from=x =y\nto address=b\n", "message id=1A from=x priority=high\nto address=b\n",
	} {
		_, err := parseEnvelope(text)
		require.ErrorIs(t, err, ErrCorrupt, "%q", text)
	}
}

// Any single damaged octet before the journal is found; in the journal it ends what is believed, but never changes it.
func TestEveryOctetIsProtected(t *testing.T) {
	content := "Subject: x\r\n\r\nhello\r\n"
	good := queueFileOf(testMessage(), content, outcomeOf(Delivered, 0), outcomeOf(Failed, 1))
	whole, err := readQueueFile(bytes.NewReader(good), int64(len(good)))
	require.NoError(t, err)
	for at := range good {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(good)
			bad[at] ^= bit
			f, err := readQueueFile(bytes.NewReader(bad), int64(len(bad)))
			switch {
			case int64(at) < whole.contentAt():
				require.ErrorIs(t, err, ErrCorrupt, "octet %d", at)
			case int64(at) < whole.journalAt():
				require.NoError(t, err, "the content is looked at when it is read")
			default:
				require.NoError(t, err)
				require.Less(t, f.end, int64(len(good)))
				require.Equal(t, Pending, f.msg.Recipients[1].State)
			}
		}
	}
}

// A crash cuts an append off anywhere: what is whole counts, the rest doesn't, and a later append is read.
func TestJournalCutAnywhere(t *testing.T) {
	good := queueFileOf(testMessage(), "x\r\n", outcomeOf(Delivered, 0), outcomeOf(Failed, 1), outcomeOf(Delivered, 2))
	whole, err := readQueueFile(bytes.NewReader(good), int64(len(good)))
	require.NoError(t, err)
	for end := whole.journalAt(); end <= int64(len(good)); end++ {
		cut := good[:end:end]
		f, err := readQueueFile(bytes.NewReader(cut), end)
		require.NoError(t, err)
		lines := bytes.Count(cut[whole.journalAt():], []byte("\n"))
		done := 0
		for _, r := range f.msg.Recipients {
			if r.State != Pending {
				done++
			}
		}
		require.Equal(t, lines, done)
		o := outcomeOf(Failed, 2)
		again, _ := appendOutcome(cut[:f.end:f.end], f.place.sum, &o)
		f, err = readQueueFile(bytes.NewReader(again), int64(len(again)))
		require.NoError(t, err)
		require.Equal(t, int64(len(again)), f.end)
		require.Equal(t, Failed, f.msg.Recipients[2].State)
	}
}

// A record that is left over from an append that a crash cut off doesn't come to life behind a later one.
func TestJournalIsChained(t *testing.T) {
	first, second := outcomeOf(Delivered, 0), outcomeOf(Delivered, 1)
	good := queueFileOf(testMessage(), "x\r\n", first, second)
	whole, _ := readQueueFile(bytes.NewReader(good), int64(len(good)))
	// The first line is lost and replaced by another of the same length; the second still stands behind it.
	other := outcomeOf(Failed, 0)
	again, _ := appendOutcome(bytes.Clone(good[:whole.journalAt()]), whole.prologue.sum, &other)
	again = append(again, good[len(again):]...)
	f, err := readQueueFile(bytes.NewReader(again), int64(len(again)))
	require.NoError(t, err)
	require.Equal(t, Failed, f.msg.Recipients[0].State)
	require.Equal(t, Pending, f.msg.Recipients[1].State, "the second line is of another history")
}

func TestIndexes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfDistinct(rapid.IntRange(0, 40), func(i int) int { return i }).Draw(t, "set")
		var sorted []int
		for i := range 41 {
			for _, n := range set {
				if n == i {
					sorted = append(sorted, i)
				}
			}
		}
		if len(sorted) == 0 {
			t.Skip()
		}
		got, err := parseIndexes(indexString(sorted), 41)
		require.NoError(t, err)
		require.Equal(t, sorted, got)
	})
	require.Equal(t, "0-3,7", indexString([]int{0, 1, 2, 3, 7}))
	for _, bad := range []string{"", "x", "1-", "-1", "3-1", "5,4", "4,4", "0-41", "41", "0-99999999999999999999", "1,,2"} {
		_, err := parseIndexes(bad, 41)
		require.ErrorIs(t, err, ErrCorrupt, bad)
	}
}

// The examples are Postfix's own.
func TestIDs(t *testing.T) {
	at := time.Unix(1000000000, 594238000) // 0x9113E microseconds
	require.Equal(t, "9113E10089F", shortID(at, 0x10089F))
	require.Equal(t, "000000", shortID(time.Unix(5, 0), 0))
	require.Regexp(t, `^[0-9A-F]{6,}$`, shortID(time.Now(), 1))
	long := `^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{6,}[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{4}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+$`
	require.Regexp(t, long, longID(time.Now(), 1<<63+uint64(rand.Uint32())))
	require.Equal(t, "0000000000z0", longID(time.Unix(0, 0), 0))
	for range 100 {
		n, when := rand.Uint64(), time.Unix(rand.Int64N(1<<33), rand.Int64N(1e9))
		require.True(t, idHas(shortID(when, n), n))
		require.True(t, idHas(longID(when, n), n))
		require.False(t, idHas(shortID(when, n), n+1))
		require.False(t, idHas(longID(when, n), n+1))
	}
	for _, bad := range []string{"", ".", "..", "a/b", "a.tmp", "a b", strings.Repeat("A", 65), "é"} {
		require.False(t, validID(bad), bad)
	}
}

// FuzzQueueFile: whatever is in a file, reading it ends, without a panic, in a message or in ErrCorrupt.
func FuzzQueueFile(f *testing.F) {
	f.Add(queueFileOf(testMessage(), "Subject: x\r\n\r\nhello\r\n", outcomeOf(Delivered, 0), outcomeOf(Failed, 1)))
	f.Add(queueFileOf(testMessage(), ""))
	f.Add([]byte("Buuta-Queue-File: 01 0000000254 0000000000000021 7fd6cb6d 2a8a28a0 d67b1c7f\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readQueueFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v", err)
			}
			return
		}
		if q.end > int64(len(data)) || q.end < q.journalAt() || len(q.msg.Recipients) == 0 {
			t.Fatalf("%+v", q)
		}
	})
}

// FuzzEnvelope: the checksum keeps a fuzzer out of the envelope, so it gets in here. What is read is written and read
// the same.
func FuzzEnvelope(f *testing.F) {
	m := testMessage()
	m.Options.Extra = []mail.Parameter{{Name: "X", Value: "a b", HasValue: true}, {Name: "Y"}}
	m.Options.DeliverBy = &mail.DeliverBy{Time: time.Minute, Mode: 'N', Trace: true}
	m.Recipients[0].Options.Notify = mail.NotifyNever
	f.Add(string(appendEnvelope(nil, m)))
	f.Add("message id=1A arrived=2026-11-22T01:02:03Z from=\"\\xff\"\nto address=\"a\\nb\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseEnvelope(text)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := parseEnvelope(string(appendEnvelope(nil, m)))
		if err != nil {
			t.Fatalf("written anew it is not read: %v", err)
		}
		require.Equal(t, m, again)
	})
}

// FuzzJournal reads a journal line with a true checksum.
func FuzzJournal(f *testing.F) {
	o := outcomeOf(Failed, 0, 1)
	line, _ := appendOutcome(nil, 0, &o)
	f.Add(string(line[:bytes.LastIndex(line, []byte(" sum="))]))
	f.Add("notified rcpt=0-2")
	f.Add("warned")
	f.Add("arrived time=2026-11-26T10:00:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\n", " ")
		w := lineWriter{queueFileOf(testMessage(), "")}
		p, err := parsePrologue(w.buf[:prologueSize])
		require.NoError(t, err)
		at := len(w.buf)
		w.kind(text)
		data, _ := w.seal(at, p.sum)
		q, err := readQueueFile(bytes.NewReader(data), int64(len(data)))
		if err == nil && q.end != int64(len(data)) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%v", err)
		}
	})
}
