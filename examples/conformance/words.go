package main

import "github.com/buuta/mail/examples/conformance/script"

// vietnamese are the words of reports.
var vietnamese = map[string]string{
	string(script.Pass):       "đạt",
	string(script.Fail):       "không đạt",
	string(script.NotOffered): "không có",
	string(script.NotReached): "chưa tới",
	"clauses":                 "điều khoản",
	"known":                   "đã biết",
	"Conformance to the RFCs": "Mức độ tuân thủ các RFC",
	"clause":                  "điều khoản",
	"level":                   "mức độ",
	"result":                  "kết quả",
	"what it is about":        "nội dung",
	"interrupted":             "bị ngắt giữa chừng",
	"section":                 "mục",
}

// word is a word of a report in the language that is wanted.
func (o *options) word(s string) string {
	if o.lang == "vi" && vietnamese[s] != "" {
		return vietnamese[s]
	}
	return s
}
