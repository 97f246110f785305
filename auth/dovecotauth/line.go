package dovecotauth

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxLine is the default limit of a line, in octets. "The maximum line length isn't defined, but it's currently expected to fit into 8192 bytes"; a token of
// OAuth's may be longer.
const maxLine = 32 << 10

var errLine = errors.New("a line is too long")

// readLine reads a line without its end, which is LF.
func readLine(r *bufio.Reader) (string, error) {
	b, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errLine
	}
	if err != nil {
		return "", err
	}
	return string(b[:len(b)-1]), nil
}

var (
	escaper   = strings.NewReplacer("\x01", "\x011", "\t", "\x01t", "\n", "\x01n", "\r", "\x01r", "\x00", "\x010")
	unescaper = strings.NewReplacer("\x011", "\x01", "\x01t", "\t", "\x01n", "\n", "\x01r", "\r", "\x010", "\x00")
)

// escape writes a value so that it has neither TAB nor line ends, as Dovecot does.
func escape(s string) string { return escaper.Replace(s) }

// line puts a command together. Parameters that are not plain words must be escaped already.
func line(words ...string) string { return strings.Join(words, "\t") + "\n" }

// fields reads "name=value" parameters; one without "=" has the value "". Of two of a name the first counts.
func fields(params []string) map[string]string {
	out := map[string]string{}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if _, twice := out[name]; !twice {
			out[name] = unescaper.Replace(value)
		}
	}
	return out
}

// requestID reads "a 32bit number".
func requestID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no ID of a request", s)
	}
	return uint32(n), nil
}

// checkVersion looks at the other side's VERSION: "both client and server should check that they support the same major version number".
func checkVersion(words []string) error {
	if len(words) < 3 || words[0] != "VERSION" || words[1] != "1" {
		return fmt.Errorf("expected version 1 of the protocol, got %q", strings.Join(words, " "))
	}
	return nil
}
