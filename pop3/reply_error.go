package pop3

import (
	"strings"

	"github.com/buuta/mail"
)

// Error is a server's "-ERR" as a client sees it. It wraps [mail.ErrAuthFailed] when the response code says so, and [ErrInUse].
type Error struct {
	Command string // "RETR"
	Code    string // response code in upper case: "AUTH", "IN-USE", "SYS/TEMP", "SYS/PERM", "LOGIN-DELAY", "UTF8"; "" for none
	Text    string // for people
}

// Error returns what was asked and what the server said.
func (e *Error) Error() string {
	s := "pop3: " + e.Command + ": server says"
	if e.Code != "" {
		s += " [" + e.Code + "]"
	}
	return s + " " + e.Text
}

// Unwrap returns the error that the response code stands for, or nil.
func (e *Error) Unwrap() error {
	switch e.Code {
	case "AUTH":
		return mail.ErrAuthFailed
	case "IN-USE":
		return ErrInUse
	}
	return nil
}

// Temporary reports whether the same may work later (RFC 2449 section 8.1, RFC 3206 section 4).
func (e *Error) Temporary() bool {
	switch e.Code {
	case "IN-USE", "LOGIN-DELAY", "SYS/TEMP":
		return true
	}
	return false
}

// parseStatus takes a status line apart.
func parseStatus(line string) (ok bool, code, text string, valid bool) {
	word, text, _ := strings.Cut(line, " ")
	switch word {
	case "+OK":
		ok = true
	case "-ERR":
	default:
		return false, "", "", false
	}
	if strings.HasPrefix(text, "[") {
		if c, rest, found := strings.Cut(text[1:], "]"); found {
			code, text = strings.ToUpper(c), strings.TrimPrefix(rest, " ")
		}
	}
	return ok, code, text, true
}
