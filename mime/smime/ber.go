package smime

// maxDepth bounds the nesting of ASN.1; a certificate's deepest value in a message lies at level 13.
const maxDepth = 32

// toDER rewrites BER, as streaming senders produce it, as DER as far as readers of DER need: definite and shortest lengths,
// strings in one piece (X.690 section 10). What is DER stays the same octet by octet. The error is ErrSyntax.
func toDER(b []byte) ([]byte, error) {
	out, rest, err := appendDER(make([]byte, 0, len(b)), b, 0)
	if err == nil && len(rest) > 0 {
		// "openssl smime" and others end the last line of their base64 with zeros at times; anything else is foreign.
		for _, c := range rest {
			if c != 0 {
				return nil, ErrSyntax
			}
		}
	}
	return out, err
}

// element is one ASN.1 value as it stands.
type element struct {
	tag         []byte // identifier octets
	content     []byte // up to the end of the input if indefinite
	indefinite  bool
	constructed bool
}

// appendDER appends the first value of b and returns what follows it.
func appendDER(dst, b []byte, depth int) (out, rest []byte, err error) {
	e, rest, ok := splitElement(b)
	if !ok || depth > maxDepth {
		return nil, nil, ErrSyntax
	}
	if !e.constructed {
		return append(appendLength(append(dst, e.tag...), len(e.content)), e.content...), rest, nil
	}
	start := len(dst)
	octets := e.tag[0] == 0x24 // an OCTET STRING in pieces
	for inner := e.content; ; {
		if e.indefinite {
			if len(inner) >= 2 && inner[0] == 0 && inner[1] == 0 {
				rest = inner[2:]
				break
			}
		} else if len(inner) == 0 {
			break
		}
		at := len(dst)
		if dst, inner, err = appendDER(dst, inner, depth+1); err != nil {
			return nil, nil, err
		}
		if octets { // keep the piece's content only
			piece, _, ok := splitElement(dst[at:])
			if !ok || piece.tag[0] != 0x04 {
				return nil, nil, ErrSyntax
			}
			dst = append(dst[:at], piece.content...)
		}
	}
	tag := e.tag
	if octets {
		tag = []byte{0x04}
	}
	// The content's length is known only now: it moves to make room for the header.
	size := len(dst) - start
	head := appendLength(append(make([]byte, 0, 16), tag...), size)
	dst = append(dst, head...)
	copy(dst[start+len(head):], dst[start:start+size])
	copy(dst[start:], head)
	return dst, rest, nil
}

// splitElement reads tag and length.
func splitElement(b []byte) (e element, rest []byte, ok bool) {
	if len(b) < 2 {
		return e, nil, false
	}
	n := 1
	if b[0]&0x1f == 0x1f { // a high tag number; at most four octets of it
		for n < len(b) && b[n]&0x80 != 0 && n < 4 {
			n++
		}
		n++
	}
	if n >= len(b) {
		return e, nil, false
	}
	e.tag, e.constructed = b[:n], b[0]&0x20 != 0
	length := int(b[n])
	b = b[n+1:]
	switch {
	case length == 0x80:
		e.indefinite = true
		e.content = b
		return e, nil, e.constructed
	case length > 0x84:
		return e, nil, false
	case length > 0x80:
		octets := length & 0x7f
		if octets > len(b) {
			return e, nil, false
		}
		length = 0
		for _, c := range b[:octets] {
			length = length<<8 | int(c)
		}
		b = b[octets:]
	}
	if length < 0 || length > len(b) {
		return e, nil, false
	}
	e.content = b[:length:length]
	return e, b[length:], true
}

func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	octets := 1
	for v := n >> 8; v > 0; v >>= 8 {
		octets++
	}
	dst = append(dst, 0x80|byte(octets))
	for i := octets - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}
