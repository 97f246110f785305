package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A spool keeps the domains that are paused in a file of its folder, one a line, for an operator to read.

const (
	pausedFile = "paused"
	maxPaused  = 4 << 20 // octets
)

// Paused implements [PauseStorage].
func (s *Spool) Paused(context.Context) ([]string, error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	f, err := s.fs.OpenFile(path.Join(s.Dir, pausedFile), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPaused))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(b)), nil
}

// SetPaused implements [PauseStorage]. The file is there as a whole, before or after, whatever happens.
func (s *Spool) SetPaused(_ context.Context, domains []string) error {
	if err := s.use(); err != nil {
		return err
	}
	var b bytes.Buffer
	for _, d := range slices.Sorted(slices.Values(domains)) {
		if strings.ContainsAny(d, " \t\r\n") || d == "" {
			return fmt.Errorf("queue: %q is no domain", d)
		}
		b.WriteString(d + "\n")
	}
	if b.Len() > maxPaused {
		return errors.New("queue: too many domains are paused")
	}
	s.pausing.Lock()
	defer s.pausing.Unlock()
	name := path.Join(s.Dir, pausedFile)
	f, err := s.fs.OpenFile(name+tempSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.fs.Rename(name+tempSuffix, name); err != nil {
		return err
	}
	return s.fs.SyncDir(s.Dir)
}
