package takeover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A rule says what becomes of settings.
type rule struct {
	names string // with "*" at the end for all that begin so
	kind  Kind
	text  string
	do    string
}

// rules are for settings that nothing is computed from. The first whose name fits holds.
var rules = []rule{
	{"dovecot_config_version dovecot_storage_version", Same, "what it was written for", ""},
	{"base_dir state_dir libexec_dir mail_plugin_dir login_plugin_dir login_plugins instance_name import_environment default_internal_* default_login_user default_client_limit default_process_limit default_vsz_limit default_idle_kill config_cache_size shutdown_clients service_* auth_worker_max_count mail_prefetch_count stats_* old_stats_* process_shutdown_filter log_core_filter version_ignore doveadm_socket_path auth_socket_path auth_proxy_self dict_db_config verbose_proctitle", Same, "is about Dovecot's processes; this server is one program", ""},
	{"auth_verbose auth_debug auth_verbose_passwords auth_debug_passwords auth_stats mail_debug verbose_ssl log_debug", Same, "logins and deliveries are logged always, passwords never", ""},
	{"log_path info_log_path debug_log_path syslog_facility", Differs, "there is one log, of both halves", "set maillog_file in main.cf where it isn't; fail2ban's and pflogsumm's rules read it as they are"},
	{"log_timestamp login_log_format* mail_log_prefix deliver_log_format *_logout_format", Differs, "log lines have the form that Dovecot's have by default", "change what reads them by another form"},
	{"first_valid_uid last_valid_uid first_valid_gid last_valid_gid mail_access_groups mail_privileged_group mail_full_filesystem_access mail_chroot valid_chroot_dirs", Same, "the server opens all mail as one user, mail_owner", ""},
	{"mail_fsync", Same, "what is acknowledged is on the disk", ""},
	{"mail_nfs_* mmap_disable dotlock_use_excl lock_method", Differs, "mailboxes are for one server at a time", "don't let a second server open them"},
	{"maildir_* mail_save_crlf mail_max_lock_timeout mail_temp_* mbox_* mdbox_* mail_sort_* mail_vsize_* mailbox_idle_check_interval mailbox_list_index* mail_cache_* mail_always_cache_fields mail_never_cache_fields mail_attachment_detection_options mail_max_keyword_length mailbox_list_drop_noselect", Same, "is about how Dovecot keeps mail fast; this server has an index of its own beside the messages", ""},
	{"mail_attachment_* mail_ext_attachment_*", Blocks, "parts of messages lie outside of the messages' files and would be missing", "have Dovecot write them whole: doveadm sync to Maildirs without this setting, then import again"},
	{"mail_replica replication_* replicator_* dsync_*", Differs, "mailboxes aren't copied to another server", "copy the folder of the mailboxes with the tools of the file system, or keep Dovecot"},
	{"director_*", Differs, "there is no director", "name the server in the DNS"},
	{"doveadm_password doveadm_port doveadm_api_key doveadm_allowed_commands doveadm_username doveadm_ssl doveadm_http_rawlog_dir", Differs, "commands come by a socket of this machine, never by the network", "use ssh"},
	{"doveadm_*", Same, "is about Dovecot's processes; this server is one program", ""},
	{"mail_max_userip_connections", Differs, "a user's sessions aren't counted by address; default_process_limit bounds those of each service", ""},
	{"imap_idle_notify_interval imap_id_* imap_max_line_length imap_hibernate_timeout imap_literal_minus imap_fetch_failure imap_metadata mail_attribute_* mail_server_*", Same, "needs no setting here: idle sessions cost little, METADATA is there", ""},
	{"imap_client_workarounds pop3_client_workarounds lmtp_client_workarounds", Differs, "there are no workarounds for old clients", "take away what a client has trouble with by imap_capability = -NAME"},
	{"imap_urlauth_*", Same, "URLAUTH is there with this server's own name", ""},
	{"pop3_save_uidl", Same, "unique-ids that are in dovecot-uidlist are kept", ""},
	{"pop3_reuse_xuidl", Blocks, "unique-ids from X-UIDL fields aren't used: POP3 clients would fetch all again", "set pop3_save_uidl = yes, have each user log in to Dovecot by POP3 once, then take this setting out"},
	{"pop3_deleted_flag pop3_delete_type", Blocks, "messages that POP3 clients have deleted stay in the mailbox and would come again", "expunge what has the flag: doveadm expunge -A mailbox INBOX keyword …; then take this setting out"},
	{"pop3_uidl_duplicates pop3_fast_size_lookups pop3_lock_session pop3_enable_last", Same, "unique-ids are unique, sizes are indexed, one session at a time has the maildrop", ""},
	{"pop3_no_flag_updates", Differs, "messages that POP3 clients fetch become \\Seen", ""},
	{"lmtp_rcpt_check_quota", Same, "a full mailbox is refused when it is named", ""},
	{"lmtp_proxy lmtp_proxy_* login_proxy_* imapc_* pop3c_* login_source_ips", Blocks, "this Dovecot hands sessions or mail on to another server", "import on the server that has the mailboxes"},
	{"lmtp_* lda_original_recipient_header lda_mailbox_* rejection_* sendmail_path", Differs, "mail is filed in INBOX, or in Junk, by the server itself; detail addresses go to INBOX", ""},
	{"submission_*", Differs, "submission is Postfix's: master.cf says where", ""},
	{"recipient_delimiter", Same, "the one of main.cf holds", ""},
	{"hostname", Same, "myhostname of main.cf holds", ""},
	{"login_greeting", Differs, "the greeting is this server's own", ""},
	{"haproxy_*", Differs, "IMAP and POP3 behind a proxy show the proxy's address", "let clients connect directly"},
	{"login_trusted_networks login_access_sockets", Differs, "nobody is trusted for his network when he logs in", ""},
	{"auth_username_chars auth_username_translation", Same, "names are quoted for wherever they go", ""},
	{"auth_realms auth_anonymous_username auth_krb5_keytab auth_gssapi_hostname auth_use_winbind auth_winbind_helper_path", Differs, "is of mechanisms that aren't here", ""},
	{"auth_policy_*", Differs, "no policy server is asked; guesses are slowed down by address", ""},
	{"auth_cache_verify_password_with_worker auth_internal_failure_delay", Same, "hashing has its own bound", ""},
	{"ssl_min_protocol ssl_protocols", Differs, "IMAP and POP3 take TLS 1.2 and later", ""},
	{"ssl_cipher_list ssl_cipher_suites ssl_curve_list ssl_prefer_server_ciphers ssl_dh ssl_options ssl_crypto_device ssl_dh_parameters_length", Differs, "Go's choice of ciphers and curves, in its order", ""},
	{"ssl_client_* ssl_require_crl", Same, "is about Dovecot as a client, or revocation lists, which aren't looked at", ""},
	{"ssl_key_password", Blocks, "keys with a password can't be read", "write the key without it: openssl pkey -in KEY -out NEW"},
	{"mailbox_*", Differs, "has no counterpart", ""},
	{"lazy_expunge*", Differs, "what is expunged is gone", ""},
	{"zlib_save_level mail_compress_*", Same, "the method's usual level", ""},
	{"crypt_* mail_crypt_*", Blocks, "messages are encrypted by Dovecot and can't be read", "decrypt them with Dovecot first"},
	{"sieve*", Differs, "Sieve scripts aren't run; mail goes to INBOX, or to Junk", "keep the scripts; tell users whose mail is filed or answered by one"},
	{"managesieve_*", Differs, "there is no ManageSieve service", ""},
	{"fts* language* textcat_*", Same, "text search is built in and makes its own index", ""},
	{"acl_driver acl imap_acl_*", Same, "access lists are read from dovecot-acl files", ""},
	{"acl_sharing_map*", Differs, "who has shared mailboxes with whom is in shared-mailboxes in data_directory", "share a mailbox again to have it listed, or copy the file"},
	{"acl_*", Differs, "access lists beside the mailboxes' own dovecot-acl files aren't read", ""},
	{"quota_* quota", Differs, "has no counterpart; limits are quota_rule", ""},
	{"metric* event_exporter*", Differs, "Dovecot's metrics aren't here", "metrics_listen gives this server's to Prometheus"},
	{"dict* fs* ", Differs, "this server keeps no dictionaries", ""},
	{"imapsieve* push_notification* notify* mail_log* welcome* virtual* trash* expire* antispam* last_login*", Differs, "this plugin isn't here", ""},
	{"sql_driver sqlite_*", Same, "is part of passdb and userdb sql", ""},
	{"passdb_* userdb_*", Same, "is part of the passdb and userdb that it is for", ""},
}

func (r *rule) fits(name string) bool {
	for n := range strings.FieldsSeq(r.names) {
		switch {
		case n == name:
			return true
		case strings.HasSuffix(n, "*") && strings.HasPrefix(name, strings.TrimSuffix(n, "*")):
			return true
		case strings.HasPrefix(n, "*") && strings.HasSuffix(name, n[1:]):
			return true
		}
	}
	return false
}

// setting says what becomes of one.
func (t *translation) setting(s setting) {
	switch s.name {
	case "protocols", "mail_location", "mail_home": // where it is used
	case "listen":
		t.find(Translated, s, "", "is in imap_listen and the others")
	case "ssl_key", "ssl_alt_key":
		t.find(Translated, s, "", "goes with the certificate")
	case "mail_uid", "mail_gid":
		t.owner(s)
	case "auth_cache_size":
		t.put(s, s.name, strings.ReplaceAll(s.value, " ", ""))
	case "auth_cache_ttl", "auth_cache_negative_ttl", "auth_failure_delay":
		if v, ok := duration(s.value); ok {
			t.put(s, s.name, v)
		} else {
			t.find(Differs, s, "write "+s.name+" into main.cf by hand", "the time isn't understood")
		}
	case "auth_master_user_separator", "auth_ssl_require_client_cert", "auth_ssl_username_from_cert", "ssl_verify_client_cert", "ssl_cert_username_field", "quota_full_tempfail":
		t.put(s, s.name, dollars(s.value))
	case "disable_plaintext_auth":
		t.put(s, s.name, s.value)
	case "auth_mechanisms":
		t.mechanisms(s)
	case "auth_default_realm":
		t.realm(s)
	case "auth_username_format":
		if s.protocol == "lmtp" {
			t.find(Differs, s, "", "mail is delivered to the address that Postfix's tables lead to")
			return
		}
		switch v := strings.ReplaceAll(strings.ReplaceAll(s.value, " ", ""), "|lower", ""); v {
		case "", "%u", "%Lu", "%{user}":
			t.same(s, "names are in lower case here")
		case "%n", "%Ln", "%{user|username}", "%{username}":
			t.find(Differs, s, "", "a user is alice@$mydomain here; who logs in with another domain isn't known")
		default:
			t.find(Blocks, s, "write users' names as they are to log in, and take this setting out", "names aren't changed when users log in")
		}
	case "pop3_uidl_format":
		t.uidl(s)
	case "imap_capability":
		if s.value == "" || strings.HasPrefix(s.value, "+") {
			t.find(Differs, s, "", "what this server can do is announced, and nothing else")
		} else {
			t.find(Differs, s, "take single ones away by imap_capability = -NAME", "what this server can do is announced, not a list")
		}
	case "postmaster_address":
		if strings.Contains(s.value, "%") {
			t.find(Differs, s, "set postmaster_address to a user", "postmaster's mail goes to one user")
		} else {
			t.put(s, s.name, dollars(s.value))
		}
	case "ssl":
		t.ssl(s)
	case "ssl_cert":
		t.certificate(s)
	case "ssl_alt_cert":
		t.find(Differs, s, "name both in smtpd_tls_chain_files: KEY, CERT, KEY2, CERT2", "there is one certificate")
	case "ssl_ca":
		if s.value = strings.TrimPrefix(s.value, "<"); s.value != "" {
			t.put(s, s.name, dollars(s.value))
		} else {
			t.same(s, "no authority for clients")
		}
	case "mail_plugins":
		t.plugins(s)
	case "zlib_save":
		t.plugin(s)
	case "quota_storage_size", "quota_message_count":
		t.limit24(s)
	case "quota_driver":
		t.same(s, "what an account uses is counted in maildirsize")
	default:
		switch {
		case strings.HasPrefix(s.name, "oauth2_"): // oauth24 speaks of it
		case strings.HasPrefix(s.name, "ldap_"):
			t.ldapSetting(s)
		default:
			t.byRule(s)
		}
	}
}

// byRule is for what has no case of its own.
func (t *translation) byRule(s setting) {
	for i := range rules {
		if r := &rules[i]; r.fits(s.name) {
			t.find(r.kind, s, r.do, "%s", r.text)
			return
		}
	}
	t.find(Differs, s, "look whether you need it", "isn't known")
}

// duration writes one of Dovecot's times as main.cf has it: "30 mins" is 30m.
func duration(s string) (string, bool) {
	s = strings.ReplaceAll(s, " ", "")
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return "", false
	}
	unit := s[len(digits):]
	for letter, words := range map[string]string{"s": "s sec secs second seconds", "m": "m min mins minute minutes", "h": "h hour hours", "d": "d day days", "w": "w week weeks"} {
		if slices.Contains(strings.Fields(words), unit) {
			return fmt.Sprint(n) + letter, true
		}
	}
	return "0s", unit == "" && n == 0
}
