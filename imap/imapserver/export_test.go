package imapserver

// VietnameseText is there for a test that it is complete.
func VietnameseText(text string) string { return vietnameseText(text) }
