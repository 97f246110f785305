package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// file copies a file as it is.
func (t *taking) file(name, p string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.miss("%v", err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.miss("%v", err)
		return nil
	}
	e := entryOf(p, info)
	if err := t.to.put(&e, f); err != nil {
		if isBroken(err) {
			return err
		}
		t.miss("%s: %v", name, err)
		return nil
	}
	t.res.Bytes += e.Size
	return t.note(&e)
}

// data copies what lies in data_directory and is nothing else: greylist, app passwords, recovery codes, settings of webmail, certificates, keys.
// Files there are replaced as a whole, or made longer by records that can be told to be whole.
func (t *taking) data(ctx context.Context) error {
	have := map[string]bool{}
	for i := range t.Files {
		have[filesPrefix+t.Files[i].Path] = true
	}
	queue := filepath.Clean(t.Queue)
	return filepath.WalkDir(t.Data, func(name string, d fs.DirEntry, err error) error {
		if cerr := ctx.Err(); cerr != nil {
			return cerr
		}
		p := filesPrefix + filepath.ToSlash(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			t.miss("%v", err)
			return nil
		case d.IsDir() && (name == queue || t.roots[name]):
			return fs.SkipDir
		case d.IsDir() && isBackups(name):
			return fs.SkipDir // our own
		case d.IsDir():
			info, err := d.Info()
			if err != nil {
				return nil
			}
			e := dirEntryOf(p, info)
			if err := t.to.mkdir(p); err != nil {
				return broken(err)
			}
			return t.note(&e)
		case !d.Type().IsRegular() || have[p] || name == t.Log || leftOut(d.Name()) || temporary(d.Name()) || !safePath(p):
			return nil
		}
		t.res.Files++
		return t.file(name, p)
	})
}

// temporary are files that a program is writing.
func temporary(name string) bool {
	return strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, partSuffix) || strings.HasPrefix(name, "spool-")
}

// isBackups reports whether a folder holds backups.
func isBackups(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), partSuffix); e.IsDir() && isStamp(name) {
			return true
		}
	}
	return false
}

// Limits of what is taken for configuration: files beyond them are something else.
const (
	mostConfigFile = 16 << 20
	mostConfigAll  = 256 << 20
)

// ReadConfig reads the files of the configuration: main.cf and what lies beside it, what parameters name, and what the files name that these do:
// keys, for example. It is for whoever may read all of them; what can't be read is told in missed. Folders of the system and those in leave
// are left out.
func ReadConfig(mainCF string, named, leave []string) (out []File, missed []string) {
	c := &configReader{seen: map[string]bool{}, leave: leave}
	if mainCF != "" {
		c.beside(filepath.Dir(mainCF))
		c.add(mainCF, 2)
	}
	for _, p := range named {
		c.add(p, 2)
	}
	return c.out, c.missed
}

type configReader struct {
	out    []File
	missed []string
	seen   map[string]bool
	leave  []string
	size   int64
}

// beside takes the files in the folder of main.cf, unless it is one that holds other things as well.
func (c *configReader) beside(dir string) {
	if home, err := os.UserHomeDir(); dir == "/" || err == nil && filepath.Clean(home) == dir {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 1000 {
		return
	}
	for _, e := range entries {
		c.add(filepath.Join(dir, e.Name()), 1)
	}
}

// add takes a file, and those that it names, if depth isn't 0.
func (c *configReader) add(name string, depth int) {
	name = filepath.Clean(name)
	if c.seen[name] || c.foreign(name) {
		return
	}
	c.seen[name] = true
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostConfigFile || c.size+info.Size() > mostConfigAll || temporary(name) || strings.HasSuffix(name, ".lock") {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.missed = append(c.missed, err.Error())
		}
		return
	}
	f, err := readFile(name)
	if err != nil {
		c.missed = append(c.missed, err.Error())
		return
	}
	c.size += int64(len(f.Content))
	f.Path = name
	c.out = append(c.out, f)
	if depth == 0 || len(f.Content) > 1<<20 {
		return
	}
	for _, word := range strings.FieldsFunc(string(f.Content), func(r rune) bool { return strings.ContainsRune(" \t\r\n,;:=<>\"'{}()", r) }) {
		if filepath.IsAbs(word) {
			c.add(word, depth-1)
		}
	}
}

// foreign reports whether a file is the system's, or is taken elsewhere.
func (c *configReader) foreign(name string) bool {
	for _, dir := range append([]string{"/usr", "/lib", "/lib64", "/bin", "/sbin", "/proc", "/dev", "/sys", "/run", "/etc/ssl/certs"}, c.leave...) {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}
