package explain

import (
	"regexp"
	"strings"
)

// tokens cuts a line of IMAP into atoms, quoted strings, parentheses and brackets' whole contents.
func tokens(line string) []string {
	var out []string
	for i := 0; i < len(line) && len(out) < 4*maxWords; {
		switch c := line[i]; c {
		case ' ', '\t':
			i++
		case '(', ')':
			out = append(out, string(c))
			i++
		case '"':
			end := i + wordEnd(line[i:])
			out = append(out, line[i:end])
			i = end
		default:
			end, depth := i, 0
			for end < len(line) && (depth > 0 || line[end] != ' ' && line[end] != ')' && (line[end] != '(' || end == i)) {
				switch line[end] {
				case '[':
					depth++
				case ']':
					depth--
				}
				end++
			}
			out = append(out, line[i:end])
			i = end
		}
	}
	return out
}

var sequenceSet = regexp.MustCompile(`^(\$|[0-9*]+(:[0-9*]+)?(,[0-9*]+(:[0-9*]+)?)*)$`)

var sectionPart = regexp.MustCompile(`[A-Z]+(\.[A-Z]+)*`)

// kinds are where the words of a command are looked up, in this order.
var kinds = map[string][]string{
	"FETCH": {"imap.item."}, "STORE": {"imap.store."}, "SEARCH": {"imap.search."}, "SORT": {"imap.sort.", "imap.search."}, "THREAD": {"imap.search."},
	"ESEARCH": {"imap.search."}, "STATUS": {"imap.status."}, "LIST": {"imap.list.", "imap.status."}, "LSUB": {"imap.list."}, "CAPABILITY": {"imap.capa."}, "ENABLED": {"imap.capa."},
	"ENABLE": {"imap.capa."},
}

// words explains the words of a command's arguments, or of a response.
func (p *imap) words(n *Note, verb string, toks []string) {
	mailboxes := map[string]int{"SELECT": 1, "EXAMINE": 1, "CREATE": 1, "DELETE": 1, "RENAME": 2, "SUBSCRIBE": 1, "UNSUBSCRIBE": 1, "STATUS": 1, "APPEND": 1,
		"GETQUOTAROOT": 1, "GETACL": 1, "SETACL": 1, "DELETEACL": 1, "MYRIGHTS": 1, "LISTRIGHTS": 1}[verb]
	set := needsSet[verb]
	for _, t := range toks {
		upper := strings.ToUpper(t)
		base, section, bracket := strings.Cut(upper, "[")
		switch {
		case t == "(" || t == ")" || isLiteral(t):
		case mailboxes > 0:
			mailboxes--
			n.word(t, "word.mailbox")
		case set && sequenceSet.MatchString(t):
			set = false
			n.word(t, "imap.set")
		case strings.HasPrefix(t, `\`) || strings.HasPrefix(t, "$"):
			flag(n, t)
		case bracket && known("imap.item."+base):
			n.word(t, "imap.item."+base)
			if part := sectionPart.FindString(section); known("imap.section." + part) {
				n.word(t[len(base):], "imap.section."+part)
			}
		default:
			p.lookup(n, verb, t, upper)
		}
	}
	if (verb == "COPY" || verb == "MOVE") && len(toks) > 1 {
		n.word(toks[len(toks)-1], "word.mailbox")
	}
}

var needsSet = words("FETCH STORE COPY MOVE SEARCH EXPUNGE REPLACE")

func (p *imap) lookup(n *Note, verb, t, upper string) {
	for _, prefix := range kinds[verb] {
		name := upper
		if prefix == "imap.capa." {
			capa(n, t)
			return
		}
		if known(prefix + name) {
			n.word(t, prefix+name)
			return
		}
	}
}

// capa explains a capability.
func capa(n *Note, t string) {
	upper := strings.ToUpper(t)
	name, value, _ := strings.Cut(upper, "=")
	switch {
	case name == "AUTH":
		mechanism(n, t[len("AUTH="):])
		n.Words[len(n.Words)-1].Text = cut(t)
	case known("imap.capa." + upper):
		n.word(t, "imap.capa."+upper)
	case known("imap.capa." + name):
		n.word(t, "imap.capa."+name, value)
	default:
		n.word(t, "imap.capa")
	}
}

// flag explains a flag, or an attribute of a mailbox.
func flag(n *Note, t string) {
	key := "imap.flag." + strings.ToUpper(strings.TrimLeft(t, `\$`))
	if !known(key) {
		key = "imap.flag"
		if strings.HasPrefix(t, `\`) {
			key = "imap.attribute"
		}
	}
	n.word(t, key)
}
