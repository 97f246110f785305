package sasl

import (
	"fmt"

	gosasl "github.com/emersion/go-sasl"
)

// newPlain is the server of PLAIN (RFC 4616).
func newPlain(e *Exchange) gosasl.Server {
	return gosasl.NewPlainServer(func(authorize, username, password string) error {
		return e.password(authorize, username, password)
	})
}

// loginServer is the server of LOGIN (draft-murchison-sasl-login). It takes the user name as an initial response too,
// because clients send it.
type loginServer struct {
	e        *Exchange
	step     int
	username string
}

func newLogin(e *Exchange) gosasl.Server { return &loginServer{e: e} }

func (s *loginServer) Next(response []byte) ([]byte, bool, error) {
	s.step++
	switch {
	case s.step == 1 && response == nil:
		return []byte("Username:"), false, nil
	case s.step == 1, s.step == 2 && s.username == "":
		s.step = 2
		s.username = string(response)
		if err := checkName(s.username); err != nil {
			return nil, false, err
		}
		s.e.username = s.username
		return []byte("Password:"), false, nil
	case s.step == 3:
		err := s.e.password("", s.username, string(response))
		return nil, err == nil, err
	}
	return nil, false, fmt.Errorf("%w: unexpected", ErrMalformed)
}
