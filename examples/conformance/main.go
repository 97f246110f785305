// Command conformance tries a mail server against the RFCs, clause by clause:
//
//	conformance -smtp host:25 -imap host:143 -pop3 host:110 -user u -pass p -to u@example.org
//
// It plays the dialogues of docs/dialogues that fit what the server announces and prints for each clause whether it is kept. It
// may be pointed at an account in use: it works in mailboxes of its own, marks what it puts into INBOX, touches nothing else, and
// removes what it made, also when it is interrupted. Messages that it sends by SMTP to -to it can remove only with -imap.
//
// The exit status is 0 where all that a clause says MUST be is so, 1 where it isn't (with -strict, SHOULD too), 2 where the
// program can't do its work, 130 when it was interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/buuta/mail/examples/conformance/script"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	os.Exit(status)
}

// options are the flags.
type options struct {
	target            target
	only, scripts     string
	list, strict      bool
	verbose, all      bool
	lang              string
	json, html, junit string
	filter            *regexp.Regexp
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.SetOutput(stderr)
	o.target.flags(f)
	f.StringVar(&o.only, "only", "", "play the clauses whose name, RFC (\"RFC 5321 section 4.1\") or text match this `regexp`")
	f.StringVar(&o.scripts, "scripts", "", "`folder` with dialogues of one's own, in folders as docs/dialogues has them, instead of ours")
	f.BoolVar(&o.list, "list", false, "list the clauses, and play none")
	f.BoolVar(&o.strict, "strict", false, "a clause that says SHOULD counts as one that says MUST")
	f.BoolVar(&o.verbose, "v", false, "print what was said where a clause is not kept")
	f.BoolVar(&o.all, "vv", false, "print what was said in all cases")
	f.StringVar(&o.lang, "lang", lang(os.Getenv("LANG")), "`language` of the sentences: en or vi")
	f.StringVar(&o.json, "json", "", "write a report as JSON to this `file`; - is standard output")
	f.StringVar(&o.html, "html", "", "write a report as HTML to this `file`")
	f.StringVar(&o.junit, "junit", "", "write a report as JUnit's XML to this `file`")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if o.lang != "en" && o.lang != "vi" {
		return nil, fmt.Errorf("-lang is en or vi, not %q", o.lang)
	}
	var err error
	if o.filter, err = regexp.Compile("(?i)" + o.only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}

// lang is the language of a locale, if it is one of ours.
func lang(locale string) string {
	if strings.HasPrefix(locale, "vi") {
		return "vi"
	}
	return "en"
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (status int, err error) {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0, err
	}
	if err != nil {
		return 2, err
	}
	cases, err := o.cases()
	if err != nil {
		return 2, err
	}
	if o.list {
		return 0, list(stdout, o, cases)
	}
	t, err := o.target.target()
	if err != nil {
		return 2, err
	}
	report := o.play(ctx, t, cases, stderr)
	if err := o.write(report, stdout); err != nil {
		return 2, err
	}
	switch {
	case report.Interrupted:
		return 130, nil
	case report.bad(script.Must) > 0, o.strict && report.bad(script.Should) > 0:
		return 1, nil
	case report.count(script.Pass)+report.count(script.Fail) == 0:
		return 2, errors.New("no clause could be tried")
	}
	return 0, nil
}

// cases are those that -only lets through, and of -scripts.
func (o *options) cases() ([]*script.Case, error) {
	scripts, err := script.All()
	if o.scripts != "" {
		scripts, err = script.ReadFS(os.DirFS(o.scripts))
	}
	if err != nil {
		return nil, err
	}
	var out []*script.Case
	for _, s := range scripts {
		for _, c := range s.Cases {
			for _, check := range c.Clauses() {
				if o.wanted(c, check) {
					out = append(out, c)
					break
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no clause is so")
	}
	return out, nil
}

func (o *options) wanted(c *script.Case, check *script.Check) bool {
	return o.filter.MatchString(name(c, check) + " " + clause(check) + " " + check.En + " " + check.Vi)
}

// name is what a clause is called: its script and line.
func name(c *script.Case, check *script.Check) string {
	return fmt.Sprintf("%s:%d", c.Script, check.Line)
}

func clause(check *script.Check) string {
	return fmt.Sprintf("RFC %d section %s", check.RFC, check.Section)
}
