package imap

// Capability is a name in a CAPABILITY response (RFC 9051 section 7.2.2). Capabilities that this list lacks can be
// written as they are.
type Capability string

// The capabilities.
const (
	CapIMAP4rev1     Capability = "IMAP4rev1"
	CapIMAP4rev2     Capability = "IMAP4rev2"
	CapStartTLS      Capability = "STARTTLS"
	CapLoginDisabled Capability = "LOGINDISABLED"
	CapSASLIR        Capability = "SASL-IR"     // RFC 4959
	CapLiteralPlus   Capability = "LITERAL+"    // RFC 7888
	CapLiteralMinus  Capability = "LITERAL-"    // RFC 7888
	CapEnable        Capability = "ENABLE"      // RFC 5161
	CapID            Capability = "ID"          // RFC 2971
	CapIdle          Capability = "IDLE"        // RFC 2177
	CapNamespace     Capability = "NAMESPACE"   // RFC 2342
	CapChildren      Capability = "CHILDREN"    // RFC 3348
	CapUnselect      Capability = "UNSELECT"    // RFC 3691
	CapUIDPlus       Capability = "UIDPLUS"     // RFC 4315
	CapMove          Capability = "MOVE"        // RFC 6851
	CapSpecialUse    Capability = "SPECIAL-USE" // RFC 6154
	CapCreateSpecial Capability = "CREATE-SPECIAL-USE"
	CapListExtended  Capability = "LIST-EXTENDED" // RFC 5258
	CapListStatus    Capability = "LIST-STATUS"   // RFC 5819
	CapStatusSize    Capability = "STATUS=SIZE"   // RFC 8438
	CapESearch       Capability = "ESEARCH"       // RFC 4731
	CapSearchRes     Capability = "SEARCHRES"     // RFC 5182
	CapCondStore     Capability = "CONDSTORE"     // RFC 7162
	CapQResync       Capability = "QRESYNC"       // RFC 7162
	CapMultiAppend   Capability = "MULTIAPPEND"   // RFC 3502
	CapWithin        Capability = "WITHIN"        // RFC 5032
	CapUTF8Accept    Capability = "UTF8=ACCEPT"   // RFC 6855
	CapBinary        Capability = "BINARY"        // RFC 3516
	CapAppendLimit   Capability = "APPENDLIMIT"   // RFC 7889, as "APPENDLIMIT=<octets>"
	CapObjectID      Capability = "OBJECTID"      // RFC 8474
	CapSaveDate      Capability = "SAVEDATE"      // RFC 8514

	CapSort             Capability = "SORT"                  // RFC 5256
	CapSortDisplay      Capability = "SORT=DISPLAY"          // RFC 5957
	CapESort            Capability = "ESORT"                 // RFC 5267
	CapThreadOrdered    Capability = "THREAD=ORDEREDSUBJECT" // RFC 5256
	CapThreadReferences Capability = "THREAD=REFERENCES"     // RFC 5256
	CapThreadRefs       Capability = "THREAD=REFS"           // draft-ietf-morg-inthread
	CapContextSearch    Capability = "CONTEXT=SEARCH"        // RFC 5267
	CapContextSort      Capability = "CONTEXT=SORT"          // RFC 5267
	CapPartial          Capability = "PARTIAL"               // RFC 9394
	CapMultiSearch      Capability = "MULTISEARCH"           // RFC 7377
	CapSearchFuzzy      Capability = "SEARCH=FUZZY"          // RFC 6203
	CapFilters          Capability = "FILTERS"               // RFC 5466
	CapI18NLevel1       Capability = "I18NLEVEL=1"           // RFC 5255
	CapInProgress       Capability = "INPROGRESS"            // RFC 9585
	CapUIDBatches       Capability = "UIDBATCHES"            // draft-ietf-mailmaint-imap-uidbatches
	CapMessageLimit     Capability = "MESSAGELIMIT"          // RFC 9738, as "MESSAGELIMIT=<n>"
	CapSaveLimit        Capability = "SAVELIMIT"             // RFC 9738, as "SAVELIMIT=<n>"

	CapCatenate   Capability = "CATENATE"         // RFC 4469
	CapCompress   Capability = "COMPRESS=DEFLATE" // RFC 4978
	CapPreview    Capability = "PREVIEW"          // RFC 8970
	CapReplace    Capability = "REPLACE"          // RFC 8508
	CapUIDOnly    Capability = "UIDONLY"          // RFC 9586
	CapURLAuth    Capability = "URLAUTH"          // RFC 4467
	CapURLPartial Capability = "URL-PARTIAL"      // RFC 5550
)
