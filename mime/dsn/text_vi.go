package dsn

import (
	"fmt"
	"strings"
)

// VietnameseText is DefaultText in Vietnamese, for Report.Text.
func VietnameseText(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Đây là hệ thống thư tại máy chủ %s.\n\n", r.ReportingMTA)
	switch r.Worst() {
	case Failed:
		b.WriteString("Thư của bạn không gửi được tới một hoặc nhiều người nhận.\nLý do được ghi bên dưới, cạnh từng địa chỉ.\n")
		if r.Return.Content != nil {
			if r.Return.HeaderOnly {
				b.WriteString("Phần đầu của thư được gửi kèm theo đây.\n")
			} else {
				b.WriteString("Thư của bạn được gửi kèm theo đây.\n")
			}
		}
		b.WriteString("\nNếu cần giúp đỡ, xin viết thư cho <postmaster> và gửi kèm báo cáo này.\n")
	case Delayed:
		b.WriteString("ĐÂY CHỈ LÀ CẢNH BÁO. BẠN KHÔNG CẦN GỬI LẠI THƯ.\n\nThư của bạn chưa gửi được tới những người nhận dưới đây.\n")
		if until := r.retryUntil(); until != "" {
			fmt.Fprintf(&b, "Hệ thống sẽ tiếp tục thử đến %s.\n", until)
		} else {
			b.WriteString("Hệ thống sẽ tiếp tục thử.\n")
		}
	default:
		b.WriteString("Thư của bạn đã được chuyển tới những người nhận dưới đây, theo yêu cầu báo tin của bạn.\n" +
			"Nếu thư được chuyển tiếp sang hệ thống khác, có thể sẽ không có báo tin nào nữa.\n")
	}
	b.WriteString("\n                   Hệ thống thư\n")
	for i := range r.Recipients {
		c := &r.Recipients[i]
		fmt.Fprintf(&b, "\n<%s>", c.Final)
		if _, orig, ok := strings.Cut(c.Original, ";"); ok && !strings.EqualFold(strings.TrimSpace(orig), c.Final) {
			fmt.Fprintf(&b, " (bạn đã gửi tới <%s>)", strings.TrimSpace(orig))
		}
		b.WriteString(": " + c.vietnamese() + "\n")
	}
	return wrap(b.String())
}

// vietnamese says what happened to one recipient. What the other side answered stays as it is.
func (c *Recipient) vietnamese() string {
	diag := strings.Join(strings.Fields(c.Diagnostic), " ")
	switch {
	case diag != "" && c.RemoteMTA != "":
		return "máy chủ " + c.RemoteMTA + " trả lời: " + diag
	case diag != "":
		return diag
	}
	word := map[Action]string{
		Failed: "không gửi được", Delayed: "bị chậm", Delivered: "đã tới nơi", Relayed: "đã chuyển tiếp", Expanded: "đã gửi tới danh sách",
	}[c.action()]
	if c.RemoteMTA != "" {
		return word + ", máy chủ " + c.RemoteMTA
	}
	return word
}
