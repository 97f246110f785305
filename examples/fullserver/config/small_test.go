package config_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// small are the parameters that a small site's main.cf touches.
const small = `
	myhostname mydomain myorigin mydestination mynetworks mynetworks_style inet_interfaces inet_protocols proxy_interfaces smtpd_banner append_dot_mydomain compatibility_level
	relayhost relay_domains relay_recipient_maps transport_maps default_transport local_transport relay_transport sender_dependent_relayhost_maps sender_dependent_default_transport_maps
	smtp_fallback_relay smtp_bind_address permit_mx_backup_networks parent_domain_matches_subdomains
	local_recipient_maps alias_maps alias_database home_mailbox mailbox_command mailbox_transport luser_relay virtual_alias_domains virtual_alias_maps virtual_mailbox_domains virtual_mailbox_maps
	virtual_mailbox_base virtual_transport virtual_uid_maps virtual_gid_maps virtual_minimum_uid relocated_maps recipient_delimiter unknown_local_recipient_reject_code show_user_unknown_table_name
	canonical_maps sender_canonical_maps recipient_canonical_maps canonical_classes masquerade_domains masquerade_classes masquerade_exceptions smtp_generic_maps always_bcc sender_bcc_maps
	recipient_bcc_maps header_checks body_checks smtp_header_checks local_header_rewrite_clients
	smtpd_delay_reject smtpd_client_restrictions smtpd_helo_restrictions smtpd_sender_restrictions smtpd_relay_restrictions smtpd_recipient_restrictions smtpd_data_restrictions
	smtpd_end_of_data_restrictions smtpd_etrn_restrictions smtpd_helo_required smtpd_reject_unlisted_recipient smtpd_sender_login_maps smtpd_restriction_classes disable_vrfy_command
	strict_rfc821_envelopes smtpd_forbid_bare_newline smtpd_forbid_unauth_pipelining
	smtpd_sasl_auth_enable smtpd_sasl_type smtpd_sasl_path smtpd_sasl_security_options smtpd_tls_auth_only smtpd_tls_security_level smtpd_tls_chain_files smtpd_tls_cert_file smtpd_tls_loglevel
	smtpd_tls_received_header smtp_tls_security_level smtp_dns_support_level smtp_tls_policy_maps smtp_tls_CAfile smtp_sasl_auth_enable smtp_sasl_password_maps smtp_sasl_security_options
	smtp_sender_dependent_authentication
	message_size_limit mailbox_size_limit virtual_mailbox_limit header_size_limit line_length_limit smtpd_recipient_limit smtpd_client_connection_count_limit smtpd_client_connection_rate_limit
	smtpd_client_message_rate_limit smtpd_client_recipient_rate_limit smtpd_soft_error_limit smtpd_hard_error_limit smtpd_error_sleep_time smtpd_timeout default_process_limit
	default_destination_concurrency_limit smtp_mx_session_limit smtp_mx_address_limit smtp_connect_timeout smtp_helo_timeout smtp_mail_timeout smtp_rcpt_timeout smtp_data_init_timeout
	smtp_data_xfer_timeout smtp_data_done_timeout hopcount_limit
	postscreen_access_list postscreen_greet_wait postscreen_greet_action postscreen_dnsbl_sites postscreen_dnsbl_threshold postscreen_dnsbl_action postscreen_dnsbl_allowlist_threshold
	postscreen_cache_retention_time postscreen_greet_ttl smtpd_milters non_smtpd_milters milter_default_action milter_protocol content_filter smtpd_proxy_filter smtpd_upstream_proxy_protocol
	maillog_file soft_bounce biff notify_classes smtputf8_enable requiretls_enable`

// inertThere are those of them that have no meaning here, which is told to whoever sets them. Each must be one that this server does otherwise.
const inertThere = `permit_mx_backup_networks alias_database virtual_mailbox_base virtual_uid_maps virtual_gid_maps virtual_minimum_uid smtpd_tls_received_header smtp_sasl_security_options
	mailbox_size_limit virtual_mailbox_limit biff`

// Each of them works, or is refused with what to do instead, or changes nothing and says why: none is unknown, and none is silently left alone.
func TestSmallSites(t *testing.T) {
	rows := map[string]config.Param{}
	for _, p := range config.Table() {
		rows[p.Name] = p
	}
	refused, inert, n := 0, []string{}, 0
	for name := range strings.FieldsSeq(small) {
		p, ok := rows[name]
		require.True(t, ok, "%s is unknown", name)
		n++
		switch {
		case p.Refuse != "":
			refused++
			_, err := config.Read("main.cf", strings.NewReader(name+" = something=else"), "a.test")
			require.ErrorContains(t, err, "main.cf, line 1: "+name+": ", "it is refused by name")
		case p.Inert != "":
			inert = append(inert, name)
			value := map[config.Kind]string{config.Yes: "no", config.Size: "77", config.Integer: "77", config.Nets: "10.0.0.0/8"}[p.Kind]
			if value == "" {
				value = "hash:/x"
			}
			if value == p.Default {
				value = "yes"
			}
			c, err := config.Read("main.cf", strings.NewReader(name+" = "+value), "a.test")
			require.NoError(t, err)
			require.NotEmpty(t, c.Warnings(), name)
			require.Contains(t, c.Warnings()[0].Error(), "main.cf, line 1: "+name+": changes nothing here: ")
		}
	}
	require.Equal(t, strings.Fields(inertThere), inert)
	t.Logf("%d parameters: %d work, %d change nothing and say so, %d are refused by name", n, n-refused-len(inert), len(inert), refused)
}
