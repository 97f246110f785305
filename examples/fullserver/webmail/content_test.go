package webmail_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// fill puts a mailbox together as a person has one, for pictures and for walks in a browser.
func (f *fixture) fill() {
	f.Helper()
	png := "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	now := time.Now()
	n := 0
	add := func(box, from, subject, kind, body string) {
		n++
		f.imap.Add(box, fmt.Sprintf("From: %s\nTo: Alice Nguyễn <alice@example.test>\nSubject: %s\nDate: %s\nMessage-ID: <c%d@example.test>\nMIME-Version: 1.0\nContent-Type: %s\n\n%s\n",
			from, subject, now.Add(-time.Duration(60-n)*3*time.Hour).Format(time.RFC1123Z), n, kind, body))
	}
	text := "text/plain; charset=utf-8"
	names := []string{"Bình Trần <binh@example.test>", "Carol Smith <carol@example.org>", "Đặng Thị Hoa <hoa@congty.example>", "GitHub <noreply@github.example>", "Minh Lê <minh@example.test>", "Library <library@uni.example>"}
	subjects := []string{"Biên bản họp thứ Hai", "Re: Budget for the third quarter", "Hóa đơn tiền điện tháng 2", "[buuta/mail] Release 0.9", "Lịch nghỉ lễ năm nay", "Two books are due on Friday",
		"Ảnh chuyến đi Đà Lạt", "Question about your talk", "Nhắc lịch: khám sức khỏe định kỳ", "Minutes, and what is left to do"}
	bodies := []string{"Chào Alice,\n\nGửi bạn biên bản cuộc họp hôm qua. Nhờ bạn xem lại phần ba giúp mình.\n\nCảm ơn bạn!", "Hi Alice,\n\nThe figures look right to me. Shall we talk about them on Thursday?\n\nCarol",
		"Kính gửi quý khách,\n\nTổng số tiền là 412.000 đồng. Hạn thanh toán 15/03.", "A new release is out. See https://example.org/releases for what has changed."}
	for i := range 52 {
		add("INBOX", names[i%len(names)], subjects[i%len(subjects)], text, bodies[i%len(bodies)])
	}
	add("INBOX", "Nhà sách Mùa Xuân <tin@nhasach.example>", "Sách mới tháng Ba", "text/html; charset=utf-8", newsletter)
	add("INBOX", "Minh Lê <minh@example.test>", "Hợp đồng và ảnh", "multipart/mixed; boundary=bb", "--bb\nContent-Type: "+text+"\n\nChào chị,\n\nEm gửi hợp đồng đã ký và ảnh chụp. Chị xem giúp em nhé:\nhttps://example.org/hop-dong?so=12&nam=2026\n\n> Em gửi lại bản đã ký giúp chị.\n>> Vâng ạ.\n\n-- \nMinh Lê\nPhòng Kinh doanh"+
		"\n--bb\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''H%E1%BB%A3p%20%C4%91%E1%BB%93ng%2012.pdf\nContent-Transfer-Encoding: base64\n\n"+strings.Repeat(strings.Repeat("QUJD", 19)+"\n", 900)+
		"--bb\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"anh.png\"\nContent-Transfer-Encoding: base64\n\n"+png+"\n--bb--")
	add("INBOX", "Carol Smith <carol@example.org>", "Lunch on Friday?", text, "Hi Alice,\n\nShall we try the new place by the river on Friday? Bình is coming too.\n\nCarol")
	box := f.imap.Mailbox("INBOX")
	seen := mail.UIDRangeSet(1, 47)
	_, err := box.SetFlags(f.Context(), seen, mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Seen`)})
	require.NoError(f, err)
	_, err = box.SetFlags(f.Context(), mail.UIDSetOf(45, 50), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Flagged`)})
	require.NoError(f, err)
	_, err = box.SetFlags(f.Context(), mail.UIDSetOf(44, 46), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Answered`)})
	require.NoError(f, err)
	add("Drafts", "alice@example.test", "Draft of a report", text, "This is not done yet")
	for _, box := range []string{"Sent", "Archive", "Junk", "Trash", "Dự án", "Dự án/2026", "Gia đình"} {
		add(box, "Alice Nguyễn <alice@example.test>", "In "+box, text, "x")
	}
}

const newsletter = `<html><body style="margin:0;background:#f2efe9"><table width="600" align="center" cellpadding="0" cellspacing="0" style="background:#fff;font-family:Georgia,serif">
<tr><td style="background:#2d5d4b;color:#fff;padding:24px;font-size:26px">Nhà sách Mùa Xuân</td></tr><tr><td style="padding:24px"><h2 style="color:#2d5d4b">Sách mới tháng Ba</h2>
<p>Chào Alice, đây là những cuốn sách mà bạn bè của bạn đang đọc.</p><img src="https://cdn.nhasach.example/bia.jpg" width="200" alt="Bìa sách"><p><a href="https://nhasach.example/moi" style="background:#b3261e;color:#fff;padding:10px 18px;text-decoration:none">Xem tất cả</a></p></td></tr></table></body></html>`
