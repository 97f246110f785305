package backup

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// target is where a backup is written.
type target interface {
	// mkdir makes a folder, and those above it.
	mkdir(path string) error
	// put writes a file of e.Size octets, which r has, and a checksum of which goes into e.Sum.
	put(e *Entry, r io.Reader) error
	// link makes path the file that an earlier backup has as from; false where there is none.
	link(from *Entry, path string) (bool, error)
	// move gives a file that was put or linked the path that e has now.
	move(e *Entry) error
	// drop removes a file that was put or linked.
	drop(path string) error
	// manifest is the file that the manifest is written to.
	manifest() *os.File
	// previous is the manifest of the backup that link takes files from, nil without one.
	previous() *previous
	// scratch makes a folder for a moment, at path if the target is a folder.
	scratch(path string) (dir string, own bool, err error)
	// finish makes all durable, and then the backup one.
	finish() error
	// abort removes what was written.
	abort() error
}

// targetError is an error of where the backup is written to: it ends it.
type targetError struct{ error }

func (e *targetError) Unwrap() error { return e.error }

func broken(err error) error {
	if err == nil {
		return nil
	}
	return &targetError{err}
}

func isBroken(err error) bool {
	_, ok := errors.AsType[*targetError](err)
	return ok
}

// entryOf describes a file as it lies there.
func entryOf(path string, info fs.FileInfo) Entry {
	return Entry{Path: path, Size: info.Size(), Time: info.ModTime().UnixNano(), Mode: uint32(info.Mode().Perm()), Owner: ownerOf(info)}
}

// dirEntryOf describes a folder.
func dirEntryOf(path string, info fs.FileInfo) Entry {
	return Entry{Path: path, Dir: true, Mode: uint32(info.Mode().Perm()), Owner: ownerOf(info)}
}

func (e *Entry) modified() time.Time { return time.Unix(0, e.Time) }
