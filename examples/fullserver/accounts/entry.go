package accounts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A rule is what the result of one source means for the others (Dovecot's result_success, result_failure, result_internalfail).
type rule uint8

const (
	ruleReturn       rule = iota // stop; the result is what it was before
	ruleReturnOK                 // stop; logged in
	ruleReturnFail               // stop; not logged in
	ruleContinue                 // go on; the result is what it was before
	ruleContinueOK               // go on; logged in unless something else says no
	ruleContinueFail             // go on; not logged in unless something else says yes
)

var ruleNames = map[string]rule{"return": ruleReturn, "return-ok": ruleReturnOK, "return-fail": ruleReturnFail, "continue": ruleContinue, "continue-ok": ruleContinueOK, "continue-fail": ruleContinueFail}

// entry is a source with the rules it is used by.
type entry struct {
	source                     source
	deny, master               bool
	skip                       string // "never", "authenticated", "unauthenticated"
	success, failure, internal rule
	mechanisms                 []string // that it is asked for, in lower case; nil: all that it is good for
}

// takes reports whether a source is asked about a login. Tokens are something for those that know tokens, and for denials; these get passwords only
// where that is said, since they may show them to another server.
func (e *entry) takes(r *request) bool {
	if len(e.mechanisms) > 0 && !slices.ContainsFunc(mechanismNames(r.mechanism), func(m string) bool { return slices.Contains(e.mechanisms, m) }) {
		return false
	}
	if r.token != "" {
		return knowsTokens(e.source) || e.deny
	}
	_, only := e.source.(*oauthSource)
	return !only || len(e.mechanisms) > 0
}

// knowsTokens reports whether a source can be asked about tokens.
func knowsTokens(s source) bool {
	_, ok := s.(interface{ takesTokens() })
	return ok
}

// mechanismNames are what stands in main.cf for a mechanism, or for the command of a protocol.
func mechanismNames(m string) []string {
	switch m = strings.ToLower(m); m {
	case "login": // SASL's, or IMAP's command, which Dovecot takes for PLAIN
		return []string{"login", "plain"}
	case "user":
		return []string{"plain"}
	}
	return []string{strings.TrimSuffix(m, "-plus")}
}

// entries reads a list of sources: "driver:argument" or "{ driver:argument name=value … }" each.
func (a *Accounts) entries(list string, known map[string]source) ([]*entry, error) {
	members, err := split(list)
	if err != nil {
		return nil, err
	}
	var out []*entry
	for _, m := range members {
		e, err := a.entry(m, known)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (a *Accounts) entry(member []string, known map[string]source) (*entry, error) {
	e := &entry{skip: "never", success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue}
	words := member[1:]
	spec := member[0]
	if strings.HasPrefix(spec, "static:") { // its fields look like options
		spec, words = strings.Join(member, " "), nil
	}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		yes := value == "yes"
		if (name == "deny" || name == "master" || name == "pass") && !yes && value != "no" {
			return nil, fmt.Errorf("%s: %s is yes or no", spec, name)
		}
		r, known := ruleNames[value]
		if strings.HasPrefix(name, "result_") && !known {
			return nil, fmt.Errorf("%s: %s=%s: there are return, return-ok, return-fail, continue, continue-ok and continue-fail", spec, name, value)
		}
		switch name {
		case "deny":
			e.deny = yes
		case "master":
			e.master = yes
		case "pass": // what result_success=continue was before
			if yes {
				e.success = ruleContinue
			}
		case "skip":
			if value != "never" && value != "authenticated" && value != "unauthenticated" {
				return nil, fmt.Errorf("%s: skip is never, authenticated or unauthenticated", spec)
			}
			e.skip = value
		case "mechanisms":
			e.mechanisms = strings.Split(strings.ToLower(value), ",")
		case "result_success":
			e.success = r
		case "result_failure":
			e.failure = r
		case "result_internalfail":
			e.internal = r
		default:
			return nil, fmt.Errorf("%s: unknown option %q; known are deny, master, mechanisms, pass, skip, result_success, result_failure and result_internalfail", spec, name)
		}
	}
	var err error
	e.source, err = a.open(spec, known)
	return e, err
}

// split takes a list apart at commas and white space; what stands in braces is one member of several words.
func split(list string) ([][]string, error) {
	var out [][]string
	for rest := list; ; {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return out, nil
		}
		if rest[0] != '{' {
			end := strings.IndexAny(rest, ", \t\r\n")
			if end < 0 {
				end = len(rest)
			}
			out = append(out, []string{rest[:end]})
			rest = rest[end:]
			continue
		}
		inner, after, ok := strings.Cut(rest[1:], "}")
		if !ok {
			return nil, errors.New("a { has no }")
		}
		for strings.Count(inner, "%{") > strings.Count(inner, "}") { // a variable's
			more, next, ok := strings.Cut(after, "}")
			if !ok {
				return nil, errors.New("a { has no }")
			}
			inner, after = inner+"}"+more, next
		}
		words := strings.Fields(inner)
		if len(words) == 0 {
			return nil, errors.New("nothing between { and }")
		}
		out = append(out, words)
		rest = after
	}
}
