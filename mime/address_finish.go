package mime

// emit takes an entry of the list, while there is room.
func (a *addressScanner) emit(x Address) {
	if len(a.list) >= a.max {
		if !a.full {
			a.fail("too many addresses")
		}
		a.full = true
		return
	}
	switch {
	case x.Kind == GroupStart:
		a.group = true
	case x.Host != "" && !isDotAtom(x.Host) && !isLiteral(x.Host):
		a.fail("bad domain")
	case hasControl(x.Mailbox):
		a.fail("control character in a local-part")
	}
	a.list = append(a.list, x)
}

// complete keeps an addr-spec that another word follows.
func (a *addressScanner) complete() {
	if a.hasDone {
		a.fail("no comma between addresses")
		a.emitDone()
	}
	a.done = Address{Name: a.name(a.before), Mailbox: a.local.String(), Host: a.cluster.String()}
	a.hasDone, a.at, a.local, a.cluster = true, false, piece{}, piece{}
}

// finish ends the address before a comma, a semicolon or the end.
func (a *addressScanner) finish() {
	if a.at {
		if a.hasDone && a.angle {
			a.fail("no comma between addresses")
			a.emitDone()
		}
		a.complete()
		if a.done.Name != "" {
			a.fail("words before an address without '<'")
		}
		if a.done.Mailbox == "" || a.done.Host == "" {
			a.fail("address without local-part or domain")
		}
	}
	switch {
	case a.hasDone:
		if !a.cluster.empty() {
			a.fail("words after the address")
			if a.angle && a.done.Name == "" {
				a.done.Name = a.name(a.phrase)
			}
		}
		a.emitDone()
	case !a.phrase.empty():
		a.fail("address without domain")
		x := Address{Mailbox: a.phrase.String()}
		if !a.before.empty() { // several words are nobody's mailbox
			x = Address{Name: a.name(a.phrase)}
		}
		a.emit(x)
	}
	a.reset()
}

// emitDone takes the address that is complete. Names were once written as a comment
// beside it: "a@b (Name)".
func (a *addressScanner) emitDone() {
	if a.done.Name == "" {
		a.done.Name = a.name(piece{s: a.comment, end: len(a.comment)})
	}
	a.emit(a.done)
	a.done, a.hasDone, a.angle, a.comment = Address{}, false, false, ""
}

func (a *addressScanner) reset() {
	a.phrase, a.before, a.cluster, a.local = piece{}, piece{}, piece{}, piece{}
	a.at, a.hasDone, a.angle, a.comment, a.done = false, false, false, "", Address{}
}

// name makes a display name of a phrase.
func (a *addressScanner) name(p piece) string {
	if p.empty() {
		return ""
	}
	if s := p.String(); a.p.Raw {
		return s
	} else {
		return a.p.Decoder.Decode(s)
	}
}
