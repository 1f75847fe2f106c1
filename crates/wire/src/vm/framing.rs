//! Bytes in RSA blocks of fixed size (vm-api.md section 4.2).
//!
//! Plain bytes are cut into pieces, and each piece becomes one block of the key's length. The text
//! that is sent is hex(base64(block1 || block2 || ...)). Characters may straddle blocks, so pieces
//! are joined before they are read as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of each block that the padding of PKCS#1 v1.5 encryption takes.
pub const PADDING_BYTES: usize = 11;

/// The number of plain bytes that fit into one block of `modulus_bytes`.
#[must_use]
pub fn piece_bytes(modulus_bytes: usize) -> usize {
    modulus_bytes.saturating_sub(PADDING_BYTES).max(1)
}

/// The pieces of a plain text, each of which fits into one block of `modulus_bytes`.
pub fn pieces(plain: &[u8], modulus_bytes: usize) -> impl Iterator<Item = &[u8]> {
    plain.chunks(piece_bytes(modulus_bytes))
}

/// The text of blocks that were joined in order: base64 once over all, then lower-case hex.
#[must_use]
pub fn to_text(blocks: &[u8]) -> String {
    let inner = STANDARD.encode(blocks);
    let mut text = vec![0; inner.len() * 2];
    hex::encode_to_slice(inner, &mut text).expect("two digits for each byte");
    String::from_utf8(text).expect("hexadecimal digits are text")
}

/// The joined blocks behind a text; `None` if it is not hex of base64. Hex is accepted in either
/// case, as clients accept it.
#[must_use]
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(hex::decode(text).ok()?).ok()
}

/// The blocks of a ciphertext for a key of `modulus_bytes`; `None` if they are not whole or there
/// are no blocks.
#[must_use]
pub fn blocks(joined: &[u8], modulus_bytes: usize) -> Option<std::slice::ChunksExact<'_, u8>> {
    let is_whole = !joined.is_empty() && joined.len().is_multiple_of(modulus_bytes);
    is_whole.then(|| joined.chunks_exact(modulus_bytes))
}

#[cfg(test)]
mod tests {
    use crypto::RsaPrivateKey;
    use domain::RsaPadding;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_hex_of_the_base64_of_all_blocks() {
        assert_eq!(to_text(b"\x00\xff"), "4150383d");
        assert_eq!(from_text(&hex::encode("AP8=").to_uppercase()), Some(vec![0, 255]));
        assert_eq!(to_text(&[0; 256]).len(), 688);
        assert_eq!(to_text(&[0; 512]).len(), 1368);
        for bad in ["", "4", "zz", "41", &hex::encode("AP8"), &hex::encode("A P8=")] {
            assert!(from_text(bad).is_none_or(|joined| joined.is_empty()), "{bad}");
        }
    }

    #[test]
    fn a_ciphertext_is_whole_blocks() {
        assert_eq!(blocks(&[0; 512], 256).map(Iterator::count), Some(2));
        assert!(blocks(&[0; 511], 256).is_none());
        assert!(blocks(&[], 256).is_none());
    }

    /// Made with keys of our own, drawn for this file: `java` by OpenJDK 17's
    /// `Cipher.getInstance("RSA/ECB/PKCS1Padding")` and `Base64`, `node` by Node.js 20's
    /// `crypto.publicEncrypt` with `RSA_PKCS1_PADDING`, each piece by piece as vm-api.md section
    /// 4.2 says, by programs that share no code with this repository. Keys are PKCS#8.
    const VECTORS: &str = include_str!("../../../../docs/spec/data/vm-envelope-vectors.json");

    #[test]
    fn what_java_and_node_encrypted_is_read_back_also_across_blocks() {
        let all: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let (mut read, mut straddling) = (0, 0);
        for vector in all["vectors"].as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap();
            let der = STANDARD.decode(all["keys"][text("key")].as_str().unwrap()).unwrap();
            let key = RsaPrivateKey::from_pkcs8_der(&der).unwrap();
            let modulus_bytes = key.public_key().bits() as usize / 8;
            let joined = from_text(text("content")).unwrap();
            assert_eq!(to_text(&joined), text("content"));
            let opened = blocks(&joined, modulus_bytes)
                .unwrap()
                .map(|block| key.decrypt(RsaPadding::Pkcs1, block).unwrap().to_vec());
            let opened: Vec<Vec<u8>> = opened.collect();
            assert_eq!(opened.concat(), text("text").as_bytes(), "{}", text("made_by"));
            straddling += usize::from(opened.iter().any(|it| std::str::from_utf8(it).is_err()));
            read += 1;
        }
        assert_eq!((read, straddling), (18, 10));
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_whole_and_fit(
            plain: Vec<u8>,
            bits in prop::sample::select(vec![2048_usize, 3072, 4096]),
        ) {
            let modulus = bits / 8;
            let cut: Vec<&[u8]> = pieces(&plain, modulus).collect();
            prop_assert!(cut.iter().all(|piece| piece.len() <= modulus - PADDING_BYTES));
            prop_assert_eq!(cut.concat(), plain.clone());
            prop_assert_eq!(from_text(&to_text(&plain)), Some(plain));
        }
    }
}
