//! Limits on the RSA keys that are accepted.

use openssl::pkey::HasPublic;
use openssl::rsa::Rsa;

/// Shortest modulus, in bits.
pub const MIN_BITS: u32 = 2048;
/// Longest modulus, in bits: the cost of an operation grows with the cube of its length.
pub const MAX_BITS: u32 = 4096;
/// Smallest public exponent.
pub const MIN_EXPONENT: u32 = 3;
/// Longest public exponent, in bits: a long one makes public operations slow.
pub const MAX_EXPONENT_BITS: i32 = 33;
/// Longest text or DER that is read as a key, in bytes.
pub const MAX_KEY_BYTES: usize = 8 * 1024;

/// True if modulus and exponent are what tools make: both odd, the exponent within bounds.
pub(crate) fn has_acceptable_numbers<T: HasPublic>(key: &Rsa<T>) -> bool {
    let exponent = key.e();
    let least = openssl::bn::BigNum::from_u32(MIN_EXPONENT);
    key.n().is_bit_set(0)
        && exponent.is_bit_set(0)
        && exponent.num_bits() <= MAX_EXPONENT_BITS
        && least.is_ok_and(|least| exponent >= &*least)
}
