package server

import (
	"context"
	"errors"
	"time"
)

const (
	circleLines = 20_000          // lines of each table that are looked through when the server starts; check looks through all
	circleTime  = 5 * time.Second // and for how long
)

// tellCircles tells the log of aliases that have no end, of those that lead to nobody, and of mail that has no way.
func (s *Server) tellCircles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, circleTime)
	defer cancel()
	p := s.policy.Now()
	p.Circles(ctx, circleLines, func(param, text string) {
		s.log.Print("postfix/cleanup", "warning: ", s.cfg.ErrorFor(param, errors.New(text)).Error())
	})
	p.Misrouted(ctx, circleLines, s.cfg.Transports(), func(param, text string) {
		s.log.Print("postfix/trivial-rewrite", "warning: ", s.cfg.ErrorFor(param, errors.New(text)).Error())
	})
}
