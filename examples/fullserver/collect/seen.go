package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
)

// remembered is how long a unique-id is kept that the other server doesn't list any more: some show an empty maildrop for a while.
const remembered = 30 * 24 * time.Hour

// seen are the unique-ids of the messages that have been filed from an account. It implements pop3.CollectorState, for one goroutine.
//
// The file has a line of JSON for each. A line is added, and synced, for each message; when some have gone the file is written anew. A line that a crash has torn, and what follows it, doesn't count.
type seen struct {
	path string
	now  func() time.Time
	m    map[string]mark
	f    *os.File // open at its end; nil until something is added
}

// mark is a line of the file; times are seconds since 1970.
type mark struct {
	UID   string `json:"u"`
	Filed int64  `json:"t"`
	Gone  int64  `json:"g,omitempty"` // since when the other server doesn't list it
}

// openSeen reads the file, which needn't be there.
func openSeen(path string, now func() time.Time) (*seen, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, homeError{err}
	}
	s := &seen{path: path, now: now}
	var good int
	if s.m, good = parseSeen(b); good < len(b) {
		if err := s.rewrite(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parseSeen reads lines, and says how many octets of them are whole.
func parseSeen(b []byte) (m map[string]mark, good int) {
	m = map[string]mark{}
	for good < len(b) {
		n := bytes.IndexByte(b[good:], '\n')
		if n < 0 {
			break
		}
		var k mark
		if json.Unmarshal(b[good:good+n], &k) != nil || k.UID == "" {
			break
		}
		m[k.UID] = k
		good += n + 1
	}
	return m, good
}

func (k mark) append(b []byte) []byte {
	line, err := json.Marshal(k)
	if err != nil {
		panic(err) // it has a string and numbers
	}
	return append(append(b, line...), '\n')
}

// Has implements pop3.CollectorState.
func (s *seen) Has(_ context.Context, uidl string) (bool, error) {
	_, ok := s.m[uidl]
	return ok, nil
}

// Add implements pop3.CollectorState.
func (s *seen) Add(_ context.Context, uidl string) error {
	if s.f == nil {
		f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return homeError{err}
		}
		s.f = f
		if err := secretfile.SyncDir(filepath.Dir(s.path)); err != nil {
			return homeError{err}
		}
	}
	k := mark{UID: uidl, Filed: s.now().Unix()}
	if _, err := s.f.Write(k.append(nil)); err != nil {
		return homeError{err}
	}
	if err := s.f.Sync(); err != nil {
		return homeError{err}
	}
	s.m[uidl] = k
	return nil
}

// Keep implements pop3.CollectorState.
func (s *seen) Keep(_ context.Context, uidls map[string]bool) error {
	changed, now := false, s.now()
	for uid, k := range s.m {
		there := uidls[uid]
		switch {
		case there && k.Gone != 0:
			k.Gone = 0
		case !there && k.Gone == 0:
			k.Gone = now.Unix()
		case !there && now.Sub(time.Unix(k.Gone, 0)) > remembered:
			delete(s.m, uid)
			changed = true
			continue
		default:
			continue
		}
		s.m[uid], changed = k, true
	}
	if !changed {
		return nil
	}
	return s.rewrite()
}

// filed reports whether a message was filed so many days ago.
func (s *seen) filed(uidl string, days int) bool {
	k, ok := s.m[uidl]
	return ok && s.now().Sub(time.Unix(k.Filed, 0)) >= time.Duration(days)*24*time.Hour
}

func (s *seen) rewrite() error {
	s.close()
	var b []byte
	for _, k := range s.m {
		b = k.append(b)
	}
	if err := secretfile.Write(s.path, b); err != nil {
		return homeError{err}
	}
	return nil
}

func (s *seen) close() {
	if s.f != nil {
		_ = s.f.Close()
		s.f = nil
	}
}
