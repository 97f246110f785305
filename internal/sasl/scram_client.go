package sasl

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	gosasl "github.com/emersion/go-sasl"
)

var errSCRAMServer = errors.New("sasl: SCRAM: bad message from the server")

// scramClient is the client of SCRAM (RFC 5802 section 5).
type scramClient struct {
	hash     scramHash
	gs2      string // with both commas
	binding  []byte // with "p="
	plus     bool
	username string
	password string
	nonce    string

	step      int
	firstBare string
	signature []byte // what the server has to show
	proved    bool
}

// newSCRAMClient returns a client. Without -PLUS on offer the flag says whether this side could have bound, so that the
// server sees when somebody has removed -PLUS from its list.
func newSCRAMClient(h scramHash, plus bool) func(c *ClientConfig) gosasl.Client {
	return func(c *ClientConfig) gosasl.Client {
		s := &scramClient{hash: h, plus: plus, username: c.Credentials.Username, password: c.Credentials.Password, nonce: rand.Text()}
		if c.nonce != nil {
			s.nonce = c.nonce()
		}
		name, data, canBind := c.clientBinding()
		switch {
		case plus:
			s.gs2, s.binding = "p="+name+",", data
		case canBind && !c.offered(h.mechanism(true)):
			s.gs2 = "y,"
		default:
			s.gs2 = "n,"
		}
		if c.Credentials.Authorize != "" {
			s.gs2 += "a=" + encodeName(c.Credentials.Authorize)
		}
		s.gs2 += ","
		return s
	}
}

func (s *scramClient) Start() (string, []byte, error) {
	username, err := Prep(s.username)
	if err == nil {
		s.password, err = Prep(s.password)
	}
	if err != nil {
		return "", nil, err
	}
	s.firstBare = "n=" + encodeName(username) + ",r=" + s.nonce
	return s.hash.mechanism(s.plus), []byte(s.gs2 + s.firstBare), nil
}

func (s *scramClient) Next(challenge []byte) ([]byte, error) {
	s.step++
	switch s.step {
	case 1:
		return s.final(string(challenge))
	case 2:
		return s.verify(string(challenge))
	}
	return nil, gosasl.ErrUnexpectedServerChallenge
}

// Proved reports whether the server has shown that it knows the password's keys.
func (s *scramClient) Proved() bool { return s.proved }

// final answers the server-first-message with the proof.
func (s *scramClient) final(serverFirst string) ([]byte, error) {
	attrs := strings.Split(serverFirst, ",")
	if len(attrs) < 3 || !strings.HasPrefix(attrs[0], "r=") || !strings.HasPrefix(attrs[1], "s=") ||
		!strings.HasPrefix(attrs[2], "i=") || !validExtensions(attrs[3:]) {
		return nil, errSCRAMServer
	}
	nonce := attrs[0][2:]
	if !validNonce(nonce) || !strings.HasPrefix(nonce, s.nonce) || len(nonce) == len(s.nonce) {
		return nil, fmt.Errorf("%w: nonce", errSCRAMServer)
	}
	salt, err := base64.StdEncoding.DecodeString(attrs[1][2:])
	if err != nil || len(salt) == 0 {
		return nil, fmt.Errorf("%w: salt", errSCRAMServer)
	}
	// Few iterations make the proof easy to attack for whoever poses as the server; many make this side work for it.
	iterations, err := strconv.ParseUint(attrs[2][2:], 10, 32)
	if err != nil || iterations < minIterations || iterations > maxIterations {
		return nil, fmt.Errorf("%w: iteration count is not between %d and %d", errSCRAMServer, minIterations, maxIterations)
	}
	salted, err := s.hash.salted(s.password, salt, int(iterations))
	if err != nil {
		return nil, err
	}
	creds := s.hash.credentials(salted, salt, int(iterations))
	input := append([]byte(s.gs2), s.binding...)
	withoutProof := "c=" + base64.StdEncoding.EncodeToString(input) + ",r=" + nonce
	auth := s.firstBare + "," + serverFirst + "," + withoutProof
	proof := s.hash.hmac(salted, "Client Key")
	for i, b := range s.hash.hmac(creds.StoredKey, auth) {
		proof[i] ^= b
	}
	s.signature = s.hash.hmac(creds.ServerKey, auth)
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server-final-message.
func (s *scramClient) verify(serverFinal string) ([]byte, error) {
	value, _, _ := strings.Cut(serverFinal, ",")
	if text, ok := strings.CutPrefix(value, "e="); ok {
		return nil, fmt.Errorf("sasl: SCRAM: server says %q", text)
	}
	b64, ok := strings.CutPrefix(value, "v=")
	got, err := base64.StdEncoding.DecodeString(b64)
	if !ok || err != nil {
		return nil, errSCRAMServer
	}
	if !hmac.Equal(got, s.signature) {
		return nil, ErrServerUnproved
	}
	s.proved = true
	return []byte{}, nil
}
