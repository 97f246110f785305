package maildir_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
)

// expungeFour removes four of six messages, \Deleted or not, and reports whether it was told that they are gone.
func expungeFour(t *testing.T, fs *vfs.Crash, deleted bool) (err error) {
	a, err := storeOn(fs).Account(t.Context(), "u")
	if err != nil {
		return err
	}
	defer a.Close()
	m, err := a.Open(t.Context(), "INBOX")
	if err != nil {
		return err
	}
	defer m.Close()
	set := mail.UIDRangeSet(1, 4)
	if deleted {
		_, err = m.Expunge(t.Context(), mail.AllUIDs(), &mail.ExpungeOptions{OnlyDeleted: true})
	} else {
		_, err = m.Expunge(t.Context(), set, nil)
	}
	return err
}

// left opens the mailbox with six messages anew and returns the UIDs.
func left(t *testing.T, fs *vfs.Crash) (uids []int) {
	s := storeOn(fs)
	s.Now = func() time.Time { return time.Now().Add(3 * time.Minute) }
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	m, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer m.Close()
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), 0) {
		require.NoError(t, err)
		uids = append(uids, int(msg.UID))
	}
	return uids
}

// Several messages go together: wherever the machine stops, all are there or none, also when it stops again while that is set right.
func TestCrashExpunge(t *testing.T) {
	start := vfs.NewCrash()
	a, err := storeOn(start).Account(t.Context(), "u")
	require.NoError(t, err)
	m, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	for i := range 6 {
		addTo(t, m, fmt.Sprintf("message %d\r\n", i))
	}
	change(t, m, mail.FlagsAdd, 1, `\Deleted`)
	change(t, m, mail.FlagsAdd, 2, `\Deleted`)
	change(t, m, mail.FlagsAdd, 3, `\Deleted`)
	change(t, m, mail.FlagsAdd, 4, `\Deleted`)
	require.NoError(t, m.Close())
	require.NoError(t, a.Close())

	rnd := rand.New(rand.NewPCG(7, 8))
	before, after := []int{1, 2, 3, 4, 5, 6}, []int{5, 6}
	seen := map[bool]int{}
	for _, deleted := range []bool{false, true} {
		for n := 1; ; n++ {
			whole := false
			for seed := range uint64(8) {
				fs := start.Recover(rand.New(rand.NewPCG(1, 1)))
				fs.CrashAt(n)
				err := expungeFour(t, fs, deleted)
				whole = err == nil
				disk := fs.Recover(rand.New(rand.NewPCG(seed, uint64(n))))
				if seed%2 == 1 {
					disk.CrashAt(1 + rnd.IntN(12))
					_ = expungeFour(t, disk, true)
					disk = disk.Recover(rnd)
					got := left(t, disk)
					require.True(t, slices.Equal(got, before) || slices.Equal(got, after), "twice: %v", got)
					continue
				}
				got := left(t, disk)
				gone := slices.Equal(got, after)
				seen[gone]++
				require.True(t, gone || err != nil && slices.Equal(got, before), "operation %d: %v (%v)", n, got, err)
				require.Equal(t, got, left(t, disk), "and stays so")
			}
			if whole {
				break
			}
		}
	}
	require.Greater(t, seen[true], 20)
	require.Greater(t, seen[false], 20)
}
