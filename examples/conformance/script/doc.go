// Package script is dialogues of mail protocols as text that are test, conformance case and teaching text at once, and that run
// against any server: [Parse] reads one, [Runner.Run] plays one of its cases, [All] are ours, in docs/dialogues, one file a subject.
//
//	protocol: imap
//
//	case: UNSELECT leaves without expunging
//	given: 3 messages, selected
//	need: UNSELECT
//	clause: MUST RFC 9051 section 6.4.2
//	"This command performs the same actions as CLOSE, except that no messages are permanently removed"
//	vi: UNSELECT rời hộp thư mà không xóa thư nào
//	C: a STORE 1 +FLAGS (\Deleted)
//	S: * 1 FETCH (% FLAGS (* \Deleted))
//	S: a OK
//	C: b UNSELECT
//	N: * … EXPUNGE
//	S: b OK
//
// A line begins with a word that says what it is; those that begin with "#" are for the reader.
//
//	protocol: P     smtp, lmtp, pop3, pop2, imap or managesieve. It stands once, before the first case.
//	case: TITLE     begins a case. What stands before the first one goes for all of the file.
//	need: CAP !CAP  the case is for servers that announce, or do not announce, these after login, or before it where "greeting" is
//	                given. CAP is a pattern: APPENDLIMIT=<n> sets a variable. "SIZE 100" of SMTP, POP3 and ManageSieve is SIZE and
//	                SIZE=100, "AUTH PLAIN LOGIN" is AUTH, AUTH=PLAIN and AUTH=LOGIN; APOP is a timestamp in POP3's greeting.
//	given: …        what there is, with commas between: "N messages" in IMAP's mailbox <box>, which is made for the case and empty
//	                otherwise, or in POP3's INBOX, where others may be too: <m1> is the number of the first, <z1> its size, <count>
//	                and <octets> are of all; "selected": <box>; "greeting": nothing has been read, and nobody has logged in; "login":
//	                SMTP's client has, which otherwise has read the greeting and said EHLO.
//	kind: security  the case is played only if attacks are asked for; "stress": only if load is.
//	speaks: N P     connection N speaks another protocol, and is opened as the cases of that are.
//	skip: NAME WHY  the case can't be played on the server of that name as it is installed.
//	clause: LEVEL RFC N section S
//	                begins what shows whether a clause is kept. LEVEL is MUST, SHOULD or MAY, or NOT behind them. The lines below
//	                that begin with a quotation mark are its text, in which "…" leaves something out; "vi:" is what it is about, and
//	                why, in Vietnamese, "en:" in English, where the title doesn't say it.
//	known: NAME WHY the server of that name does not keep the clause; what it does instead, and how that was found.
//	C: LINE         is sent with CRLF. {} at its end announces a literal, {+} one that is not waited for.
//	L: LINE         is a line of that literal, each with CRLF. L- LINE is its last, without.
//	C+ REST         goes on behind a literal.
//	X: OCTETS       are sent as they are, with \r \n \t \0 \\ and \xNN replaced, and \{N*TEXT} by TEXT N times.
//	S: PATTERN      an answer that must come. In IMAP those that stand together come in any order, with others between them; elsewhere
//	                each line is the next answer.
//	S> PATTERN      in IMAP the same, behind the one of the line before.
//	O: PATTERN      what may come instead of what the line before says.
//	else: PATTERN   the same, from a server that has not what the case is about: the rest of it is not for that server.
//	N: PATTERN      what must not come before the S lines that stand with it are there.
//	M: PATTERN      a line that POP3 says behind its answer, among those up to the dot; N lines behind it must not be among them.
//	close:          the client ends the connection; closed: the server must.
//	starttls:       the client begins TLS, and compress: compression, after the answer that lets it. "starttls: or closed" lets the server
//	                end the connection instead, which ends the case.
//	auth: TAG MECH  an AUTHENTICATE with all that belongs to the mechanism, up to the tagged response; auth: MECH in SMTP and POP3.
//	let: NAME OCTETS  sets a variable.
//	wait: 200ms     lets time pass.
//	repeat: 5s      what stands from here to "end:" is played until it goes well, or the time is over.
//
// C2:, S2:, S2>, … are the same on a second connection, and so on up to 9, which begin when they are first used.
//
// In patterns "…" stands for anything, and <name> is a variable: it is set where it first comes, and must be the same from then on.
// Set from the beginning are <user>, <password>, their base64 <user64> and <password64>, <userurl> as in a URL, <plain> and <badplain>, which is PLAIN's
// message with the right password and a wrong one; <from>, <to> and its <domain>, <hello>; <mark>, which a header field
// X-Conformance of each message that goes to <to> has, so that it is found and removed; in IMAP <box>, the <prefix> of personal
// mailboxes and the delimiter <d>.
//
// Patterns of SMTP are a code, in which "x" is any digit, and maybe a text, which one of the reply's lines has: "250 SIZE …". Those of
// POP3 and POP2 are lines; "+OK" and "-ERR" alone have any text behind them.
//
// Patterns of IMAP are responses, in which "…" stands for any elements, or any characters within one. (* a b) is a list that has
// these elements in any order, and maybe others; (= a b) has no others; (% NAME value …) has these pairs. Of status responses the
// text doesn't matter, and the code only if there is one in the pattern. An atom, a quoted string and a literal of the same octets
// are the same; case matters where both the pattern and the response have a string. ManageSieve's are the same, and OK, NO and BYE
// begin a line.
package script
