package mime

import "strings"

// Unflow joins the lines of a text that was sent as text/plain; format=flowed (RFC 3676), so that a paragraph is one line
// again. delsp is whether the DelSp parameter is "yes". Quoted paragraphs keep their ">" marks, followed by a space; a line
// that isn't flowed, and the signature's "-- ", stay as they are. Lines end as the text's do, in CRLF or LF.
func Unflow(text string, delsp bool) string {
	var b strings.Builder
	b.Grow(len(text))
	depth, open := 0, false // of the paragraph that is being joined
	eol := "\n"
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		ended := len(body) < len(line)
		if strings.HasSuffix(body, "\r") {
			body, eol = body[:len(body)-1], "\r\n"
		}
		quotes := 0
		for quotes < len(body) && body[quotes] == '>' {
			quotes++
		}
		content := strings.TrimPrefix(body[quotes:], " ") // "space-stuffing" (section 4.4)
		signature := content == "-- "
		// Where the quote depth changes or a signature begins, the paragraph ends although its last line said otherwise
		// (sections 4.3 and 4.5).
		if open && (quotes != depth || signature) {
			b.WriteString(eol)
			open = false
		}
		if !open && quotes > 0 {
			b.WriteString(body[:quotes])
			b.WriteByte(' ')
		}
		depth = quotes
		flowed := strings.HasSuffix(content, " ") && !signature
		if flowed && delsp {
			content = content[:len(content)-1]
		}
		b.WriteString(content)
		if open = flowed && ended; !open && ended {
			b.WriteString(eol)
		}
	}
	return b.String()
}

// Flow prepares a text for sending as text/plain; format=flowed: lines longer than 72 characters are broken at blanks, blanks at the
// ends of other lines go, and lines that would be mistaken are space-stuffed (RFC 3676 section 4.2). Lines that begin with
// ">" count as quoted and are not broken.
func Flow(text string) string {
	const width = 72
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		ended := strings.HasSuffix(line, "\n")
		line = strings.TrimSuffix(line, "\n")
		if line != "-- " {
			line = strings.TrimRight(line, " ")
		}
		for first := true; ; first = false {
			if line != "" && (line[0] == ' ' || strings.HasPrefix(line, "From ") || line[0] == '>' && !first) {
				b.WriteByte(' ')
			}
			at := len(line)
			if len(line) > width && (line[0] != '>' || !first) {
				if i := strings.LastIndexByte(line[:width], ' '); i > 0 {
					at = i + 1
				} else if i := strings.IndexByte(line[width:], ' '); i >= 0 {
					at = width + i + 1
				}
				if line[:at] == "-- " { // would be the signature's mark
					if at = len(line); strings.IndexByte(line[3:], ' ') >= 0 {
						at = 3 + strings.IndexByte(line[3:], ' ') + 1
					}
				}
			}
			b.WriteString(line[:at])
			if line = line[at:]; line == "" {
				break
			}
			b.WriteByte('\n')
		}
		if ended {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
