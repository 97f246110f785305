// Package secretfile writes files that hold keys: readable by their owner alone, there whole or not at all, and synced.
package secretfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write puts b in the place of a file, with mode 0600. When it returns nil the file survives a power cut; an error leaves what was there.
func Write(file string, b []byte) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes sure that what was put into a folder, or taken out, stays so.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
