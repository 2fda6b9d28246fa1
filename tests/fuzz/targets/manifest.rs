//! Manifests: what can be read is written and read back the same.

use std::path::Path;

use irontsd_engine::checksum;
use irontsd_engine::manifest::Manifest;

/// See the module. The checksum is put behind, unless the first byte is zero.
pub fn check(bytes: &[u8]) {
    let Some((&how, body)) = bytes.split_first() else { return };
    let mut text = body.to_vec();
    if how > 0 {
        let sum = checksum::continued(0, body);
        text.extend_from_slice(format!("checksum {sum:08x}\n").as_bytes());
    }
    let path = Path::new("MANIFEST");
    let Ok(manifest) = Manifest::parse(path, &text) else { return };
    let again = Manifest::parse(path, manifest.encode().as_bytes());
    assert_eq!(again.expect("its own text"), manifest);
}
