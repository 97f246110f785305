package imapserver

import (
	"context"

	"github.com/buuta/mail/imap"
)

// states are the states in which a command is valid (RFC 9051 section 3).
type states uint8

const (
	notAuthenticated states = 1 << iota
	authenticated
	inSelected
	anyState = notAuthenticated | authenticated | inSelected
	loggedIn = authenticated | inSelected
)

type handler struct {
	run    func(*Conn, context.Context, *command) error
	states states
	uid    bool            // has a UID form
	cap    imap.Capability // which must not be disabled; "" for the base protocol
}

// lookup is the table of commands.
func lookup(name string) (handler, bool) {
	switch name {
	case "CAPABILITY":
		return handler{run: (*Conn).handleCapability, states: anyState}, true
	case "NOOP":
		return handler{run: (*Conn).handleNoop, states: anyState}, true
	case "LOGOUT":
		return handler{run: (*Conn).handleLogout, states: anyState}, true
	case "ID":
		return handler{run: (*Conn).handleID, states: anyState, cap: imap.CapID}, true
	case "LANGUAGE":
		return handler{run: (*Conn).handleLanguage, states: anyState, cap: imap.CapLanguage}, true
	case "STARTTLS":
		return handler{run: (*Conn).handleStartTLS, states: notAuthenticated}, true
	case "AUTHENTICATE":
		return handler{run: (*Conn).handleAuthenticate, states: notAuthenticated}, true
	case "LOGIN":
		return handler{run: (*Conn).handleLogin, states: notAuthenticated}, true
	case "ENABLE":
		return handler{run: (*Conn).handleEnable, states: loggedIn, cap: imap.CapEnable}, true
	case "SELECT", "EXAMINE":
		return handler{run: (*Conn).handleSelect, states: loggedIn}, true
	case "CREATE":
		return handler{run: (*Conn).handleCreate, states: loggedIn}, true
	case "DELETE":
		return handler{run: (*Conn).handleDelete, states: loggedIn}, true
	case "RENAME":
		return handler{run: (*Conn).handleRename, states: loggedIn}, true
	case "SUBSCRIBE", "UNSUBSCRIBE":
		return handler{run: (*Conn).handleSubscribe, states: loggedIn}, true
	case "LIST":
		return handler{run: (*Conn).handleList, states: loggedIn}, true
	case "XLIST":
		return handler{run: (*Conn).handleList, states: loggedIn, cap: capXList}, true
	case "LSUB":
		return handler{run: (*Conn).handleLsub, states: loggedIn}, true
	case "NAMESPACE":
		return handler{run: (*Conn).handleNamespace, states: loggedIn, cap: imap.CapNamespace}, true
	case "STATUS":
		return handler{run: (*Conn).handleStatus, states: loggedIn}, true
	case "GETQUOTA":
		return handler{run: (*Conn).handleGetQuota, states: loggedIn, cap: imap.CapQuota}, true
	case "GETQUOTAROOT":
		return handler{run: (*Conn).handleGetQuotaRoot, states: loggedIn, cap: imap.CapQuota}, true
	case "SETQUOTA":
		return handler{run: (*Conn).handleSetQuota, states: loggedIn, cap: imap.CapQuotaSet}, true
	case "SETACL", "DELETEACL":
		return handler{run: (*Conn).handleSetACL, states: loggedIn, cap: imap.CapACL}, true
	case "GETACL":
		return handler{run: (*Conn).handleGetACL, states: loggedIn, cap: imap.CapACL}, true
	case "LISTRIGHTS":
		return handler{run: (*Conn).handleListRights, states: loggedIn, cap: imap.CapACL}, true
	case "MYRIGHTS":
		return handler{run: (*Conn).handleMyRights, states: loggedIn, cap: imap.CapACL}, true
	case "UNAUTHENTICATE":
		return handler{run: (*Conn).handleUnauthenticate, states: loggedIn, cap: imap.CapUnauthenticate}, true
	case "NOTIFY":
		return handler{run: (*Conn).handleNotify, states: loggedIn, cap: imap.CapNotify}, true
	case "GETMETADATA":
		return handler{run: (*Conn).handleGetMetadata, states: loggedIn}, true
	case "SETMETADATA":
		return handler{run: (*Conn).handleSetMetadata, states: loggedIn}, true
	case "APPEND":
		return handler{run: (*Conn).handleAppend, states: loggedIn}, true
	case "IDLE":
		return handler{run: (*Conn).handleIdle, states: loggedIn, cap: imap.CapIdle}, true
	case "COMPRESS":
		return handler{run: (*Conn).handleCompress, states: loggedIn, cap: imap.CapCompress}, true
	case "GENURLAUTH":
		return handler{run: (*Conn).handleGenURLAuth, states: loggedIn, cap: imap.CapURLAuth}, true
	case "RESETKEY":
		return handler{run: (*Conn).handleResetKey, states: loggedIn, cap: imap.CapURLAuth}, true
	case "URLFETCH":
		return handler{run: (*Conn).handleURLFetch, states: loggedIn, cap: imap.CapURLAuth}, true
	case "CHECK":
		return handler{run: (*Conn).handleCheck, states: inSelected}, true
	case "CLOSE":
		return handler{run: (*Conn).handleClose, states: inSelected}, true
	case "UNSELECT":
		return handler{run: (*Conn).handleUnselect, states: inSelected, cap: imap.CapUnselect}, true
	case "EXPUNGE":
		return handler{run: (*Conn).handleExpunge, states: inSelected, uid: true}, true
	case "SEARCH":
		return handler{run: (*Conn).handleSearch, states: inSelected, uid: true}, true
	case "SORT":
		return handler{run: (*Conn).handleSort, states: inSelected, uid: true, cap: imap.CapSort}, true
	case "THREAD":
		return handler{run: (*Conn).handleThread, states: inSelected, uid: true}, true
	case "ESEARCH":
		return handler{run: (*Conn).handleESearch, states: loggedIn, cap: imap.CapMultiSearch}, true
	case "CANCELUPDATE":
		return handler{run: (*Conn).handleCancelUpdate, states: inSelected}, true
	case "UIDBATCHES":
		return handler{run: (*Conn).handleUIDBatches, states: inSelected, cap: imap.CapUIDBatches}, true
	case "FETCH":
		return handler{run: (*Conn).handleFetch, states: inSelected, uid: true}, true
	case "STORE":
		return handler{run: (*Conn).handleStore, states: inSelected, uid: true}, true
	case "COPY":
		return handler{run: (*Conn).handleCopy, states: inSelected, uid: true}, true
	case "REPLACE":
		return handler{run: (*Conn).handleReplace, states: inSelected, uid: true, cap: imap.CapReplace}, true
	case "MOVE":
		return handler{run: (*Conn).handleMove, states: inSelected, uid: true, cap: imap.CapMove}, true
	}
	return handler{}, false
}
