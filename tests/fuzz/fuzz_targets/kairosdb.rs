#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| irontsd_fuzz::targets::kairosdb::check(bytes));
