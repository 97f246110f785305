package thread

import "strings"

// BaseSubject removes from a subject what mail programs put around it, "the subject artifacts", exactly as RFC 5256
// section 2.1 says. s has its encoded words decoded. reply reports whether it was that of a reply or forward (section 3,
// REFERENCES). Time is linear.
func BaseSubject(s string) (base string, reply bool) {
	s = spaces(s) // (1)
	for {
		s, reply = trimTrailer(s, reply) // (2)
		s, reply = trimLeader(s, reply)  // (3) to (5)
		inner, ok := cutPrefixFold(s, "[fwd:")
		if !ok || !strings.HasSuffix(inner, "]") { // (6)
			return s, reply
		}
		s, reply = inner[:len(inner)-1], true
	}
}

// spaces makes tabs and line ends spaces, and many spaces one.
func spaces(s string) string {
	clean := true
	for i := range len(s) {
		if c := s[i]; c == '\t' || c == '\r' || c == '\n' || c == ' ' && i > 0 && s[i-1] == ' ' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c == '\t' || c == '\r' || c == '\n' {
			c = ' '
		}
		if c != ' ' || len(b) == 0 || b[len(b)-1] != ' ' {
			b = append(b, c)
		}
	}
	return string(b)
}

// trimTrailer removes every subj-trailer: "(fwd)" and blanks at the end.
func trimTrailer(s string, reply bool) (string, bool) {
	for {
		s = strings.TrimRight(s, " ")
		if n := len(s) - len("(fwd)"); n < 0 || !strings.EqualFold(s[n:], "(fwd)") {
			return s, reply
		}
		s, reply = s[:len(s)-len("(fwd)")], true
	}
}

// trimLeader removes every subj-leader, and blobs as long as something stands behind them.
func trimLeader(s string, reply bool) (string, bool) {
	for {
		s = strings.TrimLeft(s, " ")
		rest, last := cutBlobs(s)
		if after, ok := cutRefwd(rest); ok {
			s, reply = after, true
			continue
		}
		// No subj-refwd follows these blobs, however many of them are removed, so that (4) removes them one after the
		// other: all, or all but the last where nothing would be left.
		if rest == "" {
			return last, reply
		}
		return rest, reply
	}
}

// cutBlobs removes every subj-blob, "[" *BLOBCHAR "]" *WSP. last is s without all blobs but the last.
func cutBlobs(s string) (rest, last string) {
	last = s
	for {
		after, ok := cutBlob(s)
		if !ok {
			return s, last
		}
		s, last = after, s
	}
}

func cutBlob(s string) (rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return s, false
	}
	i := strings.IndexAny(s[1:], "[]")
	if i < 0 || s[1+i] == '[' {
		return s, false
	}
	return strings.TrimLeft(s[i+2:], " "), true
}

// cutRefwd removes a subj-refwd: ("re" / ("fw" ["d"])) *WSP [subj-blob] ":".
func cutRefwd(s string) (rest string, ok bool) {
	rest, ok = cutPrefixFold(s, "re")
	if !ok {
		if rest, ok = cutPrefixFold(s, "fw"); !ok {
			return s, false
		}
		rest, _ = cutPrefixFold(rest, "d")
	}
	rest = strings.TrimLeft(rest, " ")
	rest, _ = cutBlob(rest)
	if rest, ok = strings.CutPrefix(rest, ":"); !ok {
		return s, false
	}
	return rest, true
}

// cutPrefixFold removes a prefix in lower-case ASCII, whatever the case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
