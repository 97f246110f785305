package dsn

import (
	"strings"

	"github.com/buuta/mail/mime"
)

// form is how one program writes its bounces: one of the marks stands in each.
type form struct {
	class string
	marks []string
	find  func(*bounce) []finding
}

// forms lists what is known, the more telling marks first.
func forms() []form {
	return []form{
		{"qmail", []string{"This is the qmail-send program"}, findAngles},
		{"yahoo", []string{"Message from yahoo.com", "Sorry, we were unable to deliver your message to the following address"}, findAngles},
		{"postfix", []string{"This is the mail system at host", "This is the Postfix program at host"}, findAngles},
		{"exim", []string{"This message was created automatically by mail delivery software"}, findIndented},
		{"gmail", []string{"Delivery to the following recipient", "Technical details of permanent failure", "** Address not found **", "The response from the remote server was", "The response was:"}, findGmail},
		{"exchange", []string{
			"Your message did not reach some or all of the intended recipients", "Delivery has failed to these recipients or", "Diagnostic information for administrators",
			"couldn't be delivered", "wasn't delivered. Despite repeated attempts",
		}, findExchange},
		{"sendmail", []string{"The following addresses had permanent fatal errors", "The following addresses had transient non-fatal errors", "Transcript of session follows"}, findSendmail},
	}
}

// address returns the address that s is, with or without brackets; "" for none.
func address(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		s = s[1 : len(s)-1]
	}
	if len(s) > 320 || strings.Count(s, "@") == 0 || strings.ContainsAny(s, " \t<>(),;:") {
		return ""
	}
	a, err := mime.ParseAddress(s)
	if err != nil || a.Mailbox == "" || !strings.Contains(strings.Trim(a.Host, "."), ".") && a.Host != "localhost" {
		return ""
	}
	return a.Addr()
}

// paragraph joins the lines from i up to the next empty one, and tells where that is.
func (b *bounce) paragraph(i int) (string, int) {
	from := i
	for i < len(b.lines) && strings.TrimSpace(b.lines[i]) != "" {
		i++
	}
	return strings.Join(b.lines[from:i], "\n"), i
}

// findAngles reads "<address>: reason" up to the next empty line: qmail, Yahoo, Postfix.
func findAngles(b *bounce) (out []finding) {
	for i := 0; i < len(b.lines); i++ {
		addr, rest, ok := strings.Cut(b.lines[i], ">")
		a := address(addr + ">")
		if !ok || a == "" || addr[0] != '<' {
			continue
		}
		reason, ok := strings.CutPrefix(rest, ":")
		if !ok && strings.HasPrefix(rest, " (") { // Postfix: "<final> (expanded from <original>): reason"
			_, reason, ok = strings.Cut(rest, "):")
		}
		if !ok {
			continue
		}
		more, end := b.paragraph(i + 1)
		out = append(out, finding{a, reason + "\n" + more})
		i = end
	}
	return out
}

// findIndented reads an address on a line, and the reason on lines that are indented deeper: Exim.
func findIndented(b *bounce) (out []finding) {
	for i := 0; i < len(b.lines); i++ {
		indent := indentation(b.lines[i])
		a := address(b.lines[i])
		if indent == 0 || a == "" {
			continue
		}
		from := i + 1
		for i+1 < len(b.lines) && indentation(b.lines[i+1]) > indent {
			i++
		}
		out = append(out, finding{a, strings.Join(b.lines[from:i+1], "\n")})
	}
	if len(out) == 0 {
		for _, a := range b.failed {
			out = append(out, finding{a, ""})
		}
	}
	return out
}

func indentation(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// findGmail reads one recipient, and the answer after words that announce it.
func findGmail(b *bounce) (out []finding) {
	answer, details := -1, -1
	for i := range b.lines {
		line := strings.ToLower(b.lines[i])
		if strings.Contains(line, "other server returned was:") || strings.Contains(line, "the response from the remote server was:") || strings.Contains(line, "the response was:") {
			answer = i + 1
		} else if strings.Contains(line, "technical details of ") {
			details = i + 1
		}
	}
	if answer < 0 {
		answer = details
	}
	reason := ""
	if answer >= 0 {
		for answer < len(b.lines) && strings.TrimSpace(b.lines[answer]) == "" {
			answer++
		}
		reason, _ = b.paragraph(answer)
	}
	for _, a := range b.failed {
		out = append(out, finding{a, reason})
	}
	if len(out) > 0 {
		return out
	}
	for i := range b.lines {
		if a := address(b.lines[i]); a != "" {
			out = append(out, finding{a, reason})
		}
	}
	if len(out) == 0 {
		out = afterWords(b, reason, "delivered to ", "message to ")
	}
	return out
}

// afterWords finds an address that follows one of some words.
func afterWords(b *bounce, reason string, words ...string) []finding {
	text := strings.Join(strings.Fields(b.text), " ")
	for _, w := range words {
		for rest := text; ; {
			_, after, ok := strings.Cut(rest, w)
			if !ok {
				break
			}
			word, _, _ := strings.Cut(after, " ")
			if a := address(strings.TrimRight(word, ".,;:'\"")); a != "" {
				return []finding{{a, reason}}
			}
			rest = after
		}
	}
	return nil
}

// findExchange reads what stands for administrators: an address on a line and the reason below, or what old versions write,
// "address on date" and lines that are indented deeper.
func findExchange(b *bounce) (out []finding) {
	start := 0
	for i, line := range b.lines {
		if strings.Contains(line, "Diagnostic information for administrators") {
			start = i + 1
		}
	}
	for i := start; i < len(b.lines); i++ {
		word, rest, _ := strings.Cut(strings.TrimSpace(b.lines[i]), " ")
		a := address(word)
		if a == "" || rest != "" && !strings.HasPrefix(rest, "on ") {
			continue
		}
		reason, end := b.paragraph(i + 1)
		out = append(out, finding{a, reason})
		i = end
	}
	if len(out) > 0 {
		return out
	}
	reason := ""
	for i, line := range b.lines {
		for _, mark := range []string{"Status code:", "Remote Server returned", "Reported error:", "Error:"} {
			if _, after, ok := strings.Cut(line, mark); ok && reason == "" {
				more, _ := b.paragraph(i + 1)
				reason = after + "\n" + more
			}
		}
	}
	return afterWords(b, reason, "message to ", "recipient address: ", "Recipient Address: ")
}

// findSendmail reads "<address>" and "(reason: …)" below.
func findSendmail(b *bounce) (out []finding) {
	for i := 0; i < len(b.lines); i++ {
		a := address(b.lines[i])
		if a == "" {
			continue
		}
		reason, end := b.paragraph(i + 1)
		out = append(out, finding{a, reason})
		i = end
	}
	if len(out) == 1 && strings.TrimSpace(out[0].reason) == "" {
		if _, transcript, ok := strings.Cut(b.text, "Transcript of session follows -----"); ok {
			out[0].reason = transcript
		}
	}
	return out
}

// findAnywhere takes addresses that stand near a reply code, for letters of a form that nobody knows.
func findAnywhere(b *bounce) (out []finding) {
	own := map[string]bool{}
	for _, list := range [][]mime.Address{b.from, b.to} {
		for a := range mime.Mailboxes(list) {
			own[strings.ToLower(a.Addr())] = true
		}
	}
	for i := 0; i < len(b.lines); i++ {
		par, end := b.paragraph(i)
		if _, ok := enhancedCode(par); !ok && replyCode(par) == 0 {
			par2, end2 := b.paragraph(min(end+1, len(b.lines)))
			if _, ok := enhancedCode(par2); !ok && replyCode(par2) == 0 {
				i = end
				continue
			}
			par, end = par+"\n"+par2, end2
		}
		for _, word := range strings.FieldsFunc(par, func(r rune) bool { return strings.ContainsRune(" \t\n<>()[],;:'\"", r) }) {
			if a := address(strings.TrimRight(word, ".")); a != "" && !own[strings.ToLower(a)] && len(out) < maxGuessed {
				out = append(out, finding{a, par})
			}
		}
		i = end
	}
	for _, a := range b.failed {
		out = append(out, finding{a, b.text[:min(len(b.text), maxReason)]})
	}
	return out
}
