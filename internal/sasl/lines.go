package sasl

import (
	"encoding/base64"
	"fmt"
)

// Run drives an exchange to its end over base64 lines, as AUTH of SMTP and POP3 and AUTHENTICATE of IMAP and ManageSieve
// do. initial is the initial response as it stood behind the mechanism's name: "" when there was none, "=" for an
// empty one (RFC 4954 section 4, RFC 5034 section 4, RFC 4959 section 3). ask sends a challenge, which is base64
// already and may be empty, and returns the client's line without CRLF.
//
// Run returns nil when the client is authenticated; ErrCancelled for "*"; ErrMalformed for what is not base64; an error of
// ask as it is; else what [Exchange.Next] returns.
func (e *Exchange) Run(initial string, ask func(challenge string) (line []byte, err error)) error {
	defer e.tellGuard(ErrCancelled) // where nothing was settled
	var response []byte
	var err error
	if initial != "" {
		if response, err = decodeLine(initial); err != nil {
			e.ended = true
			return err
		}
	}
	for {
		challenge, done, err := e.Next(response)
		if err != nil || done {
			return err
		}
		line, err := ask(base64.StdEncoding.EncodeToString(challenge))
		if err != nil {
			e.ended = true
			return err
		}
		if len(line) == 1 && line[0] == '*' {
			e.ended = true
			return ErrCancelled
		}
		if len(line) == 0 {
			response = []byte{}
		} else if response, err = decode(string(line)); err != nil {
			e.ended = true
			return err
		}
	}
}

// decodeLine decodes an initial response.
func decodeLine(s string) ([]byte, error) {
	if s == "=" {
		return []byte{}, nil
	}
	return decode(s)
}

// decode is strict (RFC 4648 section 3.3): no white space, no missing padding, no stray bits.
func decode(s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] == '\r' || s[i] == '\n' {
			return nil, fmt.Errorf("%w: not base64", ErrMalformed)
		}
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrMalformed)
	}
	return b, nil
}

// encodeLine writes an initial response.
func encodeLine(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
