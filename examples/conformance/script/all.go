package script

import (
	"io/fs"

	"github.com/buuta/mail/docs/dialogues"
)

// All returns our scripts, sorted by name: those of docs/dialogues.
func All() ([]*Script, error) { return ReadFS(dialogues.Files) }

// ReadFS reads the scripts in the folders of a file system, *.txt, sorted by name.
func ReadFS(files fs.FS) ([]*Script, error) {
	names, err := fs.Glob(files, "*/*.txt")
	if err != nil {
		return nil, err
	}
	var out []*Script
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(name[:len(name)-len(".txt")], string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
