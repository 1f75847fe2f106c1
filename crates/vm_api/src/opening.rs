//! A bad `content` costs as many RSA operations as a good one of its size
//! (docs/decisions/003-rsa-decryption.md, vm-api.md section 15).

use crypto::CryptoError;
use wire::vm::envelope::Content;
use wire::vm::framing;
use zeroize::Zeroizing;

/// The blocks that are decrypted for a content.
pub(super) struct Blocks {
    joined: Vec<u8>,
    block_bytes: usize,
    /// True if they are the content's own.
    is_whole: bool,
}

impl Blocks {
    /// The blocks of a content in a body of this size. Blocks of zeros, as many as such a body
    /// carries, replace a content that is not a ciphertext.
    pub(super) fn of(content: Content, body_bytes: usize, block_bytes: usize) -> Self {
        let joined = match content {
            Content::Sealed(joined) => joined,
            Content::Empty | Content::Unreadable => Vec::new(),
        };
        let is_whole = framing::blocks(&joined, block_bytes).is_some();
        let joined = if is_whole { joined } else { vec![0; carried(body_bytes, block_bytes)] };
        Self { joined, block_bytes, is_whole }
    }

    /// The blocks, one by one.
    pub(super) fn each(&self) -> std::slice::ChunksExact<'_, u8> {
        self.joined.chunks_exact(self.block_bytes)
    }

    /// True if they are the content's own, so their plain text is worth reading.
    pub(super) const fn are_whole(&self) -> bool {
        self.is_whole
    }
}

/// Bytes of whole blocks that a body of this size carries, at least one block.
fn carried(body_bytes: usize, block_bytes: usize) -> usize {
    // Hex doubles, base64 adds a third; the JSON round it is far less than a block.
    let bytes = body_bytes / 2 * 3 / 4;
    (bytes / block_bytes).max(1) * block_bytes
}

/// Decrypts a block. A block that is not below the modulus is refused before any arithmetic; a
/// block of zeros is then decrypted instead, so both take the same time.
pub(super) fn open_block(
    decrypt: impl Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>,
    block: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    decrypt(block).map_err(|_| drop(decrypt(&vec![0; block.len()]))).ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crypto::RsaPrivateKey;
    use domain::RsaPadding;
    use wire::vm::envelope::{parse_request, request};

    use super::*;

    const BITS: u32 = 2_048;
    const BLOCK: usize = BITS as usize / 8;

    /// RSA operations that a body costs, and whether anything of it is readable.
    fn operations(key: &RsaPrivateKey, body: &[u8]) -> (usize, bool) {
        let blocks = Blocks::of(parse_request(body).unwrap(), body.len(), BLOCK);
        let done = Cell::new(0);
        let decrypt = |block: &[u8]| {
            let opened = key.decrypt(RsaPadding::Pkcs1, block);
            done.set(done.get() + usize::from(opened.is_ok()));
            opened
        };
        let opened = blocks.each().filter(|block| open_block(decrypt, block).is_some()).count();
        (done.get(), blocks.are_whole() && opened == blocks.each().len())
    }

    #[test]
    fn every_bad_content_takes_the_rsa_operations_of_a_good_one_of_its_size() {
        let key = RsaPrivateKey::generate(BITS).unwrap();
        for count in [1, 2, 3, 100] {
            let good = key.public_key().encrypt(RsaPadding::Pkcs1, b"{}").unwrap().repeat(count);
            let text = request(&good);
            let text = std::str::from_utf8(&text).unwrap();
            let with = |changed: &dyn Fn(&mut Vec<u8>)| {
                let mut blocks = good.clone();
                changed(&mut blocks);
                request(&blocks)
            };
            let bad: [(&str, bool, Vec<u8>); 9] = [
                ("good", true, text.as_bytes().to_vec()),
                ("bad padding", true, with(&|it| it[BLOCK - 1] ^= 1)),
                ("zero", true, with(&|it| it.fill(0))),
                ("the first not below the modulus", false, with(&|it| it[..BLOCK].fill(0xff))),
                ("none below the modulus", false, with(&|it| it.fill(0xff))),
                ("a byte short", false, with(&|it| _ = it.pop())),
                ("a byte long", false, with(&|it| it.push(1))),
                ("not hex", false, text.replace(":\"", ":\"zz").into_bytes()),
                (
                    "a number",
                    false,
                    format!("{{\"content\":{}}}", "7".repeat(text.len() - 12)).into_bytes(),
                ),
            ];
            for (what, is_readable, body) in bad {
                assert_eq!(operations(&key, &body), (count, is_readable), "{what}, {count}");
            }
        }
    }
}
