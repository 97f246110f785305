package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// passwd reads a password, one line, and prints it as passwd_file has it. With -app it makes one, for one program, and prints its line.
func passwd(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "-app" {
		return appPassword(args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == "-totp" {
		return secondFactor(args[1:], stdout, stderr)
	}
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

// appPassword makes a password for one of a user's programs.
func appPassword(args []string, stdout, stderr io.Writer) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("passwd -app takes a user, scopes (" + strings.Join(accounts.Scopes, ",") + ") and perhaps a label")
	}
	user, err := passwdfile.Canonical(args[0], "")
	if err != nil {
		return err
	}
	scopes, err := accounts.ParseScopes(args[1])
	if err != nil {
		return err
	}
	label := ""
	if len(args) == 3 {
		label = args[2]
	}
	password, p, err := accounts.MakeAppPassword(user, scopes, label, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintln(stderr, "The password, which isn't shown again:", password)
	_, err = fmt.Fprintln(stdout, p)
	return err
}

// secondFactor makes a key for a user's authenticator app, and ten recovery codes.
func secondFactor(args []string, stdout, stderr io.Writer) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("passwd -totp takes a user and perhaps the site's name, which the app shows")
	}
	user, err := passwdfile.Canonical(args[0], "")
	if err != nil {
		return err
	}
	_, site, _ := strings.Cut(user, "@")
	if len(args) == 2 {
		site = args[1]
	}
	k := totp.NewKey()
	fmt.Fprintf(stderr, "For the app, as a QR code or by hand: %s\nRecovery codes, each good once, not shown again:\n", k.URI(site, user))
	fmt.Fprintf(stdout, "totp=%s\n", k) // for the user's line
	for range 10 {
		code, line := accounts.MakeRecoveryCode(user, time.Now())
		fmt.Fprintln(stderr, "   ", code)
		fmt.Fprintln(stdout, line) // for auth_recovery_codes_file
	}
	return nil
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
