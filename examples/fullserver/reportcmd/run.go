package reportcmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Run shows the reports in files and folders, a Maildir's for example; "-" is standard input. It returns 1 when something can't be read, 0 otherwise. What has
// no report is passed over in folders.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"-"}
	}
	status, count := 0, 0
	one := func(name string, r io.Reader, told bool) {
		list, err := Find(r)
		for _, rep := range list {
			rep.Show(stdout)
		}
		count += len(list)
		if err != nil && (told || !errors.Is(err, ErrNone)) {
			status = 1
			fmt.Fprintf(stderr, "%s: %s\n", plain(name), plain(err.Error()))
		}
	}
	for _, arg := range args {
		if arg == "-" {
			one("standard input", stdin, true)
			continue
		}
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !d.Type().IsRegular() {
				return nil
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			one(path, f, path == arg)
			return nil
		})
		if err != nil {
			status = 1
			fmt.Fprintln(stderr, plain(err.Error()))
		}
	}
	if count == 0 && status == 0 {
		fmt.Fprintln(stdout, "no reports found")
	}
	return status
}
