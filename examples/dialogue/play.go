package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/recording"
	"github.com/buuta/mail/examples/dialogue/screen"
	"github.com/buuta/mail/examples/dialogue/web"
)

const playHelp = `dialogue play [flags] [name|file]: a recorded exchange, step by step

Enter, space or the right arrow goes on, b or the left arrow back, q ends. A file is lines "C: …" and "S: …" behind "protocol: smtp".
-list lists the recordings that come with the program.

`

func play(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	c := newCommon("play", playHelp, stderr)
	auto := c.fs.Duration("auto", 0, "go on by itself after this `time`, such as 3s")
	list := c.fs.Bool("list", false, "list the recordings that come with the program")
	if err := c.parse(args); err != nil {
		return err
	}
	s := c.screen(stdout)
	if *list {
		return listRecordings(stdout, s.Lang)
	}
	if c.fs.NArg() > 1 {
		return misuse{errors.New("one recording at a time")}
	}
	name := c.fs.Arg(0)
	if name == "" {
		name = "textbook"
	}
	r, err := recording.Open(name)
	if err != nil {
		return err
	}
	p := &player{screen: s, out: stdout, title: r.Title[s.Lang], protocol: r.Protocol, notes: r.Notes(), words: !c.brief, auto: *auto}
	if p.title == "" {
		p.title = r.Name
	}
	if c.web != "" {
		board := web.New(s.Lang)
		board.Begin(r.Protocol, p.title).Add(p.notes...)
		stop, err := serve(ctx, board, c.web, stderr, s.Lang)
		if err != nil {
			return err
		}
		defer stop()
	}
	in, out := c.terminal(stdin), c.terminal(stdout)
	if in == nil || out == nil {
		return p.plain(ctx)
	}
	return p.keys(ctx, in, out)
}

func listRecordings(w io.Writer, l explain.Lang) error {
	for _, name := range recording.Names() {
		r, err := recording.Open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-12s %s\n", name, r.Title[l])
	}
	return nil
}

// player shows notes one by one.
type player struct {
	screen   *screen.Screen
	out      io.Writer
	title    string
	protocol explain.Protocol
	notes    []explain.Note
	words    bool
	auto     time.Duration
}

// plain shows all of it, one note below the other.
func (p *player) plain(ctx context.Context) error {
	w := bufio.NewWriter(p.out)
	fmt.Fprintf(w, "%s\n%s\n\n", p.title, p.screen.Lang.Say("protocol."+string(p.protocol)))
	for _, n := range p.notes {
		fmt.Fprintln(w, p.screen.Line(n))
		p.screen.Note(w, n, p.words)
		fmt.Fprintln(w)
		if p.auto > 0 {
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(p.auto):
			}
		}
	}
	return w.Flush()
}

// step is a whole screen: what was said before, the line at hand with all that is known of it, the machine and the message's way.
func (p *player) step(at, height int) string {
	var b, below bytes.Buffer
	n := p.notes[at]
	fmt.Fprintln(&below, p.screen.Line(n))
	p.screen.Note(&below, n, p.words)
	fmt.Fprintln(&below)
	p.screen.Chain(&below, p.protocol, n.After.Server)
	if place := placeAt(p.notes[:at+1]); place != "" {
		p.screen.Path(&below, place)
	}
	fmt.Fprintf(&below, "\n%s", p.screen.Lang.Say("play.keys", fmt.Sprint(at+1), fmt.Sprint(len(p.notes))))
	fmt.Fprintf(&b, "%s\n\n", p.title)
	room := max(0, height-3-bytes.Count(below.Bytes(), []byte("\n"))-1)
	for _, before := range p.notes[max(0, at-room):at] {
		line, _, _ := strings.Cut(p.screen.Line(before), "\n")
		fmt.Fprintln(&b, line)
	}
	b.Write(below.Bytes())
	return b.String()
}

// placeAt is where the message is after some notes.
func placeAt(notes []explain.Note) explain.Place {
	for i := len(notes) - 1; i >= 0; i-- {
		if notes[i].Place != "" {
			return notes[i].Place
		}
	}
	return ""
}

// keys lets somebody at a terminal go forward and back.
func (p *player) keys(ctx context.Context, in, out *os.File) error {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer term.Restore(int(in.Fd()), old)
	pressed := make(chan []byte)
	go func() {
		defer close(pressed)
		buf := make([]byte, 16)
		for {
			n, err := in.Read(buf)
			if err != nil {
				return
			}
			select {
			case pressed <- bytes.Clone(buf[:n]):
			case <-ctx.Done():
				return
			}
		}
	}()
	for at := 0; ; {
		width, height, err := term.GetSize(int(out.Fd()))
		if err == nil {
			p.screen.Width = width
		}
		text := strings.ReplaceAll(p.step(at, height), "\n", "\r\n")
		if _, err := io.WriteString(out, "\x1b[H\x1b[2J"+text); err != nil {
			return err
		}
		var tick <-chan time.Time
		if p.auto > 0 && at < len(p.notes)-1 {
			tick = time.After(p.auto)
		}
		select {
		case <-ctx.Done():
			_, err := io.WriteString(out, "\r\n")
			return err
		case <-tick:
			at++
		case key, ok := <-pressed:
			to, end := move(at, len(p.notes), key)
			if !ok || end {
				_, err := io.WriteString(out, "\r\n")
				return err
			}
			at = to
		}
	}
}

// move says where a key leads, or that it ends the show.
func move(at, n int, key []byte) (to int, end bool) {
	switch string(key) {
	case "q", "Q", "\x03", "\x04", "\x1b":
		return at, true
	case "\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1b[6~":
		if at == n-1 && (string(key) == "\r" || string(key) == "\n") {
			return at, true
		}
		return min(at+1, n-1), false
	case "b", "p", "\x7f", "\x1b[D", "\x1b[A", "\x1b[5~":
		return max(at-1, 0), false
	case "\x1b[H", "\x1b[1~":
		return 0, false
	case "\x1b[F", "\x1b[4~":
		return n - 1, false
	}
	return at, false
}
