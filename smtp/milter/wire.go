package milter

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Commands and answers, by their letters (mfdef.h).
const (
	cmdOptions = 'O'
	cmdMacro   = 'D'
	cmdConnect = 'C'
	cmdHelo    = 'H'
	cmdMail    = 'M'
	cmdRcpt    = 'R'
	cmdData    = 'T'
	cmdUnknown = 'U'
	cmdHeader  = 'L'
	cmdEOH     = 'N'
	cmdBody    = 'B'
	cmdEOB     = 'E'
	cmdAbort   = 'A'
	cmdQuit    = 'Q'

	repAccept     = 'a'
	repContinue   = 'c'
	repDiscard    = 'd'
	repReject     = 'r'
	repTempFail   = 't'
	repReply      = 'y'
	repSkip       = 's'
	repProgress   = 'p'
	repShutdown   = '4'
	repConnFail   = 'f'
	repAddRcpt    = '+'
	repAddRcptPar = '2'
	repDelRcpt    = '-'
	repBody       = 'b'
	repChangeFrom = 'e'
	repAddHeader  = 'h'
	repInsHeader  = 'i'
	repChgHeader  = 'm'
	repQuarantine = 'q'
)

// What a filter may do to a message.
const (
	actAddHeader uint32 = 1 << iota
	actChangeBody
	actAddRcpt
	actDelRcpt
	actChangeHeader
	actQuarantine
	actChangeFrom
	actAddRcptPar
	actSetSymList

	allActions = actSetSymList<<1 - 1
)

// What a filter doesn't want to be told, or doesn't answer.
const (
	noConnect uint32 = 1 << iota
	noHelo
	noMail
	noRcpt
	noBody
	noHeader
	noEOH
	quietHeader // no answer to a header
	noUnknown
	noData
	skipBody
	rcptRejected // it wants recipients that were refused, too
	quietConnect
	quietHelo
	quietMail
	quietRcpt
	quietData
	quietUnknown
	quietEOH
	quietBody
	leadingSpace

	allSteps = leadingSpace<<1 - 1
)

// stepsOf are what a version of the protocol knows; actionsOf likewise.
func stepsOf(version uint32) uint32 {
	switch {
	case version >= 6:
		return allSteps
	case version >= 4:
		return noData<<1 - 1
	case version == 3:
		return noUnknown<<1 - 1
	}
	return noEOH<<1 - 1
}

func actionsOf(version uint32) uint32 {
	if version >= 6 {
		return allActions
	}
	return actQuarantine<<1 - 1
}

var errPacket = errors.New("milter: the filter breaks the protocol")

// writePacket writes a command.
func writePacket(w *bufio.Writer, cmd byte, data ...[]byte) error {
	n := 1
	for _, d := range data {
		n += len(d)
	}
	var head [5]byte
	binary.BigEndian.PutUint32(head[:], uint32(n))
	head[4] = cmd
	w.Write(head[:]) // its error stays for the next Write
	for _, d := range data {
		w.Write(d)
	}
	_, err := w.Write(nil)
	return err
}

// readPacket reads an answer of at most limit octets into buf, which may grow.
func readPacket(r *bufio.Reader, buf []byte, limit int) (cmd byte, data, grown []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, buf, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || int64(n) > int64(limit) {
		return 0, nil, buf, fmt.Errorf("%w: a packet of %d octets", errPacket, n)
	}
	n--
	if int(n) > cap(buf) {
		// A length alone costs nothing: what is announced has to come.
		b, err := io.ReadAll(io.LimitReader(r, int64(n)))
		if err == nil && len(b) < int(n) {
			err = io.ErrUnexpectedEOF
		}
		return head[4], b, b, err
	}
	buf = buf[:n]
	_, err = io.ReadFull(r, buf)
	return head[4], buf, buf, err
}

// cstring is a string with the NUL that ends it. A NUL within would end it early.
func cstring(s string) []byte {
	b := make([]byte, 0, len(s)+1)
	for i := range len(s) {
		if s[i] != 0 {
			b = append(b, s[i])
		}
	}
	return append(b, 0)
}

// cutString takes a string with its NUL from data.
func cutString(data []byte) (s string, rest []byte, err error) {
	i := strings.IndexByte(string(data), 0)
	if i < 0 {
		return "", nil, fmt.Errorf("%w: a string without end", errPacket)
	}
	return string(data[:i]), data[i+1:], nil
}

// cutStrings takes all of them.
func cutStrings(data []byte) (list []string, err error) {
	for len(data) > 0 {
		var s string
		if s, data, err = cutString(data); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// oneString is data that is a string.
func oneString(data []byte) (string, error) {
	s, rest, err := cutString(data)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: more than a string", errPacket)
	}
	return s, err
}
