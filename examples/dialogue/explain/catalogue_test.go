package explain

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var gap = regexp.MustCompile(`\{\d\}`)

// Both languages have the same sentences, with the same gaps, each once.
func TestLanguagesAgree(t *testing.T) {
	en, vi := catalogues[English], catalogues[Vietnamese]
	gaps := func(s string) []string {
		out := gap.FindAllString(s, -1)
		slices.Sort(out)
		return slices.Compact(out)
	}
	for key, text := range en {
		if vi[key] == "" || !slices.Equal(gaps(text), gaps(vi[key])) {
			t.Errorf("%s: %q and %q", key, text, vi[key])
		}
	}
	require.Len(t, vi, len(en))
	same := 0
	for key, text := range en {
		if text == vi[key] && !strings.HasPrefix(key, "short.") && !strings.HasPrefix(key, "place.") {
			same++
		}
	}
	require.LessOrEqual(t, same, 5, "sentences that were not translated")
	for lang, text := range map[string]string{"en": textsEN, "vi": textsVI} {
		seen := map[string]bool{}
		for line := range strings.Lines(text) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
			if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
				continue
			}
			require.True(t, ok, "%s: %q", lang, line)
			require.False(t, seen[key], "%s: %s stands twice", lang, key)
			require.NotEmpty(t, value)
			seen[key] = true
		}
	}
}

// What the program says is in the catalogue: all keys that its text has.
func TestKeysInTheCode(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	own, err := filepath.Glob("../*/*.go")
	require.NoError(t, err)
	key := regexp.MustCompile(`"((?:mistake|sasl|word|letter|line|tls|smtp|pop3|pop2|imap|enh|client|place|side|short|ui|log|screen|play|talk|watch|hint|web)\.[A-Za-z0-9.+-]*[A-Za-z0-9])"`)
	n := 0
	for _, file := range append(files, own...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			if m[1] == "smtp.cmd" || m[1] == "pop3.reply" || strings.HasSuffix(m[1], ".txt") || strings.HasSuffix(m[1], ".log") {
				continue
			}
			n++
			require.True(t, known(m[1]), "%s: %s is not in the catalogue", file, m[1])
		}
	}
	require.Greater(t, n, 150)
}

// Whatever the RFCs and IANA's registries list has its sentence.
func TestRegistriesAreCovered(t *testing.T) {
	var keys []string
	all := func(prefix, list string) {
		for w := range strings.FieldsSeq(list) {
			keys = append(keys, prefix+w)
		}
	}
	all("smtp.cmd.", "HELO EHLO MAIL RCPT DATA RSET VRFY EXPN HELP NOOP QUIT STARTTLS AUTH BDAT BURL ETRN ATRN TURN SEND SOML SAML LHLO")
	all("smtp.ext.", "SEND SOML SAML EXPN HELP TURN 8BITMIME SIZE CHUNKING BINARYMIME CHECKPOINT DELIVERBY PIPELINING DSN ETRN ENHANCEDSTATUSCODES STARTTLS NO-SOLICITING MTRK SUBMITTER ATRN AUTH FUTURERELEASE CONPERM CONNEG SMTPUTF8 MT-PRIORITY RRVS REQUIRETLS LIMITS BURL UTF8SMTP")
	all("smtp.param.", "SIZE BODY RET ENVID NOTIFY ORCPT SOLICIT MTRK AUTH HOLDFOR HOLDUNTIL CONPERM CONNEG SMTPUTF8 MT-PRIORITY RRVS BY REQUIRETLS TRANSID")
	all("smtp.code.", "211 214 220 221 235 250 251 252 334 354 421 432 450 451 452 454 455 500 501 502 503 504 521 525 530 534 535 538 550 551 552 553 554 555 556 253 458 459 453")
	all("smtp.class.", "2 3 4 5")
	all("smtp.digit.", "0 1 2 3 5")
	all("enh.class.", "2 4 5")
	all("enh.subject.", "0 1 2 3 4 5 6 7")
	all("enh.", "0.0 1.0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 1.10 2.0 2.1 2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 3.6 4.0 4.1 4.2 4.3 4.4 4.5 4.6 4.7 5.0 5.1 5.2 5.3 5.4 5.5 5.6 6.0 6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 6.9 6.10 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 7.12 7.13 7.14 7.15 7.16 7.17 7.18 7.19 7.20 7.21 7.22 7.23 7.24 7.25 7.26 7.27 7.28 7.29 7.30")
	all("pop3.cmd.", "USER PASS APOP AUTH STAT LIST RETR DELE NOOP RSET QUIT TOP UIDL CAPA STLS LANG UTF8")
	all("pop3.capa.", "TOP USER SASL RESP-CODES LOGIN-DELAY PIPELINING EXPIRE UIDL IMPLEMENTATION STLS AUTH-RESP-CODE LANG UTF8")
	all("pop3.code.", "IN-USE LOGIN-DELAY SYS/TEMP SYS/PERM AUTH UTF8")
	all("pop2.cmd.", "HELO FOLD READ RETR ACKS ACKD NACK QUIT")
	all("imap.cmd.", "CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE UID")
	all("imap.untagged.", "OK NO BAD BYE CAPABILITY ENABLED LIST LSUB NAMESPACE STATUS SEARCH ESEARCH FLAGS EXISTS RECENT EXPUNGE FETCH VANISHED QUOTA QUOTAROOT ACL MYRIGHTS LISTRIGHTS METADATA ID SORT THREAD LANGUAGE COMPARATOR GENURLAUTH URLFETCH CONVERSION CONVERTED JMAPACCESS")
	all("imap.greeting.", "OK PREAUTH BYE NO BAD")
	all("imap.tagged.", "OK NO BAD")
	all("imap.code.", "ALERT ALREADYEXISTS APPENDUID AUTHENTICATIONFAILED AUTHORIZATIONFAILED BADCHARSET CANNOT CAPABILITY CLIENTBUG CLOSED CONTACTADMIN COPYUID CORRUPTION EXPIRED EXPUNGEISSUED HASCHILDREN INUSE LIMIT NONEXISTENT NOPERM OVERQUOTA PARSE PERMANENTFLAGS PRIVACYREQUIRED READ-ONLY READ-WRITE SERVERBUG TRYCREATE UIDNEXT UIDNOTSTICKY UIDVALIDITY UNAVAILABLE UNKNOWN-CTE NOTSAVED UNSEEN HIGHESTMODSEQ NOMODSEQ MODIFIED COMPRESSIONACTIVE USEATTR MAILBOXID METADATA BADCOMPARATOR TEMPFAIL NOUPDATE NOTIFICATIONOVERFLOW BADEVENT UNDEFINED-FILTER BADURL TOOBIG REFERRAL NEWNAME URLMECH INPROGRESS UIDREQUIRED MESSAGELIMIT")
	all("imap.capa.", "ACL ANNOTATE-EXPERIMENT-1 APPENDLIMIT BINARY CATENATE CHILDREN COMPRESS CONDSTORE CONTEXT CONVERT CREATE-SPECIAL-USE ENABLE ESEARCH ESORT FILTERS I18NLEVEL ID IDLE IMAPSIEVE INPROGRESS JMAPACCESS LANGUAGE LIST-EXTENDED LIST-METADATA LIST-MYRIGHTS LIST-STATUS LITERAL+ LITERAL- LOGIN-REFERRALS LOGINDISABLED MAILBOX-REFERRALS MESSAGELIMIT METADATA METADATA-SERVER MOVE MULTIAPPEND MULTISEARCH NAMESPACE NOTIFY OBJECTID PARTIAL PREVIEW QRESYNC QUOTA QUOTASET REPLACE RIGHTS SASL-IR SAVEDATE SAVELIMIT SEARCH SEARCHRES SORT SPECIAL-USE STARTTLS STATUS THREAD UIDBATCHES UIDONLY UIDPLUS UNAUTHENTICATE UNSELECT URL-PARTIAL URLAUTH UTF8 WITHIN IMAP4REV1 IMAP4REV2")
	for _, key := range keys {
		require.True(t, known(key), "%s is not in the catalogue", key)
	}
	for prefix, commands := range map[string]map[string]string{"smtp.cmd.": smtpCommands, "pop3.cmd.": pop3Commands, "pop2.cmd.": pop2Commands, "imap.cmd.": imapCommands} {
		for verb := range commands {
			require.True(t, known(prefix+verb), "%s%s is not in the catalogue", prefix, verb)
		}
	}
	for _, p := range Protocols {
		m := MachineOf(p)
		for _, node := range append(append([]string{}, m.Main...), m.Side...) {
			require.True(t, known(node), node)
			require.True(t, known("short."+node), node)
		}
	}
	for _, station := range Stations {
		require.True(t, known("place."+station))
		require.True(t, known("place.says."+station))
	}
}

func TestText(t *testing.T) {
	require.Equal(t, "MAIL comes too early: MAIL FROM:<sender> first.", English.Say("mistake.mail-first", "MAIL"))
	require.Equal(t, `"{2} {1}" is no command. Is x meant?`, English.Say("mistake.typo", "{2} {1}", "x"), "what fills a gap is not filled again")
	require.Equal(t, "[no.such.key]", Vietnamese.Say("no.such.key"))
	require.Equal(t, Vietnamese, LangOf("vi_VN.UTF-8"))
	require.Equal(t, English, LangOf("C"))
}
