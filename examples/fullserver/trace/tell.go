package trace

import (
	"fmt"
	"io"
	"strings"
)

// words are how a language tells a story. The verbs take what the comments say.
type words struct {
	message, from, nobody, octets string // heading
	came, login                   string // client; account
	queued                        string // number of recipients
	sent, filed                   string // recipient, relay, seconds, text; recipient, seconds
	waits, failed                 string // recipient, relay, text
	times                         string // how often it was tried in vain before
	was                           string // address before aliases
	expired, held, left           string
	reported, warned, confirmed   string // queue id
	postmaster                    string // queue id
	refused                       string // client, recipient, text
	refusedHello                  string // client, text
	about                         string // queue id
	waiting                       string // recipient
	nothing                       string // word, files
	others                        string // number of stories left out
}

// Languages are those that stories can be told in.
var languages = map[string]words{
	"en": {
		message: "Message", from: "from", nobody: "nobody (a report)", octets: "octets",
		came: "came from %s", login: ", who logged in as %s",
		queued: "was taken into the queue, for %d recipients",
		sent:   "%s: handed to %s after %s s, which said: %s", filed: "%s: put into the mailbox after %s s",
		waits: "%s: could not be delivered yet, by %s: %s", failed: "%s: can't be delivered, by %s: %s",
		times: "  (and %d times more, until %s)", was: " (it was addressed to %s)",
		expired: "has waited as long as mail may wait: it is given up", held: "is held back for an operator: %s", left: "is done and has left the queue",
		reported: "its sender is told by the message %s", warned: "its sender is told that it is late, by the message %s", confirmed: "its sender gets the confirmation that was asked for, by the message %s",
		postmaster: "postmaster is told by the message %s",
		refused:    "a message from %s for %s was refused: %s", refusedHello: "%s was refused: %s",
		about: "It is the report about the message %s.", waiting: "Still waits for %s.",
		nothing: "There is nothing about %s in %s.", others: "%d older messages are left out; -n shows more.",
	},
	"vi": {
		message: "Thư", from: "của", nobody: "không ai (đây là thư báo)", octets: "byte",
		came: "đến từ %s", login: ", đã đăng nhập là %s",
		queued: "được nhận vào hàng đợi, cho %d người nhận",
		sent:   "%s: đã giao cho %s sau %s giây; bên kia trả lời: %s", filed: "%s: đã vào hộp thư sau %s giây",
		waits: "%s: chưa giao được, qua %s: %s", failed: "%s: không giao được, qua %s: %s",
		times: "  (và thêm %d lần như thế, đến %s)", was: " (thư đề gửi %s)",
		expired: "đã đợi hết thời hạn cho phép: thôi không giao nữa", held: "bị giữ lại chờ người quản trị: %s", left: "đã xong, rời hàng đợi",
		reported: "người gửi được báo bằng thư %s", warned: "người gửi được báo là thư đến chậm, bằng thư %s", confirmed: "người gửi nhận giấy báo đã yêu cầu, bằng thư %s",
		postmaster: "postmaster được báo bằng thư %s",
		refused:    "thư từ %s gửi %s bị từ chối: %s", refusedHello: "%s bị từ chối: %s",
		about: "Đây là thư báo về thư %s.", waiting: "Vẫn đang đợi giao cho %s.",
		nothing: "Không có gì về %s trong %s.", others: "Còn %d thư cũ hơn không hiện ở đây; thêm -n để xem.",
	},
}

// Language returns the language of a locale such as vi_VN.UTF-8: "vi", or else "en".
func Language(locale string) string {
	if strings.HasPrefix(locale, "vi") {
		return "vi"
	}
	return "en"
}

// Tell writes a story in plain words, in a language of [Language].
func (s *Story) Tell(w io.Writer, language string) {
	l := languages[language]
	if s.ID != "" {
		head := l.message + " " + s.ID
		if s.MessageID != "" {
			head += " " + s.MessageID
		}
		if s.HasFrom {
			from := s.From
			if from == "" {
				from = l.nobody
			}
			head += ", " + l.from + " " + from
		}
		if s.Size != "" {
			head += ", " + s.Size + " " + l.octets
		}
		fmt.Fprintln(w, head)
	}
	if s.About != "" {
		fmt.Fprintf(w, "  "+l.about+"\n", s.About)
	}
	for i := 0; i < len(s.Steps); i++ {
		st := s.Steps[i]
		fmt.Fprintf(w, "  %s  %s\n", st.When, l.step(s, st))
		if st.What != Waits {
			continue
		}
		same, last := 0, st
		for i+1 < len(s.Steps) && s.Steps[i+1].What == Waits && s.Steps[i+1].Who == st.Who && s.Steps[i+1].Text == st.Text {
			i++
			same, last = same+1, s.Steps[i]
		}
		if same > 0 {
			fmt.Fprintf(w, "  "+l.times+"\n", same, last.When)
		}
	}
	for _, st := range s.waiting() {
		fmt.Fprintf(w, "  "+l.waiting+"\n", st.Who)
	}
}

// step is one of a story's lines.
func (l *words) step(s *Story, st Step) string {
	who := st.Who
	if st.Was != "" && st.What != Refused {
		who += fmt.Sprintf(l.was, st.Was)
	}
	switch st.What {
	case Came:
		text := fmt.Sprintf(l.came, st.Who)
		if st.Via != "" {
			text += fmt.Sprintf(l.login, st.Via)
		}
		return text
	case Queued:
		return fmt.Sprintf(l.queued, st.recipients())
	case Sent:
		return fmt.Sprintf(l.sent, who, st.Via, st.Took, st.Text)
	case Filed:
		if st.Took == "" {
			return who + ": " + st.Text
		}
		return fmt.Sprintf(l.filed, who, st.Took)
	case Waits:
		return fmt.Sprintf(l.waits, who, st.Via, st.Text)
	case Failed:
		return fmt.Sprintf(l.failed, who, st.Via, st.Text)
	case Expired:
		return l.expired
	case Held:
		return fmt.Sprintf(l.held, st.Text)
	case Left:
		return l.left
	case Reported:
		switch {
		case st.Who == "postmaster":
			return fmt.Sprintf(l.postmaster, st.Text)
		case strings.HasPrefix(st.Via, "delay"):
			return fmt.Sprintf(l.warned, st.Text)
		case strings.HasPrefix(st.Via, "delivery status"):
			return fmt.Sprintf(l.confirmed, st.Text)
		}
		return fmt.Sprintf(l.reported, st.Text)
	case Refused:
		if st.Was == "" {
			return fmt.Sprintf(l.refusedHello, st.Who, st.Text)
		}
		from := st.Who
		if s.HasFrom {
			from = "<" + s.From + "> " + from
		}
		return fmt.Sprintf(l.refused, from, st.Was, st.Text)
	}
	return string(st.What)
}
