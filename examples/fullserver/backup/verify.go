package backup

import (
	"context"
	"errors"
	"io"
)

// Verify reads all of a backup again, and tells of each file that isn't as it was written. It returns how many files were read.
func (b *Backup) Verify(ctx context.Context, found func(error), progress func(Progress)) (files int, err error) {
	for _, f := range b.Faults {
		found(errors.New(f))
	}
	buf := make([]byte, 256<<10)
	var octets int64
	check := func(user string, entries []Entry) error {
		for i := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			e := &entries[i]
			if e.Dir {
				continue
			}
			err := b.copyTo(e, io.Discard, buf)
			if _, damaged := errors.AsType[*Damage](err); damaged {
				found(err)
			} else if err != nil {
				return err
			}
			files++
			octets += e.Size
			if progress != nil {
				progress(Progress{user, files, octets})
			}
		}
		return nil
	}
	if err := check("", b.Files); err != nil {
		return files, err
	}
	for _, a := range b.Accounts {
		if err := check(a.User, a.Entries); err != nil {
			return files, err
		}
	}
	return files, nil
}
