package imapserver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
)

// RFC 5255 section 3.1 to 3.4.
func TestLanguage(t *testing.T) {
	f := newSharing(t)
	f.share("x", "lr")
	p := f.dial()
	require.Contains(t, p.line(), " LANGUAGE ", "MUST list the keyword … in the greeting")
	p.dialogue(`
		C: a LANGUAGE MUL
		S: a NO Language is not supported.
		"If there aren't any arguments, the server SHOULD send an untagged LANGUAGE response listing the languages it supports."
		C: b LANGUAGE
		S: * LANGUAGE (en vi i-default)
		S: b OK LANGUAGE completed.
		"The LANGUAGE command is valid in all states."
		C: c LANGUAGE VI
		S: * LANGUAGE (vi)
		S: c OK Đã thực hiện xong LANGUAGE.
		C: d LOGIN alice wrong
		S: d NO [AUTHENTICATIONFAILED] Đăng nhập thất bại.
		C: e LOGIN alice secret
		S: e OK [CAPABILITY …] Đã đăng nhập.
		C: f NAMESPACE
		S: * NAMESPACE (("" "/")) (("Users/" "/" "TRANSLATION" ("Ng&AbAe3Q-i d&APk-ng kh&AOE-c/"))) (("Shared/" "/" "TRANSLATION" ("Th&AbA- m&HuU-c chung/")))
		S: f OK Đã thực hiện xong NAMESPACE.
		"If the command fails, the server continues to return human-readable responses in the language it was previously using."
		C: g LANGUAGE fr
		S: g NO Không hỗ trợ ngôn ngữ này.
		C: h SELECT nowhere
		S: h NO [NONEXISTENT] Hộp thư không tồn tại.
		C: i FETCH
		S: i BAD Chưa mở hộp thư nào.
		C: j XYZZY
		S: j BAD Lệnh không hợp lệ: Unknown command
		"User speaks Canadian French and Canadian English."
		C: k LANGUAGE FR-CA EN-CA
		S: * LANGUAGE (en)
		S: k OK LANGUAGE completed.
		C: l LANGUAGE vi-x-custom
		S: * LANGUAGE (vi)
		S: * NAMESPACE …
		S: l OK Đã thực hiện xong LANGUAGE.
		C: m LANGUAGE "default"
		S: * LANGUAGE (en)
		S: m OK LANGUAGE completed.
		C: n LANGUAGE i-default
		S: * LANGUAGE (i-default)
		S: n OK LANGUAGE completed.`)
}

// "The special "default" language range argument indicates a request to use a language designated as preferred by the server
// administrator."
func TestLanguagePreferred(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Language = "vi" })
	p := f.dial()
	p.dialogue(`
		S: * OK [CAPABILITY …] IMAP server ready.
		C: a LANGUAGE x default
		S: * LANGUAGE (vi)
		S: a OK Đã thực hiện xong LANGUAGE.
		C: b LANGUAGE vi-a
		S: * LANGUAGE (vi)
		S: b OK Đã thực hiện xong LANGUAGE.
		C: c LANGUAGE "" -- - vie
		S: c NO Không hỗ trợ ngôn ngữ này.`)
}

// Every text for a user, which ours are that end in a full stop, has a translation.
func TestLanguageComplete(t *testing.T) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	texts := 0
	check := func(e ast.Expr) {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			return
		}
		text, err := strconv.Unquote(lit.Value)
		require.NoError(t, err)
		if !strings.HasSuffix(text, ".") || strings.HasSuffix(text, " completed.") {
			return
		}
		texts++
		require.NotEmpty(t, imapserver.VietnameseText(text), text)
	}
	inspect := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch fn := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = fn.Sel.Name
			case *ast.Ident:
				name = fn.Name
			}
			switch name {
			case "No", "Okay", "no":
				check(n.Args[len(n.Args)-1])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Text" {
				check(n.Value)
			}
		}
		return true
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "language_vi.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, inspect)
	}
	require.Greater(t, texts, 50)
}
