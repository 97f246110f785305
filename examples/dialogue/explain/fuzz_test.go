package explain

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var control = regexp.MustCompile(acts)

// FuzzSession feeds anything from both sides. Each line that is fed begins with C or S, in the fuzzer's hand. Whatever it is: it is explained,
// in both languages; nothing in it acts on a terminal; the states go only where the drawn machine has a way; and it doesn't matter in which
// pieces the octets come.
func FuzzSession(f *testing.F) {
	for i := range Protocols {
		for _, d := range []string{
			ready + "C: MAIL FROM:<a@b> SIZE=3 X=\"|S: 250 2.1.0 Ok|C: RCPT TO:<\"x>y\"@b>|S: 250-2.1.5 a|S: 250 b|C: DATA|S: 354 x|C: A: b|C:  c|C: |C: ..|C: .|S: 250 2.0.0 queued as 4F",
			ready + "C: AUTH PLAIN AGEAYWE=|S: 235 x|C: BDAT 3 LAST|C: a|S: 421 x",
			ready + "C: AUTH LOGIN|S: 334 VXNlcjo=|C: YQ==|S: 535 5.7.8 x|C: STARTTLS|S: 220 x|C: \x16\x03",
			open3 + "C: LIST|S: +OK|S: 1 2|S: .|C: RETR 1|S: +OK|S: A: b|S: |S: ..x|S: .|C: QUIT|S: +OK",
			"S: + x|C: HELO a b|S: #2|C: READ|S: =5|C: RETR|S: abc|C: ACKD|S: =0|C: QUIT|S: + bye",
			open4 + "C: b SELECT \"a b\"|S: * 3 EXISTS|S: * FLAGS (\\Seen $x)|S: b OK [READ-WRITE] x|C: c UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (To)]<0.5>)|S: * 1 FETCH (BODY[] {5}|S: abc|S: )|S: c NO [X y",
			open4 + "C: b APPEND x {3}|S: +|C: a|C: {3+}|C: x|C: |S: b OK|C: d IDLE|S: + idling|C: DONE|S: d OK|C: e AUTHENTICATE PLAIN|S: +|C: x",
		} {
			f.Add(uint8(i), strings.ReplaceAll(d, "|", "\r\n"), uint8(3))
			f.Add(uint8(i), strings.ReplaceAll(d, "|", "\r\n"), uint8(2))
		}
	}
	f.Fuzz(func(t *testing.T, protocol uint8, dialogue string, size uint8) {
		p := Protocols[int(protocol)%len(Protocols)]
		once, pieces := New(p), New(p)
		if size%2 == 0 {
			once.Content, pieces.Content = 2, 2
		}
		m := MachineOf(p)
		for line := range strings.Lines(dialogue) {
			side := Client
			if strings.HasPrefix(line, "S") {
				side = Server
			}
			octets := []byte(line[min(3, len(line)):])
			want := once.Feed(side, octets)
			var got []Note
			for piece := range slices.Chunk(octets, int(size)+1) {
				got = append(got, pieces.Feed(side, piece)...)
			}
			if len(got) != len(want) {
				t.Fatalf("%q: %d notes in pieces, %d at once", line, len(got), len(want))
			}
			for i, n := range want {
				if n.Text != got[i].Text || keys(n.Says) != keys(got[i].Says) || keys(n.Mistakes) != keys(got[i].Mistakes) || n.After != got[i].After {
					t.Fatalf("%q: %+v in pieces, %+v at once", line, got[i], n)
				}
				check(t, n, m)
			}
		}
		for _, side := range []Side{Client, Server} {
			for _, n := range once.Flush(side) {
				check(t, n, m)
			}
		}
	})
}

func check(t *testing.T, n Note, m Machine) {
	t.Helper()
	if n.Unknown {
		t.Fatalf("%+v is not explained", n)
	}
	if !m.Leads(n.Before.Server, n.After.Server) {
		t.Fatalf("%q leads from %s to %s, and no way is drawn", n.Text, n.Before.Server, n.After.Server)
	}
	texts := []string{n.Text}
	for _, l := range Langs {
		for _, w := range n.Words {
			texts = append(texts, w.Text, l.Text(w.Message))
		}
		for _, m := range append(append([]Message{}, n.Says...), n.Mistakes...) {
			texts = append(texts, l.Text(m))
		}
		texts = append(texts, l.Say(n.After.Server), l.Say(n.After.Client))
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || control.MatchString(s) || len(s) > 5*maxShown {
			t.Fatalf("%q can't be shown", s)
		}
		if strings.HasPrefix(s, "[imap.") || strings.HasPrefix(s, "[smtp.") || strings.HasPrefix(s, "[pop3.") || strings.HasPrefix(s, "[mistake.") {
			if s != n.Text && len(n.Words) == 0 {
				t.Fatalf("%s has no text", s)
			}
		}
	}
}
