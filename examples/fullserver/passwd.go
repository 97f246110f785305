package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// passwd reads a password, one line, and prints it as passwd_file has it.
func passwd(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 1 {
		return errors.New("passwd takes one user")
	}
	if isTerminal(stdin) {
		fmt.Fprint(stderr, "New password (it shows while you type): ")
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return errors.New("no password was given on standard input")
	}
	hash, err := passwdfile.Hash("SHA512-CRYPT", line)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		hash = args[0] + ":" + hash
	}
	_, err = fmt.Fprintln(stdout, hash)
	return err
}

// isTerminal reports whether somebody sits there.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// version is what the build knows about itself.
func version() string {
	v := "fullserver (devel)"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v = "fullserver " + info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(v, s.Value[:min(12, len(s.Value))]) {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v + " " + info.GoVersion
}
