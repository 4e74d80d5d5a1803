#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellhop_signin::fuzzing::challenge(bytes));
