// Package miltertest is a milter for tests: it answers as it is told, and remembers what it was told.
package miltertest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Server is a milter on a loopback port. Its fields must be set before the first connection.
type Server struct {
	// Answers are what is said to each command, by its letter: packets of a letter and data, of which the last is the answer; none is 'c'. A command's
	// own text may have answers too: "R<bob@example.org>" goes before "R".
	Answers map[string][]string
	// Options is the answer to the negotiation: version, actions, steps; and what follows. nil: version 6, all actions, no steps left out.
	Options []uint32
	Lists   string

	t  testing.TB
	l  net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex
	told  []string
	conns map[net.Conn]bool
}

// NewServer starts one; it ends with the test.
func NewServer(t testing.TB) *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, l: l, Answers: map[string][]string{}, conns: map[net.Conn]bool{}}
	s.wg.Go(s.serve)
	t.Cleanup(s.Close)
	return s
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Close ends it and its conversations.
func (s *Server) Close() {
	_ = s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// SetAnswers changes Answers between conversations.
func (s *Server) SetAnswers(a map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Answers = a
}

// Told returns what it was told, a line a packet, and forgets it: the letter, then the data with "|" where a NUL was, macros by name.
func (s *Server) Told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.told
	s.told = nil
	return out
}

func (s *Server) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			s.talk(c)
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// Packet is a packet as it is on the wire.
func Packet(letter byte, data string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)+1))
	return string(append(append(b, letter), data...))
}

// Uint is a number as packets have it.
func Uint(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func (s *Server) talk(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		var head [5]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		data := make([]byte, binary.BigEndian.Uint32(head[:])-1)
		if _, err := io.ReadFull(r, data); err != nil {
			return
		}
		cmd, text := string(head[4]), string(data)
		if cmd == "C" && len(text) > 2 { // the port is no text
			if i := strings.IndexByte(text, 0); i >= 0 && len(text) > i+4 {
				text = text[:i] + "|" + string(text[i+1]) + fmt.Sprint(binary.BigEndian.Uint16(data[i+2:])) + "|" + text[i+4:]
			}
		}
		line := cmd + strings.TrimSuffix(strings.ReplaceAll(text, "\x00", "|"), "|")
		if cmd != "O" {
			s.mu.Lock()
			s.told = append(s.told, line)
			s.mu.Unlock()
		}
		switch cmd {
		case "D", "A":
			continue
		case "Q":
			return
		case "O":
			o := s.Options
			if o == nil {
				o = []uint32{6, 0x1ff, 0}
			}
			if _, err := io.WriteString(c, Packet('O', Uint(o[0])+Uint(o[1])+Uint(o[2])+s.Lists)); err != nil {
				return
			}
			continue
		}
		s.mu.Lock()
		packets, ok := s.Answers[line]
		if !ok {
			packets = s.Answers[cmd]
		}
		s.mu.Unlock()
		if len(packets) == 0 {
			packets = []string{"c"}
		}
		for _, p := range packets {
			if p == "" { // it hangs up
				return
			}
			if p == "-" { // it says nothing
				continue
			}
			if _, err := io.WriteString(c, Packet(p[0], p[1:])); err != nil {
				return
			}
		}
	}
}
