package script

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed scripts/*.imap
var files embed.FS

// All returns our scripts, sorted by name: one for each command and extension.
func All() ([]*Script, error) {
	entries, err := fs.ReadDir(files, "scripts")
	if err != nil {
		return nil, err
	}
	var out []*Script
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("scripts", e.Name()))
		if err != nil {
			return nil, err
		}
		s, err := Parse(e.Name(), string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
