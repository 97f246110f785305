package mime

// plains reads mailboxes as long as they are plain. It is called where an address may begin.
func (a *addressScanner) plains() {
	for !a.noPlain && a.i < len(a.s) && a.plain() {
	}
}

// plain reads one mailbox in the forms that nearly all have,
//
//	local@domain
//	Words of a name <local@domain>
//	"Quoted name" <local@domain>
//
// in ASCII and with a comma or the end behind it. Of anything else it reads nothing and reports false: the scanner
// knows the rest of the grammar, and gives the same for these.
func (a *addressScanner) plain() bool {
	if len(a.list) >= a.max {
		return false
	}
	s, i := a.s, a.i
	for i < len(s) && s[i] == ' ' {
		i++
	}
	start, name := i, ""
	if i < len(s) && s[i] == '"' {
		if i = plainQuoted(s, i+1); i < 0 {
			return false
		}
		name = s[start+1 : i]
		if i++; i < len(s) && s[i] == ' ' {
			i++
		}
		if i == len(s) || s[i] != '<' || name == "" {
			return false
		}
	} else {
		i = atomRun(s, i)
		for i+1 < len(s) && s[i] == ' ' && i > start && s[i+1] != ' ' {
			i = atomRun(s, i+1)
		}
		if i == len(s) || i == start {
			return false
		}
		if s[i] == '<' {
			name = s[start:i]
			if name[len(name)-1] == ' ' {
				name = name[:len(name)-1]
			}
		}
	}
	angle := s[i] == '<'
	if angle {
		i++
		start = i
		i = atomRun(s, i)
	}
	if i == len(s) || s[i] != '@' || !isDotAtom(s[start:i]) {
		return false
	}
	local := s[start:i]
	i++
	start = i
	i = atomRun(s, i)
	host := s[start:i]
	if !isDotAtom(host) {
		return false
	}
	if angle {
		if i == len(s) || s[i] != '>' {
			return false
		}
		i++
	}
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i < len(s) {
		if s[i] != ',' {
			return false
		}
		i++
	}
	a.i = i
	a.list = append(a.list, Address{Name: name, Mailbox: local, Host: host})
	return true
}

// atomRun returns where a run of ASCII atom characters and dots ends. An "=" is left out: it may begin an encoded word.
func atomRun(s string, i int) int {
	for i < len(s) && s[i] < 0x80 && s[i] != '=' && (s[i] == '.' || isAtext(s[i])) {
		i++
	}
	return i
}

// plainQuoted returns where a quoted string without escapes, encoded words and line ends closes, -1 for any other.
func plainQuoted(s string, i int) int {
	for ; i < len(s) && s[i] >= ' ' && s[i] < 0x7f && s[i] != '\\' && s[i] != '='; i++ {
		if s[i] == '"' {
			return i
		}
	}
	return -1
}
