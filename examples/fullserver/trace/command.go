package trace

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const usage = "usage: trace [-l en|vi] [-n messages] [-log file]... address|@domain|message-id|queue-id|client-ip"

// files collects -log.
type files []string

func (f *files) String() string     { return strings.Join(*f, " ") }
func (f *files) Set(s string) error { *f = append(*f, s); return nil }

// Run is the command: it tells the stories that a word has to do with, the newest last, from a log and those that logrotate has put beside it. locale says which language.
// It returns the exit status: 1 when there is nothing to tell.
func Run(args []string, log, locale string, stdout, stderr io.Writer) int {
	var logs files
	set := flag.NewFlagSet("trace", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	language := set.String("l", Language(locale), "")
	count := set.Int("n", 20, "")
	set.Var(&logs, "log", "")
	if err := set.Parse(args); err != nil || set.NArg() != 1 || *count < 1 || languages[*language].message == "" {
		fmt.Fprintln(stderr, usage)
		return 2
	}
	if len(logs) == 0 && log == "" {
		fmt.Fprintln(stderr, "trace: the log goes to standard error, which systemd keeps: journalctl -u fullserver -o cat | fullserver trace -log - "+set.Arg(0)+"; or set maillog_file, or name a log with -log")
		return 2
	}
	if len(logs) == 0 {
		logs = Rotated(log)
	}
	l, word := languages[*language], set.Arg(0)
	found, left, err := Find(context.Background(), logs, word, *count, nil)
	if err != nil {
		fmt.Fprintf(stderr, "trace: %v\n", err)
		return 2
	}
	if left > 0 {
		fmt.Fprintf(stdout, l.others+"\n\n", left)
	}
	for i, s := range found {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		s.Tell(stdout, *language)
	}
	if len(found) == 0 {
		fmt.Fprintf(stdout, l.nothing+"\n", word, strings.Join(logs, ", "))
		return 1
	}
	return 0
}

// Find returns the stories that a word has to do with, the newest last, count of them at most, and how many older ones are left out. keep, if not nil, says which may be
// told, and may take steps out of them.
func Find(ctx context.Context, logs []string, word string, count int, keep func(*Story) bool) (found []*Story, left int, err error) {
	want := map[string]bool{} // reports about what was found
	err = readAll(logs, func(s *Story) bool {
		if ctx.Err() != nil {
			return false
		}
		if !s.Concerns(word) && !want[s.ID] || keep != nil && !keep(s) {
			return true
		}
		if s.Report != "" {
			want[s.Report] = true
		}
		if found = append(found, s); len(found) > count {
			found, left = found[1:], left+1
		}
		return true
	})
	if err == nil {
		err = ctx.Err()
	}
	return found, left, err
}

// Rotated are a log and its older ones, oldest first: mail.log.2.gz, mail.log.1, mail.log.
func Rotated(log string) []string {
	older, _ := filepath.Glob(log + ".*")
	older = slices.DeleteFunc(older, func(name string) bool {
		mid := strings.TrimSuffix(name[len(log)+1:], ".gz")
		return mid == "" || strings.Trim(mid, "0123456789-") != ""
	})
	slices.SortFunc(older, func(a, b string) int { // dates grow, numbers count back
		if len(strings.TrimSuffix(a, ".gz")) > len(log)+5 {
			return strings.Compare(a, b)
		}
		a, b = strings.TrimSuffix(a, ".gz"), strings.TrimSuffix(b, ".gz")
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(b, a)
	})
	return append(older, log)
}

// readAll reads logs as one.
func readAll(names []string, tell func(*Story) bool) error {
	var all []io.Reader
	for _, name := range names {
		if name == "-" {
			all = append(all, os.Stdin)
			continue
		}
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) && len(names) > 1 {
			continue // rotated away meanwhile
		}
		if err != nil {
			return err
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		all = append(all, r)
	}
	return Read(io.MultiReader(all...), tell)
}
