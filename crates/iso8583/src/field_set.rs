//! Sets of fields, as bitmaps have them.

/// A set of fields from 1 to 128. Bit 1 of the primary bitmap is the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldSet(u128);

impl FieldSet {
    /// The set of which these are the primary and the secondary bitmap.
    #[must_use]
    pub fn from_bitmaps(primary: u64, secondary: u64) -> Self {
        Self(u128::from(primary) << 64 | u128::from(secondary))
    }

    /// The primary and the secondary bitmap, without bit 1.
    #[must_use]
    pub fn to_bitmaps(self) -> (u64, u64) {
        let halves = self.without(1).0.to_be_bytes();
        let (primary, secondary) = halves.split_at(8);
        let half = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        (half(primary), half(secondary))
    }

    const fn bit(number: u8) -> u128 {
        match number {
            1..=128 => 1 << (128 - number),
            _ => 0,
        }
    }

    /// Whether the field is in the set.
    #[must_use]
    pub const fn contains(self, number: u8) -> bool {
        self.0 & Self::bit(number) != 0
    }

    /// The set with this field as well; a number that is no field changes nothing.
    #[must_use]
    pub const fn with(self, number: u8) -> Self {
        Self(self.0 | Self::bit(number))
    }

    /// The set without this field.
    #[must_use]
    pub const fn without(self, number: u8) -> Self {
        Self(self.0 & !Self::bit(number))
    }

    /// The fields of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a field above 64 is in the set.
    #[must_use]
    pub const fn has_secondary(self) -> bool {
        self.0 << 64 != 0
    }

    /// How many fields of the set have a lower number.
    #[must_use]
    pub const fn rank(self, number: u8) -> usize {
        let above = Self::bit(number).wrapping_shl(1).wrapping_sub(1);
        (self.0 & !above).count_ones() as usize
    }
}

impl FromIterator<u8> for FieldSet {
    fn from_iter<T: IntoIterator<Item = u8>>(numbers: T) -> Self {
        numbers.into_iter().fold(Self::default(), Self::with)
    }
}

impl IntoIterator for FieldSet {
    type Item = u8;
    type IntoIter = Fields;

    fn into_iter(self) -> Fields {
        Fields(self)
    }
}

/// The fields of a set in ascending order.
pub struct Fields(FieldSet);

impl Iterator for Fields {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        // At most 128, and 128 for the empty set, for which there is no field 129.
        let number = u8::try_from(self.0.0.leading_zeros() + 1).ok().filter(|it| *it <= 128)?;
        self.0 = self.0.without(number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_its_fields_in_order() {
        let numbers = [1, 2, 64, 65, 128];
        let set: FieldSet = numbers.into_iter().rev().collect();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), numbers);
        for (rank, number) in numbers.into_iter().enumerate() {
            assert_eq!(set.rank(number), rank);
            assert!(set.contains(number) && !set.without(number).contains(number));
        }
        let (primary, secondary) = set.to_bitmaps();
        assert_eq!((primary, secondary), (1 << 62 | 1, 1 << 63 | 1));
        assert_eq!(FieldSet::from_bitmaps(primary, secondary), set.without(1));
        assert_eq!(set.with(0).with(129), set);
    }
}
