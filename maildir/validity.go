package maildir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	validityName     = "dovecot-uidvalidity"
	validityLockName = "buuta.uidvalidity.lock"
)

// nextValidity gives a new mailbox its UIDVALIDITY: the time in seconds, or one more than the last that was given in this account,
// whichever is larger, so that a mailbox that is deleted and made again always gets a higher one. Dovecot keeps the last in
// the file dovecot-uidvalidity and, lest that be overwritten by an older one, in the name of a second file. Neither is durable before
// syncValidity has returned.
func (sh *shared) nextValidity(ctx context.Context, root string, s *Store) (uint32, error) {
	lock, err := lockFile(ctx, sh.fs, root+"/"+validityLockName)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	raw, err := readFile(sh.fs, root+"/"+validityName)
	if err != nil {
		return 0, err
	}
	last := hexNumber(string(raw))
	entries, err := sh.fs.ReadDir(root)
	if err != nil {
		return 0, err
	}
	var marks []string
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name(), validityName+"."); ok && len(rest) == 8 {
			last = max(last, hexNumber(rest))
			marks = append(marks, e.Name())
		}
	}
	v := uint32(max(uint64(s.now().Unix()), uint64(last)+1))
	if v == 0 {
		v = 1
	}
	mark := fmt.Sprintf("%s.%08x", validityName, v)
	if len(marks) > 0 {
		if err := sh.fs.Rename(root+"/"+marks[0], root+"/"+mark); err != nil {
			return 0, err
		}
		for _, m := range marks[1:] {
			sh.fs.Remove(root + "/" + m)
		}
	} else if err := appendFile(sh.fs, root+"/"+mark, 0, nil, false); err != nil {
		return 0, err
	}
	return v, writeFile(sh.fs, root, validityName, fmt.Appendf(nil, "%08x", v), false)
}

// syncValidity makes durable what nextValidity has noted.
func (sh *shared) syncValidity(root string) error {
	f, err := sh.fs.OpenFile(root+"/"+validityName, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return sh.fs.SyncDir(root)
}

func hexNumber(s string) uint32 {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 16, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// newID returns a mailbox GUID in Dovecot's form.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
