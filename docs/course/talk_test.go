//go:build unix

package course_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// opener is the first line of a dialogue as it is typed.
type opener struct {
	addr     string
	tls      bool
	startTLS string // the protocol that it is asked for in
}

// openerOf reads "telnet HOST PORT" or "openssl s_client … -connect HOST:PORT [-starttls PROTOCOL]".
func openerOf(line string) (opener, error) {
	words := strings.Fields(line)
	if len(words) == 4 && words[1] == "telnet" {
		return opener{addr: words[2] + ":" + words[3]}, nil
	}
	o := opener{tls: true}
	quiet := false
	for i, w := range words {
		switch {
		case w == "-quiet":
			quiet = true
		case i+1 == len(words):
		case w == "-connect":
			o.addr = words[i+1]
		case w == "-starttls":
			o.startTLS = words[i+1]
		}
	}
	if len(words) < 3 || words[1] != "openssl" || words[2] != "s_client" || o.addr == "" || !quiet {
		return o, fmt.Errorf("%q is neither telnet HOST PORT nor openssl s_client -quiet -connect HOST:PORT", line)
	}
	return o, nil
}

// protocolOf is what is spoken at a port of the lessons.
func protocolOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return map[string]string{"2525": "smtp", "2587": "smtp", "2465": "smtp", "2526": "smtp", "1110": "pop3", "1109": "pop2", "1143": "imap", "1993": "imap"}[port]
}

// dial connects, and has the handshake done that openssl does.
func (s *site) dial(o opener) (net.Conn, *bufio.Reader, error) {
	var c net.Conn
	err := s.until(func() (err error) { // until what was started a moment ago listens
		if c, err = net.DialTimeout("tcp", s.portsIn(o.addr), limit); err != nil {
			return errors.Join(err, s.ended())
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, nil, err
	}
	if !o.tls {
		return c, bufio.NewReader(c), nil
	}
	if o.startTLS != "" {
		r := bufio.NewReader(c)
		lines := map[string][][2]string{
			"smtp": {{"", "220 "}, {"EHLO mail.example.com", "250 "}, {"STARTTLS", "220 "}},
			"imap": {{"", "* OK"}, {". STARTTLS", ". OK"}},
			"pop3": {{"", "+OK"}, {"STLS", "+OK"}},
		}[o.startTLS]
		for _, step := range lines {
			if step[0] != "" {
				if _, err := io.WriteString(c, step[0]+"\r\n"); err != nil {
					return nil, nil, err
				}
			}
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return nil, nil, err
				}
				if strings.HasPrefix(line, step[1]) {
					break
				}
			}
		}
	}
	t := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // as s_client goes on whatever the certificate
	return t, bufio.NewReader(t), t.Handshake()
}

// talk plays a dialogue: "C:" is typed, "S:" must come, line by line; "S: …" alone is lines up to the next that is written; "S: <end>" is the end
// of the connection.
func (s *site) talk(b *block) error {
	o, err := openerOf(b.lines[0])
	if err != nil {
		return fmt.Errorf("%s: %w", b.at(0), err)
	}
	c, r, err := s.dial(o)
	if err != nil {
		return fmt.Errorf("%s: %w", b.at(0), err)
	}
	defer c.Close()
	var seen []string
	read := func() (string, error) {
		line, err := r.ReadString('\n')
		if err != nil {
			return line, err
		}
		line = s.portsOut(strings.TrimSuffix(line, "\r\n"))
		seen = append(seen, line)
		return line, nil
	}
	skip := false
	for i, line := range b.lines[1:] {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s: %s\ncame:\n%s", b.at(i+1), fmt.Sprintf(format, args...), strings.Join(seen, "\n"))
		}
		who, text, _ := strings.Cut(line, ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case who == "C":
			if skip {
				return fail("S: … has no line behind it")
			}
			if r.Buffered() > 0 {
				line, _ := read()
				return fail("before this came: %s", line)
			}
			if _, err := io.WriteString(c, expand(text, s.vars)+"\r\n"); err != nil {
				return fail("%v", err)
			}
			seen = nil
		case who == "S" && text == "…":
			skip = true
		case who == "S" && text == "<end>":
			if line, err := read(); !errors.Is(err, io.EOF) {
				return fail("expected the end, came %q, %v", line, err)
			}
		case who == "S":
			want := compile(text, s.vars, false)
			for {
				got, err := read()
				if err != nil {
					return fail("expected: %s: %v", text, errors.Join(err, s.ended()))
				}
				if want.match(got, s.vars) {
					skip = false
					break
				}
				if !skip {
					return fail("expected: %s\n    came: %s", expand(text, s.vars), got)
				}
			}
		default:
			return fail("a line begins with C: or S:")
		}
	}
	if skip {
		return fmt.Errorf("%s: S: … has no line behind it", b.at(len(b.lines)))
	}
	return nil
}
