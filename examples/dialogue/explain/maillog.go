package explain

import (
	"regexp"
	"strings"
)

// LogLine is a line of mail.log, explained.
type LogLine struct {
	Text  string
	Says  []Message
	Words []Word
	Place Place // where the message is, if the line tells
}

var (
	logLine   = regexp.MustCompile(`^(\w{3} +\d+ [\d:]{8}|\d{4}-\S+) (\S+) ([\w./-]+)\[(\d+)\]: (?:([0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{12,}): )?(.*)$`)
	logFields = regexp.MustCompile(`([a-z_-]+)=(<[^>]*>|[^,; ]+(?: \([^)]*\))?)`)
)

// ReadLog explains a line as Postfix and Dovecot write it.
func ReadLog(line string) LogLine {
	out := LogLine{Text: printable(cut(line))}
	m := logLine.FindStringSubmatch(cut(line))
	if m == nil {
		out.Says = append(out.Says, say("log.other"))
		return out
	}
	n := &Note{}
	program, text := m[3], m[6]
	n.word(m[1], "log.time")
	n.word(m[2], "log.host")
	key := "log.program." + program[strings.LastIndexByte(program, '/')+1:]
	if !known(key) {
		key = "log.program"
	}
	n.word(program+"["+m[4]+"]", key)
	if m[5] != "" {
		n.word(m[5], "word.queue-id")
	}
	for _, f := range logFields.FindAllStringSubmatch(text, 40) {
		name, value, _ := strings.Cut(f[0], "=")
		if name == "status" {
			value, _, _ = strings.Cut(value, " ")
			if key := "log.status." + value; known(key) {
				n.word("status="+value, key)
			}
			continue
		}
		if key := "log.field." + name; known(key) {
			n.word(f[0], key)
		}
		if parts := strings.Split(value, "/"); name == "delays" && len(parts) == 4 {
			for i, key := range []string{"log.delays.a", "log.delays.b", "log.delays.c", "log.delays.d"} {
				n.word(parts[i], key)
			}
		}
	}
	switch {
	case strings.HasPrefix(text, "connect from"):
		n.say("log.connect")
	case strings.HasPrefix(text, "disconnect from"):
		n.say("log.disconnect")
	case strings.HasPrefix(text, "client="):
		n.say("log.client")
		n.Place = "mta"
	case strings.HasPrefix(text, "message-id="):
		n.say("log.message-id")
	case strings.Contains(text, "(queue active)"):
		n.say("log.active")
		n.Place = "queue"
	case strings.Contains(text, "status=sent") && strings.HasSuffix(program, "/smtp"):
		n.say("log.sent")
		n.Place = "far"
	case strings.Contains(text, "status=sent"):
		n.say("log.delivered")
		n.Place = "mailbox"
	case strings.Contains(text, "status=deferred"):
		n.say("log.deferred")
		n.Place = "queue"
	case strings.Contains(text, "status=bounced"):
		n.say("log.bounced")
		n.Place = "queue"
	case text == "removed":
		n.say("log.removed")
	case strings.Contains(text, "reject:"):
		n.say("log.reject")
		n.Place = "mua"
	case strings.Contains(text, "non-delivery notification"):
		n.say("log.report")
	case strings.Contains(text, "Login:"):
		n.say("log.login")
	case strings.Contains(text, "Disconnected"):
		n.say("log.logout")
	default:
		n.say("log.other")
	}
	out.Says, out.Words, out.Place = n.Says, n.Words, n.Place
	return out
}
