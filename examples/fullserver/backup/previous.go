package backup

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// previous is the backup that files are taken from that haven't changed.
type previous struct {
	dir   string
	man   *os.File
	parts map[string]span // lines of the manifest, by user; "" is what is no account's
}

type span struct{ from, to int64 }

// openPrevious finds the last backup in a folder, nil where there is none that can be read.
func openPrevious(dir string) (*previous, error) {
	all, err := finished(dir)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p := &previous{dir: filepath.Join(dir, all[len(all)-1]), parts: map[string]span{}}
	if p.man, err = os.Open(filepath.Join(p.dir, manifestName)); err != nil {
		return nil, err
	}
	at, user := int64(0), ""
	err = eachLine(p.man, func(raw []byte, l *line) error {
		if l != nil && l.Account != nil {
			user = l.Account.User
			p.parts[user] = span{at, at}
		}
		at += int64(len(raw))
		s := p.parts[user]
		p.parts[user] = span{s.from, at}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, p.man.Close())
	}
	return p, nil
}

func (p *previous) close() error {
	if p == nil {
		return nil
	}
	return p.man.Close()
}

// contentKey is what says that two files have the same content: that of a message never changes.
type contentKey struct {
	guid       string
	size, time int64
}

func keyOf(e *Entry) contentKey { return contentKey{e.GUID, e.Size, e.Time} }

// messages returns a user's messages by what they hold.
func (p *previous) messages(user string) (map[contentKey]Entry, error) {
	out := map[contentKey]Entry{}
	if p == nil {
		return out, nil
	}
	s := p.parts[user]
	err := eachLine(io.NewSectionReader(p.man, s.from, s.to-s.from), func(_ []byte, l *line) error {
		if l != nil && l.Entry != nil && l.Entry.GUID != "" && safePath(l.Entry.stored()) {
			out[keyOf(l.Entry)] = *l.Entry
		}
		return nil
	})
	return out, err
}
