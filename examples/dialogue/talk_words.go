package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/buuta/mail/examples/dialogue/builtin"
	"github.com/buuta/mail/examples/dialogue/explain"
)

// maxTyped bounds what is taken of a line.
const maxTyped = 64 << 10

// errLeave ends the program, as somebody has asked.
var errLeave = errors.New("leave")

// terminal lets somebody type at a terminal, with a line to edit and what was typed before at the arrow keys.
func (t *talker) terminal(ctx context.Context, p explain.Protocol, in, out *os.File) error {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer term.Restore(int(in.Fd()), old)
	prompt := "C → S  "
	if t.screen.Colour {
		prompt = "\x1b[36;1m" + prompt + "\x1b[0m"
	}
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, prompt)
	if width, height, err := term.GetSize(int(out.Fd())); err == nil {
		if err := editor.SetSize(width, height); err != nil {
			return err
		}
	}
	t.out = editor
	if err := t.begin(ctx, p); err != nil {
		return err
	}
	typed, failed := make(chan string), make(chan error, 1)
	go func() {
		for {
			line, err := editor.ReadLine()
			if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
				failed <- err
				return
			}
			typed <- line
		}
	}()
	for over := false; !over; {
		select {
		case <-ctx.Done():
			over = true
		case err := <-failed:
			if over = true; !errors.Is(err, io.EOF) {
				defer fmt.Fprintln(out, err)
			}
		case line := <-typed:
			over = t.typed(ctx, line, false) != nil
		}
	}
	t.leave()
	return nil
}

// pipe takes lines from a file or another program, each after the server's answer to the one before.
func (t *talker) pipe(ctx context.Context, p explain.Protocol, stdin io.Reader) error {
	if err := t.begin(ctx, p); err != nil {
		return err
	}
	t.wait(ctx)
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, maxTyped)
	for lines.Scan() && ctx.Err() == nil {
		if err := t.typed(ctx, strings.TrimSuffix(lines.Text(), "\r"), true); err != nil {
			break
		}
		t.wait(ctx)
	}
	t.leave()
	return lines.Err()
}

// wait waits until the client may speak.
func (t *talker) wait(ctx context.Context) {
	deadline := time.NewTimer(t.timeout)
	defer deadline.Stop()
	for {
		t.mu.Lock()
		st, over, changed := t.session.State().Client, t.over, t.changed
		t.mu.Unlock()
		if over || st != "client.waits" && st != "client.listens" && st != "client.gone" {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-deadline.C:
			return
		case <-changed:
		}
	}
}

// begin connects, and says what to do.
func (t *talker) begin(ctx context.Context, p explain.Protocol) error {
	fmt.Fprintln(t.out, t.screen.Lang.Say("talk.welcome"))
	return t.connect(ctx, p)
}

// leave hangs up.
func (t *talker) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet != nil {
		t.quiet.Stop()
	}
	t.showLog()
	t.over = true
	if t.conn != nil {
		t.conn.Close()
	}
	t.shown.End()
}

// typed does what a line asks for: it is for the server, or for us.
func (t *talker) typed(ctx context.Context, line string, echo bool) error {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case word == "?" && rest == "":
		t.hint()
	case !strings.HasPrefix(word, "/"):
		return t.say(line, echo)
	case strings.HasPrefix(word, "//"):
		return t.say(strings.Replace(line, "/", "", 1), echo)
	default:
		return t.own(ctx, word[1:])
	}
	return nil
}

// own does what a word of our own asks for.
func (t *talker) own(ctx context.Context, word string) error {
	switch p := explain.Protocol(word); {
	case word == "exit" || word == "q":
		return errLeave
	case ports[p][0] != "":
		t.mu.Lock()
		if t.conn != nil {
			t.conn.Close()
		}
		t.shown.End()
		t.mu.Unlock()
		if err := t.connect(ctx, p); err != nil {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.over = true
			t.write(err.Error() + "\n")
		}
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch word {
	case "state":
		t.screen.Machine(t.out, t.protocol, t.session.State().Server)
		t.write(t.screen.States(t.session.State()) + "\n")
	case "path":
		t.screen.Path(t.out, t.place)
		if t.place != "" {
			t.screen.Block(t.out, "  ", t.screen.Lang.Say("place.says."+string(t.place)))
		}
	case "log":
		t.showLog()
	case "words":
		t.words = !t.words
	case "en", "vi":
		t.screen.Lang = explain.Lang(word)
	default:
		t.screen.Block(t.out, "", t.screen.Lang.Say("talk.help"))
	}
	return nil
}

// hint says what can be said now.
func (t *talker) hint() {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.session.State()
	if t.over {
		t.write(t.screen.Lang.Say("talk.no-connection") + "\n")
		return
	}
	t.screen.Block(t.out, "  ? ", t.screen.Lang.Say("hint."+st.Server))
	if t.world != nil && (st.Server == "smtp.greeted" || st.Server == "pop3.auth" || st.Server == "pop2.call" || st.Server == "imap.notauth") {
		t.screen.Block(t.out, "  ? ", t.screen.Lang.Say("hint.example")+" "+strings.Join(builtin.Hint(t.protocol), " ⏎ "))
	}
}

// log gets lines of the built-in servers' log. They are shown when nothing has come for a moment.
func (t *talker) log(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logs = append(t.logs, line)
	if t.quiet == nil {
		t.quiet = time.AfterFunc(400*time.Millisecond, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.quiet = nil
			if t.session != nil && t.session.State().Client != "client.sends" {
				t.showLog()
			}
		})
	}
}

// showLog shows what the log says, and explains it. The talker is locked.
func (t *talker) showLog() {
	if len(t.logs) == 0 {
		return
	}
	t.write(t.screen.Lang.Say("log.title") + "\n")
	for _, line := range t.logs {
		l := explain.ReadLog(line)
		t.screen.Block(t.out, "  ▤ ", l.Text)
		var b strings.Builder
		t.screen.Note(&b, explain.Note{Says: l.Says, Words: l.Words}, t.words)
		text := b.String()
		t.write(text)
		if l.Place != "" && l.Place != t.place {
			t.place = l.Place
			t.screen.Path(t.out, t.place)
		}
	}
	t.logs = nil
}
