//! Percentiles of measured values.

/// The value below which `per_mille` of 1000 values lie, by the nearest rank; zero if there are
/// none.
pub fn percentile(sorted: &[f64], per_mille: usize) -> f64 {
    let rank = (sorted.len() * per_mille).div_ceil(1000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The values in order.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The middle value.
pub fn median(values: Vec<f64>) -> f64 {
    percentile(&sorted(values), 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let values = sorted((1..=1000).rev().map(f64::from).collect());
        assert_eq!([500, 990, 999].map(|p| percentile(&values, p)), [500.0, 990.0, 999.0]);
        assert_eq!(percentile(&values[..10], 999), 10.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(percentile(&[], 500), 0.0);
    }
}
