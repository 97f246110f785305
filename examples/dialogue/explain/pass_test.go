package explain

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// carried feeds what one side says in pieces of a size, and returns the notes.
func carried(s *Session, side Side, text string, size int) []Note {
	var out []Note
	for piece := range slices.Chunk([]byte(text), size) {
		out = append(out, s.Feed(side, piece)...)
	}
	return out
}

// A long message is explained at its beginning only, in whatever pieces it comes and whatever stands in it; its end is seen, and what was passed
// is counted.
func TestLongContentPasses(t *testing.T) {
	var body strings.Builder
	for i := range 200 {
		fmt.Fprintf(&body, "line %d\r\n..a dot\r\n.\rno end\r\n.x\r\n", i)
	}
	body.WriteString(strings.Repeat("long ", 10_000) + "\r\n")
	message := "From: a@example.org\r\nDate: x\r\n\r\n" + body.String()
	for _, c := range []struct {
		p             Protocol
		side          Side
		before        []string
		content, then string
		end           string // what the line behind it says
	}{
		{SMTP, Client, []string{"S: 220 x", "C: EHLO x", "S: 250 x", "C: MAIL FROM:<a@b>", "S: 250 x", "C: RCPT TO:<a@b>", "S: 250 x", "C: DATA", "S: 354 x"}, message, ".\r\n", "smtp.end"},
		{SMTP, Client, []string{"S: 220 x", "C: EHLO x", "S: 250 x", "C: MAIL FROM:<a@b>", "S: 250 x", "C: RCPT TO:<a@b>", "S: 250 x", fmt.Sprintf("C: BDAT %d LAST", len(message))}, message, "NOOP\r\n", "smtp.cmd.NOOP"},
		{POP3, Server, []string{"S: +OK", "C: USER a", "S: +OK", "C: PASS b", "S: +OK", "C: RETR 1", "S: +OK"}, message, ".\r\n", "pop3.end"},
		{POP3, Server, []string{"S: +OK", "C: USER a", "S: +OK", "C: PASS b", "S: +OK", "C: LIST", "S: +OK"}, strings.Repeat("1 2\r\n", 1000), ".\r\n", "pop3.end"},
		{POP2, Server, []string{"S: + POP2 x", "C: HELO a b", "S: #1", "C: READ", fmt.Sprintf("S: =%d", len(message)), "C: RETR"}, message, "=0\r\n", ""},
		{IMAP, Client, []string{"S: * OK x", "C: a LOGIN a b", "S: a OK x", fmt.Sprintf("C: b APPEND x {%d}", len(message)), "S: + x"}, message, "\r\n", "imap.command-goes-on"},
		{IMAP, Server, []string{"S: * OK x", "C: a LOGIN a b", "S: a OK x", "C: b SELECT x", "S: b OK x", "C: c FETCH 1 BODY[]", fmt.Sprintf("S: * 1 FETCH (BODY[] {%d}", len(message))}, message, ")\r\n", "imap.response-goes-on"},
	} {
		all := New(c.p) // explains every line, and comes to the same
		all.Content = -1
		for _, l := range c.before {
			all.Feed(Side(l[0]), []byte(l[3:]+"\r\n"))
		}
		every := carried(all, c.side, c.content+c.then, len(message)+3)
		require.Greater(t, len(every), 800)
		for _, size := range []int{1, 4096, len(message) + 3} {
			s := New(c.p)
			s.Content = 1000
			for _, l := range c.before {
				s.Feed(Side(l[0]), []byte(l[3:]+"\r\n"))
			}
			notes := carried(s, c.side, c.content+c.then, size)
			name := fmt.Sprintf("%s %s", c.p, c.before[len(c.before)-1])
			passed := slices.IndexFunc(notes, func(n Note) bool { return keys(n.Says) == "line.passed" })
			require.Positive(t, passed, name)
			shown := 0
			for i, n := range notes {
				require.False(t, n.Unknown, "%s: %+v", name, n)
				if i < passed {
					shown += len(n.Text) + 2 // of "\r" "\x0d" is shown
				}
			}
			require.GreaterOrEqual(t, shown, 1000, name)
			require.Less(t, shown, 2000, name)
			require.Contains(t, keys(notes[len(notes)-1].Says), c.end, name)
			require.NotContains(t, keys(notes[len(notes)-1].Says), "letter.missing", name)
			require.LessOrEqual(t, len(notes)-passed, 3, name)
			require.Equal(t, every[len(every)-1].After, notes[len(notes)-1].After, name)
		}
	}
}

// What is passed when the connection ends is told too.
func TestPassedAtTheEnd(t *testing.T) {
	s := New(IMAP)
	s.Content = 10
	talkTo := func(lines ...string) {
		for _, l := range lines {
			s.Feed(Side(l[0]), []byte(l[3:]+"\r\n"))
		}
	}
	talkTo("S: * OK x", "C: a LOGIN a b", "S: a OK x", "C: b APPEND x {1000}", "S: + x", "C: A: b", "C: ", "C: 0123456789", "C: more", "C: and more")
	notes := s.Flush(Client)
	require.Len(t, notes, 1)
	require.Equal(t, []Message{say("line.passed", "16", "2")}, notes[0].Says)
}
