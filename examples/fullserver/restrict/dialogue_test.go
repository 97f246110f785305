package restrict_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dialogue is one conversation of testdata/dialogues.txt: parameters in main.cf's form, the client as XCLIENT would name it, what it says, and
// what Debian's Postfix 3.7 answers to that.
type dialogue struct {
	head   []string // comments and parameters, as they stand there
	params map[string]string
	addr   string // of the client, "IPV6:…" for that
	name   string
	attrs  map[string]string // "reverse", "login"
	lines  []exchange
	line   int
}

type exchange struct{ says, answer string }

func readDialogues(t *testing.T) []*dialogue {
	t.Helper()
	text, err := os.ReadFile("testdata/dialogues.txt")
	require.NoError(t, err)
	var out []*dialogue
	d := &dialogue{params: map[string]string{}, attrs: map[string]string{}}
	for i, line := range strings.Split(string(text), "\n") {
		name, value, isParam := strings.Cut(line, " =")
		switch {
		case line == "":
			if d.addr != "" {
				out = append(out, d)
				d = &dialogue{params: map[string]string{}, attrs: map[string]string{}}
			}
		case strings.HasPrefix(line, "#"):
			d.head = append(d.head, line)
		case strings.HasPrefix(line, "client "):
			d.line = i + 1
			f := strings.Fields(line)
			d.addr, d.name = f[1], f[2]
			for _, a := range f[3:] {
				k, v, _ := strings.Cut(a, "=")
				d.attrs[k] = v
			}
		case strings.HasPrefix(line, "C: "):
			d.lines = append(d.lines, exchange{says: line[3:]})
		case strings.HasPrefix(line, "S: "):
			d.lines[len(d.lines)-1].answer = line[3:]
		case isParam && d.addr == "":
			d.head = append(d.head, line)
			d.params[name] = strings.TrimSpace(value)
		default:
			t.Fatalf("dialogues.txt, line %d: %q", i+1, line)
		}
	}
	if d.addr != "" {
		out = append(out, d)
	}
	return out
}

// String is the dialogue as it stands in the file.
func (d *dialogue) String() string {
	var b strings.Builder
	for _, h := range d.head {
		fmt.Fprintln(&b, h)
	}
	fmt.Fprintf(&b, "client %s %s", d.addr, d.name)
	for _, k := range []string{"reverse", "login"} {
		if v, ok := d.attrs[k]; ok {
			fmt.Fprintf(&b, " %s=%s", k, v)
		}
	}
	b.WriteByte('\n')
	for _, x := range d.lines {
		fmt.Fprintf(&b, "C: %s\nS: %s\n", x.says, x.answer)
	}
	return b.String()
}

var queueID = regexp.MustCompile(`queued as \w+`)

// talk says all lines and returns the answers; a message of one line follows 354.
func talk(r *bufio.Reader, say func(string) error, lines []exchange) []string {
	var out []string
	for _, x := range lines {
		if err := say(x.says); err != nil {
			out = append(out, "(gone)")
			continue
		}
		a := answer(r)
		if strings.HasPrefix(a, "354 ") {
			if say("Subject: x\r\n\r\nx\r\n.") == nil {
				a = answer(r)
			}
		}
		if strings.HasPrefix(x.says, "EHLO ") && strings.HasPrefix(a, "250 ") {
			a = "250 …"
		}
		out = append(out, queueID.ReplaceAllString(a, "queued as …"))
	}
	return out
}

// answer reads a reply: its last line.
func answer(r *bufio.Reader) string {
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return "(gone)"
		}
		if len(l) < 4 || l[3] != '-' {
			return strings.TrimRight(l, "\r\n")
		}
	}
}
