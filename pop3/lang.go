package pop3

import (
	"strings"
)

// language is one that answers can be in (RFC 6856 section 3).
type language uint8

const (
	english language = iota
	vietnamese
)

var languages = [...]language{english, vietnamese}

func (l language) tag() string { return [...]string{"en", "vi"}[l&1] }

func (l language) name() string { return [...]string{"English", "Tiếng Việt"}[l&1] }

// matchLanguage finds the language of a basic language range (RFC 4647 section 2.1, matched as in section 3.4: "vi-VN" is
// shortened until something fits). "*" is what the server prefers.
func matchLanguage(r string) (language, bool) {
	if r == "*" {
		return english, true
	}
	for r != "" {
		for _, l := range languages {
			if strings.EqualFold(r, l.tag()) {
				return l, true
			}
		}
		i := strings.LastIndexByte(r, '-')
		if i < 0 {
			break
		}
		r = r[:i]
	}
	return english, false
}

// text returns the English text in another language. What has no translation, a site's own greeting, stays as it is.
func (l language) text(s string) string {
	if l == vietnamese {
		if t, ok := inVietnamese[s]; ok {
			return t
		}
	}
	return s
}

// inVietnamese is the catalogue. Nothing changes it.
var inVietnamese = map[string]string{
	"too many errors, goodbye":                                 "quá nhiều lỗi, tạm biệt",
	"too many commands, goodbye":                               "quá nhiều lệnh, tạm biệt",
	"too many connections":                                     "quá nhiều kết nối",
	"line too long":                                            "dòng quá dài",
	"lines end with CRLF":                                      "mỗi dòng phải kết thúc bằng CRLF",
	"server is shutting down":                                  "máy chủ đang dừng",
	"internal error":                                           "lỗi nội bộ",
	"internal error, try again later":                          "lỗi nội bộ, xin thử lại sau",
	"invalid characters":                                       "ký tự không hợp lệ",
	"unknown command":                                          "không hiểu lệnh này",
	"log in first":                                             "hãy đăng nhập trước",
	"you have logged in already":                               "bạn đã đăng nhập rồi",
	"%s takes no argument":                                     "%s không có tham số",
	"%s needs a message-number":                                "%s cần số thứ tự thư",
	"no such message, only %d messages in maildrop":            "không có thư này, hộp thư chỉ có %d thư",
	"message %d is deleted":                                    "thư %d đã bị xoá",
	"message %d is gone: another program has removed it":       "thư %d không còn nữa: chương trình khác đã xoá",
	"message %d needs UTF8":                                    "thư %d cần lệnh UTF8",
	"use STLS first":                                           "hãy dùng STLS trước",
	"USER needs a name":                                        "USER cần tên",
	"plaintext authentication is not allowed here without TLS": "không được gửi mật khẩu khi chưa có TLS",
	"send PASS":                                                "hãy gửi PASS",
	"USER comes first":                                         "phải gửi USER trước",
	"APOP is not offered":                                      "máy chủ không có APOP",
	"APOP needs a name and a digest":                           "APOP cần tên và chuỗi băm",
	"mechanisms follow":                                        "danh sách cơ chế",
	"unknown authentication mechanism":                         "không có cơ chế xác thực này",
	"maildrop has %d messages (%d octets)":                     "hộp thư có %d thư (%d octet)",
	"authentication failed":                                    "xác thực không thành công",
	"authentication cancelled":                                 "đã huỷ xác thực",
	"malformed authentication data":                            "dữ liệu xác thực sai dạng",
	"maildrop is locked by another session":                    "hộp thư đang được phiên khác dùng",
	"minimum time between logins is %d seconds":                "phải cách lần đăng nhập trước ít nhất %d giây",
	"there is no maildrop":                                     "không có hộp thư",
	"you are not a trusted proxy":                              "bạn không phải là máy trung chuyển được tin cậy",
	"XCLIENT needs ADDR=address and PORT=number":               "XCLIENT cần ADDR=địa chỉ và PORT=số cổng",
	"client is known":                                          "đã biết máy khách",
	"command not permitted when TLS active":                    "đã dùng TLS rồi",
	"STLS is not offered":                                      "máy chủ không có STLS",
	"STLS comes before UTF8":                                   "STLS phải đứng trước UTF8",
	"begin TLS negotiation":                                    "bắt đầu TLS",
	"capability list follows":                                  "danh sách khả năng",
	"UTF8 enabled":                                             "đã bật UTF8",
	"language listing follows":                                 "danh sách ngôn ngữ",
	"language changed":                                         "đã đổi ngôn ngữ",
	"there is no such language here":                           "không có ngôn ngữ này",
	"%d messages (%d octets)":                                  "%d thư (%d octet)",
	"unique-id listing follows":                                "danh sách mã thư",
	"%d octets":                                                "%d octet",
	"top of message follows":                                   "phần đầu của thư",
	"TOP needs a message-number and a number of lines":         "TOP cần số thứ tự thư và số dòng",
	"message %d deleted":                                       "đã đánh dấu xoá thư %d",
	"goodbye":                                                  "tạm biệt",
	"goodbye (maildrop empty)":                                 "tạm biệt (hộp thư rỗng)",
	"goodbye (%d messages left)":                               "tạm biệt (còn %d thư)",
	"some deleted messages not removed":                        "chưa xoá được các thư đã đánh dấu",
}
