package maillog

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Rotation is when a log file is put away and a new one begun. The zero value leaves it to others, who send SIGHUP.
type Rotation struct {
	Size int64 // octets that a file has at most, give or take a batch of lines; 0: any number
	Keep int   // how many old files stay; 0: all
	Gzip bool  // old files are compressed
}

// rotate gives the file a name with the time in it, as Postfix's "postfix logrotate" does, and begins a new one. It is called by the writer, with the files
// held. An error leaves everything as it is.
func (l *Log) rotate() error {
	base := l.path + "." + l.now().Format("20060102-150405")
	old := base
	for n := 2; exists(old) || exists(old+".gz"); n++ {
		old = base + "-" + strconv.Itoa(n)
	}
	if err := os.Rename(l.path, old); err != nil {
		return err
	}
	f, err := l.openFile()
	if err != nil {
		_ = os.Rename(old, l.path)
		return err
	}
	_ = l.file.Sync()
	_ = l.file.Close()
	l.file, l.out, l.size = f, f, 0
	if l.putting == nil {
		l.putting = make(chan string, 16)
		l.put.Go(func() {
			for old := range l.putting {
				l.putAway(old)
			}
		})
	}
	select {
	case l.putting <- old:
	default: // it stays as it is
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// putAway compresses an old file and removes the oldest ones.
func (l *Log) putAway(old string) {
	if l.rotation.Gzip {
		if err := compressFile(old); err != nil {
			l.Print("postfix/postlogd", "warning: compress ", old, ": ", err.Error())
		}
	}
	if l.rotation.Keep <= 0 {
		return
	}
	list, _ := filepath.Glob(globQuoted(l.path) + ".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]-[0-9][0-9][0-9][0-9][0-9][0-9]*")
	sort.Slice(list, func(i, j int) bool { return order(list[i]) < order(list[j]) })
	for len(list) > l.rotation.Keep {
		if err := os.Remove(list[0]); err != nil {
			l.Print("postfix/postlogd", "warning: remove ", list[0], ": ", err.Error())
		}
		list = list[1:]
	}
}

// order puts a second's files in the order in which they were begun: …05, …05-2, …05-10.
func order(name string) string {
	name = strings.TrimSuffix(name, ".gz")
	i := strings.LastIndexByte(name, '.') + len(".20060102-150405")
	n := 1
	if i < len(name) {
		n, _ = strconv.Atoi(name[i+1:])
	}
	return name[:min(i, len(name))] + "-" + strconv.Itoa(1e6+n)
}

// globQuoted has nothing in it that Glob takes for a pattern.
func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// compressFile puts name.gz in a file's place.
func compressFile(name string) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(name+".gz.new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	if err = errors.Join(err, z.Close(), out.Sync(), out.Close()); err != nil {
		return err
	}
	if err = os.Rename(out.Name(), name+".gz"); err != nil {
		return err
	}
	return os.Remove(name)
}
