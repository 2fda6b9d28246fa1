//! What lines and bodies are made of beyond the ordinary: one list for each place in them.

/// Metrics; the first seven are good.
#[rustfmt::skip]
pub const METRICS: &[&str] = &[
    "sys.cpu.user", "m", "a=b", "h\u{e9}", "x", "put", "new.metric", "m\u{1}", "\u{65e5}\u{672c}",
];

/// The rest of a line; the first six are good.
#[rustfmt::skip]
pub const TAGS: &[&str] = &[
    "host=a", "host=a cpu=0", "cpu=0 host=a", "", "host=a  cpu=0", "host=a ", " host=a",
    "host=a host=a", "host=a host=b", "host", "host=", "=a", "a=b=c", "__name__=x", "k=\u{e9}",
    "host=a\t", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9", "status=production fqdn=test-host",
];

/// Timestamps of lines.
#[rustfmt::skip]
pub const TIMES: &[&str] = &[
    "1", "0", "-1", "", "4294967295", "4294967296", "9999999999999", "10000000000000",
    "1356998400.5", "1356998400.500", "1356998400.", ".5", "0001356998400", "+1356998400", "1e9",
    "notatime", "1356998400123", "1356998400.1239", "99999999999999999999",
];

/// Values of lines.
#[rustfmt::skip]
pub const VALUES: &[&str] = &[
    "0", "-0", "0.0", "-0.0", "-.0", ".", "-", "+1", "1.", ".5", "", "999999999999999",
    "1000000000000000", "9999999999999999", "99999999999999.99", "0.00000000000001",
    "0.123456789012345", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "18446744073709551616", "1e5", "1E-7", "1e400", "-1e400", "4.9e-324", "1.5f", "0x1p3", "NaN",
    "Infinity", "0000000000000001", "000000000000001", "-000000000000001",
    "1.000000000000000000000", "0,1=2", "u=0:o=1:0,1.5=42:1.5,5.75=24", "1_0", "0.10",
    "100000000000000.0",
];

/// Lines that are no ordinary `put`.
#[rustfmt::skip]
pub const COMMANDS: &[&str] = &[
    "version", "stats", "status", "help", "diediedie", "", " ", "  version", "version ",
    "VERSION", "put", "put ", "put  ", "puts m 1 1", "rollup 1h-sum m 1 1 a=b", "histogram",
    "histogram m 1 7 AAIA h=a", "histogram m 1 0,1=1:2,3=1 h=a",
    "histogram m 1 42 AAIAAAAAP4AAACo/gAAAQKAAABgAAQ== h=a", "rollup", "\u{ff}",
    "put m 1 1 a=b\rput m 2 2 a=b", "histogram m 1  h=a", "histogram m 1 u=1;o=2 h=a",
];

/// Names in JSON, escaped.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "", "a", "__name__", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\n\\/\\\\", "a=b c", "\u{e9}",
    "\u{7f}", "\\x", "\\u0000", "sys.cpu.user", "\\\"",
];

/// Values in JSON.
#[rustfmt::skip]
pub const JSON_VALUES: &[&str] = &[
    "NaN", "-INF", "null", "\"\"", "\" 1.5 \"", "true", "{}", "[]", "01", "1.", "-0", "-0.0",
    "1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "1.7976931348623157e308", "4.9e-324", "1E5", "\"1e5\"", "\".5\"", "\"+42\"",
    "0.30000000000000004", "123456789012345678901234567890.5", "2.2250738585072011e-308",
    "9007199254740993.0", "1e23", "\"0,1=5\"", "{\"a\":[1,{}]}",
];

/// Timestamps in JSON.
#[rustfmt::skip]
pub const JSON_TIMES: &[&str] = &[
    "null", "\"\"", "0", "1e9", "\"1 \"", "9999999999999", "10000000000000", "-1", "1356998400.5",
    "\"1356998400.5\"", "\"1356998400\"", "4294967296", "1.3654656005e9",
];

/// White space in JSON.
#[rustfmt::skip]
pub const SPACES: &[&str] = &[
    "", "", "", "", " ", "\n", "\t\r\n ",
];

/// Bits of the syntax of telnet lines, to put where they do not belong.
#[rustfmt::skip]
pub const TELNET: &[&[u8]] = &[
    b" ", b"  ", b"\n", b"\r\n", b"\r", b"\t", b"=", b"==", b".", b"-", b"+", b"e", b"put ",
    b"put", b"histogram ", b":", b",", b";", b"\0", b"\xff", b"\xff\xfb\x18",
    b"\xff\xfa\x18\xff\xf0", b"\xff\xf4", b"\xff\xff", b"\xc3\xa9", b"\xe2\x80", b"\x80", b"\x1f",
    b"\x7f", b"\xc2\x85", b"0", b"9", b"999999999999999", b"9223372036854775808", b"NaN",
    b"__name__=x", b"exit\n", b"u=1",
];

/// The same of JSON.
#[rustfmt::skip]
pub const JSON: &[&[u8]] = &[
    b"\"", b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\0", b"\x1f", b"\x0c", b"0",
    b"-", b".", b"e", b"E+", b"1", b"00", b"null", b"true", b"NaN", b"\\u0", b"\\u00e9",
    b"\\ud83d", b"\\ude00", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"9223372036854775808", b"18446744073709551616", b"1e400", b"-0.0", b"\"tags\":{",
    b"\"value\":", b"\"metric\":\"m\",", b"/*",
];
