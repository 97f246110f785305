package rules

// A Matcher is a compiled pattern.
type Matcher interface {
	// Match says whether key matches and, when groups is set, where the groups are, as pairs of offsets in key.
	Match(key string, groups bool) (loc []int, ok bool, err error)
	// Groups is how many groups the pattern has.
	Groups() int
}

type op uint8

const (
	opResult op = iota
	opIf
	opEndif
)

type rule struct {
	op      op
	level   int // how many conditions are around it
	line    int
	pattern Matcher
	negate  bool
	second  Matcher // what must hold too, or nil
	negate2 bool
	result  Template
}

// A Program is a list of rules.
type Program struct {
	rules []rule
	open  []int // lines of conditions that are not closed yet
}

// Result adds a rule.
func (p *Program) Result(line int, m Matcher, negate bool, result Template) *Program {
	p.rules = append(p.rules, rule{op: opResult, level: len(p.open), line: line, pattern: m, negate: negate, result: result})
	return p
}

// And adds a second pattern to the last rule.
func (p *Program) And(m Matcher, negate bool) {
	r := &p.rules[len(p.rules)-1]
	r.second, r.negate2 = m, negate
}

// If opens a condition.
func (p *Program) If(line int, m Matcher, negate bool) {
	p.rules = append(p.rules, rule{op: opIf, level: len(p.open), line: line, pattern: m, negate: negate})
	p.open = append(p.open, line)
}

// Endif closes the condition that was opened last; false when there is none.
func (p *Program) Endif(line int) bool {
	if len(p.open) == 0 {
		return false
	}
	p.rules = append(p.rules, rule{op: opEndif, level: len(p.open), line: line})
	p.open = p.open[:len(p.open)-1]
	return true
}

// Open is where conditions were opened that were never closed.
func (p *Program) Open() []int { return p.open }

// Len counts the rules.
func (p *Program) Len() int { return len(p.rules) }

// Find returns the result of the first rule that key matches, and that rule's line.
func (p *Program) Find(key string) (value string, line int, found bool, err error) {
	level := 0 // conditions that hold
	for i := range p.rules {
		r := &p.rules[i]
		if r.level > level {
			continue
		}
		if r.op == opEndif {
			level--
			continue
		}
		loc, ok, err := r.pattern.Match(key, r.result.Max > 0)
		if err != nil {
			return "", r.line, false, err
		}
		if ok == r.negate {
			continue
		}
		if r.op == opIf {
			level++
			continue
		}
		if r.second != nil {
			_, ok, err := r.second.Match(key, false)
			if err != nil {
				return "", r.line, false, err
			}
			if ok == r.negate2 {
				continue
			}
		}
		return r.result.Expand(key, loc), r.line, true, nil
	}
	return "", 0, false, nil
}
