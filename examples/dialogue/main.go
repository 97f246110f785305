// Command dialogue teaches SMTP, POP3, POP2 and IMAP by doing.
//
//	dialogue play [name|file]       shows a recorded exchange step by step: who speaks, what it means, what state both are in
//	dialogue talk [protocol]        connects to a server, real or built in, lets you type, and explains each answer and each mistake
//	dialogue watch -to host:port    is a proxy that explains a live session of your own client
//
// All three can show it on a web page besides (-web 127.0.0.1:8080), in English and Vietnamese (-l vi).
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/term"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/screen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

const usage = `dialogue: learn SMTP, POP3, POP2 and IMAP by doing / học SMTP, POP3, POP2 và IMAP bằng cách làm

  dialogue play [-auto 2s] [-plain] [name|file]   a recorded exchange, step by step; "dialogue play -list" lists them
  dialogue talk [-server builtin|host:port] [-tls] [smtp|lmtp|pop3|pop2|imap]
                                                  type to a server; each answer and each mistake is explained
  dialogue watch -listen 127.0.0.1:2525 -to builtin|host:port [-tls-inside]
                                                  a proxy that explains what your own client says

  -l en|vi      the language; without it, that of LC_ALL, LC_MESSAGES or LANG / ngôn ngữ
  -web addr     show it on a web page besides, for example -web 127.0.0.1:8080
  dialogue play|talk|watch -h tells more.
`

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	commands := map[string]func(context.Context, []string, io.Reader, io.Writer, io.Writer) error{"play": play, "talk": talk, "watch": watch}
	command, ok := commands[args[0]]
	switch {
	case ok:
	case args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help":
		fmt.Fprint(stdout, usage)
		return 0
	default:
		fmt.Fprintf(stderr, "dialogue: %q is not a command; there are play, talk and watch\n", args[0])
		return 2
	}
	switch err := command(ctx, args[1:], stdin, stdout, stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, new(misuse)):
		fmt.Fprintf(stderr, "dialogue %s: %v (-h tells more)\n", args[0], err)
		return 2
	default:
		fmt.Fprintf(stderr, "dialogue %s: %v\n", args[0], err)
		return 1
	}
}

// misuse is an error of whoever called the program.
type misuse struct{ error }

// common are the flags of all commands.
type common struct {
	fs    *flag.FlagSet
	lang  string
	web   string
	plain bool
	brief bool
}

func newCommon(name, help string, stderr io.Writer) *common {
	c := &common{fs: flag.NewFlagSet(name, flag.ContinueOnError)}
	c.fs.SetOutput(stderr)
	c.fs.Usage = func() {
		fmt.Fprint(stderr, help)
		c.fs.PrintDefaults()
	}
	c.fs.StringVar(&c.lang, "l", "", "`language`: en or vi; without it, that of LC_ALL, LC_MESSAGES or LANG")
	c.fs.StringVar(&c.web, "web", "", "`address` of a web page that shows it too, for example 127.0.0.1:8080")
	c.fs.BoolVar(&c.plain, "plain", false, "no colours, no keys: for pipes and files")
	c.fs.BoolVar(&c.brief, "brief", false, "say what lines mean, but not each word of them")
	return c
}

func (c *common) parse(args []string) error {
	if err := c.fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return misuse{errors.New("the flags can't be understood")}
	}
	if c.lang != "" && c.lang != "en" && c.lang != "vi" {
		return misuse{fmt.Errorf("-l is en or vi, not %q", c.lang)}
	}
	return nil
}

func (c *common) language() explain.Lang {
	return explain.LangOf(cmp.Or(c.lang, os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")))
}

// terminal is the file behind a stream if it is a terminal, and somebody sits there who wants it to be used as one.
func (c *common) terminal(stream any) *os.File {
	f, ok := stream.(*os.File)
	if !ok || c.plain || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}

// screen is how stdout is written to.
func (c *common) screen(stdout io.Writer) *screen.Screen {
	s := &screen.Screen{Lang: c.language(), Width: 80}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		s.Width = n
	}
	if f := c.terminal(stdout); f != nil {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			s.Width = w
		}
		s.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return s
}
