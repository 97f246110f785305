package unpack

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/buuta/mail/maildir/compress"
	"github.com/stretchr/testify/require"
)

func pack(t testing.TB, c compress.Codec, s []byte) []byte {
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write(s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// inMemory is a File that is no file.
type inMemory struct {
	b      []byte
	closed *int
}

func (f *inMemory) WriteAt(p []byte, off int64) (int, error) {
	if off != int64(len(f.b)) {
		return 0, errors.New("not at the end")
	}
	f.b = append(f.b, p...)
	return len(p), nil
}

func (f *inMemory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.b).ReadAt(p, off)
}

func (f *inMemory) Close() error { *f.closed++; return nil }

func withCRLF(s []byte) []byte {
	var out []byte
	for i, c := range s {
		if c == '\n' && (i == 0 || s[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// A large message is decoded no further than it is read, and its end tells whether its size is right.
func TestNoFurther(t *testing.T) {
	gz := compress.Gzip(0)
	file := pack(t, gz, bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	closed := 0
	temp := &inMemory{closed: &closed}
	opts := Options{Size: 1 << 20, Most: 1 << 20, Memory: 100, Temp: func() (File, error) { return temp, nil }}
	m, err := New(&gz, bytes.NewReader(file), opts)
	require.NoError(t, err)
	require.Empty(t, temp.b)
	p := make([]byte, 16)
	n, err := m.ReadAt(p, 1600)
	require.NoError(t, err)
	require.Equal(t, "0123456789abcdef", string(p[:n]))
	require.Less(t, len(temp.b), 40<<10)
	_, _, known, _ := m.Sizes()
	require.False(t, known)
	var all strings.Builder
	_, err = m.WriteTo(&all)
	require.NoError(t, err)
	require.Len(t, all.String(), 1<<20)
	physical, lf, known, damage := m.Sizes()
	require.True(t, known)
	require.NoError(t, damage)
	require.Equal(t, []int64{1 << 20, 0}, []int64{physical, lf})
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	require.Equal(t, 1, closed)
	_, err = m.ReadAt(p, 0)
	require.Error(t, err)

	// The checksum behind the last octet is looked at by whoever reads that octet.
	file[len(file)-8]++
	m, err = New(&gz, bytes.NewReader(file), opts)
	require.NoError(t, err)
	temp.b = nil
	_, err = io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	require.NoError(t, err)
	physical, _, known, damage = m.Sizes()
	require.True(t, known)
	require.ErrorAs(t, damage, new(*Damaged))
	require.Equal(t, int64(1<<20), physical)
	require.NoError(t, m.Close())
}

// Errors of reading are not taken for damage.
func TestReadError(t *testing.T) {
	gz := compress.Gzip(0)
	file := pack(t, gz, bytes.Repeat([]byte("a line\n"), 1000))
	for n := range len(file) {
		_, _, err := Sizes(&gz, io.MultiReader(bytes.NewReader(file[:n]), failing{}), 1<<20)
		require.ErrorIs(t, err, errFails)
		require.False(t, errors.As(err, new(*Damaged)), "%d: %v", n, err)
		_, _, err = Sizes(&gz, bytes.NewReader(file[:n]), 1<<20)
		require.ErrorAs(t, err, new(*Damaged))
	}
	_, _, err := Sizes(&gz, bytes.NewReader(file), 6999)
	require.ErrorIs(t, err, ErrTooLong)
	disk := errors.New("disk full")
	_, err = New(&gz, bytes.NewReader(file), Options{Size: -1, Most: 1 << 20, Memory: 10, Temp: func() (File, error) { return nil, disk }})
	require.ErrorIs(t, err, disk)
}

var errFails = errors.New("fails")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFails }

// FuzzMessage reads files, damaged ones among them, in every way: all ways say the same.
func FuzzMessage(f *testing.F) {
	gz := compress.Gzip(0)
	f.Add([]byte("Subject: a\n\nb\r\n\r\r\n"), uint16(3), uint16(0), byte(0), int16(3))
	f.Add(bytes.Repeat([]byte("line\n"), 2000), uint16(100), uint16(4000), byte(0), int16(-1))
	f.Add([]byte("\r"), uint16(0), uint16(20), byte(1), int16(0))
	f.Fuzz(func(t *testing.T, content []byte, memory, at uint16, damage byte, off int16) {
		file := pack(t, gz, content)
		file[int(at)%len(file)] ^= damage
		physical, lf, err := Sizes(&gz, bytes.NewReader(file), 1<<20)
		if damage == 0 {
			require.NoError(t, err)
			require.Equal(t, int64(len(content)), physical)
			require.Equal(t, int64(len(withCRLF(content))), physical+lf)
		}
		closed := 0
		temp := func() (File, error) { return &inMemory{closed: &closed}, nil }
		opts := Options{Size: -1, Most: 1 << 20, Memory: int(memory), Temp: temp}
		m, merr := New(&gz, bytes.NewReader(file), opts)
		if err != nil && !errors.As(err, new(*Damaged)) {
			require.ErrorIs(t, merr, ErrTooLong)
			return
		}
		require.Equal(t, err == nil, merr == nil)
		require.Equal(t, physical+lf, m.Size())
		var all bytes.Buffer
		_, err = m.WriteTo(&all)
		require.NoError(t, err)
		if damage == 0 {
			require.Equal(t, string(withCRLF(content)), all.String())
			small := Into(nil, &gz, file, m.Size())
			require.Equal(t, all.String(), string(small))
			require.Nil(t, Into(nil, &gz, file, m.Size()+1))
			if m.Size() > 0 {
				require.Nil(t, Into(nil, &gz, file, m.Size()-1))
			}
		}
		require.NoError(t, m.Close())

		// The same with a size that may be wrong.
		opts.Size = max(int64(all.Len())+int64(off), 0)
		if m, merr = New(&gz, bytes.NewReader(file), opts); merr != nil {
			require.ErrorAs(t, merr, new(*Damaged))
		}
		got, rerr := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
		most := min(int64(all.Len()), m.Size())
		require.LessOrEqual(t, int64(len(got)), most)
		require.Equal(t, all.String()[:len(got)], string(got))
		if m.Size() <= int64(all.Len()) {
			require.NoError(t, rerr)
			require.Len(t, got, int(m.Size()))
		} else {
			require.Error(t, rerr)
		}
		if p, l, known, _ := m.Sizes(); known {
			require.Equal(t, physical+lf, p+l)
		} else {
			require.Zero(t, m.Size())
		}
		require.NoError(t, m.Close())
	})
}
