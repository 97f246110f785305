package maildir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// The index log is a header and then frames, one a commit: length, checksum, records. Each checksum begins with the one
// before it, so that a frame left over from an earlier life of the file can't follow a torn one; a frame counts whole or not
// at all. What follows the last good frame is cut off before the next is written.
const (
	logName    = "buuta.index.log"
	logMagic   = "BuutaLog"
	logVersion = 2
	logHeader  = 32
	frameSize  = 8
	maxFrame   = 1<<32 - 1
)

// ErrNewerIndex says that a mailbox's index was written by a later version. It is left as it is; deleting
// buuta.index.log makes a new one, which costs clients a resynchronisation of flags.
var ErrNewerIndex = errors.New("maildir: index was written by a later version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// logEnd is where the next frame goes.
type logEnd struct {
	generation uint64
	size       int64
	chain      uint32
	records    int // since the snapshot that the log began with, that included
}

// newLogHeader returns the beginning of a log.
func newLogHeader(generation uint64) ([]byte, logEnd) {
	b := make([]byte, logHeader)
	copy(b, logMagic)
	binary.LittleEndian.PutUint32(b[8:], logVersion)
	binary.LittleEndian.PutUint64(b[16:], generation)
	sum := crc32.Checksum(b[:24], castagnoli)
	binary.LittleEndian.PutUint32(b[24:], sum)
	return b, logEnd{generation: generation, size: logHeader, chain: sum}
}

// appendFrame writes a commit's records as a frame behind b.
func (e *logEnd) appendFrame(b []byte, recs []record) []byte {
	start := len(b)
	b = append(b, make([]byte, frameSize)...)
	for i := range recs {
		b = recs[i].appendTo(b)
	}
	frame := b[start:]
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameSize))
	e.chain = frameSum(e.chain, frame)
	binary.LittleEndian.PutUint32(frame[4:], e.chain)
	e.size += int64(len(frame))
	e.records += len(recs)
	return b
}

// frameSum is the checksum of a frame whose predecessor's is chain.
func frameSum(chain uint32, frame []byte) uint32 {
	sum := crc32.Update(chain^0x5bd1e995, castagnoli, frame[:4])
	return crc32.Update(sum, castagnoli, frame[frameSize:])
}

// What is wrong with an index that has to be made anew.
var (
	errIndexDamaged = errors.New("it is damaged")
	errIndexOlder   = errors.New("an earlier version wrote it")
)

// parseLog reads a log and applies its frames to st, up to the first that isn't whole. When there is not even a first frame, or what
// the frames hold is not ours, there is no index: errIndexDamaged or errIndexOlder.
func parseLog(b []byte, st *state) (end logEnd, err error) {
	if len(b) < logHeader || string(b[:8]) != logMagic || crc32.Checksum(b[:24], castagnoli) != binary.LittleEndian.Uint32(b[24:]) {
		return logEnd{}, errIndexDamaged
	}
	switch v := binary.LittleEndian.Uint32(b[8:]); {
	case v > logVersion:
		return logEnd{}, fmt.Errorf("%w (%d)", ErrNewerIndex, v)
	case v < logVersion:
		return logEnd{}, errIndexOlder
	}
	end = logEnd{generation: binary.LittleEndian.Uint64(b[16:]), size: logHeader, chain: binary.LittleEndian.Uint32(b[24:])}
	for {
		rest := b[end.size:]
		if len(rest) < frameSize {
			break
		}
		n := int64(binary.LittleEndian.Uint32(rest))
		if n > maxFrame || int64(len(rest)) < frameSize+n {
			break
		}
		frame := rest[:frameSize+n]
		sum := frameSum(end.chain, frame)
		if sum != binary.LittleEndian.Uint32(frame[4:]) {
			break
		}
		records, ok := st.applyFrame(frame[frameSize:])
		if !ok {
			return end, errIndexDamaged // a checksum that fits over records that don't
		}
		end.size, end.chain, end.records = end.size+frameSize+n, sum, end.records+records
	}
	if st.validity == 0 {
		return end, errIndexDamaged
	}
	return end, nil
}

// applyFrame takes the records of a frame and returns how many they are.
func (s *state) applyFrame(b []byte) (records int, ok bool) {
	rd := newRecordReader(b)
	var some [16]record
	want := -1
	for more := true; more; {
		n := 0
		for n < len(some) {
			if more = rd.next(&some[n]); !more {
				break
			}
			if some[n].kind == recShape {
				want = int(some[n].shape.messages)
			}
			n++
		}
		s.apply(some[:n])
		records += n
	}
	return records, rd.err == nil && (want < 0 || want == s.n)
}

// readFile returns a file's content; no error and nil when there is none.
func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, info.Size(), info.Size()+1)
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:n], err
}

// writeFile replaces a file by one with this content. With sync, content and name are durable on return.
func writeFile(fsys FS, dir, name string, content []byte, sync bool) error {
	tmp := dir + "/" + name + ".tmp"
	f, err := fsys.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil && sync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(tmp, dir+"/"+name)
	}
	if err != nil {
		fsys.Remove(tmp)
		return err
	}
	if sync {
		return fsys.SyncDir(dir)
	}
	return nil
}
