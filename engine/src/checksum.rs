//! CRC-32C, seeded so that the right bytes in the wrong place do not pass.

/// Checksum of some bytes that belong at `offset` of the file with this salt.
pub fn seeded(salt: u64, offset: u64, bytes: &[u8]) -> u32 {
    let mut seed = [0u8; 16];
    seed[..8].copy_from_slice(&salt.to_le_bytes());
    seed[8..].copy_from_slice(&offset.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&seed), bytes)
}

/// Continues a checksum.
pub fn continued(sum: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(sum, bytes)
}
