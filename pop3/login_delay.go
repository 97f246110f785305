package pop3

import (
	"errors"
	"time"
)

// errLoginDelay says that an account has not waited long enough.
var errLoginDelay = errors.New("pop3: too soon after the last login")

// checkDelay refuses an account that has to wait (RFC 2449 section 6.5).
func (s *Server) checkDelay(account string) error {
	if s.LoginDelay <= 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.logins[account]; ok && time.Since(last) < s.LoginDelay {
		return errLoginDelay
	}
	return nil
}

// noteLogin remembers when an account has logged in, and forgets, once a delay, those who need not wait any more.
func (s *Server) noteLogin(account string) {
	if s.LoginDelay <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.logins == nil {
		s.logins = map[string]time.Time{}
	}
	if now.After(s.purge) {
		for a, last := range s.logins {
			if now.Sub(last) >= s.LoginDelay {
				delete(s.logins, a)
			}
		}
		s.purge = now.Add(s.LoginDelay)
	}
	s.logins[account] = now
}

// delaySeconds is what CAPA announces.
func (s *Server) delaySeconds() int {
	return int((s.LoginDelay + time.Second - 1) / time.Second)
}
