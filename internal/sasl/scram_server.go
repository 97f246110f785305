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

	"github.com/buuta/mail"
)

// scramServer is the server of SCRAM (RFC 5802 section 5).
type scramServer struct {
	e    *Exchange
	hash scramHash
	plus bool
	step int

	gs2         gs2Header
	firstBare   string // client-first-message-bare
	serverFirst string
	nonce       string
	creds       *mail.SCRAMCredentials
	request     *mail.AuthRequest
	identity    *mail.Identity
	refused     error // the user is not there or may not do what it asks
}

func newSCRAM(h scramHash, plus bool) func(e *Exchange) gosasl.Server {
	return func(e *Exchange) gosasl.Server { return &scramServer{e: e, hash: h, plus: plus} }
}

// ableSCRAM reports whether the Authenticator has keys or passwords, and for -PLUS whether there is a channel to bind to.
func ableSCRAM(plus bool) func(c *Config) bool {
	return func(c *Config) bool {
		_, keys := c.Authenticator.(mail.SCRAMStore)
		_, passwords := c.Authenticator.(mail.PasswordStore)
		return (keys || passwords) && (!plus || c.canBind())
	}
}

func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	if response == nil && s.step == 0 {
		return []byte{}, false, nil
	}
	s.step++
	switch s.step {
	case 1:
		return s.first(string(response))
	case 2:
		return s.final(string(response))
	case 3:
		// The protocols have no room for data beside the good outcome, so it was sent as a challenge (RFC 4422 section 3.6).
		if len(response) != 0 {
			return nil, false, fmt.Errorf("%w: unexpected", ErrMalformed)
		}
		err := s.e.settle(s.request, s.identity, nil)
		return nil, err == nil, err
	}
	return nil, false, fmt.Errorf("%w: unexpected", ErrMalformed)
}

// first takes the client-first-message and answers with salt, iterations and nonce.
func (s *scramServer) first(msg string) ([]byte, bool, error) {
	var err error
	if s.gs2, s.firstBare, err = parseGS2(msg); err != nil {
		return nil, false, err
	}
	if err := s.checkBinding(); err != nil {
		return nil, false, err
	}
	attrs := strings.Split(s.firstBare, ",")
	if len(attrs) < 2 || !strings.HasPrefix(attrs[0], "n=") || !strings.HasPrefix(attrs[1], "r=") ||
		!validNonce(attrs[1][2:]) || !validExtensions(attrs[2:]) {
		return nil, false, fmt.Errorf("%w: SCRAM client-first-message", ErrMalformed)
	}
	username, err := decodeName(attrs[0][2:])
	if err != nil {
		return nil, false, err
	}
	if username, err = Prep(username); err != nil || username == "" {
		return nil, false, fmt.Errorf("%w: bad user name", ErrMalformed)
	}
	if err := s.lookup(username); err != nil {
		return nil, false, err
	}
	s.nonce = attrs[1][2:] + s.e.cfg.newNonce()
	s.serverFirst = "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString(s.creds.Salt) + ",i=" + strconv.Itoa(s.creds.Iterations)
	return []byte(s.serverFirst), false, nil
}

// checkBinding holds the client's flag against what was announced (RFC 5802 section 6). "y" says that the client could
// bind and has seen no -PLUS: if there was one, somebody has removed it from the list.
func (s *scramServer) checkBinding() error {
	switch s.gs2.flag {
	case 'p':
		if !s.plus {
			return fmt.Errorf("%w: channel binding without -PLUS", ErrMalformed)
		}
		if _, err := s.e.cfg.serverBinding(s.gs2.binding); err != nil {
			return fmt.Errorf("%w: unsupported channel binding", mail.ErrAuthFailed)
		}
	case 'y':
		if s.plus || s.e.cfg.Offers(s.hash.mechanism(true)) {
			return fmt.Errorf("%w: list of mechanisms was changed on the way", mail.ErrAuthFailed)
		}
	default:
		if s.plus {
			return fmt.Errorf("%w: -PLUS without channel binding", ErrMalformed)
		}
	}
	return nil
}

// lookup finds the user's keys, or makes some that no proof fits. Only trouble of the store itself is an error.
func (s *scramServer) lookup(username string) error {
	s.request = s.e.request(username, s.gs2.authzid, "")
	if err := s.e.admit(s.request); err != nil {
		return err
	}
	creds, id, err := s.stored(username)
	if err != nil && !errors.Is(err, mail.ErrAuthFailed) {
		return s.e.settle(s.request, nil, err)
	}
	if err == nil {
		err = CheckIdentity(s.request, id)
	}
	size := s.hash.new().Size()
	if err == nil && (creds == nil || len(creds.Salt) == 0 || creds.Iterations < 1 ||
		len(creds.StoredKey) != size || len(creds.ServerKey) != size) {
		err = fmt.Errorf("%w: no usable SCRAM keys", mail.ErrAuthFailed)
	}
	if err != nil {
		shape := &mail.SCRAMCredentials{Salt: inventedSalt(s.hash, username), Iterations: minIterations}
		if creds != nil && len(creds.Salt) > 0 && creds.Iterations > 0 {
			shape.Salt, shape.Iterations = creds.Salt, creds.Iterations
		}
		shape.StoredKey, shape.ServerKey = make([]byte, size), make([]byte, size)
		rand.Read(shape.StoredKey)
		rand.Read(shape.ServerKey)
		s.creds, s.refused = shape, err
		return nil
	}
	s.creds, s.identity = creds, id
	return nil
}

// stored asks the Authenticator for keys, or makes them from the password it has. A user without a password costs the
// same time as one with it.
func (s *scramServer) stored(username string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	if st, ok := s.e.cfg.Authenticator.(mail.SCRAMStore); ok {
		return st.SCRAM(s.e.ctx, s.request, s.hash.name)
	}
	ps, ok := s.e.cfg.Authenticator.(mail.PasswordStore)
	if !ok {
		return nil, nil, mail.ErrAuthFailed
	}
	password, id, err := ps.Password(s.e.ctx, s.request)
	if err == nil && password == "" {
		err = mail.ErrAuthFailed
	}
	if err != nil {
		password = "-"
	}
	creds, derr := DeriveSCRAM(s.hash.name, password, inventedSalt(s.hash, username), minIterations)
	if err == nil && derr != nil {
		err = fmt.Errorf("%w: %w", mail.ErrAuthFailed, derr)
	}
	return creds, id, err
}

// final takes the client-final-message and, when the proof is right, answers with the server's own.
func (s *scramServer) final(msg string) ([]byte, bool, error) {
	malformed := fmt.Errorf("%w: SCRAM client-final-message", ErrMalformed)
	i := strings.LastIndex(msg, ",p=")
	if i < 0 {
		return nil, false, malformed
	}
	withoutProof := msg[:i]
	proof, err := base64.StdEncoding.Strict().DecodeString(msg[i+3:])
	attrs := strings.Split(withoutProof, ",")
	if err != nil || len(attrs) < 2 || !strings.HasPrefix(attrs[0], "c=") || !strings.HasPrefix(attrs[1], "r=") || !validExtensions(attrs[2:]) {
		return nil, false, malformed
	}
	input := []byte(s.gs2.raw)
	if s.gs2.flag == 'p' {
		data, err := s.e.cfg.serverBinding(s.gs2.binding)
		if err != nil {
			return nil, false, fmt.Errorf("%w: unsupported channel binding", mail.ErrAuthFailed)
		}
		input = append(input, data...)
	}
	// Everything is checked before anything is said, and all refusals are one.
	bound := hmac.Equal([]byte(attrs[0][2:]), []byte(base64.StdEncoding.EncodeToString(input)))
	fresh := hmac.Equal([]byte(attrs[1][2:]), []byte(s.nonce))
	auth := s.firstBare + "," + s.serverFirst + "," + withoutProof
	right := s.proofFits(proof, auth)
	switch {
	case s.refused != nil:
		err = s.refused
	case !bound:
		err = fmt.Errorf("%w: channel bindings don't match", mail.ErrAuthFailed)
	case !fresh || !right:
		err = mail.ErrAuthFailed
	}
	if err != nil {
		return nil, false, s.e.settle(s.request, nil, err)
	}
	signature := s.hash.hmac(s.creds.ServerKey, auth)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), false, nil
}

// proofFits checks ClientProof := ClientKey XOR ClientSignature against StoredKey := H(ClientKey).
func (s *scramServer) proofFits(proof []byte, auth string) bool {
	signature := s.hash.hmac(s.creds.StoredKey, auth)
	if len(proof) != len(signature) {
		return false
	}
	key := make([]byte, len(proof))
	for i := range key {
		key[i] = proof[i] ^ signature[i]
	}
	return hmac.Equal(s.hash.sum(key), s.creds.StoredKey)
}

// newNonce returns 130 random bits as printable characters.
func (c *Config) newNonce() string {
	if c.nonce != nil {
		return c.nonce()
	}
	return rand.Text()
}
