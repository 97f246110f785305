package tnef_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime/charset"
	"github.com/buuta/mail/mime/tnef"
)

// attribute writes "Level, Id, Length, Data, Checksum" (MS-OXTNEF section 2.1.3.1).
func attribute(level byte, id uint32, data string) string {
	b := binary.LittleEndian.AppendUint32([]byte{level}, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	var sum uint16
	for i := range len(data) {
		sum += uint16(data[i])
	}
	return string(binary.LittleEndian.AppendUint16(append(b, data...), sum))
}

func u32(v ...uint32) string {
	var b []byte
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

func pad(s string) string { return s + strings.Repeat("\x00", (4-len(s)%4)%4) }

// property writes one with a value of variable size.
func property(id, typ uint16, v string) string {
	return u32(uint32(id)<<16|uint32(typ), 1, uint32(len(v))) + pad(v)
}

func utf16le(s string) string {
	var b []byte
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func props(p ...string) string { return u32(uint32(len(p))) + strings.Join(p, "") }

const head = "\x78\x9f\x3e\x22\x01\x00"

// sample is a stream with everything that is read.
var sample = head +
	attribute(1, 0x00089006, u32(0x00010000)) +
	attribute(1, 0x00069007, u32(1251, 0)) +
	attribute(1, 0x00078008, "IPM.Microsoft Mail.Note\x00") +
	attribute(1, 0x00018004, "\xef\xf0\xe8\xe2\xe5\xf2\x00") +
	attribute(1, 0x0002800c, "\xf2\xe5\xea\xf1\xf2\x00") +
	attribute(1, 0x00069003, props(
		u32(0x3fde0003, 65001),
		u32(0x80010003)+"GUIDGUIDGUIDGUID"+u32(1, 6)+pad("n\x00a\x00\x00\x00")+u32(7),
		u32(0x80020002)+"GUIDGUIDGUIDGUID"+u32(0, 3)+u32(9),
		u32(0x00391040, 2)+u32(1, 2, 3, 4),
		property(0x1009, 0x102, "compressed"),
		property(0x1013, 0x102, "<p>text</p>"),
		property(0x1035, 0x1e, "<id@example.test>\x00"),
	)) +
	attribute(2, 0x00069002, "rend") +
	attribute(2, 0x00018010, "SHORT~1.TXT\x00") +
	attribute(2, 0x0006800f, "file content") +
	attribute(2, 0x00038013, "\xea\x07\x0b\x00\x16\x00\x09\x00\x1e\x00\x0f\x00\x00\x00") +
	attribute(2, 0x00069005, props(
		property(0x3707, 0x1f, utf16le("Thư dài.txt")),
		property(0x370e, 0x1e, "Text/Plain\x00"),
		property(0x3712, 0x1e, "<cid@x>\x00"),
	)) +
	attribute(2, 0x00069002, "rend") +
	attribute(2, 0x00069005, props(
		property(0x3001, 0x1e, "forwarded\x00"),
		property(0x3701, 0x0d, "0123456789abcdef"+head+attribute(1, 0x00018004, "inner\x00")),
	))

func TestParse(t *testing.T) {
	m, err := (&tnef.Parser{CharsetReader: charset.NewReader}).Parse([]byte(sample))
	require.NoError(t, err)
	require.False(t, m.Damaged)
	require.Equal(t, "Note", m.Class)
	require.Equal(t, "привет", m.Subject)
	require.Equal(t, "текст", m.Text)
	require.Equal(t, "id@example.test", m.MessageID)
	require.Equal(t, "compressed", string(m.RTFCompressed))
	require.Equal(t, "<p>text</p>", string(m.HTML))
	require.Len(t, m.Attachments, 2)
	require.Equal(t, tnef.Attachment{
		Filename: "Thư dài.txt", Type: "text/plain", ContentID: "cid@x", Data: []byte("file content"),
		Modified: time.Date(2026, 11, 22, 9, 30, 15, 0, time.UTC),
	}, m.Attachments[0])
	require.Equal(t, "forwarded", m.Attachments[1].Filename)
	require.Equal(t, "application/ms-tnef", m.Attachments[1].Type)
	inner, err := tnef.Parse(m.Attachments[1].Data)
	require.NoError(t, err)
	require.Equal(t, "inner", inner.Subject)
}

func TestNotTNEF(t *testing.T) {
	for _, s := range []string{"", "\x78\x9f\x3e\x22", "PK\x03\x04......"} {
		_, err := tnef.Parse([]byte(s))
		require.ErrorIs(t, err, tnef.ErrNotTNEF)
	}
	m, err := tnef.Parse([]byte(head))
	require.NoError(t, err)
	require.Equal(t, &tnef.Message{}, m)
}

// A stream cut anywhere gives what was whole before the cut and says that it is damaged.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(6, len(sample)).Draw(t, "cut")
		m, err := tnef.Parse([]byte(sample[:n]))
		require.NoError(t, err)
		if n > strings.Index(sample, "file content")+14 {
			require.Equal(t, "file content", string(m.Attachments[0].Data))
		}
		if n == len(sample) {
			require.False(t, m.Damaged)
		}
	})
	m, err := tnef.Parse([]byte(sample[:len(sample)-1]))
	require.NoError(t, err)
	require.True(t, m.Damaged)
}

func TestDamage(t *testing.T) {
	for name, s := range map[string]string{
		"checksum":              strings.Replace(sample, "file content", "file c0ntent", 1),
		"level":                 head + attribute(3, 1, ""),
		"size beyond the end":   head + "\x01" + u32(0x00018004, 0xffffffff) + "abc",
		"property of no type":   head + attribute(1, 0x00069003, props(u32(0x10000099, 1))),
		"count without values":  head + attribute(1, 0x00069003, u32(0xffffffff)),
		"values without end":    head + attribute(1, 0x00069003, props(u32(0x1000101e, 0xffffffff))),
		"name without its text": head + attribute(1, 0x00069003, props(u32(0x80000003)+"GUIDGUIDGUIDGUID"+u32(1, 0xfffffff0))),
	} {
		m, err := tnef.Parse([]byte(s))
		require.NoError(t, err, name)
		require.True(t, m.Damaged, name)
	}
	m, err := tnef.Parse([]byte(strings.Replace(sample, "file content", "file c0ntent", 1)))
	require.NoError(t, err)
	require.Equal(t, "file c0ntent", string(m.Attachments[0].Data))
	m, err = tnef.Parse([]byte(head + attribute(2, 0x00018010, "no rend data") + attribute(2, 0x00038013, strings.Repeat("\xff", 14))))
	require.NoError(t, err)
	require.Equal(t, "no rend data", m.Attachments[0].Filename)
	require.True(t, m.Attachments[0].Modified.IsZero())
}

func TestLimits(t *testing.T) {
	p := tnef.Parser{Limits: tnef.Limits{Attachments: 1, Properties: 2, NameBytes: 4}}
	m, err := p.Parse([]byte(head + attribute(1, 0x00018004, "long subject") +
		attribute(2, 0x00069002, "a") + attribute(2, 0x00069002, "b") + attribute(2, 0x00018010, "name of b")))
	require.NoError(t, err)
	require.Equal(t, "long", m.Subject)
	require.Len(t, m.Attachments, 1)
	require.Empty(t, m.Attachments[0].Filename, "what belongs to the second is no part of the first")
	require.True(t, m.Damaged)
	m, err = p.Parse([]byte(head + attribute(1, 0x00069003, props(property(0x1009, 0x102, "a"), property(1, 0x102, ""), property(0x1013, 0x102, "b")))))
	require.NoError(t, err)
	require.True(t, m.Damaged)
	require.Empty(t, m.HTML)
}

// A megabyte of empty properties or attributes takes a megabyte's time and next to no memory.
func TestHostile(t *testing.T) {
	empty := head + strings.Repeat(attribute(2, 0x00069002, ""), 100_000)
	allocs := testing.AllocsPerRun(1, func() {
		m, err := tnef.Parse([]byte(empty))
		require.NoError(t, err)
		require.Len(t, m.Attachments, 1000)
	})
	require.Less(t, allocs, 50.0)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(head + attribute(1, 0x00069003, props(u32(0x1000101e, 3, 1)+"a\x00\x00\x00"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := tnef.Parse(b)
		if err != nil {
			require.ErrorIs(t, err, tnef.ErrNotTNEF)
			return
		}
		total := 0
		for _, a := range m.Attachments {
			total += len(a.Data)
		}
		require.LessOrEqual(t, total, len(b), "nothing is given out twice")
	})
}

func BenchmarkParse(b *testing.B) {
	in := []byte(sample + attribute(2, 0x00069002, "") + attribute(2, 0x0006800f, strings.Repeat("x", 1<<20)))
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := tnef.Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleParse() {
	m, err := tnef.Parse([]byte(sample)) // the content of winmail.dat
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range m.Attachments {
		fmt.Println(a.Filename, a.Type, len(a.Data))
	}
	// Output:
	// Thư dài.txt text/plain 12
	// forwarded application/ms-tnef 23
}

func ExampleParser() {
	p := tnef.Parser{CharsetReader: charset.NewReader, Limits: tnef.Limits{Attachments: 10}}
	m, err := p.Parse([]byte(sample))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Subject, m.CodePage)
	// Output: привет 1251
}

func ExampleMessage_damaged() {
	m, err := tnef.Parse([]byte(sample[:len(sample)-20]))
	fmt.Println(err, m.Damaged, len(m.Attachments))
	// Output: <nil> true 2
}
