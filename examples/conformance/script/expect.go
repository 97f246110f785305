package script

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// expectAny reads responses of IMAP until all that must come has come.
func (p *play) expectAny(c *conn, steps []step) error {
	met := make([]bool, len(steps))
	missing := 0
	for i := range steps {
		if !steps[i].never {
			missing++
		}
	}
	var seen []string
	for missing > 0 {
		r, err := c.response()
		if err != nil {
			return fmt.Errorf("%w; missing:%s\ncame: %s", err, unmet(steps, met), strings.Join(seen, "\n      "))
		}
		seen = append(seen, r.text)
		at := -1
		for i := range steps {
			if steps[i].never && steps[i].matches(r, p.vars) {
				return mismatch("must not come: %s", r.text)
			}
		}
		if p.notFor(steps, r) {
			return errNotFor
		}
		for i := range steps {
			s := &steps[i]
			if s.never || met[i] || s.after && !met[i-1] || !s.matches(r, p.vars) {
				continue
			}
			met[i] = true
			missing--
			at = i
			break
		}
		// Behind the response that ends a command comes nothing that belongs to it.
		if r.final() && missing > 0 && (at < 0 || anyMissing(steps[:at], met)) {
			return mismatch("missing:%s\ncame: %s", unmet(steps, met), strings.Join(seen, "\n      "))
		}
	}
	return nil
}

func anyMissing(steps []step, met []bool) bool {
	for i := range steps {
		if !met[i] && !steps[i].never {
			return true
		}
	}
	return false
}

// expectEach reads answers that come one for each line, in their order.
func (p *play) expectEach(c *conn, steps []step) error {
	for i := range steps {
		if steps[i].never {
			continue
		}
		r, err := c.response()
		if err != nil {
			return fmt.Errorf("%w; missing:\n  %s", err, steps[i].text)
		}
		for j := range steps {
			if steps[j].never && steps[j].matches(r, p.vars) {
				return mismatch("must not come: %s", r.text)
			}
		}
		if p.notFor(steps[i:i+1], r) {
			return errNotFor
		}
		if !steps[i].matches(r, p.vars) {
			return mismatch("missing:\n  %d: %s\ncame: %s", steps[i].line, steps[i].text, r.text)
		}
	}
	return nil
}

// body reads the lines of POP3 that follow an answer, and looks for those that must be there.
func (p *play) body(c *conn, steps []step) error {
	lines, err := c.body()
	if err != nil {
		return err
	}
	for i := range steps {
		s := &steps[i]
		there := slices.ContainsFunc(lines, func(line string) bool { return s.matches(&response{text: line}, p.vars) })
		switch {
		case there && s.never:
			return mismatch("must not be there:\n  %d: %s\namong: %s", s.line, s.text, strings.Join(lines, "\n       "))
		case !there && !s.never && s.text != "…":
			return mismatch("missing:\n  %d: %s\namong: %s", s.line, s.text, strings.Join(lines, "\n       "))
		}
	}
	return nil
}

// errNotFor ends a case that is not for the server.
var errNotFor = errors.New("the server has not what this is about")

func (p *play) notFor(steps []step, r *response) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		return slices.ContainsFunc(s.els, func(e pattern) bool { return e.match(r, p.vars) }) && !s.matches(r, p.vars)
	})
}

func (s *step) matches(r *response, v vars) bool {
	return slices.ContainsFunc(s.want, func(p pattern) bool { return p.match(r, v) })
}

func unmet(steps []step, met []bool) string {
	var b strings.Builder
	for i := range steps {
		if !met[i] && !steps[i].never {
			fmt.Fprintf(&b, "\n  %d: %s", steps[i].line, steps[i].text)
		}
	}
	return b.String()
}
