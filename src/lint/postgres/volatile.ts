/**
 * Functions whose value differs from row to row. A default with one rewrites the table.
 */
import { functionsIn } from './nodes.ts'

/** Functions of PostgreSQL that are stable or immutable and stand in defaults. */
const steady = new Set(
  (
    'now transaction_timestamp statement_timestamp current_setting current_schema current_database ' +
    'current_user session_user age date_trunc date_part extract timezone make_date make_interval ' +
    'make_time make_timestamp make_timestamptz to_char to_date to_number to_timestamp ' +
    'abs ceil ceiling floor round trunc sign sqrt power mod greatest least width_bucket div ' +
    'concat concat_ws lower upper initcap length char_length octet_length left right lpad rpad ltrim ' +
    'rtrim btrim trim substr substring replace translate repeat reverse split_part position md5 sha256 ' +
    'encode decode convert_to convert_from format chr ascii quote_ident quote_literal ' +
    'array_append array_cat array_fill array_length array_position array_to_string string_to_array ' +
    'json_build_array json_build_object jsonb_build_array jsonb_build_object json_object jsonb_object ' +
    'to_json to_jsonb row_to_json array_to_json jsonb_set ' +
    'int4range int8range numrange daterange tsrange tstzrange point box circle to_tsvector ' +
    'inet_client_addr inet_server_addr host network pg_backend_pid'
  ).split(' '),
)

/**
 * Names of functions that are volatile, or not known: CREATE FUNCTION makes volatile ones by
 * default.
 */
export function volatileFunctions(expression: unknown): string[] {
  return functionsIn(expression).filter((name) => !steady.has(name.toLowerCase()))
}
