package imap

// intern returns b as a string, without allocating for the words that nearly every command consists of. The compiler
// makes the comparisons of a switch on string(b) without a copy.
func intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	switch string(b) {
	case "INBOX":
		return "INBOX"
	case "UID":
		return "UID"
	case "FETCH":
		return "FETCH"
	case "STORE":
		return "STORE"
	case "SEARCH":
		return "SEARCH"
	case "NOOP":
		return "NOOP"
	case "IDLE":
		return "IDLE"
	case "LIST":
		return "LIST"
	case "STATUS":
		return "STATUS"
	case "SELECT":
		return "SELECT"
	case "APPEND":
		return "APPEND"
	case "LOGIN":
		return "LOGIN"
	case "FLAGS":
		return "FLAGS"
	case "ENVELOPE":
		return "ENVELOPE"
	case "BODY":
		return "BODY"
	case "BODY.PEEK":
		return "BODY.PEEK"
	case "BODYSTRUCTURE":
		return "BODYSTRUCTURE"
	case "INTERNALDATE":
		return "INTERNALDATE"
	case "RFC822.SIZE":
		return "RFC822.SIZE"
	case "HEADER":
		return "HEADER"
	case "HEADER.FIELDS":
		return "HEADER.FIELDS"
	case "MESSAGES":
		return "MESSAGES"
	case "UIDNEXT":
		return "UIDNEXT"
	case "UIDVALIDITY":
		return "UIDVALIDITY"
	case "UNSEEN":
		return "UNSEEN"
	case "+FLAGS.SILENT":
		return "+FLAGS.SILENT"
	case "+FLAGS":
		return "+FLAGS"
	case "Seen":
		return "Seen"
	case "Deleted":
		return "Deleted"
	case "ALL":
		return "ALL"
	case "MODSEQ":
		return "MODSEQ"
	case "EXISTS":
		return "EXISTS"
	case "EXPUNGE":
		return "EXPUNGE"
	case "RECENT":
		return "RECENT"
	case "VANISHED":
		return "VANISHED"
	case "OK":
		return "OK"
	case "Answered":
		return "Answered"
	case "Flagged":
		return "Flagged"
	case "Recent":
		return "Recent"
	case "BINARY":
		return "BINARY"
	}
	return string(b)
}
