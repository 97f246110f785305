package dnsplan

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// words are how a language speaks of records.
type words struct {
	why    map[Kind]string
	state  map[State]string
	note   map[Note]string
	should string // what should stand there
	good   string // all is well
	bad    string // how many lines aren't
}

// languages are those that there are.
var languages = map[string]words{
	"en": {
		why: map[Kind]string{
			Address: "the server's address", Reverse: "the name of its address: without it many refuse its mail", Exchange: "where mail for the domain goes",
			Senders: "which hosts send its mail (SPF)", Sign: "how its signatures are checked (DKIM)", Policy: "what is to become of forged mail (DMARC)",
			Strict: "mail to it comes over TLS only (MTA-STS)", StrictAt: "where the MTA-STS policy is read", Reports: "who is told of trouble with TLS", Find: "where users' programs find the server", SetUp: "where users' programs ask how to reach it",
		},
		state: map[State]string{Good: "ok", Missing: "MISSING", Differs: "DIFFERS", Unknown: "can't be asked"},
		note: map[Note]string{
			TwoRecords: "there are several, so none of them counts", NotAllowed: "it does not allow this server's address", Weak: "it asks for nothing to be done: p=quarantine does", OtherKey: "the key is another one",
			Others: "mail goes to other hosts too",
		},
		should: "should be", good: "The DNS says all that it should.", bad: "Records that matter and are not right: %d.",
	},
	"vi": {
		why: map[Kind]string{
			Address: "địa chỉ của máy chủ", Reverse: "tên của địa chỉ ấy: thiếu nó nhiều nơi từ chối thư", Exchange: "thư gửi tới tên miền thì đến đâu",
			Senders: "máy nào được gửi thư của tên miền (SPF)", Sign: "để kiểm tra chữ ký (DKIM)", Policy: "xử lý thư giả mạo thế nào (DMARC)",
			Strict: "thư đến chỉ đi qua TLS (MTA-STS)", StrictAt: "nơi đọc chính sách MTA-STS", Reports: "báo cho ai khi TLS có lỗi", Find: "để chương trình thư tìm thấy máy chủ", SetUp: "nơi chương trình thư hỏi cách kết nối",
		},
		state: map[State]string{Good: "đúng", Missing: "THIẾU", Differs: "KHÁC", Unknown: "không hỏi được"},
		note: map[Note]string{
			TwoRecords: "có nhiều bản ghi nên không bản nào có hiệu lực", NotAllowed: "không cho phép địa chỉ của máy chủ này", Weak: "không yêu cầu làm gì: hãy đặt p=quarantine", OtherKey: "là khóa khác",
			Others: "thư còn đến cả máy khác",
		},
		should: "đáng lẽ là", good: "DNS đã có đủ những gì cần có.", bad: "Số bản ghi quan trọng chưa đúng: %d.",
	},
}

// Languages reports whether reports can be written in a language.
func Languages(name string) bool { return languages[name].good != "" }

// Zone writes the records as lines for a zone file, each with what it is for.
func (s *Site) Zone(w io.Writer, language string) {
	l := languages[language]
	for _, r := range s.Records() {
		line := r.Line()
		if strings.HasPrefix(line, ";") {
			fmt.Fprintln(w, line)
			continue
		}
		fmt.Fprintf(w, "%s\t; %s\n", line, l.why[r.Kind])
	}
}

// Report compares the DNS with what it should be, a line a record, and returns how many that matter are not right.
func (s *Site) Report(ctx context.Context, r Resolver, w io.Writer, language string) int {
	l := languages[language]
	bad := 0
	for _, rec := range s.Records() {
		f := s.Check(ctx, r, &rec)
		fmt.Fprintf(w, "%-8s %s %s: %s\n", l.state[f.State], rec.Name, rec.Type, l.why[rec.Kind])
		if f.Note != "" {
			fmt.Fprintf(w, "         %s\n", l.note[f.Note])
		}
		for _, t := range f.Found {
			fmt.Fprintf(w, "         %s\n", t)
		}
		if f.State == Missing || f.State == Differs {
			fmt.Fprintf(w, "         %s: %s\n", l.should, rec.Line())
		}
		if f.State != Good && rec.Must {
			bad++
		}
	}
	if bad == 0 {
		fmt.Fprintln(w, l.good)
	} else {
		fmt.Fprintf(w, l.bad+"\n", bad)
	}
	return bad
}

// Words are what a language says of a record.
type Words struct{ Why, State, Note string }

// Say says it in a language of [Languages].
func Say(language string, k Kind, f Finding) Words {
	l := languages[language]
	return Words{l.why[k], l.state[f.State], l.note[f.Note]}
}
