package wire

import "bytes"

// How much cleanRun looks at at once: all there is, or after a stray CR, whose search costs a second look, little.
const (
	largeBlock = 1 << 20
	smallBlock = 64
)

var crByte = []byte{'\r'}

// cleanRun returns how many bytes from the beginning of w are the same on both sides of dot-stuffing: it stops before a
// dot that begins a line, before a bare CR or LF, and before a CR at the end of w. Lines are found with IndexByte and CRs
// counted with Count, both of which look at many bytes at once; a block with as many CRs as lines, each before its
// LF, has none to spare. block is cleanRun's own between calls: it keeps text that is full of stray CRs from being
// counted again and again.
func cleanRun(w []byte, block *int) int {
	if *block == 0 {
		*block = largeBlock
	}
	done := 0
	for done < len(w) {
		part := w[done:min(len(w), done+*block)]
		n, lines, stop := scanLines(part, done+len(part) < len(w))
		if bytes.Count(part[:n], crByte) != lines {
			*block = smallBlock
			return done + beforeBareCR(part[:n])
		}
		done += n
		if stop || n == 0 {
			return done
		}
		*block = min(2**block, largeBlock)
		if done < len(w) && w[done] == '.' && w[done-1] == '\n' {
			return done
		}
	}
	return done
}

// scanLines returns how many bytes of w can be passed on if it has no bare CR, how many lines end in them, and whether
// something stops the run there. more says that w is not all there is.
func scanLines(w []byte, more bool) (n, lines int, stop bool) {
	for n < len(w) {
		i := bytes.IndexByte(w[n:], '\n')
		if i < 0 {
			n = len(w)
			if w[n-1] == '\r' {
				n--
				return n, lines, !more || n == 0
			}
			return n, lines, false
		}
		if i == 0 || w[n+i-1] != '\r' {
			return n + i, lines, true // a bare LF
		}
		n += i + 1
		lines++
		if n < len(w) && w[n] == '.' {
			return n, lines, true
		}
	}
	return n, lines, false
}

// beforeBareCR returns the index of the first CR in w that no LF follows.
func beforeBareCR(w []byte) int {
	pos := 0
	for {
		i := bytes.IndexByte(w[pos:], '\r')
		if i < 0 {
			return len(w)
		}
		pos += i
		if pos+1 == len(w) || w[pos+1] != '\n' {
			return pos
		}
		pos += 2
	}
}
