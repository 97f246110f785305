package tlscert

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// Files say where certificates are.
type Files struct {
	// Chains are files that, one behind the other, hold private keys, each with its certificate chain behind it: smtpd_tls_chain_files. Where there are any,
	// Pairs don't count.
	Chains []string
	Pairs  []Pair
}

// Pair is a file with a certificate chain and one with its private key, which may be the same: smtpd_tls_cert_file and smtpd_tls_key_file.
type Pair struct{ Cert, Key string }

// names are all files.
func (f *Files) names() []string {
	if len(f.Chains) > 0 {
		return f.Chains
	}
	var out []string
	for _, p := range f.Pairs {
		if out = append(out, p.Cert); p.Key != p.Cert {
			out = append(out, p.Key)
		}
	}
	return out
}

// set is the certificates of some files, as they were when they were last read and right.
type set struct {
	files Files
	mu    sync.Mutex // held while reading
	now   atomic.Pointer[loaded]
}

type loaded struct {
	list   []tls.Certificate
	states []fs.FileInfo
}

func openSet(files Files) (*set, error) {
	s := &set{files: files}
	return s, s.reload()
}

func (s *set) reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &loaded{}
	for _, name := range s.files.names() {
		info, err := os.Stat(name)
		if err != nil {
			if len(s.files.Chains) > 0 {
				err = fmt.Errorf("%w", err) // with its name, where there may be several
			}
			return err
		}
		l.states = append(l.states, info)
	}
	var err error
	if l.list, err = s.files.read(); err != nil {
		return err
	}
	s.now.Store(l)
	return nil
}

func (f *Files) read() ([]tls.Certificate, error) {
	if len(f.Chains) > 0 {
		var all []byte
		for _, name := range f.Chains {
			b, err := readFile(name)
			if err != nil {
				return nil, err
			}
			all = append(append(all, b...), '\n')
		}
		list, err := Parse(all)
		if err != nil {
			err = fmt.Errorf("%s: %w", f.Chains[0], err)
		}
		return list, err
	}
	var out []tls.Certificate
	for _, p := range f.Pairs {
		cert, err := readFile(p.Cert)
		if err != nil {
			return nil, err
		}
		key, err := readFile(p.Key)
		if err != nil {
			return nil, err
		}
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Cert, err)
		}
		out = append(out, c)
	}
	if out == nil {
		return nil, errors.New("no file is named")
	}
	sortByKind(out)
	return out, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err == nil && len(b) > maxPEM {
		err = fmt.Errorf("%s is larger than any chain of certificates", name)
	}
	return b, err
}

// current asks for the files' state, which costs little beside a handshake, and reads them if that is new. What can't be read leaves what was there, and is
// told once.
func (s *set) current(warn func(error)) []tls.Certificate {
	l := s.now.Load()
	if states, ok := s.files.states(); ok && !same(states, l.states) {
		if err := s.reload(); err != nil {
			// Halfway through a renewal, perhaps: certificate and key don't belong together yet.
			if s.now.CompareAndSwap(l, &loaded{l.list, states}) {
				warn(err)
			}
		}
	}
	return s.now.Load().list
}

// states are the files' states; false when one isn't there.
func (f *Files) states() ([]fs.FileInfo, bool) {
	names := f.names()
	out := make([]fs.FileInfo, len(names))
	for i, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, false
		}
		out[i] = info
	}
	return out, true
}

func same(a, b []fs.FileInfo) bool {
	for i := range a {
		if !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size() || !os.SameFile(a[i], b[i]) {
			return false
		}
	}
	return true
}
