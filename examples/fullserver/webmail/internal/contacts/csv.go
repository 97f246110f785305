package contacts

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail/mime/charset"
)

// ErrFormat says that a file is neither vCards nor a table of contacts.
var ErrFormat = errors.New("contacts: neither vCards nor a table with addresses")

// Parse reads a file of contacts: vCards, a table with a line of headings as Google, Outlook and Thunderbird write it, or the address book of
// SquirrelMail (nickname|first name|last name|address|note). What is not in UTF-8 is taken for what Windows writes in the language.
func Parse(b []byte, windows string) ([]Contact, error) {
	if i := bytes.Index(bytes.ToUpper(b[:min(len(b), 4096)]), []byte("BEGIN:VCARD")); i >= 0 {
		return ParseVCards(b), nil
	}
	if !utf8.Valid(b) {
		r, err := charset.NewReader(windows, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if b, err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	first, _, _ := bytes.Cut(b, []byte("\n"))
	if bytes.Count(first, []byte("|")) >= 3 {
		return parseAbook(string(b)), nil
	}
	return parseTable(b, first)
}

// parseAbook reads an address book of SquirrelMail.
func parseAbook(s string) []Contact {
	var out []Contact
	for l := range strings.Lines(s) {
		f := append(strings.Split(strings.TrimRight(l, "\r\n"), "|"), "", "", "", "", "")
		c := Contact{Name: f[1] + " " + f[2], Emails: f[3:4], Note: f[4]}.Check()
		if c.Name == "" {
			c.Name = line(f[0], maxName)
		}
		if len(c.Emails) > 0 && len(out) < MaxContacts {
			out = append(out, c)
		}
	}
	return out
}

// column is what a column of a table is.
type column int

const (
	other column = iota
	fullName
	givenName
	middleName
	familyName
	email
	phone
	org
	note
	groups
)

// columnOf says what a heading means.
func columnOf(heading string) column {
	h := strings.Join(strings.Fields(Fold(heading)), " ")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(h, w) })
	}
	is := func(words ...string) bool { return slices.Contains(words, h) }
	switch {
	case strings.HasSuffix(h, "type") || strings.HasSuffix(h, "label") || strings.HasSuffix(h, "display name") && has("mail") || has("yomi", "phonetic"):
		return other
	case is("name", "full name", "display name", "ho ten", "ho va ten"):
		return fullName
	case is("first name", "given name", "ten"):
		return givenName
	case is("middle name", "additional name", "ten dem"):
		return middleName
	case is("last name", "family name", "surname", "ho"):
		return familyName
	case has("e-mail", "email", "thu dien tu"):
		return email
	case has("phone", "mobile", "dien thoai", "di dong") && !has("pager"):
		return phone
	case is("organization", "organization name", "organization 1 - name", "company", "cong ty", "co quan"):
		return org
	case is("notes", "note", "ghi chu"):
		return note
	case is("labels", "group membership", "categories", "nhom"):
		return groups
	}
	return other
}

// parseTable reads a table whose first line says what is in it.
func parseTable(b, first []byte) ([]Contact, error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = true, -1, true
	for _, sep := range ";\t" { // where the comma is in numbers, Windows puts a semicolon
		if bytes.Count(first, []byte(string(sep))) > bytes.Count(first, []byte(string(r.Comma))) {
			r.Comma = sep
		}
	}
	head, err := r.Read()
	if err != nil {
		return nil, ErrFormat
	}
	var columns []column
	for _, h := range head {
		columns = append(columns, columnOf(h))
	}
	if !slices.Contains(columns, email) {
		return nil, ErrFormat
	}
	var out []Contact
	for len(out) < MaxContacts {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, ErrFormat
		}
		if c := fromFields(columns, fields); !c.Empty() {
			out = append(out, c)
		}
	}
	return out, nil
}

func fromFields(columns []column, fields []string) Contact {
	var c Contact
	var name [4]string
	for i, v := range fields[:min(len(fields), len(columns))] {
		if v = unguard(strings.TrimSpace(v)); v == "" {
			continue
		}
		switch col := columns[i]; col {
		case fullName, givenName, middleName, familyName:
			name[col-fullName] = v
		case email:
			c.Emails = append(c.Emails, strings.Split(v, " ::: ")...)
		case phone:
			c.Phones = append(c.Phones, strings.Split(v, " ::: ")...)
		case org:
			c.Org = v
		case note:
			c.Note = v
		case groups:
			for g := range strings.SplitSeq(strings.ReplaceAll(v, " ::: ", ";"), ";") {
				if g = strings.TrimSpace(g); !strings.HasPrefix(g, "*") { // Google's own
					c.Groups = append(c.Groups, g)
				}
			}
		}
	}
	if c.Name = name[0]; c.Name == "" {
		c.Name = strings.Join(name[1:], " ")
	}
	return c.Check()
}

// guard keeps a spreadsheet from taking a text for a formula: an apostrophe says that it is text. Telephone numbers are numbers.
func guard(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t'", rune(s[0])) && strings.Trim(s, "+0123456789 ()-./") != "" {
		return "'" + s
	}
	return s
}

func unguard(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@\t'", rune(s[1])) {
		return s[1:]
	}
	return s
}

// AppendCSV writes contacts as a table with Google's headings, which others read too. All addresses of a contact are in it.
func AppendCSV(b []byte, list []Contact) ([]byte, error) {
	emails, phones := 1, 1
	for _, c := range list {
		emails, phones = max(emails, len(c.Emails)), max(phones, len(c.Phones))
	}
	head := []string{"Name"}
	add := func(n int, what string) {
		for i := range n {
			head = append(head, what+" "+strconv.Itoa(i+1)+" - Value")
		}
	}
	add(emails, "E-mail")
	add(phones, "Phone")
	head = append(head, "Organization Name", "Notes", "Labels")
	out := bytes.NewBuffer(b)
	w := csv.NewWriter(out)
	w.UseCRLF = true
	_ = w.Write(head) // Error tells
	for _, c := range list {
		row := []string{guard(c.Name)}
		for _, l := range []struct {
			values []string
			n      int
		}{{c.Emails, emails}, {c.Phones, phones}} {
			for i := range l.n {
				v := ""
				if i < len(l.values) {
					v = guard(l.values[i])
				}
				row = append(row, v)
			}
		}
		_ = w.Write(append(row, guard(c.Org), guard(c.Note), guard(strings.Join(c.Groups, " ::: "))))
	}
	w.Flush()
	return out.Bytes(), w.Error()
}
