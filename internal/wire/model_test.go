package wire_test

import "github.com/buuta/mail/internal/wire"

// readModel is DotReader as one would write it if it could take its time: a byte at once. It returns the content, what is
// left behind the block, and whether the block ended.
func readModel(in []byte, bare wire.BareEnds) (content, rest []byte, stray error, complete bool) {
	bol := true
	for i := 0; i < len(in); {
		tail := in[i:]
		has := func(s string) bool { return len(tail) >= len(s) && string(tail[:len(s)]) == s }
		switch {
		case bol && has(".\r\n"):
			return content, tail[3:], stray, true
		case bol && has("."):
			bol = false
			i++
		case has("\r\n"):
			content = append(content, "\r\n"...)
			bol = true
			i += 2
		case has("\r") && len(tail) == 1:
			return content, nil, stray, false // nobody knows what it would have been
		case has("\r"), has("\n"):
			switch {
			case bare == wire.KeepBare:
				content = append(content, tail[0])
			case bare == wire.NormalizeBare && tail[0] == '\n':
				content = append(content, "\r\n"...)
			case bare == wire.NormalizeBare:
				content = append(content, ' ')
			case stray == nil && tail[0] == '\n':
				stray = wire.ErrBareLF
			case stray == nil:
				stray = wire.ErrBareCR
			}
			bol = false
			i++
		default:
			content = append(content, tail[0])
			bol = false
			i++
		}
	}
	return content, nil, stray, false
}

// writeModel is what DotWriter makes of a message.
func writeModel(in []byte) (out []byte) {
	bol := true
	for i := 0; i < len(in); i++ {
		c := in[i]
		switch {
		case c == '\r' && (i+1 == len(in) || in[i+1] == '\n'):
			// the CR of a CRLF, or one whose LF never came
			if i+1 == len(in) {
				out = append(out, "\r\n"...)
				bol = true
			}
			continue
		case c == '\n':
			out = append(out, "\r\n"...)
			bol = true
			continue
		case c == '\r':
			c = ' '
		case c == '.' && bol:
			out = append(out, '.')
		}
		out = append(out, c)
		bol = false
	}
	if !bol {
		out = append(out, "\r\n"...)
	}
	return append(out, ".\r\n"...)
}
