package takeover

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Write writes the new configuration. A main.cf that this program hasn't written isn't touched, and neither is anything of the pair's.
func (p *Plan) Write() ([]string, error) {
	main := filepath.Join(p.o.Out, "main.cf")
	if text, err := os.ReadFile(main); err == nil && !strings.HasPrefix(string(text), mark) {
		return nil, fmt.Errorf("%s is there and wasn't written by this command: take it away, or choose another folder with -out", main)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, theirs := range []string{p.o.Postfix, filepath.Dir(p.Dovecot)} {
		if same(p.o.Out, theirs) {
			return nil, fmt.Errorf("-out %s is the pair's own folder: nothing is written there", p.o.Out)
		}
	}
	if err := os.MkdirAll(p.o.Out, 0o755); err != nil {
		return nil, err
	}
	var made []string
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		file := filepath.Join(p.o.Out, name)
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".ext") { // it has a password
			mode = 0o600
		}
		if err := replace(file, p.files[name], mode, p.uid); err != nil {
			return made, err
		}
		made = append(made, file)
	}
	return made, syncDir(p.o.Out)
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// replace writes a file whole, or not at all.
func replace(file, text string, mode os.FileMode, uid int) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".import-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(mode)); err == nil && uid > 0 && mode == 0o600 && os.Geteuid() == 0 {
		err = f.Chown(uid, -1)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
