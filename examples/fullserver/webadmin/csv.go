package webadmin

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/buuta/mail/examples/fullserver/admin"
)

type importLine struct {
	Line      int
	User, Why string
}

type importData struct {
	Lines []importLine
	Good  bool // all of them can be used
}

func (q *request) importPage() error {
	return q.render(http.StatusOK, "import", q.page("import.title"), importData{})
}

// importUsers says of each line of a file what will become of it, or does it. The file is chosen anew for the second: nothing of it, passwords least of all, is kept.
func (q *request) importUsers() error {
	f, _, err := q.r.FormFile("file")
	if err != nil {
		return &failure{status: http.StatusBadRequest, key: "import.nofile"}
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	check := q.form("do") != "import"
	if !check {
		if err := q.proveAgain(); err != nil {
			return err
		}
	}
	lines, err := q.who.ImportUsers(q.ctx, bytes.NewReader(b), check)
	if err != nil && !errors.Is(err, admin.ErrLines) {
		return err
	}
	if !check && err == nil {
		return q.done("/admin/users", "imported")
	}
	d := importData{Good: err == nil}
	for _, l := range lines {
		v := importLine{Line: l.Line, User: clean(l.User)}
		if l.Err != nil {
			f := q.failureOf(l.Err)
			v.Why = q.T(f.key, f.args...)
		}
		d.Lines = append(d.Lines, v)
	}
	p := q.page("import.title")
	p.Notice, p.Bad = q.N("import.good", len(lines)), false
	status := http.StatusOK
	if err != nil {
		p.Notice, p.Bad, status = q.T("import.wrong"), true, http.StatusUnprocessableEntity
	}
	return q.render(status, "import", p, d)
}

func (q *request) exportUsers() error {
	list, _, err := q.domains()
	if err != nil {
		return err
	}
	if d := q.arg("domain"); d != "" {
		list = []string{d}
	}
	var b bytes.Buffer
	if err := q.who.ExportUsers(q.ctx, &b, list...); err != nil {
		return err
	}
	q.who.Note("user export")
	return q.file("users.csv", "text/csv; charset=utf-8", b.Bytes())
}
