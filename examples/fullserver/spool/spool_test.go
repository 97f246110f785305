package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/stretchr/testify/require"
)

func TestReadTwice(t *testing.T) {
	dir := t.TempDir()
	s := &spool.Spooler{Dir: dir}
	for _, size := range []int{0, 1, 1000, 256 << 10, 256<<10 + 1, 5 << 20} {
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		b, err := s.Read(iotest.HalfReader(bytes.NewReader(want)))
		require.NoError(t, err)
		require.EqualValues(t, size, b.Size())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				got, err := io.ReadAll(b.NewReader())
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d octets came back as %d, %v", size, len(got), err)
				}
			})
		}
		wg.Wait()
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "nothing has a name that a crash could leave behind")
		require.NoError(t, b.Close())
	}
}

// A buffer's memory is its own: the next message doesn't write into it.
func TestBuffersAreApart(t *testing.T) {
	s := &spool.Spooler{}
	a, err := s.Read(strings.NewReader("aaaa"))
	require.NoError(t, err)
	b, err := s.Read(strings.NewReader("bbbb"))
	require.NoError(t, err)
	got, _ := io.ReadAll(a.NewReader())
	require.Equal(t, "aaaa", string(got))
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

func TestSenderGoesAway(t *testing.T) {
	gone := errors.New("gone")
	for _, before := range []int{0, 10, 300 << 10} {
		_, err := (&spool.Spooler{Dir: t.TempDir()}).Read(io.MultiReader(strings.NewReader(strings.Repeat("x", before)), iotest.ErrReader(gone)))
		require.Equal(t, gone, err, "the stream's error as it is")
	}
}

func TestDiskTrouble(t *testing.T) {
	s := &spool.Spooler{Dir: "/nonexistent"}
	r := bytes.NewReader(make([]byte, 1<<20))
	_, err := s.Read(r)
	var disk *spool.DiskError
	require.ErrorAs(t, err, &disk)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Zero(t, r.Len(), "the message has been read to its end all the same")

	gone := errors.New("gone")
	_, err = s.Read(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(gone)))
	require.Equal(t, gone, err)
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := &spool.Spooler{Dir: b.TempDir()}
			text := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				buf, err := s.Read(bytes.NewReader(text))
				if err != nil {
					b.Fatal(err)
				}
				buf.Close()
			}
		})
	}
}

func ExampleSpooler() {
	var s spool.Spooler
	b, err := s.Read(strings.NewReader("Subject: x\r\n\r\nx\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	for range 2 {
		n, _ := io.Copy(io.Discard, b.NewReader())
		fmt.Println(n)
	}
	// Output:
	// 17
	// 17
}
