package maildir_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// What Dovecot writes into its list beside what we know stays when we write the list anew, and POP3 is told the unique-ids.
func TestUniqueIDs(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"cur/1000.a.h:2,S", "cur/1001.b.h:2,", "cur/1002.c.h:2,", "new/1003.d.h"} {
		r.write(name, "x\r\n")
	}
	r.write("dovecot-uidlist", "3 V777 N50 G0123456789abcdef0123456789abcdef\n7 P123.abc O4 :1000.a.h\n9 Gguid W30 Pz :1001.b.h\n11 :1002.c.h\n")
	m := r.open("INBOX")
	keeper := m.(mail.UniqueIDKeeper)
	ids, err := keeper.UniqueIDs(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[mail.UID]string{7: "123.abc", 9: "z"}, ids)
	names, err := m.(mail.FileNamer).FileNames(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[mail.UID]mail.FileName{7: {Base: "1000.a.h", GUID: "1000.a.h"}, 9: {Base: "1001.b.h", GUID: "guid"}, 11: {Base: "1002.c.h", GUID: "1002.c.h"}, 50: {Base: "1003.d.h", GUID: "1003.d.h"}}, names)
	for range 150 { // the list is written anew when it is mostly of messages that are gone
		got := addTo(t, m, "y\r\n")
		_, err := m.Expunge(t.Context(), mail.UIDSetOf(got.UIDs[0]), nil)
		require.NoError(t, err)
	}
	list := r.read("dovecot-uidlist")
	require.Less(t, strings.Count(list, "\n"), 150, "it was written anew")
	require.Contains(t, list, "7 P123.abc O4 :1000.a.h\n")
	require.Contains(t, list, "9 Gguid W30 Pz :1001.b.h\n")
	again, err := keeper.UniqueIDs(t.Context())
	require.NoError(t, err)
	require.Equal(t, ids, again)
}

// Courier's POP3 server counts by itself: its numbers are taken over with its IMAP server's.
func TestUniqueIDsOfCourier(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"cur/1000.a.h,S=3:2,S", "cur/1001.b.h:2,", "cur/1002.c.h:2,", "new/1003.d.h"} {
		r.write(name, "x\r\n")
	}
	r.write("courierimapuiddb", "1 777 50\n7 1000.a.h,S=3\n9 1001.b.h\n10 1002.c.h\n")
	r.write("courierpop3dsizelist", "/3 4 888\n1000.a.h,S=3:2, 3 1:888:0\n1001.b.h:2, 4 2:0:0\n1002.c.h 4 3\n../x 4 3:1\n1003.d.h x y z\n1003.d.h 4 0:888:0\n")
	ids, err := r.open("INBOX").(mail.UniqueIDKeeper).UniqueIDs(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[mail.UID]string{7: "UID1-888", 9: "UID2", 10: "UID3"}, ids)
	require.Contains(t, r.read("dovecot-uidlist"), "7 PUID1-888 :1000.a.h,S=3\n")
}
