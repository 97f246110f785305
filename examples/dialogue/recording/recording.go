// Package recording reads exchanges that were written down, to be played again. A file is text:
//
//	protocol: smtp
//	en: A message by hand
//	vi: Một bức thư gõ tay
//	S: 220 mail.example.org ESMTP
//	C: EHLO me.example.org
//
// "C: " and "S: " begin lines of the client and the server, which end with CRLF; those that begin with "C- " and "S- " have no
// line end. "tls:" says that TLS has begun, and that what follows is within it. Lines that begin with "#" are for the reader.
package recording

import (
	"embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/dialogue/explain"
)

//go:embed files/*.txt
var files embed.FS

// Limits of a recording.
const (
	maxLines  = 20_000
	maxOctets = 16 << 20
)

// Recording is an exchange.
type Recording struct {
	Name     string
	Protocol explain.Protocol
	Title    map[explain.Lang]string
	Lines    []Line
}

// Line is what one side says at once.
type Line struct {
	Side explain.Side // 0: TLS has begun
	Text string       // with its line end
}

// Names are the recordings that come with the program.
func Names() []string {
	entries, err := files.ReadDir("files")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".txt"))
	}
	return out
}

// Open reads one that comes with the program, by its name, or a file.
func Open(name string) (*Recording, error) {
	if slices.Contains(Names(), name) {
		b, err := files.ReadFile("files/" + name + ".txt")
		if err != nil {
			return nil, err
		}
		return Parse(name, string(b))
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a recording of ours (%s) nor a file", name, strings.Join(Names(), ", "))
	}
	if info.Size() > maxOctets {
		return nil, fmt.Errorf("%s has more than %d octets", name, maxOctets)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, string(b))
}

// Parse reads a recording. Errors tell the line.
func Parse(name, text string) (*Recording, error) {
	r := &Recording{Name: name, Title: map[explain.Lang]string{}}
	n := 0
	for raw := range strings.Lines(text) {
		n++
		line := strings.TrimRight(raw, "\r\n")
		switch key, rest, _ := strings.Cut(line, ":"); {
		case line == "" || line[0] == '#':
		case key == "protocol":
			r.Protocol = explain.Protocol(strings.TrimSpace(rest))
			if !slices.Contains(explain.Protocols, r.Protocol) {
				return nil, fmt.Errorf("%s:%d: protocol is one of %v", name, n, explain.Protocols)
			}
		case key == "en" || key == "vi":
			r.Title[explain.Lang(key)] = strings.TrimSpace(rest)
		case r.Protocol == "":
			return nil, fmt.Errorf("%s:%d: the first line is \"protocol: smtp\", or another of %v", name, n, explain.Protocols)
		case key == "tls":
			r.Lines = append(r.Lines, Line{})
		case key == "C" || key == "S":
			r.Lines = append(r.Lines, Line{explain.Side(line[0]), strings.TrimPrefix(rest, " ") + "\r\n"})
		case strings.HasPrefix(line, "C-") || strings.HasPrefix(line, "S-"):
			r.Lines = append(r.Lines, Line{explain.Side(line[0]), strings.TrimPrefix(line[2:], " ")})
		default:
			return nil, fmt.Errorf("%s:%d: a line begins with \"C: \" or \"S: \"", name, n)
		}
		if len(r.Lines) > maxLines {
			return nil, fmt.Errorf("%s: more than %d lines", name, maxLines)
		}
	}
	if len(r.Lines) == 0 {
		return nil, fmt.Errorf("%s: nothing is said", name)
	}
	return r, nil
}

// Notes explains all of it.
func (r *Recording) Notes() []explain.Note {
	s := explain.New(r.Protocol)
	var out []explain.Note
	for _, l := range r.Lines {
		if l.Side == 0 {
			s.Secured()
			out = append(out, explain.Inside(r.Protocol, s.State()))
			continue
		}
		out = append(out, s.Feed(l.Side, []byte(l.Text))...)
	}
	return append(append(out, s.Flush(explain.Client)...), s.Flush(explain.Server)...)
}
