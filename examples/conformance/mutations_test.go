//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

// mutation is an error that a server might have, put into what ours says or hears.
type mutation struct {
	name     string
	protocol script.Protocol
	hears    func(line string) (said, answer string) // a client's line becomes another one; answer is what it gets without the server's having been asked
	says     func(line string) string                // a server's line; "" leaves it out
}

// says replaces what matches in a server's lines.
func says(expr, by string) func(string) string {
	re := regexp.MustCompile(expr)
	return func(line string) string { return re.ReplaceAllString(line, by) }
}

// hears replaces what matches in a client's lines.
func hears(expr, by string) func(string) (string, string) {
	re := regexp.MustCompile(expr)
	return func(line string) (string, string) { return re.ReplaceAllString(line, by), "" }
}

// answers lets the server not hear what matches.
func answers(expr, answer string) func(string) (string, string) {
	re := regexp.MustCompile(expr)
	return func(line string) (string, string) {
		if m := re.FindStringSubmatchIndex(line); m != nil {
			return "", string(re.ExpandString(nil, answer, line, m))
		}
		return line, ""
	}
}

var counter atomic.Int64

var mutations = []mutation{
	{"the greeting has another code", script.SMTP, nil, says(`^220 `, "250 ")},
	{"HELO is answered as EHLO", script.SMTP, answers(`^HELO .*\r\n`, "250-mail.example.test\r\n250 SIZE 100\r\n"), nil},
	{"a line of a reply has another code", script.SMTP, nil, says(`^250-8BITMIME`, "251-8BITMIME")},
	{"enhanced codes are announced and not there", script.SMTP, nil, says(`^(\d\d\d) \d\.\d\.\d `, "$1 ")},
	{"enhanced codes are of another class", script.SMTP, nil, says(`^550 5\.`, "550 4.")},
	{"a recipient that is not there is taken", script.SMTP, nil, says(`^550 5\.1\.1 .*`, "250 2.1.5 Ok")},
	{"RSET forgets nothing", script.SMTP, answers(`(?i)^RSET\r\n`, "250 2.0.0 Ok\r\n"), nil},
	{"RSET has parameters", script.SMTP, hears(`^RSET now`, "RSET"), nil},
	{"a command that is not known is taken", script.SMTP, nil, says(`^500 5\.5\.2 .*`, "250 2.0.0 Ok")},
	{"QUIT is answered 250", script.SMTP, nil, says(`^221 `, "250 ")},
	{"the empty sender is refused", script.SMTP, answers(`^MAIL FROM:<>\r\n`, "550 5.7.1 no\r\n"), nil},
	{"there is no postmaster", script.SMTP, answers(`(?i)^RCPT TO:<postmaster>\r\n`, "550 5.1.1 no\r\n"), nil},
	{"parameters that are not known are taken", script.SMTP, hears(` XYZZY=1`, ""), nil},
	{"SIZE does not count", script.SMTP, hears(` SIZE=\d+`, ""), nil},
	{"bare line feeds end lines", script.SMTP, hears(`([^\r])\n$|^\n$`, "$1\r\n"), nil},
	{"dots are not doubled", script.SMTP, hears(`^\.\.`, "..."), nil},
	{"DATA is taken without recipients", script.SMTP, nil, says(`^(503 5\.5\.1 Error: need RCPT|554 5\.5\.1).*`, "354 go ahead")},
	{"VRFY confirms everybody", script.SMTP, answers(`^VRFY .*\r\n`, "250 2.0.0 <somebody@example.test>\r\n"), nil},
	{"the eighth bit is lost", script.SMTP, func(line string) (string, string) {
		b := []byte(line)
		for i := range b {
			b[i] &= 0x7f
		}
		return string(b), ""
	}, nil},
	{"LMTP takes EHLO", script.LMTP, hears(`^EHLO`, "LHLO"), nil},
	{"LMTP answers DATA 554", script.LMTP, nil, says(`^503 5\.5\.1 Error: need RCPT.*`, "554 5.5.1 no valid recipients")},

	{"POP3 answers in lower case", script.POP3, nil, says(`^-ERR`, "-err")},
	{"a wrong password is taken", script.POP3, hears(`^PASS not `, "PASS "), nil},
	{"dots are not doubled in RETR", script.POP3, nil, says(`^\.\.(.)`, ".$1")},
	{"sizes of LIST are one too many", script.POP3, nil, func(line string) string {
		m := regexp.MustCompile(`^(\+OK )?(\d+) (\d+)\r\n$`).FindStringSubmatch(line)
		if m == nil || m[1] != "" {
			return line
		}
		n, _ := strconv.Atoi(m[3])
		return m[2] + " " + strconv.Itoa(n+1) + "\r\n"
	}},
	{"RSET brings nothing back", script.POP3, answers(`^RSET\r\n`, "+OK\r\n"), nil},
	{"QUIT removes nothing", script.POP3, hears(`^QUIT\r\n`, "RSET\r\nQUIT\r\n"), nil},
	{"TOP sends all", script.POP3, hears(`^TOP (\d+) \d+\r\n`, "RETR $1\r\n"), nil},
	{"UIDL is another one each time", script.POP3, nil, func(line string) string {
		return regexp.MustCompile(`^(\+OK \d+|\d+) ([0-9a-f]{8,})\r\n$`).ReplaceAllString(line, "$1 "+strconv.FormatInt(counter.Add(1), 10)+"\r\n")
	}},

	{"EXPUNGE is not told", script.IMAP, nil, says(`^\* \d+ EXPUNGE\r\n`, "")},
	{".SILENT is heard as if it weren't there", script.IMAP, hears(`\.SILENT`, ""), nil},
	{"BODY.PEEK sets \\Seen", script.IMAP, hears(`BODY\.PEEK\[`, "BODY["), nil},
	{"UIDVALIDITY is not told", script.IMAP, nil, says(`^\* OK \[UIDVALIDITY .*\r\n`, "")},
	{"TRYCREATE is not said", script.IMAP, nil, says(`\[TRYCREATE\] `, "")},
	{"BAD is said NO", script.IMAP, nil, says(`^(\S+) BAD `, "$1 NO ")},
	{"EXAMINE is SELECT", script.IMAP, hears(` EXAMINE `, " SELECT "), nil},
	{"CLOSE removes nothing", script.IMAP, hears(` CLOSE\r\n`, " UNSELECT\r\n"), nil},
	{"answers to UID commands have no UID", script.IMAP, nil, says(`UID \d+ `, "")},
	{"UNSEEN is SEEN", script.IMAP, hears(` SEARCH UNSEEN`, " SEARCH SEEN"), nil},
	{"-FLAGS is FLAGS", script.IMAP, hears(` -FLAGS `, " FLAGS "), nil},
	{"LOGOUT says no BYE", script.IMAP, nil, says(`^\* BYE .*\r\n`, "")},
	{"COPY forgets the flags", script.IMAP, nil, says(`^(\* 3 FETCH .*)\\Flagged`, "$1")},
	{"INTERNALDATE is now", script.IMAP, hears(` " 5-Mar-2020 10:00:00 \+0700"`, ""), nil},
	{"RFC822.SIZE is one too few", script.IMAP, nil, func(line string) string {
		return regexp.MustCompile(`RFC822\.SIZE (\d+)`).ReplaceAllStringFunc(line, func(s string) string {
			n, _ := strconv.Atoi(s[12:])
			return "RFC822.SIZE " + strconv.Itoa(n-1)
		})
	}},
	{"a group has no end in ENVELOPE", script.IMAP, nil, says(`\(NIL NIL NIL NIL\)`, "")},
}

// mutant is a connection to a server with a mutation.
type mutant struct {
	net.Conn
	m     *mutation
	r     *bufio.Reader
	ready []byte      // for the client
	said  chan string // to the client, without the server's having been asked
}

func (c *mutant) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		select {
		case answer := <-c.said:
			c.ready = []byte(answer)
			continue
		default:
		}
		line, err := c.r.ReadString('\n')
		if c.m.says != nil {
			line = c.m.says(line)
		}
		c.ready = append(c.ready, line...)
		if err != nil && len(c.ready) == 0 {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func (c *mutant) Write(p []byte) (int, error) {
	if c.m.hears == nil {
		return c.Conn.Write(p)
	}
	// Scripts send lines whole, but for what they cut on purpose.
	for line := range strings.Lines(string(p)) {
		said, answer := c.m.hears(line)
		if answer != "" {
			c.said <- answer
		}
		if _, err := io.WriteString(c.Conn, said); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// asIs and heardAsIs change nothing.
func asIs(line string) string             { return line }
func heardAsIs(line string) (_, _ string) { return line, "" }

// Each of these errors is found, and none where there is none: some clause that says MUST or SHOULD isn't kept that is without it.
func TestMutationsAreFound(t *testing.T) {
	require.GreaterOrEqual(t, len(mutations), 30)
	o, err := parseFlags(nil, io.Discard)
	require.NoError(t, err)
	cases, err := o.cases()
	require.NoError(t, err)
	// A server takes its time with wrong passwords; and a mutant can't read what is compressed.
	cases = slices.DeleteFunc(cases, func(c *script.Case) bool { return c.Script == "imap/compress" })
	slices.SortStableFunc(cases, func(a, b *script.Case) int {
		return cmp.Compare(strings.Count(a.Script, "authentication"), strings.Count(b.Script, "authentication"))
	})
	find := func(t *testing.T, m *mutation) *script.Result {
		target := fullserver(t, "auth_failure_delay=0s") // one that remembers nobody's wrong passwords
		bad := *target
		bad.Security, bad.Timeout, bad.TLS = true, 3*time.Second, nil
		bad.Dial = maps.Clone(target.Dial)
		bad.Dial[m.protocol] = func(ctx context.Context) (net.Conn, error) {
			c, err := target.Dial[m.protocol](ctx)
			return &mutant{Conn: c, m: m, r: bufio.NewReader(c), said: make(chan string, 100)}, err
		}
		r := script.NewRunner(&bad)
		for _, c := range cases {
			if c.Protocol != m.protocol {
				continue
			}
			for _, res := range r.Run(t.Context(), c) {
				if res.Bad() && res.Known == "" {
					return &res
				}
			}
		}
		return nil
	}
	for i := range mutations {
		t.Run(mutations[i].name, func(t *testing.T) {
			t.Parallel()
			res := find(t, &mutations[i])
			require.NotNil(t, res, "nothing finds it")
			t.Logf("found by %s: %s", name(res.Case, res.Check), res.Check.En)
		})
	}
	for _, p := range []script.Protocol{script.SMTP, script.LMTP, script.POP3, script.IMAP} {
		t.Run("none in "+string(p), func(t *testing.T) {
			t.Parallel()
			if res := find(t, &mutation{"none", p, heardAsIs, asIs}); res != nil {
				t.Errorf("%s: %s\n%s", name(res.Case, res.Check), res.Why, res.Transcript)
			}
		})
	}
}
