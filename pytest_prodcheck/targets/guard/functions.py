"""The functions of `pg_catalog` that a probe may call without a declaration, by purpose.

An allow-list, generated from `pg_proc` of PostgreSQL 18 and then read by people. Left out on purpose is what writes,
locks, sleeps, sends, signals, reads or lists files, runs text (`query_to_xml`, `ts_stat`, `ts_rewrite`), runs the input
function of a type that is named in text (`pg_input_is_valid`), sets the session (`set_config`, `setseed`), touches a
sequence, assigns a transaction id (`txid_current`), reads large objects, and what is support code of types, operators
and indexes. The tests compare each name with a real server.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.targets.guard.words import words

_BY_PURPOSE: Mapping[str, str] = {
    # Who may do what.
    "privileges": """
        aclcontains acldefault aclexplode aclinsert aclremove has_any_column_privilege has_column_privilege
        has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege
        has_largeobject_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege
        has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege makeaclitem
        pg_get_acl pg_has_role row_security_active
    """,
    # Statistics that the server keeps anyway; readers only.
    "statistics": """
        pg_cursor pg_get_aios pg_get_wait_events pg_indexam_progress_phasename pg_lock_status pg_mcv_list_items
        pg_notification_queue_usage pg_prepared_statement pg_prepared_xact pg_stat_get_activity
        pg_stat_get_analyze_count pg_stat_get_archiver pg_stat_get_autoanalyze_count
        pg_stat_get_autovacuum_count pg_stat_get_backend_activity pg_stat_get_backend_activity_start
        pg_stat_get_backend_client_addr pg_stat_get_backend_client_port pg_stat_get_backend_dbid
        pg_stat_get_backend_idset pg_stat_get_backend_io pg_stat_get_backend_pid pg_stat_get_backend_start
        pg_stat_get_backend_subxact pg_stat_get_backend_userid pg_stat_get_backend_wait_event
        pg_stat_get_backend_wait_event_type pg_stat_get_backend_wal pg_stat_get_backend_xact_start
        pg_stat_get_bgwriter_buf_written_clean pg_stat_get_bgwriter_maxwritten_clean
        pg_stat_get_bgwriter_stat_reset_time pg_stat_get_blocks_fetched pg_stat_get_blocks_hit
        pg_stat_get_buf_alloc pg_stat_get_checkpointer_buffers_written pg_stat_get_checkpointer_num_performed
        pg_stat_get_checkpointer_num_requested pg_stat_get_checkpointer_num_timed
        pg_stat_get_checkpointer_restartpoints_performed pg_stat_get_checkpointer_restartpoints_requested
        pg_stat_get_checkpointer_restartpoints_timed pg_stat_get_checkpointer_slru_written
        pg_stat_get_checkpointer_stat_reset_time pg_stat_get_checkpointer_sync_time
        pg_stat_get_checkpointer_write_time pg_stat_get_db_active_time pg_stat_get_db_blk_read_time
        pg_stat_get_db_blk_write_time pg_stat_get_db_blocks_fetched pg_stat_get_db_blocks_hit
        pg_stat_get_db_checksum_failures pg_stat_get_db_checksum_last_failure pg_stat_get_db_conflict_all
        pg_stat_get_db_conflict_bufferpin pg_stat_get_db_conflict_lock pg_stat_get_db_conflict_logicalslot
        pg_stat_get_db_conflict_snapshot pg_stat_get_db_conflict_startup_deadlock
        pg_stat_get_db_conflict_tablespace pg_stat_get_db_deadlocks pg_stat_get_db_idle_in_transaction_time
        pg_stat_get_db_numbackends pg_stat_get_db_parallel_workers_launched
        pg_stat_get_db_parallel_workers_to_launch pg_stat_get_db_session_time pg_stat_get_db_sessions
        pg_stat_get_db_sessions_abandoned pg_stat_get_db_sessions_fatal pg_stat_get_db_sessions_killed
        pg_stat_get_db_stat_reset_time pg_stat_get_db_temp_bytes pg_stat_get_db_temp_files
        pg_stat_get_db_tuples_deleted pg_stat_get_db_tuples_fetched pg_stat_get_db_tuples_inserted
        pg_stat_get_db_tuples_returned pg_stat_get_db_tuples_updated pg_stat_get_db_xact_commit
        pg_stat_get_db_xact_rollback pg_stat_get_dead_tuples pg_stat_get_function_calls
        pg_stat_get_function_self_time pg_stat_get_function_total_time pg_stat_get_ins_since_vacuum
        pg_stat_get_io pg_stat_get_last_analyze_time pg_stat_get_last_autoanalyze_time
        pg_stat_get_last_autovacuum_time pg_stat_get_last_vacuum_time pg_stat_get_lastscan
        pg_stat_get_live_tuples pg_stat_get_mod_since_analyze pg_stat_get_numscans pg_stat_get_progress_info
        pg_stat_get_recovery_prefetch pg_stat_get_replication_slot pg_stat_get_slru
        pg_stat_get_snapshot_timestamp pg_stat_get_subscription pg_stat_get_subscription_stats
        pg_stat_get_total_analyze_time pg_stat_get_total_autoanalyze_time pg_stat_get_total_autovacuum_time
        pg_stat_get_total_vacuum_time pg_stat_get_tuples_deleted pg_stat_get_tuples_fetched
        pg_stat_get_tuples_hot_updated pg_stat_get_tuples_inserted pg_stat_get_tuples_newpage_updated
        pg_stat_get_tuples_returned pg_stat_get_tuples_updated pg_stat_get_vacuum_count pg_stat_get_wal
        pg_stat_get_wal_receiver pg_stat_get_wal_senders pg_stat_get_xact_blocks_fetched
        pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time
        pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted
        pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted
        pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated
    """,
    # Recovery, WAL positions and replication; none moves anything.
    "replication": """
        pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system pg_current_wal_flush_lsn
        pg_current_wal_insert_lsn pg_current_wal_lsn pg_get_publication_tables pg_get_replication_slots
        pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_is_in_recovery pg_is_wal_replay_paused
        pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
        pg_lsn pg_relation_is_publishable pg_split_walfile_name pg_wal_lsn_diff pg_walfile_name
        pg_walfile_name_offset
    """,
    # Transaction ids; none assigns one.
    "transactions": """
        mxid_age pg_current_snapshot pg_current_xact_id_if_assigned pg_get_multixact_members pg_snapshot_xip
        pg_snapshot_xmax pg_snapshot_xmin pg_visible_in_snapshot pg_xact_commit_timestamp
        pg_xact_commit_timestamp_origin pg_xact_status txid_current_if_assigned txid_current_snapshot
        txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status txid_visible_in_snapshot
    """,
    # Sizes on disk and of values.
    "sizes": """
        pg_column_compression pg_column_size pg_column_toast_chunk_id pg_database_size pg_filenode_relation
        pg_indexes_size pg_relation_filenode pg_relation_filepath pg_relation_size pg_size_bytes pg_size_pretty
        pg_table_size pg_tablespace_databases pg_tablespace_location pg_tablespace_size pg_total_relation_size
    """,
    # Definitions and names in the catalog.
    "catalog": """
        col_description current_setting format_type obj_description oidvectortypes
        pg_available_extension_versions pg_available_extensions pg_basetype pg_char_to_encoding
        pg_collation_actual_version pg_collation_for pg_collation_is_visible pg_column_is_updatable pg_config
        pg_conversion_is_visible pg_database_collation_actual_version pg_describe_object pg_encoding_max_length
        pg_encoding_to_char pg_extension_update_paths pg_function_is_visible pg_get_backend_memory_contexts
        pg_get_constraintdef pg_get_expr pg_get_function_arg_default pg_get_function_arguments
        pg_get_function_identity_arguments pg_get_function_result pg_get_function_sqlbody pg_get_functiondef
        pg_get_indexdef pg_get_keywords pg_get_loaded_modules pg_get_object_address
        pg_get_partition_constraintdef pg_get_partkeydef pg_get_replica_identity_index pg_get_ruledef
        pg_get_serial_sequence pg_get_shmem_allocations pg_get_statisticsobjdef pg_get_statisticsobjdef_columns
        pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_identify_object
        pg_identify_object_as_address pg_index_column_has_property pg_index_has_property pg_indexam_has_property
        pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table
        pg_partition_ancestors pg_partition_root pg_partition_tree pg_relation_is_updatable
        pg_sequence_last_value pg_sequence_parameters pg_settings_get_flags pg_show_all_settings
        pg_statistics_obj_is_visible pg_table_is_visible pg_timezone_abbrevs_abbrevs pg_timezone_abbrevs_zone
        pg_timezone_names pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible
        pg_ts_template_is_visible pg_type_is_visible pg_typeof querytree regclass shobj_description to_regclass
        to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole
        to_regtype to_regtypemod
    """,
    # The session and the server.
    "session": """
        current_database current_query current_schema current_schemas current_user get_current_ts_config
        getdatabaseencoding icu_unicode_version inet_client_addr inet_client_port inet_server_addr
        inet_server_port pg_backend_pid pg_blocking_pids pg_client_encoding pg_conf_load_time
        pg_is_other_temp_schema pg_listening_channels pg_my_temp_schema pg_postmaster_start_time
        pg_trigger_depth session_user system_user unicode_version version
    """,
    # JSON; types named in text are judged where they are written.
    "json": """
        array_to_json json_agg json_agg_strict json_array_elements json_array_elements_text json_array_length
        json_build_array json_build_object json_each json_each_text json_extract_path json_extract_path_text
        json_object json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
        json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record
        json_to_recordset json_to_tsvector json_typeof jsonb_agg jsonb_agg_strict jsonb_array_elements
        jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_contained
        jsonb_contains jsonb_delete jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any
        jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
        jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_object_keys
        jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query
        jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz
        jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset
        jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
        jsonb_to_tsvector jsonb_typeof row_to_json to_json to_jsonb
    """,
    # XML; what runs a query (query_to_xml, …) is left out.
    "xml": """
        xml xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlagg xmlcomment
        xmlexists xmltext xpath xpath_exists
    """,
    # Text search; ts_stat and ts_rewrite run text and are left out.
    "text_search": """
        array_to_tsvector numnode phraseto_tsquery plainto_tsquery setweight strip to_tsquery to_tsvector
        ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type
        tsquery_phrase tsvector_to_array websearch_to_tsquery
    """,
    # Ranges and multiranges.
    "ranges": """
        datemultirange daterange enum_range hash_multirange hash_multirange_extended hash_range
        hash_range_extended int4multirange int4range int8multirange int8range isempty lower_inc lower_inf
        multirange nummultirange numrange range_adjacent range_agg range_intersect_agg range_merge tsmultirange
        tsrange tstzmultirange tstzrange upper_inc upper_inf
    """,
    # Arrays and sets.
    "arrays": """
        any_value array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
        array_position array_positions array_prepend array_remove array_replace array_reverse array_sample
        array_shuffle array_sort array_to_string array_upper arraycontained arraycontains arrayoverlap
        cardinality generate_series generate_subscripts num_nonnulls num_nulls string_to_array trim_array unnest
    """,
    # Aggregates and window functions.
    "aggregates": """
        avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
        first_value lag last_value lead max min min_scale mode nth_value ntile percent_rank percentile_cont
        percentile_disc rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
        regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
    """,
    # Dates and times.
    "time": """
        age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract interval isfinite
        justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp
        make_timestamptz now overlaps statement_timestamp time timeofday timestamp timestamptz timetz timezone
        to_date to_timestamp transaction_timestamp
    """,
    # Addresses.
    "network": """
        abbrev broadcast cidr family host hostmask inet_merge inet_same_family macaddr macaddr8 macaddr8_set7bit
        masklen netmask network set_masklen
    """,
    # Geometry.
    "geometry": """
        area bound_box box center circle diameter height isclosed ishorizontal isopen isparallel isperp
        isvertical line lseg npoints path pclose point polygon popen radius slope width
    """,
    # Digests, hashes and identifiers.
    "digests": """
        crc32 crc32c gen_random_uuid hash_array hash_array_extended hash_numeric hash_numeric_extended
        hash_record hash_record_extended hashbpchar hashchar hashfloat8 hashint2 hashint4 hashint4extended
        hashint8 hashint8extended hashname hashoid hashtext hashtextextended md5 sha224 sha256 sha384 sha512
        uuid_extract_timestamp uuid_extract_version uuid_hash uuid_hash_extended uuidv4 uuidv7
    """,
    # Casts spelled as functions.
    "conversion": """
        bit bool bpchar bytea char float4 float8 int2 int4 int8 money name numeric oid text varbit varchar xid
    """,
    # Mathematics.
    "mathematics": """
        abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot
        cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 mod numeric_div_trunc pi
        pow power radians random random_normal round scale sign sin sind sinh sqrt tan tand tanh trim_scale
        trunc width_bucket
    """,
    # Strings and bytes.
    "strings": """
        ascii bit_count bit_length btrim casefold cash_words char_length character_length chr concat concat_ws
        convert convert_from convert_to decode diagonal encode enum_first enum_last format get_bit get_byte
        initcap is_normalized left length like_escape lower lpad ltrim normalize octet_length overlay
        parse_ident position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like
        regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr
        repeat replace reverse right rpad rtrim set_bit set_byte similar_escape similar_to_escape split_part
        starts_with string_to_table strpos substr substring to_ascii to_bin to_char to_hex to_number to_oct
        translate unicode_assigned unistr upper
    """,
}

PURPOSES: Mapping[str, frozenset[str]] = {purpose: words(names) for purpose, names in _BY_PURPOSE.items()}
"""Purpose → unqualified names."""

HARMLESS: frozenset[str] = frozenset().union(*PURPOSES.values())
"""Every name of `PURPOSES`."""
