package takeover

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
)

// written is the file beside the new main.cf that has a line for each text that this command has written there, in the form of sha256sum.
const written = "import.sums"

// Write writes the new configuration. A file that somebody else has written, or changed, isn't touched, and neither is anything of the pair's.
func (p *Plan) Write() ([]string, error) {
	for _, theirs := range []string{p.o.Postfix, filepath.Dir(p.Dovecot)} {
		if theirs != "." && same(p.o.Out, theirs) {
			return nil, fmt.Errorf("-out %s is the pair's own folder: nothing is written there", p.o.Out)
		}
	}
	if err := os.MkdirAll(p.o.Out, 0o755); err != nil {
		return nil, err
	}
	sums, err := openRecord(p.o.Out, written)
	if err != nil {
		return nil, err
	}
	made, err := p.write(sums)
	return made, errors.Join(err, sums.end(false))
}

func (p *Plan) write(sums *record) (made []string, err error) {
	names := slices.Sorted(maps.Keys(p.files))
	for _, name := range names {
		file := filepath.Join(p.o.Out, name)
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && string(text) != p.files[name] && !sums.has[sumLine(name, string(text))] {
			return nil, fmt.Errorf("%s wasn't written by this command, or was changed since: put the changes into -set and -without and take the file away, or choose another folder with -out", file)
		}
	}
	for _, name := range names {
		if line := sumLine(name, p.files[name]); !sums.has[line] {
			if err := sums.add(line); err != nil {
				return nil, err
			}
		}
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
	return made, secretfile.SyncDir(p.o.Out)
}

func sumLine(name, text string) string {
	return fmt.Sprintf("%x  %s", sha256.Sum256([]byte(text)), name)
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
