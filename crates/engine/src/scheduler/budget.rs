//! How the tokens of a step are divided.

/// Divides `budget` among demands so that the smallest share is as large as possible (max-min fairness): whoever wants
/// no more than an even share gets all of it, and the others divide what is left evenly. Where there is less than one
/// token for each, those that come first get one.
pub(super) fn share(budget: u32, demands: &[u32]) -> Vec<u32> {
    let mut grants = vec![0; demands.len()];
    let mut left = budget;
    let mut order: Vec<usize> = (0..demands.len()).filter(|index| demands[*index] > 0).collect();
    if order.len() as u64 > u64::from(budget) {
        order.truncate(budget as usize);
        order.iter().for_each(|index| grants[*index] = 1);
        return grants;
    }
    // Stable: of equal demands, those that come first are served first; what does not divide evenly goes to the last.
    order.sort_by_key(|index| demands[*index]);
    for (served, index) in order.iter().enumerate() {
        let even = left / (order.len() - served) as u32;
        grants[*index] = demands[*index].min(even);
        left -= grants[*index];
    }
    grants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::philox_uniform;

    #[test]
    fn small_demands_are_met_and_large_ones_divide_the_rest() {
        for (budget, demands, expected) in [
            (512, vec![1, 1000, 1, 40], vec![1, 470, 1, 40]),
            (512, vec![1, 1000, 2000, 1], vec![1, 255, 255, 1]),
            (10, vec![9, 9, 9], vec![3, 3, 4]),
            (3, vec![5, 0, 1, 1, 1], vec![1, 0, 1, 1, 0]),
            (8, vec![3], vec![3]),
            (8, vec![], vec![]),
            (0, vec![2], vec![0]),
        ] {
            assert_eq!(share(budget, &demands), expected, "{budget} for {demands:?}");
        }
    }

    #[test]
    fn no_share_can_grow_without_a_smaller_one_shrinking() {
        for round in 0..500 {
            let number = |index: u64, limit: f64| (philox_uniform(round, index) * limit) as u32;
            let budget = number(0, 100.0);
            let demands: Vec<u32> = (0..u64::from(number(1, 12.0)))
                .map(|index| number(2 + index, 40.0))
                .collect();
            let grants = share(budget, &demands);
            let total: u32 = grants.iter().sum();
            assert_eq!(total, budget.min(demands.iter().sum()), "nothing is wasted");
            let unmet = |index: usize| grants[index] < demands[index];
            for index in (0..demands.len()).filter(|index| unmet(*index)) {
                let most = grants.iter().max().copied().unwrap_or(0);
                assert!(grants[index] + 1 >= most, "{budget} for {demands:?}: {grants:?}");
            }
        }
    }
}
