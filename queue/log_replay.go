package queue

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// replay gives each message that lives in segments of an earlier run a file of its own, and removes the segments.
func (s *Spool) replay(segments []string) error {
	if len(segments) == 0 {
		return nil
	}
	live, done, damaged := map[string][]byte{}, map[string]bool{}, map[string]bool{}
	for _, file := range segments {
		text, unreadable, err := s.readWhole(s.path(Incoming, file))
		if err != nil {
			return err
		}
		ok := readSegment(text, strings.TrimSuffix(file, logSuffix), func(id string, raw []byte) {
			if raw == nil {
				done[id] = true
			} else {
				live[id] = raw
			}
		})
		damaged[file] = !ok || unreadable
	}
	for id, raw := range live {
		if done[id] {
			continue
		}
		if has, err := s.hasFile(id); err != nil {
			return err
		} else if has {
			continue
		}
		if err := s.writeFile(id, raw, Incoming); err != nil {
			return err
		}
	}
	if err := s.fs.SyncDir(s.path(Incoming, "")); err != nil {
		return err
	}
	// What is in files already may have been put there just before a crash, in whatever folder.
	for _, st := range []State{Deferred, Held, Corrupt} {
		if err := s.fs.SyncDir(s.path(st, "")); err != nil {
			return err
		}
	}
	for _, file := range segments {
		if err := s.removeSegment(file, damaged[file]); err != nil {
			return err
		}
	}
	return nil
}

// removeSegment removes a segment whose messages have files, or moves it to corrupt, where it is nobody's queue file.
func (s *Spool) removeSegment(file string, damaged bool) error {
	if !damaged {
		if err := s.fs.Remove(s.path(Incoming, file)); err != nil {
			return err
		}
		return s.fs.SyncDir(s.path(Incoming, ""))
	}
	name := strings.TrimSuffix(file, logSuffix)
	if err := s.fs.Rename(s.path(Incoming, file), s.path(Corrupt, name)); err != nil {
		return err
	}
	if err := errors.Join(s.fs.SyncDir(s.path(Incoming, "")), s.fs.SyncDir(s.path(Corrupt, ""))); err != nil {
		return err
	}
	if s.SetAside != nil {
		s.SetAside(name, fmt.Errorf("%w: a log of messages that had just come; those that are whole have files of their own now", ErrCorrupt))
	}
	return nil
}

// readWhole reads a segment. Blocks that the disk can't read any more are zeros, and true is returned beside: what is whole around them is found, and one
// bad block doesn't keep all other mail waiting.
func (s *Spool) readWhole(name string) (text []byte, unreadable bool, err error) {
	f, err := s.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	text, err = io.ReadAll(f)
	if !errors.Is(err, syscall.EIO) {
		return text, false, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	const block = 4096
	text = make([]byte, st.Size())
	for at := 0; at < len(text); at += block {
		piece := text[at:min(at+block, len(text))]
		if _, err := f.ReadAt(piece, int64(at)); errors.Is(err, syscall.EIO) {
			clear(piece)
		} else if err != nil && err != io.EOF {
			return nil, false, err
		}
	}
	return text, true, nil
}

// hasFile reports whether a message is in any folder.
func (s *Spool) hasFile(id string) (bool, error) {
	for _, st := range spoolStates {
		if _, err := s.fs.Stat(s.path(st, id)); !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// readSegment tells of each entry of a segment: a queue file, or nil for a message that is done. What an interrupted write has left
// at the end is passed over; false means that there is damage where there should be none: before a place of which it is
// written that what comes before it was on disk. Entries behind it are found all the same.
func readSegment(text []byte, name string, entry func(id string, raw []byte)) bool {
	begin := []byte(logMagic + name + " ")
	at, safe, bad := 0, 0, len(text)
	for at < len(text) {
		line, body, ok := readLogLine(text[at:], begin)
		switch {
		case ok && line[0] == "b":
			if n, err := strconv.Atoi(line[1]); err == nil && n == at {
				safe = at
			}
		case ok && line[0] == "d":
			entry(line[1], nil)
		case ok && line[0] == "m":
			n, err := strconv.ParseUint(line[2], 10, 31)
			if err == nil && body+int(n) < len(text)-at && text[at+body+int(n)] == '\n' {
				raw := text[at+body : at+body+int(n)]
				if fmt.Sprintf("%08x", crc32.Checksum(raw, castagnoli)) == line[3] {
					entry(line[1], raw)
					at += body + int(n) + 1
					continue
				}
			}
			ok = false
		default:
			ok = false
		}
		if ok {
			at += body
			continue
		}
		bad = min(bad, at)
		next := bytes.Index(text[at+1:], begin)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return bad >= safe
}

// readLogLine reads a line of a segment: its words behind the beginning, without the sum, and its length.
func readLogLine(text, begin []byte) (words []string, length int, ok bool) {
	end := bytes.IndexByte(text[:min(len(text), 200)], '\n')
	if end < len(begin)+10 || !bytes.HasPrefix(text, begin) {
		return nil, 0, false
	}
	head, sum := text[:end-9], string(text[end-8:end])
	if text[end-9] != ' ' || fmt.Sprintf("%08x", crc32.Checksum(head, castagnoli)) != sum {
		return nil, 0, false
	}
	words = strings.Split(string(head[len(begin):]), " ")
	want := map[string]int{"b": 2, "d": 2, "m": 4}[words[0]]
	if want == 0 || len(words) != want || words[0] != "b" && !validID(words[1]) {
		return nil, 0, false
	}
	return words, end + 1, true
}
