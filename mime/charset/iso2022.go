package charset

import "io"

// iso2022Reader makes text of 7-bit charsets that shift with SO and SI, ISO-2022-KR (RFC 1557) and ISO-2022-CN (RFC 1922), into their 8-bit
// forms EUC-KR and GBK: escape sequences go, shifted octets get their high bit. Of ISO-2022-CN only GB 2312 is read; the planes of
// CNS 11643, for which there is no table, come out as one U+FFFD a character.
type iso2022Reader struct {
	r     io.Reader
	in    [2048]byte
	out   []byte
	ready []byte
	err   error

	shifted bool
	foreign bool // SO stands for a charset that has no table
	escape  int  // octets of an escape sequence that were read
	single  int  // octets of a single-shifted character that are to come
	second  bool // of a foreign character
}

func (s *iso2022Reader) Read(p []byte) (int, error) {
	for len(s.ready) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		var n int
		n, s.err = s.r.Read(s.in[:])
		s.out = s.out[:0]
		for _, c := range s.in[:n] {
			s.octet(c)
		}
		s.ready = s.out
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

const (
	so, si, esc = 0x0e, 0x0f, 0x1b
	noLetter    = 0xff // in neither charset
)

func (s *iso2022Reader) octet(c byte) {
	switch {
	case s.escape > 0:
		s.inEscape(c)
	case c == esc:
		s.escape = 1
	case c == '\n': // "If an SO has been used, SI must be before the end of the line" (RFC 1922 section 3.1)
		s.shifted, s.single = false, 0
		s.out = append(s.out, c)
	case s.single > 0:
		s.single--
	case c == so:
		s.shifted, s.second = true, false
	case c == si:
		s.shifted = false
	case !s.shifted || c <= ' ':
		s.out = append(s.out, c)
	case !s.foreign:
		s.out = append(s.out, c|0x80)
	default:
		if !s.second {
			s.out = append(s.out, noLetter)
		}
		s.second = !s.second
	}
}

// inEscape passes over an escape sequence: intermediates from 0x20 to 0x2f and one final octet. Its final octet says what SO stands
// for: "ESC $ ) A" GB 2312, "ESC $ ) C" KS C 5601, "ESC $ ) G" and "ESC $ ) E" others; "ESC N" shifts one character.
func (s *iso2022Reader) inEscape(c byte) {
	if c >= 0x20 && c <= 0x2f && s.escape < 4 || c == '$' {
		s.escape++
		return
	}
	if s.escape == 1 && c == 'N' {
		s.single = 2
		s.out = append(s.out, noLetter)
	} else if s.escape == 3 {
		s.foreign = c == 'G' || c == 'E'
	}
	s.escape = 0
	if c == '\n' || c == esc { // no sequence after all
		s.octet(c)
	}
}
