package mailhtml

// cell puts a cell beside the one before, if the row has been one line so far and this doesn't make it long.
func (t *texter) cell() {
	n := len(t.tables)
	if n == 0 {
		return
	}
	if t.tables[n-1].open { // its end tag was left out
		t.endCell()
	}
	t.tables[n-1].open = true
	if t.para.Len() == 0 || !t.tables[n-1].filled {
		return
	}
	if t.tables[n-1].broken || t.para.Len() > 60 {
		t.lineEnd(0)
		return
	}
	t.due, t.gap = 0, false
	t.para.WriteString(" | ")
	t.cellAt = t.para.Len()
}

func (t *texter) endCell() {
	n := len(t.tables)
	if n == 0 {
		return
	}
	r := &t.tables[n-1]
	r.open = false
	r.filled = r.filled || t.para.Len() > 0
	if !r.broken {
		t.due = 0
	}
}
