// Package script is IMAP dialogues as text that are test, conformance case and teaching text at once, and that run against any
// server: [Parse] reads one, [Run] plays one of its cases, [All] are ours, one file a command or extension.
//
//	case: UNSELECT leaves without expunging
//	given: 3 messages, selected
//	need: UNSELECT
//	"… except that no messages are permanently removed" (RFC 9051 section 6.4.2)
//	C: a STORE 1 +FLAGS (\Deleted)
//	S: * 1 FETCH (% FLAGS (* \Deleted))
//	S: a OK
//	C: b UNSELECT
//	N: * … EXPUNGE
//	S: b OK
//
// A line begins with a word that says what it is; those that begin with "#" or a quotation mark are for the reader.
//
//	case: TITLE     begins a case. What stands before the first one goes for all of the file.
//	need: CAP !CAP  the case is for servers that announce, or do not announce, these after login, or before it where "greeting" is given.
//	                CAP is a pattern: APPENDLIMIT=<n> sets a variable.
//	given: …        what there is: "N messages" in the mailbox <box>, which is made for the case and empty otherwise; "selected";
//	                "greeting" instead of a login on every connection.
//	skip: NAME WHY  the case is not for the server of that name, a difference that is explained here.
//	C: LINE         is sent with CRLF. {} at its end announces a literal, {+} one that is not waited for.
//	L: LINE         is a line of that literal, each with CRLF. L- LINE is its last, without.
//	C+ REST         goes on behind a literal.
//	X: OCTETS       are sent as they are, with \r \n \t \0 \\ and \xNN replaced.
//	S: PATTERN      a response that must come. Those that stand together come in any order, with others between them.
//	S> PATTERN      the same, behind the one of the line before.
//	O: PATTERN      what may come instead of what the line before says.
//	N: PATTERN      a response that must not come before the S lines that stand with it are there.
//	close:          the client ends the connection; closed: the server must.
//	starttls:       the client begins TLS, and compress: compression, after the OK that lets it.
//	auth: TAG MECH  an AUTHENTICATE with all that belongs to the mechanism, up to the tagged response.
//
// C2:, S2:, S2>, … are the same on a second connection, and so on up to 9, which begin when they are first used.
//
// Patterns are responses, in which "…" stands for any elements, or any characters within one, and <name> is a variable: it is set
// where it first comes, and must be the same from then on. <box>, <user> and <password> are set, <user64> and <password64> are
// their base64, <plain> and <badplain> that of PLAIN's message with the right password and a wrong one. (* a b) is a list that
// has these elements in any order, and maybe others; (= a b) has no others; (% NAME value …) has these pairs. Of status responses
// the text doesn't matter, and the code only if there is one in the pattern. An atom, a quoted string and a literal of the same
// octets are the same; case matters where both the pattern and the response have a string.
package script
