package doveadm

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/imap"
)

// query is a search query of doveadm-search-query(7): IMAP's search keys, which mailboxes are meant, OR between keys, dates as people write them.
type query struct {
	op   string // "and", "or", "not", "key", "mailbox", "guid"
	kids []*query
	key  imap.SearchKey
	box  string // name with wildcards, or GUID
}

// parser reads a query from words.
type parser struct {
	words []string
	now   time.Time
}

// parseQuery reads a whole query.
func parseQuery(words []string, now time.Time) (*query, error) {
	p := &parser{words, now}
	q, err := p.list(false)
	if err == nil && len(p.words) > 0 {
		err = fatalf(exitTemp, "Unexpected ')'")
	}
	return q, err
}

// list reads keys, all of which must match, or with OR between all of them, of which one must; to the end or to a parenthesis.
func (p *parser) list(inside bool) (*query, error) {
	var kids []*query
	ors := 0
	for {
		if len(p.words) == 0 {
			if inside {
				return nil, fatalf(exitTemp, "Missing ')'")
			}
			break
		}
		if p.words[0] == ")" {
			if inside {
				p.words = p.words[1:]
			}
			break
		}
		if strings.EqualFold(p.words[0], "OR") && len(kids) > 0 {
			p.words = p.words[1:]
			ors++
		}
		k, err := p.key()
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	switch {
	case len(kids) == 0:
		return nil, fatalf(exitTemp, "Missing search query")
	case ors == 0 && len(kids) == 1:
		return kids[0], nil
	case ors == 0:
		return &query{op: "and", kids: kids}, nil
	case ors == len(kids)-1:
		return &query{op: "or", kids: kids}, nil
	}
	return nil, fatalf(exitTemp, "Use parenthesis when mixing ANDs and ORs")
}

// Keys by what follows them.
var (
	lone    = strings.Fields("ALL ANSWERED DELETED DRAFT FLAGGED NEW OLD RECENT SEEN UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN")
	strung  = strings.Fields("BCC BODY CC FROM SUBJECT TEXT TO")
	dated   = strings.Fields("BEFORE ON SINCE SENTBEFORE SENTON SENTSINCE SAVEDBEFORE SAVEDON SAVEDSINCE")
	counted = strings.Fields("LARGER SMALLER")
)

func (p *parser) word(after string) (string, error) {
	if len(p.words) == 0 {
		return "", fatalf(exitTemp, "Missing argument for %s", after)
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w, nil
}

func (p *parser) key() (*query, error) {
	w, err := p.word("search query")
	if err != nil {
		return nil, err
	}
	name := strings.ToUpper(w)
	key := func(k imap.SearchKey) (*query, error) { return &query{op: "key", key: k}, nil }
	switch {
	case w == "(":
		return p.list(true)
	case name == "NOT", w == "!":
		k, err := p.key()
		if err != nil {
			return nil, err
		}
		return &query{op: "not", kids: []*query{k}}, nil
	case slices.Contains(lone, name):
		return key(imap.SearchKey{Op: imap.SearchOp(name)})
	case w != "" && (w[0] >= '0' && w[0] <= '9' || w == "*"):
		set, err := numbers(w)
		if err != nil {
			return nil, err
		}
		return key(imap.SearchKey{Op: imap.SearchSeq, Set: set})
	}
	arg, err := p.word(name)
	if err != nil && !slices.Contains(strings.Fields("MAILBOX MAILBOX-GUID UID KEYWORD UNKEYWORD HEADER "+strings.Join(slices.Concat(strung, dated, counted), " ")), name) {
		err = fatalf(exitTemp, "Unknown argument %s", name)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case name == "MAILBOX":
		return &query{op: "mailbox", box: arg}, nil
	case name == "MAILBOX-GUID":
		return &query{op: "guid", box: arg}, nil
	case name == "UID":
		set, err := numbers(arg)
		if err != nil {
			return nil, err
		}
		return key(imap.SearchKey{Op: imap.SearchUID, Set: set})
	case name == "KEYWORD", name == "UNKEYWORD":
		return key(imap.SearchKey{Op: imap.SearchOp(name), Field: arg})
	case name == "HEADER":
		value, err := p.word(name)
		if err != nil {
			return nil, err
		}
		return key(imap.SearchKey{Op: imap.SearchHeader, Field: arg, Value: value})
	case slices.Contains(strung, name):
		return key(imap.SearchKey{Op: imap.SearchOp(name), Value: arg})
	case slices.Contains(counted, name):
		n, err := size(arg)
		if err != nil {
			return nil, err
		}
		return key(imap.SearchKey{Op: imap.SearchOp(name), Num: n})
	case slices.Contains(dated, name):
		return p.date(name, arg)
	}
	return nil, fatalf(exitTemp, "Unknown argument %s", name)
}

// date is a key with a day, or with a moment: when a message arrived is compared with that to the second.
func (p *parser) date(name, arg string) (*query, error) {
	key := func(k imap.SearchKey) (*query, error) { return &query{op: "key", key: k}, nil }
	for _, layout := range []string{"2-Jan-2006", "2006-01-02"} {
		if day, err := time.Parse(layout, arg); err == nil {
			return key(imap.SearchKey{Op: imap.SearchOp(name), Date: day})
		}
	}
	var at time.Time
	if n, err := strconv.ParseInt(arg, 10, 64); err == nil {
		at = time.Unix(n, 0)
	} else if d, ok := interval(arg); ok {
		at = p.now.Add(-d)
	} else {
		return nil, fatalf(exitTemp, "Invalid search date parameter for %s: %s", name, arg)
	}
	age := uint64(max(p.now.Sub(at)/time.Second, 0))
	switch name {
	case "BEFORE":
		return key(imap.SearchKey{Op: imap.SearchOlder, Num: max(age, 1)})
	case "SINCE":
		return key(imap.SearchKey{Op: imap.SearchYounger, Num: max(age, 1)})
	}
	y, m, d := at.UTC().Date()
	return key(imap.SearchKey{Op: imap.SearchOp(name), Date: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)})
}

// interval is a time such as 2weeks or 3d.
func interval(s string) (time.Duration, bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if i <= 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(s[:i], 10, 32)
	unit := strings.TrimSpace(s[i:])
	for name, d := range map[string]time.Duration{"secs": time.Second, "mins": time.Minute, "hours": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour} {
		if err == nil && unit != "" && strings.HasPrefix(name, strings.ToLower(unit)) {
			return time.Duration(n) * d, true
		}
	}
	return 0, false
}

// size is a number of octets, with a unit or without.
func size(s string) (uint64, error) {
	digits := strings.TrimRight(strings.ToLower(s), "bkmgt")
	n, err := strconv.ParseUint(digits, 10, 40)
	shift := map[string]uint{"": 0, "b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30}
	by, ok := shift[strings.ToLower(s[len(digits):])]
	if err != nil || !ok || n<<by>>by != n {
		return 0, fatalf(exitTemp, "Invalid size: %s", s)
	}
	return n << by, nil
}

func numbers(s string) (imap.NumSet, error) {
	d := imap.NewDecoder(strings.NewReader("UID " + s + "\r\n"))
	k := d.SearchProgram()
	if err := d.CRLF(); err != nil || k.Op != imap.SearchUID {
		return imap.NumSet{}, fatalf(exitTemp, "Invalid set of numbers: %s", s)
	}
	return k.Set, nil
}
