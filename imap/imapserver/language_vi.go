package imapserver

import (
	"strings"

	"github.com/buuta/mail/imap"
)

// vietnamese translates the text of a status response. What stands for a broken client's developer, a BAD, is translated where
// a user may have caused it, and otherwise gets a Vietnamese beginning.
func vietnamese(s *imap.Status) string {
	if t := vietnameseText(s.Text); t != "" {
		return t
	}
	if name, ok := strings.CutSuffix(s.Text, " completed."); ok {
		return "Đã thực hiện xong " + name + "."
	}
	if rest, ok := strings.CutPrefix(s.Text, "Message is larger than "); ok {
		return "Thư lớn hơn " + strings.TrimSuffix(rest, " octets.") + " byte."
	}
	switch {
	case s.Type == imap.OK && s.Text == "":
		return "Đã thực hiện xong."
	case s.Type == imap.BAD && s.Text == "":
		return "Lệnh không hợp lệ."
	case s.Type == imap.BAD:
		return "Lệnh không hợp lệ: " + s.Text
	case s.Text == "":
		return "Không thực hiện được."
	}
	return s.Text // a policy's or a store's own
}

func vietnameseText(text string) string {
	switch text {
	case "Account has no mailbox.":
		return "Tài khoản không có hộp thư."
	case "All keys removed.":
		return "Đã xoá tất cả các khoá."
	case "Already authenticated":
		return "Đã đăng nhập rồi."
	case "Annotation too large.":
		return "Chú thích quá lớn."
	case "Authentication cancelled.":
		return "Đã huỷ đăng nhập."
	case "Authentication failed.":
		return "Đăng nhập thất bại."
	case "Begin TLS negotiation now.":
		return "Hãy bắt đầu thiết lập TLS."
	case "Cancelled.":
		return "Đã huỷ."
	case "Conditional STORE failed for some.":
		return "STORE có điều kiện không thực hiện được cho một số thư."
	case "Content-Transfer-Encoding is not known.":
		return "Không biết cách mã hoá nội dung này."
	case "DEFLATE is active.":
		return "Đã bật nén DEFLATE."
	case "Entry can't be changed.":
		return "Không thể thay đổi mục này."
	case "Entry is not allowed.":
		return "Không cho phép mục này."
	case "Event is not supported.":
		return "Không hỗ trợ loại sự kiện này."
	case "Filter is no search program.":
		return "Bộ lọc không phải là một phép tìm kiếm."
	case "Filters make too long a search program.":
		return "Các bộ lọc làm phép tìm kiếm quá dài."
	case "First unseen.":
		return "Thư chưa đọc đầu tiên."
	case "Flags permitted.":
		return "Các cờ được phép."
	case "Header holds 8-bit characters, which needs UTF8=ACCEPT.":
		return "Phần đầu thư có ký tự 8 bit, cần UTF8=ACCEPT."
	case "Highest.":
		return "Số thay đổi lớn nhất."
	case "Identifier is not allowed.":
		return "Không cho phép tên người dùng này."
	case "INBOX can't be deleted.":
		return "Không thể xoá INBOX."
	case "INBOX exists already.":
		return "INBOX đã có rồi."
	case "In use, try again.":
		return "Đang được sử dụng, hãy thử lại."
	case "Internal error, see the server's log.":
		return "Lỗi bên trong máy chủ, xem nhật ký của máy chủ."
	case "Invalid authentication data.":
		return "Dữ liệu đăng nhập không hợp lệ."
	case "Key replaced.":
		return "Đã thay khoá."
	case "Language is not supported.":
		return "Không hỗ trợ ngôn ngữ này."
	case "Limit reached.":
		return "Đã đến giới hạn."
	case "Log in first":
		return "Hãy đăng nhập trước."
	case "Logged in":
		return "Đã đăng nhập."
	case "Logging out":
		return "Đang đăng xuất."
	case "Mailbox can't be selected.":
		return "Không thể mở hộp thư này."
	case "Mailbox can't hold messages.":
		return "Hộp thư này không chứa được thư."
	case "Mailbox does not exist", "Mailbox does not exist.":
		return "Hộp thư không tồn tại."
	case "Mailbox exists already.":
		return "Hộp thư đã có rồi."
	case "Mailbox id.":
		return "Mã của hộp thư."
	case "Mailbox is gone.":
		return "Hộp thư không còn nữa."
	case "Mailbox is read-only.":
		return "Hộp thư chỉ đọc được."
	case "Mailbox name is not allowed.":
		return "Không cho phép tên hộp thư này."
	case "Message holds NUL, which needs a binary literal.":
		return "Thư có ký tự NUL, cần gửi dưới dạng nhị phân."
	case "Message numbers are not allowed with UIDONLY.":
		return "Không dùng được số thứ tự của thư khi đã bật UIDONLY."
	case "Message too large.":
		return "Thư quá lớn."
	case "Message was not taken to its end.":
		return "Chưa nhận hết thư."
	case "Moved.":
		return "Đã chuyển."
	case "No mailbox selected":
		return "Chưa mở hộp thư nào."
	case "No message with that UID.", "No message with that number":
		return "Không có thư nào mang số đó."
	case "No such filter.":
		return "Không có bộ lọc này."
	case "No such quota root.":
		return "Không có hạn mức này."
	case "Not enough disk space.":
		return "Không đủ chỗ trên đĩa."
	case "Not the URL of a message":
		return "Đây không phải là URL của một bức thư."
	case "Only the server has annotations.":
		return "Chỉ máy chủ có chú thích."
	case "Pattern too long.":
		return "Mẫu tên quá dài."
	case "Permission denied.":
		return "Không có quyền."
	case "Plaintext authentication needs TLS.":
		return "Muốn gửi mật khẩu thì phải dùng TLS."
	case "Predicted next UID.":
		return "UID kế tiếp."
	case "Previous mailbox closed.":
		return "Đã đóng hộp thư trước."
	case "Quota exceeded.":
		return "Vượt quá hạn mức."
	case "Read-only mailbox.":
		return "Hộp thư chỉ đọc được."
	case "Replacement message ready.":
		return "Thư thay thế đã sẵn sàng."
	case "Resource can't be limited.":
		return "Không thể giới hạn loại tài nguyên này."
	case "Selected mailbox deleted.":
		return "Hộp thư đang mở đã bị xoá."
	case "Server shutting down.":
		return "Máy chủ đang tắt."
	case "Some of the messages no longer exist.":
		return "Một số thư không còn nữa."
	case "Special use is not supported.":
		return "Không hỗ trợ công dụng đặc biệt này."
	case "Still working.":
		return "Vẫn đang làm."
	case "String is not UTF-8.":
		return "Chuỗi không phải là UTF-8."
	case "TLS is active already.":
		return "Đã bật TLS rồi."
	case "TLS is not available.":
		return "Không có TLS."
	case "Too many failed logins, try again later.":
		return "Đăng nhập sai quá nhiều lần, hãy thử lại sau."
	case "Temporary authentication failure.":
		return "Tạm thời không đăng nhập được."
	case "The selected mailbox was deleted.":
		return "Hộp thư đang mở đã bị xoá."
	case "Too many annotations.":
		return "Quá nhiều chú thích."
	case "Too many authentication failures.":
		return "Đăng nhập thất bại quá nhiều lần."
	case "Too many connections, try again later.":
		return "Quá nhiều kết nối, hãy thử lại sau."
	case "Too many invalid commands.":
		return "Quá nhiều lệnh không hợp lệ."
	case "Too many keys that read messages.":
		return "Quá nhiều điều kiện phải đọc thư."
	case "Too many mailboxes for one search.":
		return "Quá nhiều hộp thư cho một lần tìm."
	case "Too many mailboxes to be watched.":
		return "Quá nhiều hộp thư để theo dõi."
	case "Too many messages at once.":
		return "Quá nhiều thư một lúc."
	case "Too many messages in these batches.":
		return "Quá nhiều thư trong các đợt này."
	case "Too many parts.":
		return "Quá nhiều phần."
	case "Batches have at least 500 messages.":
		return "Mỗi đợt có ít nhất 500 thư."
	case "UIDs valid.":
		return "Các UID còn hiệu lực."
	case "URL can't be resolved.":
		return "Không tìm được nơi URL chỉ đến."
	case "Unknown charset.":
		return "Không biết bảng mã này."
	case "Unsupported authentication mechanism.":
		return "Không hỗ trợ cách đăng nhập này."
	case "Literal too large.":
		return "Chuỗi quá lớn."
	case "Disconnected for inactivity.":
		return "Ngắt kết nối vì không có hoạt động."
	}
	return ""
}
